import RenCore
import RenJSON
import RenJournal
import RenWorkers

/// The command interpreter: evaluates what `decide` asks for, and answers with a request.
extension Mailbox {
    /// - Returns: nil when the value that it needs is not in the journal yet; the commit brings the run back here.
    func answer(_ command: Command, _ now: Timestamp) -> Request? {
        do {
            switch command {
            case .prepare(let subject): return try prepare(subject, now)
            case .enter(let node): return try enter(node, now)
            case .replace(let node, let failure): return replace(node, failure)
            case .finish: return finish()
            }
        } catch let failure as Failure {
            if failure.name == RunScope.notYet {
                waitForCommit()
                return nil
            }
            return fail(command, failure)
        } catch is RunValues.NotYet {
            waitForCommit()
            return nil
        } catch {
            return fail(command, Failure(Failure.Name.badExpression, (error as? RenError)?.message ?? "\(error)"))
        }
    }

    var scope: RunScope { RunScope(state: state, values: values) }

    private func fail(_ command: Command, _ failure: Failure) -> Request? {
        switch command {
        case .prepare(.node(let node)), .enter(let node): replace(node, failure)
        case .prepare(let subject): .fail(subject, failure, instead: nil)
        case .replace, .finish: nil
        }
    }

    /// The node fails, or succeeds with the value of its `on_error`.
    private func replace(_ node: NodeNumber, _ failure: Failure) -> Request? {
        guard case .value(let template) = plan.flow.nodes[node.index].onError else {
            return .fail(.node(node), failure, instead: nil)
        }
        do {
            let value = try sized(payload(evaluator.render(template, in: scope)), "the value of on_error")
            return .fail(.node(node), failure, instead: value)
        } catch  where error.name == RunScope.notYet {
            waitForCommit()
            return nil
        } catch {
            return .fail(.node(node), error, instead: nil)
        }
    }

    private func finish() -> Request? {
        guard let output = plan.flow.output else { return nil }
        do {
            return .output(.success(try sized(payload(evaluator.render(output, in: scope)), "the output")))
        } catch  where error.name == RunScope.notYet {
            waitForCommit()
            return nil
        } catch {
            return .output(.failure(error))
        }
    }

    // MARK: Attempts

    private func prepare(_ subject: Event.Subject, _ now: Timestamp) throws -> Request? {
        guard let number = subject.node else { return nil }
        let node = plan.flow.nodes[number.index]
        guard case .function(let function) = node.kind else { return nil }
        var scope = scope
        if case .item(_, let index) = subject { scope.item = try item(index, of: number, node) }
        if let when = node.when {
            let decision = try evaluator.decide(when, in: scope, digest: { Digest(hashing: $0) })
            guard decision.truth else { return .pass(subject, operands: decision.operands) }
        }
        let slot = functions.slot(of: node)
        guard let host = functions.host(of: slot) else { return nil }
        let lazy = slot == .swift ? [] : lazyArguments(of: number)
        let arguments = try evaluator.arguments(of: number, in: plan, scope, items: lazy.isEmpty ? .inline : .leftOut)
        guard arguments.count <= RunScope.valueMax - 4096 else {
            throw Failure(
                Failure.Name.inputTooLarge,
                "the arguments have \(arguments.count) bytes, over the 16 MiB of a call: read nodes.x.items lazily, or hand over an artifact"
            )
        }
        let input = inputHash(arguments, lazy.map(\.source))
        let code = functions.codeHash(of: function.name)
        let past = try self.past(of: subject)
        earlier = past.work
        if let request = reuse(past, of: subject, input: input, code: code) { return request }
        let work = state.work(of: subject)
        let attempts = work?.attempts ?? past.work?.attempts ?? 0
        let isAlone = slot != .swift && (plan.once(number) || work?.nextAlone == true)
        var timeout: Duration?
        if let setting = plan.policy(of: number).timeout, case .computed = setting {
            timeout = try evaluator.duration(setting, in: scope)
        }
        let key = scope.item?.key
        var call = Call(
            id: CallID(rawValue: 0), function: function.name, slot: isAlone ? .alone : slot,
            run: state.creation?.id ?? "", flow: plan.flow.name, node: node.name, key: key,
            index: scope.item.map { $0.index.index }, attempt: Int(attempts) + 1,
            idempotencyKey: "\(state.creation?.id ?? "")/\(node.name)" + (key.map { "/" + $0 } ?? ""), deadline: nil,
            arguments: arguments)
        call.lazy = lazy.map {
            Call.LazyArgument(name: $0.name, total: scope.succeeded($0.source, state[$0.source]).count)
        }
        call.checkpoint = try work?.checkpoint.flatMap { try values.checkpoint($0.version) }
        prepare(call, on: host)
        return .begin(subject, AttemptStart(input: input, code: code, timeout: timeout, alone: isAlone))
    }

