/// What follows from a state: facts to record, and what the shell must do to learn more facts.
package struct Decision: Sendable {
    package var events: [Event] = []
    package var commands: [Command] = []

    package var isEmpty: Bool { events.isEmpty && commands.isEmpty }
}

/// What the shell carries out at once, within the same batch; it answers each with a `Request`.
///
/// Effects that leave the engine (calls, cancellations, timers) are no commands: they follow from the recorded events.
package enum Command: Hashable, Sendable {
    /// Evaluate `when`, then the arguments; answer `begin`, `pass` or `fail`.
    case prepare(Event.Subject)
    /// Evaluate `when`, then what the node's kind needs; answer `decided`, `wait`, `openMap`, `end`, `pass` or `fail`.
    case enter(NodeNumber)
    /// Evaluate the value of `on_error: {value}`; answer `fail`.
    case replace(NodeNumber, Failure)
    /// Evaluate the flow's output; answer `output`.
    case finish
}

/// Worker slots lent to a run for one batch, by the kind of function that takes them.
package struct Slots: Sendable {
    package enum Kind: Int, Sendable, CaseIterable {
        case swift, blocking, asynchronous
        /// A worker process to itself: `once`, or suspected of killing its worker.
        case alone
        /// The function is missing or parked: nothing begins.
        case none
    }

    private let kinds: [Kind]
    private var free: [Int]
    /// A slot was asked for and none was free.
    package private(set) var wasShort = false

    /// - Parameter kinds: for each node of the flow, what its function runs in.
    package init(kinds: [Kind], free: [Kind: Int]) {
        self.kinds = kinds
        self.free = Kind.allCases.map { free[$0] ?? 0 }
        self.free[Kind.none.rawValue] = 0
    }

    package mutating func take(for node: NodeNumber, alone: Bool) -> Bool {
        let kind = kinds[node.index]
        let taken = alone && (kind == .blocking || kind == .asynchronous) ? Kind.alone : kind
        guard free[taken.rawValue] > 0 else {
            wasShort = true
            return false
        }
        free[taken.rawValue] -= 1
        return true
    }
}
