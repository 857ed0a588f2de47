import JSONLogic
import RenJSON

/// Makes templates and expressions of JSON with places, and reports what in them can never work.
struct TemplateCompiler {
    let problems: Problems

    /// JSON in which every object with one key that is an operator is an expression. A part with a problem is null.
    func template(_ value: Located, in scope: Scope) -> Template {
        guard !problems.isFull else { return .literal(.null) }
        switch value.value {
        case .array(let elements):
            let templates = elements.map { template($0, in: scope) }
            let literals = templates.compactMap(\.literal)
            return literals.count == templates.count ? .literal(.array(literals)) : .array(templates)
        case .object(let members):
            if let member = value.onlyMember {
                if Operators.isOperator(member.key) { return operation(value, member, in: scope) }
                if let near = NearOperator.find(key: member.key, value: member.value) {
                    let key = quoted(member.key)
                    problems.add(
                        .flowNearOperator, "\(scope.subject) has \(key), nearly the operator \(near)",
                        hint: "write \(near); an object with this key is {preserve: {\(member.key): …}}, "
                            + "or {eachKey: {\(member.key): …}} with expressions in it", at: member.keyPlace)
                    return .literal(.null)
                }
            }
            let templates = members.map { Template.Member(key: $0.key, value: template($0.value, in: scope)) }
            let literals = templates.compactMap { member in
                member.value.literal.map { JSONObject.Member(key: member.key, value: $0) }
            }
            let isLiteral = literals.count == templates.count
            return isLiteral ? .literal(.object(JSONObject(members: literals))) : .object(templates)
        default:
            return .literal(value.json)
        }
    }

    /// A rule that is all expression: of `condition` and `when`. One that reads nothing is only warned of.
    func expression(_ value: Located, in scope: Scope) -> Expression? {
        guard let (rule, expression) = compile(value, in: scope, decidesWay: true) else { return nil }
        if rule.isConstant {
            problems.warn(
                .flowConstantExpression, "\(scope.subject) reads nothing and always decides the same way",
                at: value.place)
        }
        return expression
    }

    private func operation(_ value: Located, _ member: Located.Member, in scope: Scope) -> Template {
        if member.key == "preserve" { return .literal(member.value.json) }
        guard let (rule, expression) = compile(value, in: scope) else { return .literal(.null) }
        if rule.isConstant {
            problems.add(
                .flowConstantExpression, "\(scope.subject) has an expression that reads nothing: {\(member.key): …}",
                hint: "write the value itself; an object with this key is {preserve: {\(member.key): …}}",
                at: value.place)
        }
        return Self.reference(rule, member, expression) ?? .expression(expression)
    }

    /// A `var` or `val` that stands alone, with a default that reads nothing or none.
    private static func reference(_ rule: Rule, _ member: Located.Member, _ expression: Expression) -> Template? {
        guard member.key == "var" || member.key == "val", rule.reads.count == 1, expression.reads.count == 1 else {
            return nil
        }
        var reference = expression.reads[0].reference
        if rule.reads[0].hasDefault {
            guard let written = member.value[1], case .success(let fallback) = constant(written.json) else {
                return nil
            }
            reference.fallback = fallback
        }
        return .reference(reference)
    }

    private static func constant(_ json: JSON) -> Result<JSON, any Error> {
        Result { try Rule(compiling: json).evaluate(.null) }
    }

    private func compile(_ value: Located, in scope: Scope, decidesWay: Bool = false) -> (Rule, Expression)? {
        let rule: Rule
        do {
            rule = try Rule(compiling: value.json)
        } catch {
            for error in error.errors {
                problems.add(
                    RenError.Code(error.code.rawValue), "\(scope.subject): \(error.message)", hint: error.hint,
                    at: place(error.pointer, in: value))
            }
            return nil
        }
        var reads: [Expression.Read] = []
        var isSound = true
        for read in rule.reads {
            do {
                guard let reference = try resolve(read, in: scope) else { continue }
                reads.append(Expression.Read(reference: reference, path: read.path))
                warnOfUndeclared(read, in: scope, at: place(read.pointer, in: value))
            } catch {
                problems.add(error, at: place(read.pointer, in: value))
                isSound = false
            }
        }
        guard isSound else { return nil }
        warnOfQuirks(rule, value, in: scope, decidesWay: decidesWay)
        return (rule, Expression(rule: rule, reads: reads))
    }

