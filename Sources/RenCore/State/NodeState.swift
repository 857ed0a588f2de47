/// How far one node has come.
package struct NodeState: Hashable, Sendable {
    package enum Phase: Hashable, Sendable {
        /// Not begun, or between attempts: `work` tells.
        case pending
        case waiting(SignalWait)
        case mapping
        /// Its attempts are used up; `on_error` decides what follows.
        case failing(Failure)
        case succeeded
        case failed
        case skipped(SkipReason)
        case cancelled
        /// Nobody knows whether its function had its effect; a person decides.
        case unknown(UnknownReason)
    }

    package enum Output: Hashable, Sendable {
        /// A skipped node's, and that of a node without a result: null.
        case none
        case payload(PayloadReference)
        /// The outputs of the items that succeeded, in order.
        case items
    }

    package var phase = Phase.pending
    package var work = Work()
    package var output = Output.none
    /// `then` or `else`, of a condition.
    package var way: String?
    package var error: Failure?
    package var map: MapState?

    /// `unknown` is not settled: it waits for a person.
    package var isSettled: Bool {
        switch phase {
        case .pending, .waiting, .mapping, .failing, .unknown: false
        case .succeeded, .failed, .skipped, .cancelled: true
        }
    }

    /// The node's state in one word, as people and `nodes.x.status` see it.
    package var status: String {
        switch phase {
        case .pending:
            switch work.phase {
            case .ready: work.attempts == 0 ? "pending" : "ready"
            case .running: "running"
            case .retrying: "retrying"
            }
        case .waiting: "waiting"
        case .mapping: "running"
        case .failing: "running"
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .skipped: "skipped"
        case .cancelled: "cancelled"
        case .unknown: "unknown"
        }
    }
}
