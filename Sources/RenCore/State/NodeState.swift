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
    /// What a pause asked for last.
    package var asked: SignalWait?
    /// The result before a reopening, which stands if the node's input is still the same.
    package var recorded: Recorded?

    /// How a node had succeeded.
    package struct Recorded: Hashable, Sendable {
        /// Version of the event with the result.
        package var version: RunVersion
        package var output: Output
        /// What the attempt that gave it began with; nil for what has no attempts, or where a person gave the value.
        package var input: Digest?
        package var code: Digest?
        /// What the pause had asked for.
        package var asked: SignalWait?
        /// Version of the `map.opened` whose items had results; the node itself need not have succeeded.
        package var map: RunVersion?
    }

    /// The node after a reopening. Attempt numbers go on.
    ///
    /// - Parameter keeping: the result it had may stand.
    func reopened(keeping: Bool) -> NodeState {
        var fresh = NodeState()
        fresh.work = work.reopened
        guard keeping else { return fresh }
        if let map {
            fresh.recorded = Recorded(version: work.last, output: .none, map: map.version)
        } else if phase == .succeeded, error == nil {
            fresh.recorded = Recorded(
                version: work.last, output: output, input: work.input, code: work.code, asked: asked)
        } else {
            fresh.recorded = recorded
        }
        return fresh
    }

    /// The recorded result stands.
    mutating func stand() {
        guard let recorded else { return }
        output = recorded.output
        work.input = recorded.input
        work.code = recorded.code
        asked = recorded.asked
    }

    /// `unknown` is not settled: it waits for a person.
    package var isSettled: Bool {
        switch phase {
        case .pending, .waiting, .mapping, .failing, .unknown: false
        case .succeeded, .failed, .skipped, .cancelled: true
        }
    }

    /// It was not passed by: an end node that was reached ends the run.
    var isReached: Bool { phase == .succeeded || phase == .failed }

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
