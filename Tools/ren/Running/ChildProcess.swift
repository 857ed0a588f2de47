import RenCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A program run to its end, whose standard output is kept; its standard error is ours.
enum ChildProcess {
    enum End: Equatable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    /// Blocks until the child has ended.
    ///
    /// - Throws: `internal` when it cannot be started.
    static func run(_ executable: String, _ arguments: [String]) throws(RenError) -> (end: End, output: [UInt8]) {
        Terminal.flush()
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw failure("a pipe cannot be made", errno) }
        let (reader, writer) = (ends[0], ends[1])
        defer { close(reader) }
        // The child shall not hold the end that we read, nor a second one that it writes.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let (process, code) = spawn(executable, arguments, output: writer)
        close(writer)
        guard code == 0 else { throw failure("\(executable) cannot be run", code) }
        let output = readAll(reader)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return (signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal), output)
    }

    private static func spawn(
        _ executable: String, _ arguments: [String], output: Int32
    ) -> (process: pid_t, code: Int32) {
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        #else
        var actions = posix_spawn_file_actions_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        var words = ([executable] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, executable, &actions, nil, &words, environ)
        return (process, code)
    }

    private static func readAll(_ descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }

    private static func failure(_ what: String, _ code: Int32) -> RenError {
        RenError(.internalError, "\(what): \(String(cString: strerror(code)))")
    }
}
