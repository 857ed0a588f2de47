import JSONLogic
import RenJSON
import Testing

/// Rules that nobody would write: whatever they are, they end in a value or an error, and always in the same.
@Suite("Random rules")
struct RandomRuleTests {
    @Test("End in the same value or error every time", arguments: 0..<40 as Range<UInt64>)
    func endInTheSame(_ seed: UInt64) throws {
        var random = RuleGenerator(seed: seed)
        for number in 0..<100 {
            let source = random.rule(depth: 5)
            let data = random.value(depth: 4)
            let note: Comment = "seed \(seed), rule \(number): \(source.text) of \(data.text)"
            guard let rule = try? Rule(compiling: source) else { continue }  // too many nodes
            let result = Result { () throws(LogicError) in try rule.evaluate(data) }
            #expect(try Rule(compiling: JSON(parsing: source.text)) == rule, note)
            let again = try Rule(compiling: source)
            #expect(result == Result { () throws(LogicError) in try again.evaluate(data) }, note)
            let trace = rule.trace(data)
            #expect(trace.result == result, note)
            let rootReads = rule.reads.filter { $0.scope == .root }
            for operand in trace.operands {
                #expect(rootReads.contains { $0.path == operand.path || $0.isDynamic }, note)
            }
            guard case .success(let value) = result else { continue }
            // Writable text: no NaN, no infinity, no depth that a parser refuses.
            #expect(try JSON(parsing: value.compact, limits: .payload) == value, note)
            if rule.isConstant { #expect(try rule.evaluate(random.value(depth: 3)) == value, note) }
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014), and the rules and data drawn from it.
private struct RuleGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private static let names = Operators.names.sorted()
    private static let keys = ["a", "b", "current", "accumulator", "type", "index", "", "0", "1"]
    private static let scalars: [JSON] = [
        nil, true, false, 0, 1, -1, 2.5, "", "1", "x", "é👋", 9_223_372_036_854_775_807, 1e300,
        -9_223_372_036_854_775_808, "1e5",
    ]

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &self)]
    }

    private mutating func list(_ element: (inout RuleGenerator) -> JSON) -> JSON {
        .array((0..<Int.random(in: 0...3, using: &self)).map { _ in element(&self) })
    }

    mutating func value(depth: Int) -> JSON {
        switch depth > 0 ? Int.random(in: 0...3, using: &self) : 0 {
        case 1: return list { $0.value(depth: depth - 1) }
        case 2, 3:
            var object = JSONObject()
            for key in Self.keys.shuffled(using: &self).prefix(3) { object[key] = value(depth: depth - 1) }
            return .object(object)
        default: return pick(Self.scalars)
        }
    }

    mutating func rule(depth: Int) -> JSON {
        guard depth > 0 else { return pick(Self.scalars) }
        let name = pick(Self.names)
        let argument: JSON =
            switch (name, Int.random(in: 0...5, using: &self)) {
            case ("var", 0...3), ("missing", 0...2): .string(pick(Self.keys) + pick(["", ".a", ".0"]))
            case ("val", 0...3), ("exists", 0...3):
                [[.integer(Int64.random(in: 0...4, using: &self))], .string(pick(Self.keys))]
            case ("eachKey", 0...4): ["a": rule(depth: depth - 1), "b": rule(depth: depth - 1)]
            case ("preserve", _): value(depth: 2)
            case (_, 0): pick(Self.scalars)
            case (_, 1): rule(depth: depth - 1)
            default: list { $0.rule(depth: depth - 1) }
            }
        return [name: argument]
    }
}
