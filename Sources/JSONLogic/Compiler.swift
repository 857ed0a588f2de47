import RenJSON

/// Turns a rule into nodes, gathering everything that is wrong with it.
struct Compiler {
    private(set) var errors: [LogicError] = []
    private(set) var reads: [Read] = []
    private(set) var quirks: [Quirk] = []
    private(set) var nodeCount = 0
    private(set) var depthReached = 0

    /// The scopes around the current place, as the evaluator will have them; the outermost first.
    private var scopes: [Scope] = [.root]

    private enum Scope {
        case root, element
        /// Holds the index of an iteration, or nothing.
        case frame
    }

    mutating func compile(_ source: JSON) -> Node { compile(source, at: "", inside: 0) }

    private mutating func compile(_ source: JSON, at pointer: String, inside depth: Int) -> Node {
        guard countNode(at: pointer) else { return Node(.literal(.null), at: pointer) }
        switch source {
        case .array(let elements):
            guard enter(depth + 1, at: pointer) else { break }
            let nodes = compile(elements, at: pointer, inside: depth + 1)
            let values = nodes.compactMap(\.literal)
            return Node(values.count == nodes.count ? .literal(.array(values)) : .list(nodes), at: pointer)
        case .object(let object) where !object.isEmpty:
            guard let (name, form) = operation(of: object, at: pointer), enter(depth + 1, at: pointer) else { break }
            let inner = pointer + token(name)
            let kind = compile(form, name, object.members[0].value, at: pointer, inner, depth + 1)
            if case .invalid(let problem) = kind {
                quirks.append(Quirk(pointer: pointer, message: "this always fails: \(problem)"))
            }
            return Node(kind, name: name, at: pointer)
        default:
            return Node(.literal(source), at: pointer)
        }
        return Node(.literal(.null), at: pointer)  // an error has been noted
    }

    private mutating func compile(_ elements: [JSON], at pointer: String, inside depth: Int) -> [Node] {
        var nodes: [Node] = []
        for (index, element) in elements.enumerated() where nodeCount <= Rule.nodesMax {
            nodes.append(compile(element, at: "\(pointer)/\(index)", inside: depth))
        }
        return nodes
    }

    /// The operator that the only key names; several keys and unknown ones are errors.
    private mutating func operation(of object: JSONObject, at pointer: String) -> (name: String, form: Form)? {
        let keys = object.keys.prefix(3).map { JSON.string($0).excerpt }
        guard object.count == 1 else {
            let rest = object.count > 3 ? ", …" : ""
            errors.append(
                LogicError(
                    .operatorUnknown, "an operator has one key, but here are \(keys.joined(separator: ", "))\(rest)",
                    hint: "write {\"preserve\": {…}} for a plain object, {\"eachKey\": {…}} to compute its values",
                    at: pointer))
            return nil
        }
        let name = object.members[0].key
        if let form = Operators.table[name] { return (name, form) }
        let hint =
            if name == "log" {
                "an expression has no effects; trace its evaluation instead"
            } else {
                Operators.nearest(to: name).map { "did you mean \"\($0)\"?" }
                    ?? "write {\"preserve\": {…}} for a plain object"
            }
        errors.append(LogicError(.operatorUnknown, "there is no operator \(keys[0])", hint: hint, at: pointer))
        return nil
    }

    private mutating func countNode(at pointer: String) -> Bool {
        nodeCount += 1
        if nodeCount == Rule.nodesMax + 1 {
            errors.append(
                LogicError(
                    .tooLarge, "the rule has more than \(Rule.nodesMax) nodes",
                    hint: "read long lists from the data, or do this work in a function", at: pointer))
        }
        return nodeCount <= Rule.nodesMax
    }

    private mutating func enter(_ depth: Int, at pointer: String) -> Bool {
        if depth > Rule.depthMax, depthReached <= Rule.depthMax {
            errors.append(
                LogicError(.tooLarge, "the rule nests more than \(Rule.depthMax) operators and lists", at: pointer))
        }
        depthReached = max(depthReached, depth)
        return depth <= Rule.depthMax
    }

    // MARK: Forms

