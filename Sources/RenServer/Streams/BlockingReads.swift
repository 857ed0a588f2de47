import RenWorkers

/// Readings that may wait for a disk: off the cooperative threads and off the event loops, on a few threads of their own.
enum BlockingReads {
    private static let threads = ThreadExecutor(name: "ren-reads", threadMax: 4)

    /// Runs `body` on one of the threads, after what waits for them.
    static func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            threads.run { continuation.resume(with: Result(catching: body)) }
        }
    }
}