    /// A comparison that takes null for 0 is worth a word where it decides a way, and a value may be null.
    private func warnOfQuirks(_ rule: Rule, _ value: Located, in scope: Scope, decidesWay: Bool) {
        for quirk in rule.quirks {
            let pointer = JSONPointer(parsing: quirk.pointer) ?? JSONPointer()
            if let operation = value[pointer]?.onlyMember?.key, Self.quirkyOperators.contains(operation) {
                guard decidesWay else { continue }
                let operands = rule.reads.filter {
                    JSONPointer(parsing: $0.pointer)?.tokens.dropLast() == (pointer.tokens + [operation])[...]
                }
                if !operands.isEmpty, operands.allSatisfy({ isNeverNull($0, in: scope) }) { continue }
            }
            problems.warn(.logicQuirk, "\(scope.subject): \(quirk.message)", at: value.place(at: pointer))
        }
    }

    private static let quirkyOperators: Set = ["<", "<=", ">", ">=", "==", "!=", "all"]

    /// Counts, and what the input's schema requires or fills in.
    private func isNeverNull(_ read: Read, in scope: Scope) -> Bool {
        guard read.scope == .root, let reference = try? scope.resolve(read.path) else { return false }  // said already
        return switch reference.root {
        case .index, .node(_, .total), .node(_, .succeeded), .node(_, .failed), .node(_, .skipped): true
        case .input: scope.table.input?.isAlwaysThere(reference.path) ?? false
        default: false
        }
    }

    /// Nil for what is read of an element and not of the run.
    private func resolve(_ read: Read, in scope: Scope) throws(RenError) -> Template.Reference? {
        let text = quoted(read.path.joined(separator: "."))
        if read.scope == .element {
            guard Self.meansRun(read, in: scope) else { return nil }
            let jump = ["[\(Self.levels(above: read.pointer))]"] + read.path.map { "\"\($0)\"" }
            throw RenError(
                .flowHiddenVar, "\(scope.subject) reads \(text) where \(read.kind.rawValue) sees the element of a list",
                hint: "to read the run there write {\"val\": [\(jump.joined(separator: ", "))]}")
        }
        guard !read.isDynamic else {
            throw RenError(
                .flowDynamicVar, "\(scope.subject) computes the path that it reads, so it cannot be checked",
                hint: "write the path, or choose with if or filter")
        }
        return try scope.resolve(read.path)
    }

    /// Whether a path that is looked up in an element was surely meant for the run.
    private static func meansRun(_ read: Read, in scope: Scope) -> Bool {
        guard read.path.count > 1 else { return false }
        return switch read.path[0] {
        case "nodes": scope.table.number(of: read.path[1]) != nil
        case "input": true
        case "run": Scope.runFields.contains(read.path[1])
        case "item": scope.item != .none && read.kind == .var
        default: false
        }
    }

    /// How far `val` must jump from inside the iterators (and `try`s) around the operator at `pointer`: two for each.
    private static func levels(above pointer: String) -> Int {
        let tokens = JSONPointer(parsing: pointer)?.tokens ?? []
        let iterators: Set = ["map", "filter", "reduce", "all", "some", "none", "try"]
        return 2 * zip(tokens, tokens.dropFirst()).count { iterators.contains($0) && $1 != "0" }
    }

    private func warnOfUndeclared(_ read: Read, in scope: Scope, at place: Place) {
        guard read.path[0] == "input", let input = scope.table.input,
            case .undeclared(let names) = input.finding(Array(read.path.dropFirst()))
        else { return }
        problems.warn(
            .flowUndeclaredInput,
            "\(scope.subject) reads \(quoted(read.path.joined(separator: "."))), which the input's schema does not name",
            hint: read.path.last.flatMap { suggestion(for: $0, in: names) }, at: place)
    }

    /// The place of a part of a rule; of an operator, the one of its object.
    private func place(_ pointer: String, in value: Located) -> Place {
        value.place(at: JSONPointer(parsing: pointer) ?? JSONPointer())
    }
}

extension Template {
    fileprivate var literal: JSON? { if case .literal(let json) = self { json } else { nil } }
}
