import RenJSON

/// What may stand beside a node's kind.
extension NodeDecoder {
    func join(_ value: Located, _ subject: String) -> Node.Join? {
        switch value.text {
        case "all": return .all
        case "settled": return .settled
        case "first":
            problems.notYet("join: first in \(subject)", at: value.place)
        default:
            problems.add(
                .flowUnknownWord, "join of \(subject) must be all or settled, not \(value.withArticle)",
                hint: value.text.flatMap { suggestion(for: $0, in: ["all", "settled"]) }, at: value.place)
        }
        return nil
    }

    func once(_ value: Located, _ fields: Fields, _ subject: String) -> Bool? {
        guard case .bool(let once) = value.value else {
            problems.add(
                .flowShape, "once of \(subject) must be true or false, not \(value.withArticle)", at: value.place)
            return nil
        }
        if once, let retry = fields.member("retry") {
            problems.warn(
                .flowRetryOnce, "\(subject) has once, so its retry never applies", hint: "keep one of the two",
                at: retry.keyPlace)
        }
        return once
    }

    func onError(_ value: Located, _ scope: Scope, _ subject: String) -> Node.OnError? {
        if value.isObject {
            let subject = "on_error of \(subject)"
            guard let fields = Fields(value, subject, known: ["value"], problems) else { return nil }
            guard let instead = fields["value"] else {
                problems.add(.flowMissingKey, "\(subject) has no value", hint: "write {value: …}", at: value.place)
                return nil
            }
            var scope = scope
            scope.item = .none
            scope.subject = subject
            return .value(compiler.template(instead, in: scope))
        }
        switch value.text {
        case "fail": return .fail
        case "stop"?, "pause"?:
            problems.notYet("on_error: \(value.text ?? "") in \(subject)", at: value.place)
        default:
            problems.add(
                .flowUnknownWord, "on_error of \(subject) must be fail or {value: …}, not \(value.withArticle)",
                hint: value.text.flatMap { suggestion(for: $0, in: ["fail"]) }, at: value.place)
        }
        return nil
    }

    func each(_ fields: Fields, _ scope: Scope, _ subject: String) -> Node.Each? {
        guard let value = fields["each"] else { return nil }
        if let member = value.onlyMember, member.key == "stream" {
            problems.notYet("each: {stream: …} in \(subject)", at: value.place)
            return nil
        }
        var outer = scope
        outer.item = .none
        outer.subject = "each of \(subject)"
        var each = Node.Each(source: compiler.template(value, in: outer))
        if !each.source.isComputed, !each.source.isList {
            problems.add(
                .flowShape, "each of \(subject) must be a list or give one, not \(value.withArticle)",
                hint: "write each: {var: nodes.x.output}", at: value.place)
        }
        if let key = fields["key"] {
            var inner = scope
            inner.item = .withoutKey
            inner.subject = "key of \(subject)"
            each.key = compiler.template(key, in: inner)
            if case .literal? = each.key, !key.isObject {
                problems.add(
                    .flowConstantExpression, "key of \(subject) is the same for every item",
                    hint: "write key: {var: item.id}", at: key.place)
            }
        }
        outer.subject = "concurrency of \(subject)"
        each.concurrency = fields["concurrency"].flatMap { concurrency($0, in: outer) }
        each.tolerate = fields["tolerate"].flatMap { tolerance($0, subject) } ?? .count(0)
        return each
    }

    private func concurrency(_ value: Located, in scope: Scope) -> Setting<Int>? {
        if value.isObject { return computed(value, .flowConcurrency, "a whole number", in: scope) }
        if case .integer(let count) = value.value, Evaluator.concurrencyRange.contains(Int(count)) {
            return .fixed(Int(count))
        }
        problems.add(
            .flowConcurrency,
            "\(scope.subject) must be a whole number from 1 to 100000, not \(value.withArticle)", at: value.place)
        return nil
    }

    private func tolerance(_ value: Located, _ subject: String) -> Node.Tolerance? {
        if case .integer(let count) = value.value, count >= 0 { return .count(Int(count)) }
        if let text = value.text, text.last == "%", let percent = Double(text.dropLast()), (0...100).contains(percent) {
            return .percent(percent)
        }
        problems.add(
            .flowTolerate, "tolerate of \(subject) must be a count or a share of the items, not \(value.withArticle)",
            hint: "write 20 or 5%", at: value.place)
        return nil
    }

    /// A time that is written or computed.
    func time(_ value: Located, _ subject: String, in scope: Scope) -> Setting<Duration>? {
        guard value.isObject else { return policies.duration(value, subject).map { .fixed($0) } }
        var scope = scope
        scope.subject = subject
        return computed(value, .durationSyntax, "a time such as 30s", in: scope)
    }

    private func computed<Value>(
        _ value: Located, _ code: RenError.Code, _ wanted: String, in scope: Scope
    ) -> Setting<Value>? {
        let count = problems.errors.count
        let template = compiler.template(value, in: scope)
        if !template.isComputed, problems.errors.count == count {
            problems.add(code, "\(scope.subject) must be \(wanted), not \(value.withArticle)", at: value.place)
        }
        return .computed(template)
    }
}

extension Template {
    /// A reference or an expression.
    var isComputed: Bool {
        switch self {
        case .reference, .expression: true
        case .literal, .array, .object: false
        }
    }

    fileprivate var isList: Bool {
        switch self {
        case .array, .literal(.array), .literal(.null): true  // null stands for a part with a problem of its own
        default: false
        }
    }
}
