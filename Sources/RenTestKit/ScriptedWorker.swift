package import RenCore
package import RenWorkers
import Synchronization

/// A host whose functions do what a test's script says: nothing runs, nothing waits, no thread is started.
///
/// Reports come on the thread that caused them, before the method returns.
package final class ScriptedWorker: FunctionHost {
    /// What a call does when it is started.
    package enum Act: Sendable {
        case end(AttemptEnd)
        /// Says this first, in order.
        indirect case report([CallReport], then: Act)
        /// Runs until the test calls `finish` or `die`.
        case hold
        /// Stops cleanly as soon as it is asked to, by pause, stop or cancel; else like `hold`.
        case yield
    }

    /// What the engine asked for, in order.
    package enum Note: Sendable, Equatable {
        case started(CallID)
        case cancelled(CallID, kill: Bool)
        case askedToStop(CallID)
        case askedToPause(CallID)
        case saved(CallID, request: Int, refused: String?)
        case page(CallID, request: Int, values: [[UInt8]], next: Int?)
        case shutDown
    }

    package typealias Script = @Sendable (Call) -> Act

    package let signatures: [String: FunctionSignature]
    private let total: [Slots.Kind: Int]
    private let sink: ReportSink
    private let script: Script
    private let state = Mutex(State())

    private struct State {
        var taken: [Slots.Kind: Int] = [:]
        var open: [CallID: (call: Call, yields: Bool)] = [:]
        var calls: [Call] = []
        var notes: [Note] = []
    }

    /// - Parameter slots: how many calls of each kind may run at a time.
    package init(
        signatures: [FunctionSignature],
        slots: [Slots.Kind: Int] = [.swift: 16, .blocking: 16, .asynchronous: 64, .alone: 4],
        sink: @escaping ReportSink, script: @escaping Script
    ) {
        self.signatures = Dictionary(signatures.map { ($0.name, $0) }) { _, last in last }
        total = slots
        self.sink = sink
        self.script = script
    }

    // MARK: For tests

    /// All calls that were started, in order.
    package var calls: [Call] { state.withLock(\.calls) }

    /// Calls that are running, in the order of their numbers.
    package var held: [Call] { state.withLock { $0.open.values.map(\.call).sorted { $0.id < $1.id } } }

    package var notes: [Note] { state.withLock(\.notes) }

    /// Ends a call that runs, early or late; one that has ended is not ended again.
    package func finish(_ id: CallID, _ end: AttemptEnd) {
        let wasOpen = state.withLock { state in
            guard let open = state.open.removeValue(forKey: id) else { return false }
            state.taken[open.call.slot, default: 0] -= 1
            return true
        }
        if wasOpen { sink([.ended(id, end)]) }
    }

    /// The process in which these calls run dies.
    package func die(_ ids: [CallID], how: String = "signal 9 (SIGKILL)") {
        for id in ids { finish(id, .workerDied(alone: ids.count == 1, how: how)) }
    }

    /// Sends what a running function would say.
    package func say(_ reports: [CallReport]) {
        sink(reports)
    }

    // MARK: FunctionHost

    package func freeSlots() -> [Slots.Kind: Int] {
        state.withLock { state in
            Dictionary(uniqueKeysWithValues: total.map { ($0.key, max(0, $0.value - (state.taken[$0.key] ?? 0))) })
        }
    }

    package func reserve(_ kind: Slots.Kind) {
        state.withLock { $0.taken[kind, default: 0] += 1 }
    }

    package func release(_ kind: Slots.Kind) {
        state.withLock { $0.taken[kind, default: 0] -= 1 }
    }

    package func start(_ calls: [Call]) {
        for call in calls {
            state.withLock { state in
                state.calls.append(call)
                state.notes.append(.started(call.id))
                state.open[call.id] = (call, false)
            }
            perform(script(call), call)
        }
    }

    private func perform(_ act: Act, _ call: Call) {
        switch act {
        case .end(let end): finish(call.id, end)
        case .report(let reports, let next):
            sink(reports)
            perform(next, call)
        case .hold: break
        case .yield: state.withLock { $0.open[call.id]?.yields = true }
        }
    }

    package func cancel(_ calls: [CallID], kill: Bool) {
        for id in calls {
            ask(id, .cancelled(id, kill: kill))
            if kill { finish(id, .neighbourKilled) }
        }
    }

    package func askToStop(_ calls: [CallID]) {
        for id in calls { ask(id, .askedToStop(id)) }
    }

    package func askToPause(_ calls: [CallID]) {
        for id in calls { ask(id, .askedToPause(id)) }
    }

    private func ask(_ id: CallID, _ note: Note) {
        let yields = state.withLock { state in
            state.notes.append(note)
            return state.open[id]?.yields ?? false
        }
        if yields { finish(id, .interrupted) }
    }

    package func saved(_ call: CallID, request: Int, refused: String?) {
        state.withLock { $0.notes.append(.saved(call, request: request, refused: refused)) }
    }

    package func page(_ call: CallID, request: Int, values: [[UInt8]], next: Int?) {
        state.withLock { $0.notes.append(.page(call, request: request, values: values, next: next)) }
    }

    package func shutDown() async {
        state.withLock { $0.notes.append(.shutDown) }
        for call in held { finish(call.id, .neighbourKilled) }
    }
}
