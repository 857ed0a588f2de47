import RenCore
import Subprocess
import Synchronization

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

/// A program that is run to its end for what it prints.
struct Command {
    var executable: String
    var arguments: [String]
    var environment: [String: String]
    var directory: String?

    struct Outcome {
        /// Exit status 0.
        var succeeded: Bool
        /// In words: `exit status 1`.
        var status: String
        /// The last 400 lines of both streams, as they came.
        var lines: [String]
    }

    /// Runs it in a session of its own, which is killed when the time is up or the task is cancelled.
    ///
    /// - Throws: `python.missing` when it cannot be started, `request.cancelled` when the task was.
    func run(timeLimit: Duration, line: @escaping @Sendable (String) -> Void = { _ in }) async throws(RenError)
        -> Outcome
    {
        let collector = Collector(line: line)
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero)]
        let variables = environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) }
        do {
            let result = try await Subprocess.run(
                .path(FilePath(executable)), arguments: Arguments(arguments),
                environment: .custom(Dictionary(uniqueKeysWithValues: variables)),
                workingDirectory: directory.map { FilePath($0) }, platformOptions: options, input: .none,
                output: .sequence, error: .combinedWithOutput
            ) { execution in
                let process = execution.processIdentifier.value
                return try await Self.within(timeLimit, killing: process) {
                    for try await chunk in execution.standardOutput {
                        chunk.withUnsafeBytes { collector.feed($0) }
                    }
                }
            }
            collector.finish()
            // It was killed for that, so how it ended says nothing of it.
            try Task.checkCancellation()
            let words = WorkerProcess.words(result.terminationStatus)
            return Outcome(
                succeeded: result.terminationStatus.isSuccess && result.closureResult,
                status: result.closureResult ? words : "ended after \(timeLimit), the time limit",
                lines: collector.lines)
        } catch {
            guard !Task.isCancelled else {
                throw RenError(.workCancelled, "\(executable) was ended: nobody waits for it any more")
            }
            throw RenError(.pythonMissing, "\(executable) cannot be run: \(error)")
        }
    }

    /// Whether `body` was done in time; what is over time is killed with its whole group.
    private static func within(
        _ limit: Duration, killing process: Int32, _ body: @escaping @Sendable () async throws -> Void
    ) async throws -> Bool {
        try await withThrowingTaskGroup { group in
            group.addTask {
                try await body()
                return true
            }
            group.addTask {
                try await Task.sleep(for: limit)
                kill(-process, SIGKILL)
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? true
        }
    }
}

/// Lines of a program, handed on as they come.
private final class Collector: Sendable {
    private let line: @Sendable (String) -> Void
    private let state = Mutex((cutter: LineCutter(), lines: [String]()))

    static let linesMax = 400

    init(line: @escaping @Sendable (String) -> Void) {
        self.line = line
    }

    var lines: [String] { state.withLock(\.lines) }

    func feed(_ bytes: UnsafeRawBufferPointer) {
        keep(state.withLock { $0.cutter.feed(bytes) })
    }

    func finish() {
        keep(state.withLock { $0.cutter.finish() }.map { [$0] } ?? [])
    }

    private func keep(_ found: [String]) {
        state.withLock { state in
            state.lines += found
            state.lines.removeFirst(max(0, state.lines.count - Self.linesMax))
        }
        for text in found { line(text) }
    }
}
