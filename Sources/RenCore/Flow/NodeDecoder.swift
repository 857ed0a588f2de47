import RenJSON

/// Reads one node: its kind and everything that may stand beside it.
struct NodeDecoder {
    let table: NodeTable
    let problems: Problems
    let compiler: TemplateCompiler
    let policies: PolicyReader

    init(table: NodeTable, problems: Problems) {
        self.table = table
        self.problems = problems
        compiler = TemplateCompiler(problems: problems)
        policies = PolicyReader(problems: problems)
    }

    private static let kindKeys = ["function", "condition", "pause", "fail", "succeed"]
    private static let laterKindKeys = ["switch", "wait", "flow", "subflow"]
    /// Say what a node does, but may stand beside a kind.
    private static let laterWorkKeys = ["choose", "repeat"]
    private static let commonKeys = ["after", "join", "when"]
    private static let mapKeys = ["key", "concurrency", "tolerate"]
    private static let functionKeys = ["with", "each"] + mapKeys + ["retry", "timeout", "heartbeat", "once"]
    private static let laterKeys =
        laterKindKeys + laterWorkKeys
        + ["from", "default", "rate", "batch", "enough", "limit", "compensate", "finally"]

    /// What the node will be; `broken` when that is not clear, so that nothing more is said about it than needed.
    static func kind(of value: Located) -> NodeTable.Kind {
        guard case .object(let members) = value.value else { return .broken }
        let kinds = members.map(\.key).filter { kindKeys.contains($0) || laterKindKeys.contains($0) }
        guard kinds.count == 1 else { return .broken }
        return switch kinds[0] {
        case "function": .function
        case "condition": .condition
        case "pause": .pause
        case "fail", "succeed": .end
        default: .broken
        }
    }

    /// The node, or nil with problems.
    func decode(_ member: Located.Member, number: NodeNumber, after: [Node.After]) -> Node? {
        let subject = "node \(quoted(member.key))"
        let known = Self.kindKeys + Self.commonKeys + Self.functionKeys + ["on_error"]
        guard let fields = Fields(member.value, subject, known: known, later: Self.laterKeys, problems) else {
            return nil
        }
        let kind = table.kinds[number.index]
        refuseMisplaced(fields, kind, subject)
        if kind == .broken { reportKinds(fields, member, subject) }
        let hasEach = (kind == .function || kind == .broken) && fields["each"] != nil
        var scope = Scope(
            table: table, readable: .upstream(of: number), item: hasEach ? .whole : .none, subject: subject)
        let content = content(fields, kind, member.key, scope)
        // What stands beside a kind that cannot be read is checked all the same; such a node is not given back.
        var node = Node(name: member.key, kind: content ?? .end(.failed, .literal(.null)))
        node.after = after
        node.join = fields["join"].flatMap { join($0, subject) } ?? .standard
        if let when = fields["when"] {
            scope.subject = "when of \(subject)"
            node.when = compiler.expression(when, in: scope)
        }
        if hasEach { node.each = each(fields, scope, subject) }
        node.policy.retry = fields["retry"].flatMap { policies.retry($0, subject) }
        node.policy.timeout = fields["timeout"].flatMap { time($0, "timeout of \(subject)", in: scope) }
        node.policy.heartbeat = fields["heartbeat"].flatMap { policies.heartbeat($0, "heartbeat of \(subject)") }
        node.once = fields["once"].flatMap { once($0, fields, subject) }
        node.onError = fields["on_error"].flatMap { onError($0, scope, subject) } ?? .fail
        return content == nil ? nil : node
    }

    // MARK: Kinds

    private func reportKinds(_ fields: Fields, _ member: Located.Member, _ subject: String) {
        let kinds = (Self.kindKeys + Self.laterKindKeys).compactMap { key in fields.member(key) }
            .sorted { $0.keyPlace.offset < $1.keyPlace.offset }
        guard !kinds.isEmpty else {
            guard Self.laterWorkKeys.allSatisfy({ fields[$0] == nil }) else { return }  // said already
            return problems.add(
                .flowNoKind, "\(subject) does nothing",
                hint: "give it one of \(Self.kindKeys.joined(separator: ", "))", at: member.keyPlace)
        }
        guard kinds.count > 1 else { return }  // one of a later version, which is said already
        let names = kinds.map { quoted($0.key) }.joined(separator: " and ")
        problems.add(
            .flowSeveralKinds, "\(subject) has \(names)", hint: "a node is one of them; make two nodes",
            at: kinds[1].keyPlace)
    }

