import RenJSON

/// How much one evaluation may do.
package struct Budget: Sendable, Hashable {
    /// Operators evaluated and elements visited; work on large values counts extra.
    package var steps: Int
    /// The largest value that may be built on the way or as the result, as compact JSON.
    package var resultBytes: Int

    package init(steps: Int, resultBytes: Int) {
        self.steps = steps
        self.resultBytes = resultBytes
    }

    package static let standard = Budget(steps: 10_000, resultBytes: 1 << 20)
}

/// Counts the work of one evaluation and stops it.
///
/// Steps bound the time and the memory, so work that grows with the data is charged too: a step for every 32 KiB
/// that are looked at, and for every 8 KiB that are built.
struct Meter {
    private let budget: Budget
    private(set) var steps = 0
    /// Work that is not yet a step.
    private var bytesLookedAt = 0
    private var bytesBuilt = 0

    /// What a value takes as an element of a list, roughly.
    static let valueBytes = 16
    /// What a built value may nest: as deep as a parser would take it.
    static let depthMax = 64

    init(_ budget: Budget) {
        self.budget = budget
    }

    mutating func step(_ count: Int = 1, at node: Node) throws(LogicError) {
        steps += count
        guard steps <= budget.steps else {
            throw LogicError(
                .budget, "the evaluation was stopped after \(budget.steps) steps",
                hint: "compute over less data, or do this work in a function", at: node.pointer)
        }
    }

    mutating func scan(values: Int, at node: Node) throws(LogicError) {
        try scan(bytes: values * Self.valueBytes, at: node)
    }

    mutating func scan(bytes: Int, at node: Node) throws(LogicError) {
        bytesLookedAt += bytes
        guard bytesLookedAt >= 1 << 15 else { return }
        try step(bytesLookedAt >> 15, at: node)
        bytesLookedAt &= (1 << 15) - 1
    }

    mutating func build(values: Int, at node: Node) throws(LogicError) {
        // Two bytes are the least that an element takes as text.
        try check(bytes: 2 * values, at: node)
        try charge(builtBytes: values * Self.valueBytes, at: node)
    }

    mutating func build(bytes: Int, at node: Node) throws(LogicError) {
        try check(bytes: bytes, at: node)
        try charge(builtBytes: bytes, at: node)
    }

    /// Whether a value of so many bytes may be built at all.
    func check(bytes: Int, at node: Node) throws(LogicError) {
        guard bytes <= budget.resultBytes else {
            throw LogicError(
                .budget, "a value of more than \(budget.resultBytes) bytes was built",
                hint: "do this work in a function", at: node.pointer)
        }
    }

    private mutating func charge(builtBytes bytes: Int, at node: Node) throws(LogicError) {
        bytesBuilt += bytes
        guard bytesBuilt >= 1 << 13 else { return }
        try step(bytesBuilt >> 13, at: node)
        bytesBuilt &= (1 << 13) - 1
    }

    /// Checks size and depth of a finished value.
    ///
    /// - Complexity: O(*n*) in the size of the value, stops at the limit.
    mutating func measure(_ value: JSON, at node: Node) throws(LogicError) {
        switch value {
        case .array, .object, .string: break
        default: return
        }
        var size = Size(bytesMax: budget.resultBytes)
        size.add(value, depth: 0)
        guard size.depth <= Self.depthMax else {
            throw LogicError(
                .budget, "a value that nests deeper than \(Self.depthMax) was built", at: node.pointer)
        }
        try scan(values: size.values, at: node)
        try scan(bytes: size.bytes, at: node)
        try check(bytes: size.bytes, at: node)
    }
}

/// The size of a value as compact JSON (escapes are not counted), added up until it is too large.
private struct Size {
    let bytesMax: Int
    var bytes = 0
    var values = 0
    var depth = 0

    mutating func add(_ value: JSON, depth: Int) {
        values += 1
        switch value {
        case .null, .bool: bytes += 4
        case .integer(let integer): bytes += 1 + (64 - integer.magnitude.leadingZeroBitCount) * 3 / 10
        case .double: bytes += 8
        case .string(let string): bytes += string.utf8.count + 2
        case .array(let elements):
            guard enter(depth + 1, elements.count) else { return }
            for element in elements where bytes <= bytesMax { add(element, depth: depth + 1) }
        case .object(let object):
            guard enter(depth + 1, object.count) else { return }
            for member in object where bytes <= bytesMax {
                bytes += member.key.utf8.count + 3
                add(member.value, depth: depth + 1)
            }
        }
    }

    /// Whether the elements are to be looked at.
    private mutating func enter(_ depth: Int, _ count: Int) -> Bool {
        self.depth = max(self.depth, depth)
        bytes += 2 + max(0, count - 1)
        return depth <= Meter.depthMax && bytes <= bytesMax
    }
}
