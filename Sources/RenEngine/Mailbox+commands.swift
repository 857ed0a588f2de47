import RenCore
import RenJSON
import RenJournal
import RenWorkers

/// The command interpreter: evaluates what `decide` asks for, and answers with a request.
extension Mailbox {
    /// - Returns: nil when the value that it needs is not in the journal yet; the commit brings the run back here.
    func answer(_ command: Command, _ now: Timestamp) -> Request? {
        let evaluation = evaluation
        do throws(RunValues.NotYet) {
            return try evaluation.answer(command, now, begin: { try prepare($0, evaluation) }, open: { try open($0) })
        } catch {
            waitForCommit()
            return nil
        }
    }

    var evaluation: RunEvaluation { RunEvaluation(state: state, values: values, evaluator: evaluator) }
    var scope: RunScope { evaluation.scope }

    // MARK: Attempts

    private func prepare(_ subject: Event.Subject, _ evaluation: RunEvaluation) throws -> Request? {
        guard let number = subject.node else { return nil }
        let node = plan.flow.nodes[number.index]
        guard let function = node.call else { return nil }
        let slot = functions.slot(of: node)
        let preparation: RunEvaluation.Preparation
        switch try evaluation.prepare(subject, isSwift: slot == .swift) {
        case .attempt(let attempt): preparation = attempt
        case .pass(let operands): return .pass(subject, operands: operands)
        case nil: return nil
        }
        guard let host = functions.host(of: slot) else { return nil }
        let code = functions.codeHash(of: function.name)
        // What the journal knows of a settled item belongs to it, and may be on its way.
        if case .item = subject, watermark.load() < reopened { throw RunValues.NotYet() }
        let past = try evaluation.past(of: subject)
        earlier = past.work
        if let request = evaluation.reuse(past, of: subject, input: preparation.input, code: code) { return request }
        let work = state.work(of: subject)
        let attempts = work?.attempts ?? past.work?.attempts ?? 0
        let key = preparation.item?.key
        var call = Call(
            id: CallID(rawValue: 0), function: function.name, slot: preparation.isAlone ? .alone : slot,
            run: state.creation?.id ?? "", flow: plan.flow.name, node: node.name, key: key,
            index: preparation.item.map { $0.index.index }, attempt: Int(attempts) + 1,
            idempotencyKey: "\(state.creation?.id ?? "")/\(node.name)" + (key.map { "/" + $0 } ?? ""), deadline: nil,
            arguments: preparation.arguments)
        call.lazy = preparation.lazy.map {
            Call.LazyArgument(name: $0.name, total: scope.succeeded($0.source, state[$0.source]).count)
        }
        call.checkpoint = try work?.checkpoint.flatMap { try values.checkpoint($0.version) }
        prepare(call, on: host)
        return .begin(
            subject,
            AttemptStart(
                input: preparation.input, code: code, timeout: preparation.timeout, alone: preparation.isAlone))
    }

    // MARK: Maps

    /// - Returns: nil while the map is read elsewhere, or must wait for a commit before it can be.
    private func open(_ number: NodeNumber) throws -> Request? {
        guard values.assumed.isDisjoint(with: plan.reads(of: number).nodes) else { throw RunValues.NotYet() }
        if let job = openings[number] {
            guard let result = job.result else {
                waitForCommit()
                return nil
            }
            openings[number] = nil
            return open(number, try result.get())
        }
        guard keys.isEmpty else {
            waitForCommit()
            return nil
        }
        do {
            // What a crash left of a map that never opened is not removed between two events.
            guard try !values.hasKeys(number) else { throw ReadMap.Long() }
            let map = try ReadMap(number, in: scope, evaluator, .short)
            if let rows = map.keys?.rows(of: self.number, number) { keys.append(rows) }
            return open(number, map)
        } catch is ReadMap.Long {
            // The other thread reads what is in the journal.
            if isAllCommitted {
                openings[number] = opener.open(number, of: self.number, state, artifacts: values.artifacts)
            }
            waitForCommit()
            return nil
        }
    }

    private func open(_ number: NodeNumber, _ map: ReadMap) -> Request {
        values.close(number)
        if !map.isComputed { values.open(map.contents, of: number) }
        return .openMap(number, map.opening, contents: map.payload)
    }
}