    /// The arguments that are handed over page by page: those of maps, not of a value that a person gave instead.
    private func lazyArguments(of number: NodeNumber) -> [Plan.LazyArgument] {
        let lazy = plan.lazyArguments(of: number)
        let isGiven = lazy.contains { if case .payload = state[$0.source].output { true } else { false } }
        return isGiven ? [] : lazy
    }

    /// Lazy arguments are bound by the version in which their map closed, and by the name of its node: another flow of a
    /// fork may number it otherwise.
    private func inputHash(_ arguments: [UInt8], _ sources: [NodeNumber]) -> Digest {
        sources.isEmpty
            ? Digest(hashing: arguments)
            : Digest(
                hashing: arguments
                    + sources.flatMap { Array(" \(plan.flow.nodes[$0.index].name)@\(state[$0].result)".utf8) })
    }

    private func item(_ index: ItemIndex, of number: NodeNumber, _ node: Node) throws -> RunScope.Item {
        guard let map = state[number].map else { throw RunValues.NotYet() }
        let element = try values.element(index, of: number, opened: map)
        var item = RunScope.Item(element: element, index: index, key: nil)
        item.key = try scope.key(of: item, node, evaluator)
        return item
    }

    // MARK: Entering a node

    private func enter(_ number: NodeNumber, _ now: Timestamp) throws -> Request? {
        let node = plan.flow.nodes[number.index]
        if node.each != nil { return try reuse(number) ?? open(number) }
        if let when = node.when {
            let decision = try evaluator.decide(when, in: scope, digest: { Digest(hashing: $0) })
            guard decision.truth else { return .pass(.node(number), operands: decision.operands) }
        }
        switch node.kind {
        case .function: return nil
        case .condition(let rule):
            let decision = try evaluator.decide(rule, in: scope, digest: { Digest(hashing: $0) })
            return .decided(number, way: decision.truth ? "then" : "else", operands: decision.operands)
        case .pause(let pause):
            let timeout = try pause.timeout.map { try evaluator.duration($0, in: scope) }
            let wait = SignalWait(
                signal: try evaluator.signal(pause.signal, in: scope),
                message: try evaluator.text(pause.message, in: scope), until: timeout.map { now + $0 })
            return reuse(number, asking: wait) ?? .wait(number, wait)
        case .end(.succeeded, let template):
            return .end(
                number, .succeeded, nil,
                value: try sized(payload(evaluator.render(template, in: scope)), "the value of succeed"))
        case .end(.failed, let template):
            return .end(
                number, .failed, Failure(Failure.Name.failed, try evaluator.text(template, in: scope)), value: nil)
        }
    }

    func payload(_ bytes: [UInt8]) -> Payload {
        Payload(hashing: bytes)
    }

    private func sized(_ payload: Payload, _ what: String) throws(Failure) -> Payload {
        guard payload.bytes.count <= RunScope.valueMax else {
            throw Failure(Failure.Name.inputTooLarge, "\(what) has \(payload.bytes.count) bytes; 16 MiB are possible")
        }
        return payload
    }

    // MARK: Maps

    /// - Returns: nil while the map is read elsewhere, or must wait for a commit before it can be.
    private func open(_ number: NodeNumber) throws -> Request? {
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
