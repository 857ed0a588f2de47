import RenCore
import RenJSON
import RenJournal

/// What people opened again, and what they said of nodes and items: the sets follow from what they chose.
extension Replayer {
    /// A person gives the value of a node or item, keeps its result, or says that it failed.
    mutating func skipped(_ event: Event) throws(RenError) -> Verdict {
        guard let request = try skip(event, state.version.next) else { return .taken(.asked) }
        let (completed, earlier) = try request.completed(in: state, values)
        return asked(completed, earlier: earlier, event)
    }

    /// A retry, or a skip in a run that had ended: then what was said of the node or item stands right behind it.
    mutating func reopened(_ reopening: Reopening, _ event: Event) throws(RenError) -> Verdict {
        if let flaw = flaw(in: reopening) { return .diverges(.nothing(flaw)) }
        if let said = try said(after: state.version.next, event).first {
            guard var request = try skip(said, state.version.next.next) else { return .taken(.asked) }
            if case .skip(let subject, var skip, nil) = request, let reason = reopening.reason {
                // What was said holds the reason too.
                let end = " (\(reason))"
                if case .fail(let text) = skip, text.hasSuffix(end) { skip = .fail(String(text.dropLast(end.count))) }
                request = .skip(subject, skip, reason: reason)
            }
            let (completed, earlier) = try request.completed(in: state, values)
            if case .follows(let kind) = asked(completed, earlier: earlier, event) { return .follows(kind) }
        }
        do {
            var expected = event
            expected.fact = .runReopened(try state.reopening(like: reopening))
            return compare([expected], with: event, .asked)
        } catch {
            return .diverges(.nothing(error.message))
        }
    }

    /// A fork begins here, with the outputs that were given for it.
    mutating func forked(_ fork: Fork, _ event: Event) throws(RenError) -> Verdict {
        guard fork.version == state.version else {
            return .diverges(
                .nothing("it leaves its parent at version \(fork.version), and follows version \(state.version)"))
        }
        let outputs = try said(after: state.version.next, event)
        var changes = ForkChanges()
        changes.input = event.payload
        changes.outputs = outputs.map(\.subject)
        changes.allowed = fork.reopening.allowed
        changes.codeChangedRunsAgain = fork.reopening.codeChangedRunsAgain
        changes.reason = fork.reopening.reason
        if fork.nodes != nil {
            guard let next = state.nextPlan else {
                return .diverges(.nothing("the flow that it changes to is not known"))
            }
            changes.flow = state.plan.change(to: next)
        }
        let count = (changes.flow.map { _ in state.nextPlan } ?? state.plan)?.flow.nodes.count ?? 0
        if let output = outputs.first(where: { ($0.subject.node?.index ?? 0) >= count }) {
            return .diverges(.nothing("the flow has no \(output.subject), which is given an output"))
        }
        let bare = Fork(creation: fork.creation, parent: fork.parent, version: fork.version, hash: fork.hash)
        var expected = event
        expected.fact = .runForked(state.forking(bare, changes, at: event.time).fork)
        let given = outputs.map { output in
            var given = output
            given.fact = .overridden(reason: fork.reopening.reason)
            return given
        }
        return compare([expected] + given, with: event, .asked)
    }

    /// What was said of nodes and items in the same request as `event`, right behind it.
    private func said(after version: RunVersion, _ event: Event) throws(RenError) -> [Event] {
        var said: [Event] = []
        var version = version.next
        while let next = try recorded(version), next.time == event.time, next.by == event.by {
            switch (event.fact, next.fact) {
            case (.runForked, .overridden): said.append(next)
            case (.runReopened, .overridden), (.runReopened, .kept), (.runReopened, .failed),
                (.runReopened, .attemptFailed(_, nil)):
                return [next]
            default: return said
            }
            version = version.next
        }
        return said
    }

    private func recorded(_ version: RunVersion) throws(RenError) -> Event? {
        let run = run
        return try journal.read { view throws(RenError) in try view.recorded(run, version)?.event }
    }

    /// The request that brought `event` of `version`; nil when the value that it gave is not kept any more.
    private func skip(_ event: Event, _ version: RunVersion) throws(RenError) -> Request? {
        switch event.fact {
        case .overridden(let reason):
            guard let bytes = try bytes(of: version) else { return nil }
            return .skip(event.subject, .value(Payload(hashing: bytes)), reason: reason)
        case .failed(let failure), .attemptFailed(let failure, _):
            return .skip(event.subject, .fail(failure.message), reason: nil)
        case .kept(let reason): return .skip(event.subject, .keep(cause: .none), reason: reason)
        default: return nil
        }
    }

    private func flaw(in reopening: Reopening) -> String? {
        let named = reopening.again + reopening.affected + reopening.allowed + reopening.items.keys
        if let node = named.first(where: { $0.index >= state.nodes.count }) { return "the flow has no node \(node)" }
        for (node, items) in reopening.items {
            guard let last = items.ranges.last else { continue }
            guard last.upperBound <= state[node].map?.total ?? 0 else { return "node \(node) has no such items" }
        }
        return nil
    }
}
