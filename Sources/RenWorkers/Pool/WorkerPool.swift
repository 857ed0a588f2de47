import NIOCore
import NIOPosix
package import RenCore
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Runs the functions of one set of Python files in worker processes.
///
/// Processes start when there is work, up to the limit, and end after a minute without; a set whose files cannot be
/// imported, or whose workers die before they have a call, is parked. What it does happens on one event loop
/// (`PoolLoop`); the methods here only leave word for it.
package final class WorkerPool: FunctionHost {
    private let slots: PoolSlots
    private let pool: PoolLoop

    /// One thread serves all pools: it moves bytes and never waits.
    private static let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// - Parameters:
    ///   - set: the id of the function set, for reports.
    ///   - files: real absolute paths, in order.
    ///   - python: the executable of the set's environment.
    ///   - sdk: the folder that holds the package `ren`.
    ///   - sockets: the folder for the pool's socket: the data directory.
    ///   - signatures: what is known before the first worker says so.
    package init(
        set: Digest, files: [String], python: String, sdk: String, sockets: String, settings: WorkerSettings,
        signatures: [String: FunctionSignature] = [:], sink: @escaping ReportSink
    ) {
        // A write to a worker that has just died must be an error, not the end of this process.
        signal(SIGPIPE, SIG_IGN)
        slots = PoolSlots(settings: settings, signatures: signatures)
        let launch = PoolLaunch(files: files, python: python, sdk: sdk, sockets: sockets)
        pool = PoolLoop(
            set: set, launch: launch, settings: settings, slots: slots, eventLoop: Self.loops.next(), sink: sink)
    }

    /// Starts one worker, if there is none, and returns what it says about the files.
    ///
    /// - Parameter hashes: of the files as they are now: workers that imported others end after their calls.
    /// - Throws: `function.broken`, `function.invalid`, `worker.failed`.
    package func discover(_ hashes: [Digest]? = nil) async throws(RenError) -> Discovery {
        let result = await withCheckedContinuation { continuation in
            pool.eventLoop.execute { self.pool.discover(hashes) { continuation.resume(returning: $0) } }
        }
        return try result.get()
    }

    /// What its processes do now, and how the last of them ended.
    package func snapshot() async -> PoolSnapshot {
        await withCheckedContinuation { continuation in
            pool.eventLoop.execute { continuation.resume(returning: self.pool.snapshot()) }
        }
    }

    /// Ends a process, for which a new one starts.
    ///
    /// - Returns: false when there is no such process.
    package func restart(_ number: Int, _ mode: RestartMode) async -> Bool {
        await withCheckedContinuation { continuation in
            pool.eventLoop.execute { continuation.resume(returning: self.pool.restart(number, mode)) }
        }
    }

    /// Whether no call is in flight.
    package func isIdle() async -> Bool {
        await withCheckedContinuation { continuation in
            pool.eventLoop.execute { continuation.resume(returning: self.pool.isIdle) }
        }
    }

    /// Why nothing can begin now; nil when it can.
    package var parked: String? { slots.parkedReason }

    package var signatures: [String: FunctionSignature] { slots.signatures }

    package func freeSlots() -> [Slots.Kind: Int] {
        let (free, wakes) = slots.free(at: .now())
        if wakes { pool.wake() }
        return free
    }

    package func reserve(_ kind: Slots.Kind) {
        if slots.reserve(kind) { pool.wake() }
    }

    package func release(_ kind: Slots.Kind) {
        slots.release(kind)
    }

    package func start(_ calls: [Call]) { send(.start(calls)) }

    package func cancel(_ calls: [CallID], kill: Bool) { send(.cancel(calls, kill: kill)) }

    package func askToStop(_ calls: [CallID]) { send(.askToStop(calls)) }

    package func askToPause(_ calls: [CallID]) { send(.askToPause(calls)) }

    package func saved(_ call: CallID, request: Int, refused: String?) {
        send(.saved(call, request: request, refused: refused))
    }

    package func page(_ call: CallID, request: Int, values: [[UInt8]], next: Int?) {
        send(.page(call, request: request, values: values, next: next))
    }

    private func send(_ command: PoolCommand) {
        if slots.add(command) { pool.wake() }
    }

    package func shutDown() async {
        slots.close()
        await withCheckedContinuation { continuation in
            pool.eventLoop.execute { self.pool.close { continuation.resume() } }
        }
    }
}
