import RenJSON

extension Evaluator {
    /// Whether every value stands so to the one after it; the first that does not ends the evaluation.
    mutating func holds(_ comparison: Comparison, _ operands: [Node], at node: Node) throws(LogicError) -> Bool {
        var left = try value(of: operands[0])
        for operand in operands.dropFirst() {
            let right = try value(of: operand)
            guard try holds(comparison, left, right, at: node) else { return false }
            left = right
        }
        return true
    }

    private mutating func holds(
        _ comparison: Comparison, _ left: JSON, _ right: JSON, at node: Node
    ) throws(LogicError) -> Bool {
        switch comparison {
        case .same: return try areSame(left, right, at: node)
        case .notSame: return try !areSame(left, right, at: node)
        case .equal: return try areEqual(left, right, at: node)
        case .notEqual: return try !areEqual(left, right, at: node)
        case .less, .lessOrEqual, .greater, .greaterOrEqual: break
        }
        guard let order = try order(left, right, at: node) else { return false }
        return switch comparison {
        case .less: order < 0
        case .lessOrEqual: order <= 0
        case .greater: order > 0
        default: order >= 0
        }
    }

    /// Equality without conversion: JSON equality, also of lists and objects.
    mutating func areSame(_ left: JSON, _ right: JSON, at node: Node) throws(LogicError) -> Bool {
        switch (left, right) {
        case (.array(let left), .array(let right)):
            guard left.count == right.count else { return false }
            try meter.scan(values: left.count, at: node)
            for (left, right) in zip(left, right) where try !areSame(left, right, at: node) { return false }
            return true
        case (.object(let left), .object(let right)):
            guard left.count == right.count else { return false }
            try meter.scan(values: left.count, at: node)
            for member in left {
                guard let other = right[member.key], try areSame(member.value, other, at: node) else { return false }
            }
            return true
        case (.string(let left), .string(let right)):
            try meter.scan(bytes: min(left.utf8.count, right.utf8.count), at: node)
            return ExactString(left) == ExactString(right)
        default:
            return left == right
        }
    }

    /// JavaScript's loose equality, but text that is no number is an error beside a number, and so is a list.
    private mutating func areEqual(_ left: JSON, _ right: JSON, at node: Node) throws(LogicError) -> Bool {
        switch (left, right) {
        case (.null, .null): return true
        case (.null, .string), (.string, .null), (.null, .array), (.array, .null), (.null, .object), (.object, .null):
            return false
        case (.string, .string): return try areSame(left, right, at: node)
        default: return try number(left, at: node) == number(right, at: node)
        }
    }

    /// Below, at or above 0, text by its Unicode scalars, else as numbers; nil for null beside text that is none.
    private mutating func order(_ left: JSON, _ right: JSON, at node: Node) throws(LogicError) -> Int? {
        switch (left, right) {
        case (.string(let left), .string(let right)):
            try meter.scan(bytes: min(left.utf8.count, right.utf8.count), at: node)
            if ExactString(left) == ExactString(right) { return 0 }
            return left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
        case (.null, .string), (.string, .null):
            if Number(left) == nil || Number(right) == nil { return nil }
        default:
            break
        }
        let (left, right) = (try number(left, at: node), try number(right, at: node))
        return left < right ? -1 : left == right ? 0 : 1
    }

    func number(_ value: JSON, at node: Node) throws(LogicError) -> Number {
        guard let number = Number(value) else {
            throw LogicError(.number, "`\(node.name)` needs a number, not \(value.excerpt)", at: node.pointer)
        }
        return number
    }
}
