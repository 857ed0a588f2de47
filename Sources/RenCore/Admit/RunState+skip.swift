/// What a person says of a node or item instead of running it.
package enum Skip: Sendable {
    /// Its output; it counts as success.
    case value(Payload)
    /// The result that it had before its input changed. An item's is that of the event `cause`; the state forgets it.
    case keep(cause: RunVersion)
    /// It failed.
    case fail(String)
}

extension RunState {
    /// - Throws: `skip.*`, `run.not_ended`, `run.ending`, `run.quarantined`.
    func skip(
        _ subject: Event.Subject, _ skip: Skip, _ reason: String?, _ now: Timestamp
    ) throws(RenError) -> [Event] {
        guard let node = subject.node else { preconditionFailure("a run is not skipped") }
        if !isEnded { try requireNotEnding() }
        try requireSkippable(subject, node, skip)
        let work = work(of: subject) ?? Work()
        let said: Event
        switch skip {
        case .value(let payload): said = event(.overridden(reason: reason), subject, work, now, payload: payload)
        case .keep(let cause):
            said = Event(
                .kept(reason: reason), subject, at: now, cause: self[node].map == nil ? self[node].result : cause)
        case .fail(let text):
            let text = reason.map { "\(text) (\($0))" } ?? text
            said = event(failure(Failure(Failure.Name.failed, text), of: subject), subject, work, now)
        }
        guard isEnded else { return [said] }
        var seed = ReopeningSeed()
        undoCancellations(in: &seed)
        seed.again.remove(node)
        seed.outputs = [node]
        seed.outcomes = [node]
        if case .item = subject { seed.add(ItemRanges(), of: node) }
        var reopening = reopening(seed)
        reopening.reason = reason
        return [Event(.runReopened(reopening), .run, at: now), said]
    }

    /// A failure that the flow has a value for is replaced by it, as after the last attempt.
    private func failure(_ failure: Failure, of subject: Event.Subject) -> Fact {
        if case .node(let node) = subject, case .value = plan.flow.nodes[node.index].onError {
            return .attemptFailed(failure, retryAt: nil)
        }
        return .failed(failure)
    }

    private func requireSkippable(_ subject: Event.Subject, _ node: NodeNumber, _ skip: Skip) throws(RenError) {
        switch plan.flow.nodes[node.index].kind {
        case .function, .pause: break
        case .condition, .end:
            throw RenError(
                .skipKind, "node “\(name(node))” has no output that could be given",
                hint: "skip the nodes behind it, or give those that it reads another value")
        }
        let (status, isRunning, isUnknown): (String, Bool, Bool)
        let what = if case .item(_, let item) = subject { "item \(item) of “\(name(node))”" } else { "“\(name(node))”" }
        switch subject {
        case .item(_, let item):
            guard let map = self[node].map, item.index < map.total else {
                throw RenError(.skipKind, "node “\(name(node))” has no item \(item)")
            }
            let state = map.state(of: item)
            (status, isRunning, isUnknown) = (state.name, map.open[item]?.running != nil, state == .unknown)
            guard isEnded || self[node].phase == .mapping else { throw notEnded("an item of “\(name(node))”") }
        default:
            let state = self[node]
            if case .unknown = state.phase { isUnknown = true } else { isUnknown = false }
            status = state.status
            isRunning = state.work.running != nil || state.phase == .mapping
            guard isEnded || !state.isSettled else { throw notEnded("node “\(name(node))”, which \(status),") }
        }
        guard !isRunning else {
            throw RenError(
                .skipRunning, "it is running: \(what)", hint: "wait for its end, or end the run with ren stop")
        }
        guard status != "succeeded" else {
            throw RenError(
                .skipSucceeded, "it has succeeded: \(what)",
                hint: "ren fork --node-output or --item-output goes on from another value, in a run of its own")
        }
        switch skip {
        case .value: return
        case .keep(let cause):
            let hasResult = if case .item = subject { cause > .none } else { self[node].result > .none }
            guard isUnknown, hasResult, self[node].recorded != nil else {
                throw RenError(
                    .skipNothingKept, "\(what) has no result from before that could be kept",
                    hint: "give it a value, or say that it failed")
            }
        case .fail:
            guard isUnknown || !["failed", "skipped", "cancelled"].contains(status) else {
                throw RenError(
                    .skipSettled, "\(what) has ended: it is \(status)", hint: "give it a value")
            }
        }
    }

    private func notEnded(_ what: String) -> RenError {
        RenError(
            .runNotEnded, "\(what) can be skipped when the run has ended",
            hint: "wait for its end, or end it with ren stop; then skip")
    }
}
