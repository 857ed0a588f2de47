package import RenCore
import RenJSON
import RenJournal

/// What the engine evaluated: it is evaluated again from recorded values, and must come out the same.
extension Replayer {
    mutating func evaluated(_ event: Event) throws(RenError) -> Verdict {
        let settled = state.settled(at: event.time)
        // Within one pass something may have settled between two commands; a later pass begins with settling.
        if state.time < event.time, let first = settled.events.first { return .diverges(.event(first)) }
        switch command(for: event, settled) {
        case .failure(let obstacle): return .diverges(.nothing(obstacle.text))
        case .success(let command): return try carryOut(command, event)
        }
    }

    private struct Unable: Error {
        var text: String
    }

    /// What `decide` must have asked for.
    private func command(for event: Event, _ settled: Decision) -> Result<Command, Unable> {
        guard let node = event.subject.node else {
            let isOver = state.phase == .running && state.open.isEmpty && settled.isEmpty
            return isOver ? .success(.finish) : .failure(Unable(text: "the run goes on"))
        }
        let replace = settled.commands.first { if case .replace(node, _) = $0 { true } else { false } }
        if let replace, case .node = event.subject { return .success(replace) }
        switch state.obstacle(to: event.subject, at: event.time) {
        case nil: break
        // Its predecessors may have settled in the same pass.
        case .end? where state.time == event.time: break
        case let obstacle?: return .failure(Unable(text: "it cannot begin: \(obstacle.text(state.plan))"))
        }
        if case .item = event.subject { return .success(.prepare(event.subject)) }
        return .success(state.plan.isAttempted(node) ? .prepare(event.subject) : .enter(node))
    }

    private mutating func carryOut(_ command: Command, _ event: Event) throws(RenError) -> Verdict {
        var kind = ReplayReport.Kind.evaluated
        if case .started = event.fact { kind = .started }
        values.missing = nil
        let request: Request?
        do {
            request = try answer(command, event)
        } catch {
            return .diverges(.nothing("a value that it reads is not recorded"))
        }
        if values.missing != nil { return withoutValues(event, kind) }
        guard let request else { return .diverges(.nothing("nothing follows from the state before it")) }
        do {
            let events = try state.admit(request, at: event.time, earlier: earlier, draws: &draws)
            let verdict = compare(events, with: event, kind)
            guard case .diverges = verdict, isUncertain(event, events) else { return verdict }
            return .taken(kind)
        } catch {
            return .diverges(.nothing(error.message))
        }
    }

    private mutating func answer(_ command: Command, _ event: Event) throws(RunValues.NotYet) -> Request? {
        let evaluation = RunEvaluation(state: state, values: values, evaluator: evaluator)
        var earlier: EarlierWork?
        defer { self.earlier = earlier }
        return try evaluation.answer(
            command, event.time, begin: { try begin($0, event, evaluation, &earlier) },
            open: { try open($0, evaluation) })
    }

    private func begin(
        _ subject: Event.Subject, _ event: Event, _ evaluation: RunEvaluation, _ earlier: inout EarlierWork?
    ) throws -> Request? {
        switch try evaluation.prepare(subject, isSwift: isSwift(subject, event)) {
        case .pass(let operands): return .pass(subject, operands: operands)
        case .attempt(let attempt):
            let past = try evaluation.past(of: subject)
            earlier = past.work
            let code = code(event, past)
            return evaluation.reuse(past, of: subject, input: attempt.input, code: code)
                ?? .begin(
                    subject,
                    AttemptStart(
                        input: attempt.input, code: code, timeout: attempt.timeout, alone: attempt.isAlone))
        case nil: return nil
        }
    }

    /// The function's file had the hash that the event says, or that it shows.
    private func code(_ event: Event, _ past: RunEvaluation.Past) -> Digest? {
        switch event.fact {
        case .started(let start): start.code
        case .kept: past.result?.code
        default: nil
        }
    }