    private mutating func compile(
        _ form: Form, _ name: String, _ argument: JSON, at pointer: String, _ inner: String, _ depth: Int
    ) -> Node.Kind {
        switch form {
        case .preserve:
            return .literal(argument)
        case .object:
            return compileObject(argument, inner, depth)
        case .variable:
            return compileVariable(argument, at: pointer, inner, depth)
        case .value:
            let lookup = compileKeys(argument, .val, at: pointer, inner, depth)
            return lookup.map { .lookup($0) } ?? .invalid("`val` takes keys")
        case .exists:
            let lookup = compileKeys(argument, .exists, at: pointer, inner, depth)
            return lookup.map { .exists($0) } ?? .invalid("`exists` takes keys")
        case .missing:
            let arguments = compileArguments(argument, inner, depth)
            readKeys(arguments, at: pointer)
            return .missing(arguments)
        case .missingSome:
            let arguments = compileArguments(argument, inner, depth)
            if case .list(let nodes) = arguments {
                guard nodes.count == 2 else { return .invalid("`missing_some` takes a count and a list of paths") }
                readKeys(.spread(nodes[1]), at: pointer)
            } else {
                readKeys(arguments, at: pointer)
            }
            return .missingSome(arguments)
        case .call(let function):
            // The only argument of some may itself be a list: `{"length": {"var": "list"}}` is not spread.
            if function.isUnary, case .object = argument {
                return .call(function, .list([compile(argument, at: inner, inside: depth)]))
            }
            return .call(function, compileArguments(argument, inner, depth))
        case .junction(.coalesce):
            return .junction(.coalesce, compileArguments(argument, inner, depth))
        case .attempt:
            return compileAttempt(argument, inner, depth)
        case .choice, .junction, .compare, .iterate, .reduce:
            guard case .array(let elements) = argument else {
                _ = compile(argument, at: inner, inside: depth)  // for its errors
                return .invalid("`\(name)` takes a list written in the rule")
            }
            return compileList(form, name, elements, at: pointer, inner, depth)
        }
    }

    private mutating func compileList(
        _ form: Form, _ name: String, _ elements: [JSON], at pointer: String, _ inner: String, _ depth: Int
    ) -> Node.Kind {
        switch form {
        case .iterate(let iteration):
            let nodes = compileIteration(elements, inner, depth)
            guard nodes.count >= 2 else { return .invalid("`\(name)` takes a list and an expression") }
            switch iteration {
            case .all: quirks.append(Quirk(pointer: pointer, message: "`all` of an empty list is false"))
            case .map, .filter:
                let hasNull = nodes.prefix(2).contains { $0.literal == .null }
                if hasNull { return .invalid("`\(name)` has null for its list or its expression") }
            case .some, .none: break
            }
            return .iterate(iteration, list: nodes[0], step: nodes[1])
        case .reduce:
            let nodes = compileIteration(elements, inner, depth)
            guard nodes.count >= 2 else { return .invalid("`reduce` takes a list, an expression and a start value") }
            return .reduce(list: nodes[0], step: nodes[1], initial: nodes.count > 2 ? nodes[2] : nil)
        default:
            let nodes = compile(elements, at: inner, inside: depth)
            if case .junction(let junction) = form { return .junction(junction, .list(nodes)) }
            guard case .compare(let comparison) = form else { return .choice(nodes) }
            guard nodes.count >= 2 else { return .invalid("`\(name)` takes two values or more") }
            if let message = Quirk.message(comparing: name, comparison, nodes) {
                quirks.append(Quirk(pointer: pointer, message: message))
            }
            return .compare(comparison, nodes)
        }
    }

    private mutating func compileArguments(_ argument: JSON, _ inner: String, _ depth: Int) -> Arguments {
        switch argument {
        case .array(let elements): .list(compile(elements, at: inner, inside: depth))
        case .object(let object) where !object.isEmpty: .spread(compile(argument, at: inner, inside: depth))
        default: .list([compile(argument, at: inner, inside: depth)])
        }
    }

    /// The list in the current scope, the expression in that of an element, and the rest in the current one.
    private mutating func compileIteration(_ elements: [JSON], _ inner: String, _ depth: Int) -> [Node] {
        var nodes: [Node] = []
        for (index, element) in elements.enumerated() {
            if index == 1 { scopes += [.frame, .element] }
            nodes.append(compile(element, at: "\(inner)/\(index)", inside: depth))
            if index == 1 { scopes.removeLast(2) }
        }
        return nodes
    }

    /// The first alternative sees the current scope, the others the error of the one before.
    private mutating func compileAttempt(_ argument: JSON, _ inner: String, _ depth: Int) -> Node.Kind {
        guard case .array(let elements) = argument else {
            return .attempt([compile(argument, at: inner, inside: depth)])
        }
        var nodes: [Node] = []
        for (index, element) in elements.enumerated() {
            if index == 1 { scopes += [.frame, .element] }
            nodes.append(compile(element, at: "\(inner)/\(index)", inside: depth))
        }
        if nodes.count > 1 { scopes.removeLast(2) }
        return nodes.isEmpty ? .invalid("`try` takes at least one expression") : .attempt(nodes)
    }

