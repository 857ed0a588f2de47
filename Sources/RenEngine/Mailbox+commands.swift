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

    private var scope: RunScope { RunScope(state: state, values: values) }

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
        let lazy = slot == .swift ? [] : plan.lazyArguments(of: number)
        let arguments = try evaluator.arguments(of: number, in: plan, scope, items: lazy.isEmpty ? .inline : .leftOut)
        guard arguments.count <= RunScope.valueMax - 4096 else {
            throw Failure(
                Failure.Name.inputTooLarge,
                "the arguments have \(arguments.count) bytes, over the 16 MiB of a call: read nodes.x.items lazily, or hand over an artifact"
            )
        }
        let work = state.work(of: subject)
        let isAlone = slot != .swift && (plan.once(number) || work?.nextAlone == true)
        var timeout: Duration?
        if let setting = plan.policy(of: number).timeout, case .computed = setting {
            timeout = try evaluator.duration(setting, in: scope)
        }
        let key = scope.item?.key
        var call = Call(
            id: CallID(rawValue: 0), function: function.name, slot: isAlone ? .alone : slot,
            run: state.creation?.id ?? "", flow: plan.flow.name, node: node.name, key: key,
            index: scope.item.map { $0.index.index }, attempt: Int(work?.attempts ?? 0) + 1,
            idempotencyKey: "\(state.creation?.id ?? "")/\(node.name)" + (key.map { "/" + $0 } ?? ""), deadline: nil,
            arguments: arguments)
        call.lazy = lazy.map {
            Call.LazyArgument(name: $0.name, total: scope.succeeded($0.source, state[$0.source]).count)
        }
        call.checkpoint = try work?.checkpoint.map { try values.payload($0.version) }
        prepare(call, on: host)
        return .begin(
            subject,
            AttemptStart(
                input: inputHash(arguments, lazy.map(\.source)), code: functions.codeHash(of: function.name),
                timeout: timeout, alone: isAlone))
    }

    /// Lazy arguments are bound by the version in which their map closed.
    private func inputHash(_ arguments: [UInt8], _ sources: [NodeNumber]) -> Digest {
        sources.isEmpty
            ? Digest(hashing: arguments)
            : Digest(hashing: arguments + sources.flatMap { Array(" \($0)@\(state[$0].work.last)".utf8) })
    }

    private func item(_ index: ItemIndex, of number: NodeNumber, _ node: Node) throws -> RunScope.Item {
        guard let map = state[number].map else { throw RunValues.NotYet() }
        let element = try values.element(index, of: number, opened: map)
        var item = RunScope.Item(element: element, index: index, key: nil)
        item.key = try key(of: item, node)
        return item
    }

    /// The item's human name; its index where no `key` is written.
    func key(of item: RunScope.Item, _ node: Node) throws(Failure) -> String {
        guard let template = node.each?.key else { return String(item.index.rawValue) }
        var scope = scope
        scope.item = item
        return try evaluator.key(template, in: scope)
    }

    // MARK: Entering a node

    private func enter(_ number: NodeNumber, _ now: Timestamp) throws -> Request? {
        let node = plan.flow.nodes[number.index]
        if let each = node.each { return try open(number, node, each) }
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
            return .wait(
                number,
                SignalWait(
                    signal: try evaluator.signal(pause.signal, in: scope),
                    message: try evaluator.text(pause.message, in: scope),
                    until: timeout.map { now + $0 }))
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

    private func open(_ number: NodeNumber, _ node: Node, _ each: Node.Each) throws -> Request? {
        var concurrency: Int?
        if let setting = each.concurrency { concurrency = try evaluator.integer(setting, in: scope) }
        let source = try MapReading(each.source, scope: scope, evaluator: evaluator)
        let keys = each.key == nil ? nil : try keys(source, number, node)
        let contents = MapContents(total: source.total, elements: source.elements)
        let bytes = contents.payload(keys: keys, values: source.computed)
        let opening = MapOpening(total: source.total, source: source.hash, concurrency: concurrency)
        // A computed list stands in the payload of `map.opened` itself, and is found again there.
        if source.computed == nil { values.open(contents, of: number) }
        return .openMap(number, opening, contents: try sized(payload(bytes), "the list with its keys"))
    }

    /// The keys of all elements; equal ones are a failure that names both places.
    private func keys(_ source: MapReading, _ number: NodeNumber, _ node: Node) throws -> [String] {
        var keys: [String] = []
        var seen: [String: Int] = [:]
        keys.reserveCapacity(source.total)
        seen.reserveCapacity(source.total)
        try source.forEach { index, element in
            let key = try key(of: RunScope.Item(element: element, index: ItemIndex(index), key: nil), node)
            if let first = seen.updateValue(index, forKey: key) {
                throw Failure(
                    Failure.Name.duplicateKey,
                    "the key “\(key)” stands twice: elements \(first) and \(index) of \(node.name)")
            }
            keys.append(key)
        }
        return keys
    }
}