    private func open(_ node: NodeNumber, _ evaluation: RunEvaluation) throws -> Request? {
        let map = try ReadMap(node, in: evaluation.scope, evaluator, .any)
        return .openMap(node, map.opening, contents: map.payload)
    }

    /// Functions in Swift have no file, and get all arguments at once.
    private func isSwift(_ subject: Event.Subject, _ event: Event) -> Bool {
        guard let node = subject.node else { return false }
        if let signature = state.plan.signature(of: node) { return signature.language == .swift }
        if case .started(let start) = event.fact { return start.code == nil }
        return false
    }

    /// What an attempt began with depends on a decorator that is not known here.
    private func isUncertain(_ event: Event, _ expected: [Event]) -> Bool {
        if isReuse(event), let node = event.subject.node { return state.plan.signature(of: node) == nil }
        guard case .started(let recorded) = event.fact, !isKnown(event.subject, recorded.code), expected.count == 1,
            case .started(var start) = expected[0].fact, let node = event.subject.node
        else { return false }
        start.timeout = recorded.timeout
        start.alone = recorded.alone
        // Without `with`, the function's parameters say what becomes of the value.
        if state.plan.flow.nodes[node.index].call?.with == nil { start.input = recorded.input }
        return start == recorded && expected[0].attempt == event.attempt
    }

    private func isReuse(_ event: Event) -> Bool {
        switch event.fact {
        case .kept, .unknown(.inputChanged): true
        default: false
        }
    }

    // MARK: Without values

    private func withoutValues(_ event: Event, _ kind: ReplayReport.Kind) -> Verdict {
        guard let node = event.subject.node.map({ state.plan.flow.nodes[$0.index] }) else { return .taken(kind) }
        switch (event.fact, node.kind, node.when) {
        case (.decided(let way, let operands), .condition(let rule), _):
            guard let truth = truth(of: rule, operands) else { return .taken(kind) }
            guard truth == (way == "then") else {
                var expected = event
                expected.fact = .decided(way: truth ? "then" : "else", operands: operands)
                return .diverges(.event(expected))
            }
            return .byOperands
        case (.skipped(.when, let operands?), _, let when?):
            guard let truth = truth(of: when, operands) else { return .taken(kind) }
            return truth ? .diverges(.nothing("by its operands, when said yes")) : .byOperands
        default: return .taken(kind)
        }
    }

    private func truth(of expression: Expression, _ operands: JSON) -> Bool? {
        do {
            return try evaluator.truth(of: expression, from: operands)
        } catch {
            return nil  // the values themselves would have made it fail: nothing was decided by these operands
        }
    }
}

extension Obstacle {
    /// In a few words: `it waits for scrape`.
    package func text(_ plan: Plan) -> String {
        func names(_ nodes: [NodeNumber]) -> String {
            nodes.map { plan.flow.nodes[$0.index].name }.joined(separator: ", ")
        }
        return switch self {
        case .absent: "the flow has no such node or item"
        case .held(let phase): phase.obstacle
        case .settled: "it is settled"
        case .predecessors(let nodes): "it waits for \(names(nodes))"
        case .skip(let reason): "it is to be skipped (\(reason.rawValue))"
        case .running: "it is running"
        case .retry(let until): "its retry is due at \(until.iso8601)"
        case .unknown: "how it ended is unknown, and a person decides"
        case .signal(let wait): "it waits for signal “\(wait.signal)”"
        case .closedMap: "its list is not read yet"
        case .exceeded: "more items failed than tolerate allows"
        case .concurrency(let most): "\(most) items run, and concurrency allows no more"
        case .waitingItems(let count): "\(count) items wait for a retry, and no more may"
        case .end(let node): "\(names([node])) ends the run first"
        }
    }
}

extension RunState.Phase {
    fileprivate var obstacle: String {
        switch self {
        case .running: "the run goes on"
        case .pausing: "the run is pausing"
        case .paused: "the run is paused"
        case .stopping: "the run is stopping"
        case .ending: "the run is ending"
        case .ended: "the run has ended"
        case .quarantined: "the run is quarantined"
        }
    }
}
