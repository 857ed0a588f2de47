import RenJSON

/// Random values that a seed brings back (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    mutating func json(depth: Int) -> JSON {
        switch Int.random(in: 0..<(depth > 0 ? 10 : 7), using: &self) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &self))
        case 2: return .integer(Int64(bitPattern: next()) >> Int64.random(in: 0..<64, using: &self))
        case 3:
            let value = Double(bitPattern: next())
            return .double(value.isFinite ? value : 0.5)
        case 4: return .double(Double(Int.random(in: -1000...1000, using: &self)) / 8)
        case 5, 6: return .string(string())
        case 7, 8: return .array((0..<Int.random(in: 0..<8, using: &self)).map { _ in json(depth: depth - 1) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0..<30, using: &self) { object[string()] = json(depth: depth - 2) }
            return .object(object)
        }
    }

    mutating func string() -> String {
        let letters: [Unicode.Scalar] = [
            "a", "b", "0", " ", "\"", "\\", "/", "\n", "\0", "\u{1F}", "\u{7F}", "é", "e", "\u{301}", "€", "\u{FFFF}",
            "😀",
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0..<20, using: &self) { text.append(letters.randomElement(using: &self)!) }
        return String(text)
    }

    /// An equal value with its members in another order.
    mutating func shuffled(_ value: JSON) -> JSON {
        switch value {
        case .array(let elements): return .array(elements.map { shuffled($0) })
        case .object(let object):
            let members = object.members.shuffled(using: &self)
            return .object(JSONObject(members: members.map { .init(key: $0.key, value: shuffled($0.value)) }))
        default: return value
        }
    }
}
