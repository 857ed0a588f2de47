import RenCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A program run to its end for what it prints.
struct ChildProcess {
    enum End: Equatable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    var end: End
    var output: [UInt8]
    /// Its standard error; what is more than a pipe holds (64 KiB) would hold it up, so it must be short.
    var errors: String

    /// Runs `executable` and blocks until it has ended.
    ///
    /// - Throws: `internal` when it cannot be started.
    init(_ executable: String, _ arguments: [String]) throws(RenError) {
        Terminal.flush()
        let (output, errors) = (try Self.pipe(), try Self.pipe())
        defer {
            close(output.reader)
            close(errors.reader)
        }
        let (process, code) = Self.spawn(executable, arguments, output: output.writer, errors: errors.writer)
        close(output.writer)
        close(errors.writer)
        guard code == 0 else { throw Self.failure("\(executable) cannot be run", code) }
        self.output = Self.readAll(output.reader)
        self.errors = String(decoding: Self.readAll(errors.reader), as: UTF8.self)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        end = signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)
    }

    /// Both ends are closed in the child, but for the copies that it is given.
    private static func pipe() throws(RenError) -> (reader: Int32, writer: Int32) {
        var ends: [Int32] = [-1, -1]
        #if canImport(Darwin)
        let code = Darwin.pipe(&ends)
        #elseif canImport(Glibc)
        let code = Glibc.pipe(&ends)
        #else
        let code = Musl.pipe(&ends)
        #endif
        guard code == 0 else { throw failure("a pipe cannot be made", errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func spawn(
        _ executable: String, _ arguments: [String], output: Int32, errors: Int32
    ) -> (process: pid_t, code: Int32) {
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        #else
        var actions = posix_spawn_file_actions_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
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
