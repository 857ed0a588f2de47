import NIOCore
import RenCore
import Synchronization

/// What a pool is asked to do, on its way to the event loop.
enum PoolCommand: Sendable {
    case start([Call])
    case cancel([CallID], kill: Bool)
    case askToStop([CallID])
    case askToPause([CallID])
    case saved(CallID, request: Int, refused: String?)
    case page(CallID, request: Int, values: [[UInt8]], next: Int?)
    /// More processes are needed than there are.
    case grow
}

/// The part of a pool that any thread may use: slots, and the inbox of the event loop.
final class PoolSlots: Sendable {
    private let settings: WorkerSettings
    private let state: Mutex<State>

    private struct State {
        var signatures: [String: FunctionSignature]
        /// Processes that take shared calls now, and those that will.
        var ready = 0
        var coming = 0
        var alone = 0
        var reserved = Array(repeating: 0, count: Slots.Kind.allCases.count)
        var parked: (reason: String, retryAt: NIODeadline)?
        /// Slots were asked for and there is no process.
        var isWanted = false
        var isClosed = false
        var inbox: [PoolCommand] = []

        var sharedReserved: Int { self[.blocking] + self[.asynchronous] }

        subscript(kind: Slots.Kind) -> Int {
            get { reserved[kind.rawValue] }
            set { reserved[kind.rawValue] = newValue }
        }

        /// - Returns: whether the event loop must be woken.
        mutating func add(_ command: PoolCommand) -> Bool {
            inbox.append(command)
            return inbox.count == 1
        }
    }

    init(settings: WorkerSettings, signatures: [String: FunctionSignature]) {
        self.settings = settings
        state = Mutex(State(signatures: signatures))
    }

    // MARK: Any thread

    var signatures: [String: FunctionSignature] { state.withLock(\.signatures) }

    var parkedReason: String? { state.withLock { $0.parked?.reason } }

    /// The free slots, and whether the event loop must be woken to start the first process.
    func free(at now: NIODeadline) -> (slots: [Slots.Kind: Int], wakes: Bool) {
        state.withLock { state in
            guard !state.isClosed else { return ([:], false) }
            if state.ready + state.coming == 0, state.parked.map({ $0.retryAt <= now }) ?? true, !state.isWanted {
                state.isWanted = true
                return ([:], state.add(.grow))
            }
            guard state.parked == nil else { return ([:], false) }
            let slots: [Slots.Kind: Int] = [
                .blocking: max(0, state.ready * settings.blocking - state[.blocking]),
                .asynchronous: max(0, state.ready * settings.async - state[.asynchronous]),
                .alone: max(0, settings.processes - state[.alone]),
            ]
            return (slots, false)
        }
    }

    /// - Returns: whether the event loop must be woken.
    func reserve(_ kind: Slots.Kind) -> Bool {
        state.withLock { state in
            state[kind] += 1
            let isShort =
                kind == .alone
                ? state.alone < min(settings.processes, state[.alone])
                : state.ready + state.coming < min(settings.processes, state.sharedReserved)
            return isShort ? state.add(.grow) : false
        }
    }

    func release(_ kind: Slots.Kind) {
        state.withLock { $0[kind] -= 1 }
    }

    /// - Returns: whether the event loop must be woken.
    func add(_ command: PoolCommand) -> Bool {
        state.withLock { $0.add(command) }
    }

    // MARK: The event loop

    func takeInbox() -> [PoolCommand] {
        state.withLock { state in
            defer { state.inbox = [] }
            return state.inbox
        }
    }

    /// How many processes of each role there should be now.
    func wanted() -> (shared: Int, alone: Int) {
        state.withLock { state in
            let least = state.isWanted ? 1 : 0
            return (
                min(settings.processes, max(least, state.sharedReserved)), min(settings.processes, state[.alone])
            )
        }
    }

    func want() {
        state.withLock { $0.isWanted = true }
    }

    /// Tells how many processes there are after a change.
    func update(ready: Int, coming: Int, alone: Int) {
        state.withLock { state in
            (state.ready, state.coming, state.alone) = (ready, coming, alone)
            if ready > 0 { state.isWanted = false }
        }
    }

    func release(_ counts: [Slots.Kind: Int]) {
        state.withLock { state in
            for (kind, count) in counts { state[kind] -= count }
        }
    }

    func park(_ reason: String, retryAt: NIODeadline) {
        state.withLock { state in
            state.parked = (reason, retryAt)
            state.isWanted = false
        }
    }

    /// - Returns: whether it was parked.
    func unpark() -> Bool {
        state.withLock { state in
            defer { state.parked = nil }
            return state.parked != nil
        }
    }

    func setSignatures(_ signatures: [String: FunctionSignature]) {
        state.withLock { $0.signatures = signatures }
    }

    func close() {
        state.withLock { $0.isClosed = true }
    }
}
