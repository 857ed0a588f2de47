package import RenCore
import Synchronization

/// Runs registered closures, on threads of their own and never on the cooperative pool.
///
/// A closure that blocks costs its thread, one that never returns its slot for good: such functions belong in a worker.
package final class SwiftFunctions: FunctionHost {
    /// JSON text of the arguments in, JSON text of the result out.
    package typealias Body = @Sendable ([UInt8], FunctionContext) async throws -> [UInt8]

    private let slots: Int
    private let executor: ThreadExecutor
    private let outbox: ReportOutbox
    private let state = Mutex(State())

    private struct State {
        var functions: [String: (signature: FunctionSignature, body: Body)] = [:]
        var reserved = 0
        var running: [CallID: Running] = [:]
        var isClosed = false
        var waiters: [CheckedContinuation<Void, Never>] = []

        mutating func takeWaiters(evenIfRunning: Bool = false) -> [CheckedContinuation<Void, Never>] {
            guard evenIfRunning || running.isEmpty else { return [] }
            defer { waiters = [] }
            return waiters
        }
    }

    private struct Running {
        var context: FunctionContext
        var task: Task<Void, Never>?
    }

    /// - Parameter slots: how many calls run at a time, each on a thread of its own if it needs one.
    package init(slots: Int = 2 * Processors.count, sink: @escaping ReportSink) {
        self.slots = max(1, slots)
        executor = ThreadExecutor(name: "ren-swift", threadMax: max(1, slots))
        outbox = ReportOutbox(sink: sink)
    }

    /// The same functions on the same threads, with slots of their own and another ear: for a call outside of runs.
    package func separate(sink: @escaping ReportSink) -> SwiftFunctions {
        SwiftFunctions(slots, executor, state.withLock(\.functions), sink)
    }

    private init(
        _ slots: Int, _ executor: ThreadExecutor, _ functions: [String: (signature: FunctionSignature, body: Body)],
        _ sink: @escaping ReportSink
    ) {
        self.slots = slots
        self.executor = executor
        outbox = ReportOutbox(sink: sink)
        state.withLock { $0.functions = functions }
    }

    /// Makes a function callable by the name of its signature; a later one of the same name takes its place.
    package func register(_ signature: FunctionSignature, _ body: @escaping Body) {
        state.withLock { $0.functions[signature.name] = (signature, body) }
    }

    package var signatures: [String: FunctionSignature] {
        state.withLock { $0.functions.mapValues(\.signature) }
    }

    package func freeSlots() -> [Slots.Kind: Int] {
        [.swift: state.withLock { $0.isClosed ? 0 : max(0, slots - $0.reserved) }]
    }

    package func reserve(_ kind: Slots.Kind) {
        state.withLock { $0.reserved += 1 }
    }

    package func release(_ kind: Slots.Kind) {
        state.withLock { $0.reserved -= 1 }
    }

    package func start(_ calls: [Call]) {
        for call in calls { start(call) }
    }

    private func start(_ call: Call) {
        let context = FunctionContext(call) { [outbox] in outbox.send($0) }
        let body = state.withLock { state -> Body? in
            guard !state.isClosed, let function = state.functions[call.function] else { return nil }
            state.running[call.id] = Running(context: context)
            return function.body
        }
        guard let body else {
            let failure = Failure("UnknownFunction", "this program has no function “\(call.function)”")
            return end(call.id, .raised(failure, permanent: true, retryAfter: nil))
        }
        // Owned by `running` until it ends.
        let task = Task(executorPreference: executor) { [self] in
            let end = await Self.run(body, call.arguments, context)
            context.close()
            self.end(call.id, end)
        }
        let isCancelled = state.withLock { state in
            state.running[call.id]?.task = task
            return state.running[call.id]?.context.isCancelled ?? false
        }
        if isCancelled { task.cancel() }
    }

    private static func run(_ body: Body, _ arguments: [UInt8], _ context: FunctionContext) async -> AttemptEnd {
        do {
            return .returned(unchecked: try await body(arguments, context))
        } catch let error as Permanent {
            return .raised(Failure("Permanent", error.message.cut(to: 2048)), permanent: true, retryAfter: nil)
        } catch let error as RetryAfter {
            let failure = Failure("RetryAfter", error.description.cut(to: 2048))
            return .raised(failure, permanent: false, retryAfter: error.wait)
        } catch {
            if context.wasAsked, error is Interrupted || error is CancellationError { return .interrupted }
            let name = String(describing: type(of: error)).cut(to: 200)
            return .raised(Failure(name, "\(error)".cut(to: 2048)), permanent: false, retryAfter: nil)
        }
    }

    private func end(_ call: CallID, _ end: AttemptEnd) {
        let waiters = state.withLock { state in
            state.running[call] = nil
            state.reserved -= 1
            return state.takeWaiters()
        }
        outbox.send([.ended(call, end)])
        for waiter in waiters { waiter.resume() }
    }

    /// A Swift function cannot be killed, so `kill` is what not killing is.
    package func cancel(_ calls: [CallID], kill: Bool) {
        for running in running(calls) {
            running.context.cancel()
            running.task?.cancel()
        }
    }

    package func askToStop(_ calls: [CallID]) {
        cancel(calls, kill: false)
    }

    package func askToPause(_ calls: [CallID]) {
        for running in running(calls) { running.context.pause() }
    }

    package func saved(_ call: CallID, request: Int, refused: String?) {
        for running in running([call]) { running.context.saved(request, refused: refused) }
    }

    /// Swift functions get whole lists: they never ask for a page.
    package func page(_ call: CallID, request: Int, values: [[UInt8]], next: Int?) {}

    private func running(_ calls: [CallID]) -> [Running] {
        state.withLock { state in calls.compactMap { state.running[$0] } }
    }

    /// Cancels what runs and returns when it has; a function that does not heed it is left behind after 2 s.
    package func shutDown() async {
        let running = state.withLock { state in
            state.isClosed = true
            return Array(state.running.keys)
        }
        cancel(running, kill: true)
        await withTaskGroup { group in
            group.addTask {
                await withCheckedContinuation { continuation in
                    let isDone = self.state.withLock { state in
                        if !state.running.isEmpty { state.waiters.append(continuation) }
                        return state.running.isEmpty
                    }
                    if isDone { continuation.resume() }
                }
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(2))  // cancelled when everything has returned
                for waiter in self.state.withLock({ $0.takeWaiters(evenIfRunning: true) }) { waiter.resume() }
            }
            await group.next()
            group.cancelAll()
        }
    }
}

/// Gathers reports of many threads: one of them delivers, so that a busy sink gets batches and an idle one no delay.
final class ReportOutbox: Sendable {
    private let sink: ReportSink
    private let state = Mutex(State())

    private struct State {
        var waiting: [CallReport] = []
        var isDelivering = false
    }

    init(sink: @escaping ReportSink) {
        self.sink = sink
    }

    func send(_ reports: [CallReport]) {
        let isFirst = state.withLock { state in
            state.waiting += reports
            defer { state.isDelivering = true }
            return !state.isDelivering
        }
        guard isFirst else { return }
        while let batch = next() { sink(batch) }
    }

    private func next() -> [CallReport]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isDelivering = false
                return nil
            }
            defer { state.waiting = [] }
            return state.waiting
        }
    }
}
