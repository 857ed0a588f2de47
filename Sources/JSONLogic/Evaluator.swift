import RenJSON

/// One evaluation of a rule.
struct Evaluator {
    /// The scopes inside the outermost data, the current one last: a frame and an element for every iteration.
    enum Scope: Sendable {
        case data(JSON)
        /// Between an element and the scope around: where the iteration is.
        case index(Int)
        /// Between the error that `try` passes on and the scope around.
        case nothing
    }

    let data: JSON
    var scopes: [Scope] = []
    var meter: Meter
    var recorder: Recorder?

    init(data: JSON, budget: Budget, recorder: Recorder?) {
        self.data = data
        meter = Meter(budget)
        self.recorder = recorder
    }

    /// The value of the whole rule; a value read as it is has no limit of size, a computed one has.
    mutating func result(of root: Node) throws(LogicError) -> JSON {
        let result = try value(of: root)
        switch root.kind {
        case .literal, .lookup: break
        default: try meter.measure(result, at: root)
        }
        return result
    }

    mutating func value(of node: Node) throws(LogicError) -> JSON {
        guard recorder == nil else { return try recordedValue(of: node) }
        if case .literal(let value) = node.kind { return value }
        return try compute(node)
    }

    private mutating func recordedValue(of node: Node) throws(LogicError) -> JSON {
        if case .literal(let value) = node.kind, node.name.isEmpty {
            recorder?.literal(value)
            return value
        }
        recorder?.enter()
        do {
            let value = try compute(node)
            recorder?.leave(node, .success(value))
            return value
        } catch {
            recorder?.leave(node, .failure(error))
            throw error
        }
    }

    private mutating func compute(_ node: Node) throws(LogicError) -> JSON {
        switch node.kind {
        case .literal, .lookup: break  // free: always an argument of something that counts
        default: try meter.step(at: node)
        }
        switch node.kind {
        case .literal(let value): return value
        case .lookup(let lookup): return try self.value(of: lookup, at: node)
        case .compare(let comparison, let operands): return .bool(try holds(comparison, operands, at: node))
        case .call(let function, let arguments): return try call(function, arguments, at: node)
        case .choice(let nodes): return try choice(nodes)
        case .junction(let junction, let arguments): return try self.junction(junction, arguments, at: node)
        case .list(let nodes):
            try meter.build(values: nodes.count, at: node)
            return .array(try values(of: nodes))
        case .exists(let lookup): return .bool(try find(lookup, at: node) != nil)
        case .missing(let arguments): return .array(try missing(arguments, at: node))
        case .missingSome(let arguments): return .array(try missingSome(arguments, at: node))
        case .iterate(let iteration, let list, let step): return try iterate(iteration, list, step, at: node)
        case .reduce(let list, let step, let initial): return try reduce(list, step, initial, at: node)
        case .attempt(let alternatives): return try attempt(alternatives)
        case .object(let members):
            try meter.build(values: 3 * members.count, at: node)  // the keys take as much as two values
            return .object(try object(members))
        case .invalid(let problem): throw LogicError(.arguments, problem, at: node.pointer)
        }
    }

    mutating func values(of nodes: [Node]) throws(LogicError) -> [JSON] {
        var values: [JSON] = []
        values.reserveCapacity(nodes.count)
        for node in nodes { values.append(try value(of: node)) }
        return values
    }

    mutating func values(of arguments: Arguments, at node: Node) throws(LogicError) -> [JSON] {
        switch arguments {
        case .list(let nodes): return try values(of: nodes)
        case .spread(let argument):
            let value = try value(of: argument)
            guard case .array(let elements) = value else { return [value] }
            try meter.scan(values: elements.count, at: node)
            return elements
        }
    }

    // MARK: Control

    /// `[condition, value, condition, value, …, otherwise]`.
    private mutating func choice(_ nodes: [Node]) throws(LogicError) -> JSON {
        var index = 0
        while index + 1 < nodes.count {
            if try value(of: nodes[index]).isTruthy { return try value(of: nodes[index + 1]) }
            index += 2
        }
        return index < nodes.count ? try value(of: nodes[index]) : .null
    }

    private mutating func junction(
        _ junction: Junction, _ arguments: Arguments, at node: Node
    ) throws(LogicError) -> JSON {
        var last = JSON.null
        switch arguments {
        case .list(let nodes):
            for node in nodes {
                last = try value(of: node)
                if junction.isDecided(by: last) { return last }
            }
        case .spread:
            for value in try values(of: arguments, at: node) {
                last = value
                if junction.isDecided(by: last) { return last }
            }
        }
        return last
    }

    /// The first alternative that gives a value; the others see the error of the one before as their data.
    private mutating func attempt(_ alternatives: [Node]) throws(LogicError) -> JSON {
        var failure: LogicError?
        for alternative in alternatives {
            let depth = scopes.count
            if let failure {
                let type = JSON.string(failure.type)
                scopes += [.nothing, .data(failure.value ?? ["type": type])]
            }
            defer { scopes.removeLast(scopes.count - depth) }
            do {
                return try value(of: alternative)
            } catch {
                guard error.code != .budget else { throw error }
                failure = error
            }
        }
        guard let failure else { preconditionFailure("`try` was compiled without alternatives") }
        throw failure
    }

    private mutating func object(_ members: [(key: String, value: Node)]) throws(LogicError) -> JSONObject {
        var values: [JSONObject.Member] = []
        for member in members { values.append(JSONObject.Member(key: member.key, value: try value(of: member.value))) }
        return JSONObject(members: values)
    }
}

extension Junction {
    fileprivate func isDecided(by value: JSON) -> Bool {
        switch self {
        case .and: !value.isTruthy
        case .or: value.isTruthy
        case .coalesce: !value.isNull
        }
    }
}

extension JSON {
    /// How a condition takes this value: null, false, 0, "", an empty list and an empty object are false.
    package var isTruthy: Bool {
        switch self {
        case .null: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .double(let value): value != 0
        case .string(let value): !value.isEmpty
        case .array(let value): !value.isEmpty
        case .object(let value): !value.isEmpty
        }
    }
}