    /// Keys that the node's kind does not take.
    private func refuseMisplaced(_ fields: Fields, _ kind: NodeTable.Kind, _ subject: String) {
        guard kind != .broken else { return }
        let name =
            switch kind {
            case .function: "a function"
            case .condition: "a condition"
            case .pause: "a pause"
            case .end, .broken: "an end node"
            }
        let misplaced = kind == .function ? [] : Self.functionKeys
        let errorHandling = kind == .function || kind == .pause ? [] : ["on_error"]
        for key in misplaced + errorHandling {
            guard let member = fields.member(key) else { continue }
            let isPauseTime = kind == .pause && key == "timeout"
            problems.add(
                .flowWrongKind, "\(subject) has \(quoted(key)), which \(name) does not take",
                hint: isPauseTime ? "write it inside pause" : nil, at: member.keyPlace)
        }
        guard kind == .function, fields["each"] == nil else { return }
        for key in Self.mapKeys {
            guard let member = fields.member(key) else { continue }
            problems.add(
                .flowNeedsEach, "\(subject) has \(quoted(key)), which means something only with each",
                at: member.keyPlace)
        }
    }

    private func content(_ fields: Fields, _ kind: NodeTable.Kind, _ name: String, _ scope: Scope) -> Node.Kind? {
        var scope = scope
        switch kind {
        case .function:
            guard let function = fields["function"] else { return nil }
            return functionCall(function, with: fields["with"], scope).map { .function($0) }
        case .condition:
            guard let condition = fields["condition"] else { return nil }
            scope.subject = "condition of \(scope.subject)"
            return compiler.expression(condition, in: scope).map { .condition($0) }
        case .pause:
            guard let pause = fields["pause"] else { return nil }
            return self.pause(pause, name, scope).map { .pause($0) }
        case .end:
            let outcome = fields["fail"] == nil ? RunOutcome.succeeded : .failed
            guard let template = fields["fail"] ?? fields["succeed"] else { return nil }
            scope.subject = "\(outcome == .failed ? "fail" : "succeed") of \(scope.subject)"
            return .end(outcome, compiler.template(template, in: scope))
        case .broken:
            _ = arguments(fields["with"], scope)
            return nil
        }
    }

    /// Nil without a name; arguments that cannot be read count as unwritten.
    private func functionCall(_ value: Located, with: Located?, _ scope: Scope) -> Node.FunctionCall? {
        let arguments = arguments(with, scope)
        if value["choose"] != nil {
            problems.notYet("choosing a function by data in \(scope.subject)", at: value.place)
            return nil
        }
        guard let name = value.text, !name.isEmpty else {
            problems.add(
                .flowShape, "function of \(scope.subject) must be a function's name, not \(value.withArticle)",
                at: value.place)
            return nil
        }
        return Node.FunctionCall(name: name, with: arguments)
    }

    private func arguments(_ with: Located?, _ scope: Scope) -> [Template.Member]? {
        guard let with else { return nil }
        guard case .object(let members) = with.value else {
            problems.add(
                .flowShape, "with of \(scope.subject) must be a mapping of argument names, not \(with.withArticle)",
                hint: "write with: {name: value}", at: with.place)
            return nil
        }
        var scope = scope
        let node = scope.subject
        var arguments: [Template.Member] = []
        for member in members {
            scope.subject = "argument \(quoted(member.key)) of \(node)"
            arguments.append(Template.Member(key: member.key, value: compiler.template(member.value, in: scope)))
        }
        return arguments
    }

    private func pause(_ value: Located, _ name: String, _ scope: Scope) -> Node.Pause? {
        let subject = "pause of \(scope.subject)"
        let known = ["message", "signal", "form", "timeout"]
        guard let fields = Fields(value, subject, known: known, later: ["until"], problems) else { return nil }
        var scope = scope
        scope.subject = "message in \(subject)"
        let message = fields["message"].map { text($0, "message in \(subject)", in: scope) }
        scope.subject = "signal in \(subject)"
        let signal = fields["signal"].map { self.signal($0, in: scope) }
        return Node.Pause(
            message: message ?? .literal(.string("")), signal: signal ?? .literal(.string(name)),
            form: fields["form"].flatMap { JSONSchema.compile($0, "form in \(subject)", problems) },
            timeout: fields["timeout"].flatMap { time($0, "timeout in \(subject)", in: scope) })
    }

    private func text(_ value: Located, _ subject: String, in scope: Scope) -> Template {
        let template = compiler.template(value, in: scope)
        if value.text == nil, !template.isComputed {
            problems.add(.flowShape, "\(subject) must be a text, not \(value.withArticle)", at: value.place)
        }
        return template
    }

    private func signal(_ value: Located, in scope: Scope) -> Template {
        if let name = value.text {
            if ["pause", "resume", "stop"].contains(name) {
                problems.add(
                    .flowReservedSignal, "\(scope.subject) is \(quoted(name)), which is a command to every run",
                    hint: "choose another name", at: value.place)
            }
            do {
                try Identifier.check(signal: name)
            } catch {
                problems.add(error, at: value.place)
            }
        }
        return text(value, scope.subject, in: scope)
    }
}
