import RenCore
import RenJSON
import RenJournal

/// Evaluates what `decide` asks for from recorded values: the engine acts on the answers, a replay compares them with
/// what was recorded.
struct RunEvaluation {
    let state: RunState
    let values: RunValues
    let evaluator: Evaluator

    var plan: Plan { state.plan }
    var scope: RunScope { RunScope(state: state, values: values) }

    /// What follows from `command`; what fails on the way fails its node or item.
    ///
    /// - Parameters:
    ///   - begin: an attempt that may begin, or the result from before that stands in its place.
    ///   - open: reads the list of a map.
    /// - Throws: `NotYet`: a value is not in the journal yet.
    func answer(
        _ command: Command, _ now: Timestamp, begin: (Event.Subject) throws -> Request?,
        open: (NodeNumber) throws -> Request?
    ) throws(RunValues.NotYet) -> Request? {
        do {
            switch command {
            case .prepare(let subject): return try begin(subject)
            case .enter(let node) where plan.flow.nodes[node.index].each != nil: return try reuse(node) ?? open(node)
            case .enter(let node): return reuse(node, instead: try enter(node, now))
            case .replace(let node, let failure): return try replace(node, failure)
            case .finish: return try finish()
            }
        } catch let failure as Failure {
            guard failure.name != RunScope.notYet else { throw RunValues.NotYet() }
            return try fail(command, failure)
        } catch let notYet as RunValues.NotYet {
            throw notYet
        } catch {
            return try fail(command, Failure(Failure.Name.badExpression, (error as? RenError)?.message ?? "\(error)"))
        }
    }

    // MARK: Failing

    private func fail(_ command: Command, _ failure: Failure) throws(RunValues.NotYet) -> Request? {
        switch command {
        case .prepare(.node(let node)), .enter(let node): try replace(node, failure)
        case .prepare(let subject): .fail(subject, failure, instead: nil)
        case .replace, .finish: nil
        }
    }

    /// The node fails, or succeeds with the value of its `on_error`.
    private func replace(_ node: NodeNumber, _ failure: Failure) throws(RunValues.NotYet) -> Request {
        guard case .value(let template) = plan.flow.nodes[node.index].onError else {
            return .fail(.node(node), failure, instead: nil)
        }
        do throws(Failure) {
            let value = try sized(Payload(hashing: evaluator.render(template, in: scope)), "the value of on_error")
            return .fail(.node(node), failure, instead: value)
        } catch {
            guard error.name != RunScope.notYet else { throw RunValues.NotYet() }
            return .fail(.node(node), error, instead: nil)
        }
    }

    // MARK: Attempts

    /// What an attempt begins with.
    struct Preparation {
        /// JSON text, without the lazy ones.
        var arguments: [UInt8]
        var lazy: [Plan.LazyArgument]
        /// Of an item.
        var item: RunScope.Item?
        var timeout: Duration?
        /// It has a worker process to itself.
        var isAlone: Bool
        /// SHA-256 of the arguments. Lazy ones are bound by the version in which their map closed, and by the name of its
        /// node: another flow of a fork may number it otherwise.
        var input: Digest
    }

    /// An attempt that may begin, or `when` said no.
    enum Prepared {
        case attempt(Preparation)
        case pass(operands: JSON)
    }

    /// - Parameter isSwift: it runs in the engine itself, which gets all arguments at once and shares no worker.
    func prepare(_ subject: Event.Subject, isSwift: Bool) throws -> Prepared? {
        guard let number = subject.node else { return nil }
        let node = plan.flow.nodes[number.index]
        guard node.call != nil else { return nil }
        var scope = scope
        if case .item(_, let index) = subject { scope.item = try item(index, of: number, node) }
        if let when = node.when {
            let decision = try decide(when, in: scope)
            guard decision.truth else { return .pass(operands: decision.operands) }
        }
        let lazy = isSwift ? [] : lazyArguments(of: number)
        let arguments = try evaluator.arguments(of: number, in: plan, scope, items: lazy.isEmpty ? .inline : .leftOut)
        guard arguments.count <= RunScope.valueMax - 4096 else {
            throw Failure(
                Failure.Name.inputTooLarge,
                "the arguments have \(arguments.count) bytes, over the 16 MiB of a call: read nodes.x.items lazily, or hand over an artifact"
            )
        }
        var timeout: Duration?
        if let setting = plan.policy(of: number).timeout, case .computed = setting {
            timeout = try evaluator.duration(setting, in: scope)
        }
        return .attempt(
            Preparation(
                arguments: arguments, lazy: lazy, item: scope.item, timeout: timeout,
                isAlone: !isSwift && (plan.once(number) || state.work(of: subject)?.nextAlone == true),
                input: hash(arguments, lazy.map(\.source))))
    }

    private func hash(_ arguments: [UInt8], _ sources: [NodeNumber]) -> Digest {
        sources.isEmpty
            ? Digest(hashing: arguments)
            : Digest(
                hashing: arguments
                    + sources.flatMap { Array(" \(plan.flow.nodes[$0.index].name)@\(state[$0].result)".utf8) })
    }

    /// The arguments that are handed over page by page: those of maps, not of a value that a person gave instead.
    private func lazyArguments(of number: NodeNumber) -> [Plan.LazyArgument] {
        let lazy = plan.lazyArguments(of: number)
        let isGiven = lazy.contains { if case .payload = state[$0.source].output { true } else { false } }
        return isGiven ? [] : lazy
    }

    private func item(_ index: ItemIndex, of number: NodeNumber, _ node: Node) throws -> RunScope.Item {
        guard let map = state[number].map else { throw RunValues.NotYet() }
        let element = try values.element(index, of: number, opened: map)
        var item = RunScope.Item(element: element, index: index, key: nil)
        item.key = try scope.key(of: item, node, evaluator)
        return item
    }

    private func decide(_ expression: Expression, in scope: RunScope) throws(Failure) -> Evaluator.Decision {
        try evaluator.decide(expression, in: scope, digest: { Digest(hashing: $0) })
    }

    // MARK: Nodes

    /// Of a node without `each` that calls no function.
    private func enter(_ number: NodeNumber, _ now: Timestamp) throws -> Request? {
        let node = plan.flow.nodes[number.index]
        if let when = node.when {
            let decision = try decide(when, in: scope)
            guard decision.truth else { return .pass(.node(number), operands: decision.operands) }
        }
        switch node.kind {
        case .function: return nil
        case .condition(let rule):
            let decision = try decide(rule, in: scope)
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
                value: try sized(Payload(hashing: evaluator.render(template, in: scope)), "the value of succeed"))
        case .end(.failed, let template):
            return .end(
                number, .failed, Failure(Failure.Name.failed, try evaluator.text(template, in: scope)), value: nil)
        }
    }

    /// The flow's output.
    private func finish() throws(RunValues.NotYet) -> Request? {
        guard let output = plan.flow.output else { return nil }
        do throws(Failure) {
            return .output(.success(try sized(Payload(hashing: evaluator.render(output, in: scope)), "the output")))
        } catch {
            guard error.name != RunScope.notYet else { throw RunValues.NotYet() }
            return .output(.failure(error))
        }
    }

    private func sized(_ payload: Payload, _ what: String) throws(Failure) -> Payload {
        guard payload.bytes.count <= RunScope.valueMax else {
            throw Failure(Failure.Name.inputTooLarge, "\(what) has \(payload.bytes.count) bytes; 16 MiB are possible")
        }
        return payload
    }
}
