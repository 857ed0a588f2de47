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
        /// Version of the event with the result; `.none` for a map that had not succeeded, though items of it had.
        package var version: RunVersion
        package var output: Output
        /// What the attempt that gave it began with; nil for what has no attempts, or where a person gave the value.
        package var input: Digest?
        package var code: Digest?
        /// What the pause had asked for.
        package var asked: SignalWait?
        package var map: RecordedMap?
    }

    /// A map whose items had results.
    package struct RecordedMap: Hashable, Sendable {
        /// Version of the `map.opened` from which on results of its items stand.
        package var opened: RunVersion
        package var source: Digest
        package var total: Int
        package var succeeded: Int
    }

    /// Version of the event with the result, once the node has succeeded: one before a reopening, where that was kept.
    package var result: RunVersion { recorded?.version ?? work.last }

    /// The node after a reopening. Attempt numbers go on.
    ///
    /// - Parameter keeping: the result it had may stand.
    func reopened(keeping: Bool) -> NodeState {
        var fresh = NodeState()
        fresh.work = work.reopened
        if keeping { fresh.recorded = standing }
        return fresh
    }

    /// The result that may stand: one that was kept, or not looked at since, is the same one still, unless items of the
    /// map have other results by now.
    private var standing: Recorded? {
        guard var recorded else { return result(of: phase) }
        if map?.isKept == false { recorded.version = .none }
        return recorded
    }

    /// Items of the map begin again; when they end as they had, the map's result stands.
    mutating func reopen(_ items: ItemRanges, isChoice: Bool) {
        recorded = standing
        map?.reopen(items, isChoice: isChoice)
        phase = .mapping
        error = nil
    }

    private func result(of phase: Phase) -> Recorded? {
        let succeeded = phase == .succeeded && error == nil
        if let map {
            let items = RecordedMap(
                opened: map.version, source: map.opening.source, total: map.total, succeeded: map.counts.succeeded)
            return Recorded(version: succeeded ? work.last : .none, output: .items, map: items)
        }
        guard succeeded else { return nil }
        return Recorded(version: work.last, output: output, input: work.input, code: work.code, asked: asked)
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

    /// Something of it has happened, other than that it waits for its turn.
    var hasBegun: Bool { phase != .pending || work.attempts > 0 }

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
