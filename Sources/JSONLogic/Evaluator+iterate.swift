import RenJSON

extension Evaluator {
    mutating func iterate(
        _ iteration: Iteration, _ list: Node, _ step: Node, at node: Node
    ) throws(LogicError) -> JSON {
        let elements = try elements(of: list, at: node, isNullEmpty: iteration == .map || iteration == .filter)
        var results: [JSON] = []
        for (index, element) in elements.enumerated() {
            let value = try value(of: step, for: element, index, at: node)
            switch iteration {
            case .map: results.append(value)
            case .filter: if value.isTruthy { results.append(element) }
            case .all: if !value.isTruthy { return false }
            case .some: if value.isTruthy { return true }
            case .none: if value.isTruthy { return false }
            }
        }
        switch iteration {
        case .map, .filter: return .array(results)
        case .all: return .bool(!elements.isEmpty)
        case .some: return false
        case .none: return true
        }
    }

    /// Folds the list; without a start value its first element is the start.
    mutating func reduce(
        _ list: Node, _ step: Node, _ initial: Node?, at node: Node
    ) throws(LogicError) -> JSON {
        var elements = try elements(of: list, at: node, isNullEmpty: true)[...]
        var accumulator: JSON = if let initial { try value(of: initial) } else { elements.popFirst() ?? .null }
        for (index, element) in zip(elements.indices, elements) {
            let scope: JSON = ["current": element, "accumulator": accumulator]
            accumulator = try value(of: step, for: scope, index, at: node)
            // Here alone a value can grow with every round, in size and in depth.
            try meter.measure(accumulator, at: node)
        }
        return accumulator
    }

    private mutating func elements(
        of list: Node, at node: Node, isNullEmpty: Bool
    ) throws(LogicError) -> [JSON] {
        let value = try value(of: list)
        if case .array(let elements) = value { return elements }
        guard value.isNull, isNullEmpty else {
            throw LogicError(
                .arguments, "`\(node.name)` needs a list, not \(value.excerpt)",
                hint: "write {\"??\": [{\"var\": …}, []]} for a list that may be missing", at: node.pointer)
        }
        return []
    }

    private mutating func value(
        of step: Node, for element: JSON, _ index: Int, at node: Node
    ) throws(LogicError) -> JSON {
        try meter.step(at: node)
        scopes.append(.index(index))
        scopes.append(.data(element))
        recorder?.enterElement()
        defer {
            scopes.removeLast(2)
            recorder?.leaveElement()
        }
        return try value(of: step)
    }
}
