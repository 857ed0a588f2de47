import RenCore
import Subprocess

#if canImport(System)
import System
#else
import SystemPackage
#endif

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// How a process is started, in a session of its own and with nothing of ours but the two pipes.
///
/// swift-subprocess spawns on one thread that lives as long as this process, so a child may ask the kernel to be killed
/// with its parent (`PR_SET_PDEATHSIG` follows the *thread* that spawned). The pipes are ours and not the library's: it
/// stops reading when the process ends, and the last words of a crash would be lost.
struct WorkerProcess {
    var executable: String
    var arguments: [String]
    var environment: [String: String]
    var directory: String

    /// Runs it to its end; the descriptors are closed here as soon as the process has them.
    ///
    /// - Parameter started: gets the process number, which is that of its session and group too.
    /// - Returns: how it ended, in words: `exit status 1`, `signal 9 (SIGKILL)`.
    func run(output: Int32, errors: Int32, started: @escaping @Sendable (Int32) -> Void) async throws -> String {
        var options = PlatformOptions()
        options.createSession = true
        let variables = environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) }
        let result = try await Subprocess.run(
            .path(FilePath(executable)), arguments: Arguments(arguments),
            environment: .custom(Dictionary(uniqueKeysWithValues: variables)),
            workingDirectory: FilePath(directory), platformOptions: options, input: .none,
            output: .fileDescriptor(FileDescriptor(rawValue: output), closeAfterSpawningProcess: true),
            error: .fileDescriptor(FileDescriptor(rawValue: errors), closeAfterSpawningProcess: true)
        ) { execution in
            started(execution.processIdentifier.value)
        }
        return Self.words(result.terminationStatus)
    }

    static func words(_ status: TerminationStatus) -> String {
        switch status {
        case .exited(let code): "exit status \(code)"
        case .signaled(let signal): "signal \(signal)\(signalName(signal).map { " (\($0))" } ?? "")"
        }
    }

    private static func signalName(_ signal: Int32) -> String? {
        switch signal {
        case SIGHUP: "SIGHUP"
        case SIGINT: "SIGINT"
        case SIGILL: "SIGILL"
        case SIGTRAP: "SIGTRAP"
        case SIGABRT: "SIGABRT"
        case SIGBUS: "SIGBUS"
        case SIGFPE: "SIGFPE"
        case SIGKILL: "SIGKILL"
        case SIGSEGV: "SIGSEGV"
        case SIGPIPE: "SIGPIPE"
        case SIGTERM: "SIGTERM"
        case SIGXCPU: "SIGXCPU"
        case SIGXFSZ: "SIGXFSZ"
        case SIGSYS: "SIGSYS"
        default: nil
        }
    }

    /// A pipe whose ends no program that is started later inherits; workers get nothing anyway but what they are given.
    ///
    /// - Throws: `worker.failed` when this process has no descriptors left.
    static func pipe() throws(RenError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        #if canImport(Darwin)
        let code = Darwin.pipe(&ends)
        #elseif canImport(Glibc)
        let code = Glibc.pipe(&ends)
        #else
        let code = Musl.pipe(&ends)
        #endif
        for end in ends where code == 0 { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        guard code == 0 else { throw RenError(.workerFailed, "no pipe for a worker's output: \(lastSystemError())") }
        return (ends[0], ends[1])
    }
}
