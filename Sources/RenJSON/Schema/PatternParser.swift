/// A regular expression as a tree.
indirect enum PatternNode {
    case take(ScalarSet)
    case requireStart
    case requireEnd
    case requireWordEdge(Bool)
    case sequence([PatternNode])
    case either([PatternNode])
    /// At least and at most so often; nil for no end.
    case repeated(PatternNode, Int, Int?)
}

/// Reads the text of a regular expression. Lazy quantifiers are read as greedy ones: only whether it matches counts.
struct PatternParser {
    private static let depthMax = 64
    private static let repetitionMax = 1_000

    private let scalars: [Unicode.Scalar]
    private var offset = 0
    private var depth = 0

    init(_ source: String) {
        scalars = Array(source.unicodeScalars)
    }

    mutating func expression() throws(PatternError) -> PatternNode {
        let node = try either()
        guard offset == scalars.count else { throw error("a ')' without its '('") }
        return node
    }

    private mutating func either() throws(PatternError) -> PatternNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw error("groups stand more than \(Self.depthMax) deep") }
        var branches = [try sequence()]
        while skip("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .either(branches)
    }

    private mutating func sequence() throws(PatternError) -> PatternNode {
        var nodes: [PatternNode] = []
        while let next = peek, next != "|", next != ")" {
            let node = try atom()
            nodes.append(try quantified(node))
        }
        return .sequence(nodes)
    }

    private mutating func atom() throws(PatternError) -> PatternNode {
        switch take() {
        case "^": return .requireStart
        case "$": return .requireEnd
        case ".": return .take(.dot)
        case "(": return try group()
        case "[": return .take(try characterClass())
        case "\\": return try escape()
        case "*", "+", "?": throw error("nothing stands before the quantifier", back: 1)
        case let scalar: return .take(ScalarSet([.range(scalar, scalar)]))
        }
    }

    private mutating func group() throws(PatternError) -> PatternNode {
        if skip("?") {
            if skip("<"), peek != "=", peek != "!" {
                while let next = peek, ScalarSet.word.contains(next) { offset += 1 }
                guard skip(">") else { throw error("the name of a group is not closed") }
            } else if !skip(":") {
                throw error("look-around and inline flags are not supported")
            }
        }
        let node = try either()
        guard skip(")") else { throw error("a '(' is not closed") }
        return node
    }

    // MARK: Quantifiers

    private mutating func quantified(_ node: PatternNode) throws(PatternError) -> PatternNode {
        let bounds: (Int, Int?)
        switch peek {
        case "*": bounds = (0, nil)
        case "+": bounds = (1, nil)
        case "?": bounds = (0, 1)
        case "{":
            guard let braces = try braces() else { return node }  // a brace that counts nothing means itself
            bounds = braces
            offset -= 1
        default: return node
        }
        offset += 1
        _ = skip("?")
        if let next = peek, "*+?".unicodeScalars.contains(next) { throw error("two quantifiers in a row") }
        return .repeated(node, bounds.0, bounds.1)
    }

    /// Reads `{2}`, `{2,}` or `{2,5}`; nil, and nothing is read, when it is none of them.
    private mutating func braces() throws(PatternError) -> (Int, Int?)? {
        let start = offset
        offset += 1
        guard let minimum = count() else {
            offset = start
            return nil
        }
        var maximum: Int? = minimum
        if skip(",") { maximum = count() }
        guard skip("}") else {
            offset = start
            return nil
        }
        guard max(minimum, maximum ?? 0) <= Self.repetitionMax else {
            throw error("more than \(Self.repetitionMax) repetitions")
        }
        guard minimum <= maximum ?? minimum else { throw error("the bounds of a repetition are reversed") }
        return (minimum, maximum)
    }

    private mutating func count() -> Int? {
        var value: Int?
        while let digit = peek.flatMap({ Int(String($0)) }) {
            value = min((value ?? 0) * 10 + digit, Self.repetitionMax + 1)
            offset += 1
        }
        return value
    }

    // MARK: Classes and escapes

    private mutating func characterClass() throws(PatternError) -> ScalarSet {
        let isNegated = skip("^")
        var items: [ScalarSet.Item] = []
        while !skip("]") {
            guard offset < scalars.count else { throw error("a '[' is not closed") }
            let first = try classItem()
            guard peek == "-", offset + 1 < scalars.count, scalars[offset + 1] != "]" else {
                items.append(first)
                continue
            }
            offset += 1
            let second = try classItem()
            guard case .range(let low, _) = first, case .range(let high, _) = second else {
                throw error("a range between character classes")
            }
            guard low <= high else { throw error("a range in reverse order") }
            items.append(.range(low, high))
        }
        return ScalarSet(items, isNegated: isNegated)
    }

    private mutating func classItem() throws(PatternError) -> ScalarSet.Item {
        let scalar = take()
        guard scalar == "\\" else { return .range(scalar, scalar) }
        if skip("b") { return .range("\u{8}", "\u{8}") }
        return try escapedItem()
    }

    private mutating func escape() throws(PatternError) -> PatternNode {
        if skip("b") { return .requireWordEdge(true) }
        if skip("B") { return .requireWordEdge(false) }
        return .take(ScalarSet([try escapedItem()]))
    }

    /// Reads what follows a backslash.
    private mutating func escapedItem() throws(PatternError) -> ScalarSet.Item {
        guard offset < scalars.count else { throw error("the pattern ends with a backslash") }
        let scalar = take()
        let single: Unicode.Scalar
        switch scalar {
        case "d": return .digit(true)
        case "D": return .digit(false)
        case "w": return .word(true)
        case "W": return .word(false)
        case "s": return .space(true)
        case "S": return .space(false)
        case "p": return .category(try categoryName(), true)
        case "P": return .category(try categoryName(), false)
        case "n": single = "\n"
        case "t": single = "\t"
        case "r": single = "\r"
        case "f": single = "\u{C}"
        case "v": single = "\u{B}"
        case "0": single = "\0"
        case "x": single = try hexadecimal(digits: 2)
        case "u": single = try unicodeEscape()
        case "1"..."9", "k": throw error("back references are not supported", back: 2)
        case _ where scalar.properties.isAlphabetic: throw error("\\\(scalar) is not supported", back: 2)
        default: single = scalar
        }
        return .range(single, single)
    }

    private mutating func unicodeEscape() throws(PatternError) -> Unicode.Scalar {
        guard skip("{") else {
            guard offset + 10 <= scalars.count, let high = value(of: scalars[offset..<offset + 4]),
                (0xD800...0xDBFF).contains(high), scalars[offset + 4] == "\\", scalars[offset + 5] == "u",
                let low = value(of: scalars[offset + 6..<offset + 10]), (0xDC00...0xDFFF).contains(low)
            else { return try hexadecimal(digits: 4) }
            offset += 10
            return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))!
        }
        let digits = scalars[offset...].prefix { $0 != "}" }
        let scalar = try hexadecimal(digits: digits.count)
        guard skip("}") else { throw error("'\\u{' is not closed") }
        return scalar
    }

    private mutating func hexadecimal(digits: Int) throws(PatternError) -> Unicode.Scalar {
        guard offset + digits <= scalars.count, let value = value(of: scalars[offset..<offset + digits]),
            let scalar = Unicode.Scalar(value)
        else { throw error("no character has this number") }
        offset += digits
        return scalar
    }

    private func value(of digits: ArraySlice<Unicode.Scalar>) -> UInt32? {
        guard digits.first?.properties.isASCIIHexDigit ?? false else { return nil }  // no sign
        return UInt32(digits.map(String.init).joined(), radix: 16)
    }

    /// Reads the `{Lu}` of `\p{Lu}`.
    private mutating func categoryName() throws(PatternError) -> String {
        let start = offset
        guard skip("{"), let end = scalars[offset...].firstIndex(of: "}") else {
            throw error("'{' and the short name of a category must follow \\p")
        }
        let name = scalars[offset..<end].map(String.init).joined()
        guard ScalarSet.categoryNames.contains(where: { $0.hasPrefix(name) }), (1...2).contains(name.count) else {
            offset = start
            throw error("the category '\(name.prefix(20))' is not supported; use a general one such as L, Lu or Nd")
        }
        offset = end + 1
        return name
    }

    // MARK: Scalars

    private var peek: Unicode.Scalar? { offset < scalars.count ? scalars[offset] : nil }

    private mutating func take() -> Unicode.Scalar {
        defer { offset += 1 }
        return scalars[offset]
    }

    private mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        offset += 1
        return true
    }

    private func error(_ message: String, back: Int = 0) -> PatternError {
        PatternError(message: "\(message) (at character \(min(offset, scalars.count) - back + 1))")
    }
}