    private mutating func compileObject(_ argument: JSON, _ inner: String, _ depth: Int) -> Node.Kind {
        guard case .object(let object) = argument else {
            _ = compile(argument, at: inner, inside: depth)  // for its errors
            return .invalid("`eachKey` takes an object")
        }
        var members: [(key: String, value: Node)] = []
        for member in object where nodeCount <= Rule.nodesMax {
            members.append((member.key, compile(member.value, at: inner + token(member.key), inside: depth)))
        }
        return .object(members)
    }
}

// MARK: - Reading

extension Compiler {
    private mutating func compileVariable(
        _ argument: JSON, at pointer: String, _ inner: String, _ depth: Int
    ) -> Node.Kind {
        var first = argument
        var firstPointer = inner
        var fallback: Node?
        if case .array(let elements) = argument {
            first = elements.first ?? .null
            firstPointer += "/0"
            if elements.count > 1 { fallback = compile(elements[1], at: inner + "/1", inside: depth) }
        }
        var keys: [PathKey] = []
        var path: Lookup.Path?
        switch first {
        case .array: return .invalid("`var` takes a path, which is no list")
        case .object: path = .dotted(compile(first, at: firstPointer, inside: depth))
        default: keys = PathKey(first).map { PathKey.keys(dotted: $0.text) } ?? []
        }
        read(.var, keys, isDynamic: path != nil, hasDefault: fallback != nil, at: pointer)
        return .lookup(Lookup(path: path ?? .constant(keys), fallback: fallback))
    }

    /// What `val` and `exists` read; nil when the argument holds something that is no key.
    private mutating func compileKeys(
        _ argument: JSON, _ kind: Read.Kind, at pointer: String, _ inner: String, _ depth: Int
    ) -> Lookup? {
        switch argument {
        case .array(let elements):
            var climb = 0
            var start = 0
            if case .array(let jump)? = elements.first {
                guard jump.count == 1, let levels = jump[0].integerValue, levels.magnitude < 1_000 else { return nil }
                climb = Int(levels.magnitude)
                start = 1
            }
            let nodes = (start..<elements.count).map { compile(elements[$0], at: "\(inner)/\($0)", inside: depth) }
            let literals = nodes.compactMap(\.literal)
            guard literals.allSatisfy({ $0.isNull || PathKey($0) != nil }) else { return nil }
            let isDynamic = literals.count < nodes.count
            let keys = nodes.prefix { $0.literal != nil }.compactMap { $0.literal.flatMap { PathKey($0) } }
            read(kind, keys, isDynamic: isDynamic, climb: climb, at: pointer)
            return Lookup(path: isDynamic ? .keys(nodes) : .constant(keys), climb: climb)
        case .object(let object):
            guard !object.isEmpty else { return nil }
            let path = Lookup.Path.keyList(compile(argument, at: inner, inside: depth))
            read(kind, [], isDynamic: true, at: pointer)
            return Lookup(path: path)
        default:
            let keys = PathKey(argument).map { [$0] } ?? []
            read(kind, keys, at: pointer)
            return Lookup(path: .constant(keys))
        }
    }

    /// Notes the paths that `missing` looks for.
    private mutating func readKeys(_ arguments: Arguments, at pointer: String) {
        var values: [JSON?]
        switch arguments {
        case .list(let nodes): values = nodes.map(\.literal)
        case .spread(let node): values = [node.literal]
        }
        if case .array(let list)?? = values.first { values = list }
        for value in values {
            guard let value else {
                read(.missing, [], isDynamic: true, at: pointer)
                continue
            }
            let keys = PathKey(value).map { PathKey.keys(dotted: $0.text) } ?? []
            if keys.isEmpty, !value.isNull, value != "" { continue }  // no path: fails when it is evaluated
            read(.missing, keys, at: pointer)
        }
    }

    private mutating func read(
        _ kind: Read.Kind, _ keys: [PathKey], isDynamic: Bool = false, hasDefault: Bool = false, climb: Int = 0,
        at pointer: String
    ) {
        guard climb < scopes.count else {
            quirks.append(Quirk(pointer: pointer, message: "this climbs out of all scopes: nothing is ever there"))
            return
        }
        let scope = scopes[scopes.count - 1 - climb]
        guard scope != .frame else { return }
        reads.append(
            Read(
                kind: kind, path: keys.map(\.text), isDynamic: isDynamic, hasDefault: hasDefault,
                scope: scope == .root ? .root : .element, pointer: pointer))
    }
}

/// A key as the next token of an RFC 6901 pointer.
private func token(_ key: String) -> String {
    guard key.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else { return "/" + key }
    return key.unicodeScalars.reduce(into: "/") { text, scalar in
        switch scalar {
        case "~": text += "~0"
        case "/": text += "~1"
        default: text.unicodeScalars.append(scalar)
        }
    }
}
