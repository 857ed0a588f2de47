/// Reads one JSON text strictly by RFC 8259, within limits, and hands what it finds to a builder.
///
/// Depth is checked on the way down, so that a million brackets cannot exhaust the stack. Lines and columns are
/// counted only when an error is made (or by a builder that wants them).
struct JSONScanner<Builder: JSONBuilder> {
    private let text: UnsafeBufferPointer<UInt8>
    private let base: UnsafePointer<UInt8>
    private let count: Int
    private let limits: JSONLimits
    private var builder: Builder
    private var offset = 0
    private var nodesLeft: Int
    /// The keys of all open objects, outermost first, to find duplicates.
    private var keys: [RawText] = []

    /// The bytes must stay valid as long as the scanner is used.
    init(_ text: UnsafeBufferPointer<UInt8>, limits: JSONLimits, builder: Builder) {
        self.text = text
        // An empty buffer may have no address; then nothing is ever read through this one.
        self.base = text.baseAddress ?? UnsafePointer(bitPattern: 8)!
        self.count = text.count
        self.limits = limits
        self.builder = builder
        self.nodesLeft = limits.maxNodes ?? Int.max
    }

    /// Reads the whole text as one value.
    mutating func document() throws(JSONError) -> Builder.Value {
        if text.starts(with: [0xEF, 0xBB, 0xBF]) {
            throw error(.syntax, "the text starts with a byte order mark; save it as UTF-8 without one")
        }
        skipSpace()
        guard offset < count else { throw error(.syntax, "the text is empty; a JSON value was expected") }
        let value = try value(depth: 0)
        skipSpace()
        guard offset == count else { throw unexpected("the end of the text after one value") }
        return value
    }

    // MARK: Values

    /// Reads the value that starts at `offset`, which no space precedes.
    private mutating func value(depth: Int) throws(JSONError) -> Builder.Value {
        nodesLeft -= 1
        guard nodesLeft >= 0 else {
            throw error(.tooManyItems, "the text holds more than \(limits.maxNodes!) values")
        }
        guard offset < count else { throw unexpected("a value") }
        let mark = builder.mark(offset)
        switch base[offset] {
        case UInt8(ascii: "\""):
            return builder.string(try string(), at: mark)
        case UInt8(ascii: "{"):
            return try object(at: mark, depth: depth)
        case UInt8(ascii: "["):
            return try array(at: mark, depth: depth)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            return builder.scalar(try number(), at: mark)
        case UInt8(ascii: "t") where skip("true"):
            return builder.scalar(.bool(true), at: mark)
        case UInt8(ascii: "f") where skip("false"):
            return builder.scalar(.bool(false), at: mark)
        case UInt8(ascii: "n") where skip("null"):
            return builder.scalar(.null, at: mark)
        default:
            throw noValue()
        }
    }

    private mutating func array(at mark: Builder.Mark, depth: Int) throws(JSONError) -> Builder.Value {
        try checkDepth(depth)
        var elements = builder.makeElements()
        offset += 1
        skipSpace()
        if skip(UInt8(ascii: "]")) { return builder.array(elements, at: mark) }
        while true {
            builder.append(try value(depth: depth + 1), to: &elements)
            skipSpace()
            if skip(UInt8(ascii: "]")) { return builder.array(elements, at: mark) }
            guard skip(UInt8(ascii: ",")) else { throw unexpected("',' or ']' after an element") }
            skipSpace()
        }
    }

    private mutating func object(at mark: Builder.Mark, depth: Int) throws(JSONError) -> Builder.Value {
        try checkDepth(depth)
        var members = builder.makeMembers()
        let firstKey = keys.count
        var seen: Set<RawText>?
        offset += 1
        skipSpace()
        if skip(UInt8(ascii: "}")) { return builder.object(members, at: mark) }
        while true {
            guard offset < count, base[offset] == UInt8(ascii: "\"") else { throw unexpected("a key in quotes") }
            let keyOffset = offset
            let keyMark = builder.mark(offset)
            let key = try string()
            guard remember(key, from: firstKey, in: &seen) else {
                throw error(
                    .duplicateKey, "the key \(JSON.string(key.string).excerpt) stands twice in one object",
                    at: keyOffset)
            }
            skipSpace()
            guard skip(UInt8(ascii: ":")) else { throw unexpected("':' after a key") }
            skipSpace()
            builder.append(try value(depth: depth + 1), key: key, at: keyMark, to: &members)
            skipSpace()
            if skip(UInt8(ascii: "}")) {
                keys.removeLast(keys.count - firstKey)
                return builder.object(members, at: mark)
            }
            guard skip(UInt8(ascii: ",")) else { throw unexpected("',' or '}' after a member") }
            skipSpace()
        }
    }

    private func checkDepth(_ depth: Int) throws(JSONError) {
        guard depth < limits.maxDepth else {
            throw error(.tooDeep, "arrays and objects stand more than \(limits.maxDepth) deep in each other")
        }
    }

    /// Whether the key is new in its object. Few keys are compared one by one, many through a set.
    private mutating func remember(_ key: RawText, from firstKey: Int, in seen: inout Set<RawText>?) -> Bool {
        if seen != nil { return seen!.insert(key).inserted }
        var index = firstKey
        while index < keys.count {
            if keys[index] == key { return false }
            index += 1
        }
        keys.append(key)
        if keys.count - firstKey == JSONObject.membersWithoutIndexMax { seen = Set(keys[firstKey...]) }
        return true
    }

    // MARK: Strings

    /// Passes over the string whose opening quote stands at `offset`.
    private mutating func string() throws(JSONError) -> RawText {
        let start = offset + 1
        var at = start
        var hasEscapes = false
        while true {
            while at + 8 <= count {
                let word = word(at: base + at)
                let marks = marksOfSpecialBytes(word) | marksOfHighBytes(word)
                guard marks == 0 else {
                    at += marks.trailingZeroBitCount / 8
                    break
                }
                at += 8
            }
            guard at < count else { throw error(.syntax, "a string is not closed", at: start - 1) }
            switch base[at] {
            case UInt8(ascii: "\""):
                offset = at + 1
                return RawText(start: base + start, count: at - start, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                at = try escape(at)
            case 0..<0x20:
                throw error(
                    .string, "the control character U+00\(hex(base[at])) must be escaped in a string", at: at)
            case 0x80...0xFF:
                guard let length = lengthOfMultibyteScalar(at: base + at, available: count - at) else {
                    throw error(.encoding, "the byte 0x\(hex(base[at])) is not valid UTF-8 here", at: at)
                }
                at += length
            default:
                at += 1
            }
        }
    }

    /// The offset behind the escape whose backslash stands at `at`.
    private func escape(_ at: Int) throws(JSONError) -> Int {
        guard at + 1 < count else { throw error(.syntax, "a string is not closed", at: at) }
        switch base[at + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return at + 2
        case UInt8(ascii: "u"):
            switch try escapedUnit(at) {
            case 0xD800...0xDBFF:
                guard at + 7 < count, base[at + 6] == UInt8(ascii: "\\"), base[at + 7] == UInt8(ascii: "u"),
                    case 0xDC00...0xDFFF = try escapedUnit(at + 6)
                else { throw error(.string, "a high surrogate without its low one", at: at) }
                return at + 12
            case 0xDC00...0xDFFF:
                throw error(.string, "a low surrogate without its high one", at: at)
            default:
                return at + 6
            }
        default:
            throw error(.string, "a backslash must be followed by one of \"\\/bfnrtu", at: at)
        }
    }

    /// The code unit of the `\uXXXX` whose backslash stands at `at`.
    private func escapedUnit(_ at: Int) throws(JSONError) -> UInt32 {
        guard at + 6 <= count, let unit = hexadecimal(at: base + at + 2) else {
            throw error(.string, "\\u must be followed by four hexadecimal digits", at: at)
        }
        return unit
    }

    // MARK: Numbers

    private mutating func number() throws(JSONError) -> JSON {
        let token = NumberToken(base + offset, available: count - offset)
        if let problem = token.problem { throw error(.number, problem) }
        guard let value = token.value(isNeeded: Builder.readsNumbers) else {
            throw error(
                .number,
                token.isInteger ? "the integer does not fit 64 bits; write it as text" : "the number is too large")
        }
        offset += token.count
        return value
    }

    // MARK: Bytes

    @inline(__always)
    private mutating func skipSpace() {
        while offset < count {
            switch base[offset] {
            case 0x20, 0x0A, 0x0D, 0x09: offset += 1
            default: return
            }
        }
    }

    @inline(__always)
    private mutating func skip(_ byte: UInt8) -> Bool {
        guard offset < count, base[offset] == byte else { return false }
        offset += 1
        return true
    }

    private mutating func skip(_ word: StaticString) -> Bool {
        guard count - offset >= word.utf8CodeUnitCount,
            sameBytes(base + offset, word.utf8Start, count: word.utf8CodeUnitCount)
        else { return false }
        offset += word.utf8CodeUnitCount
        return true
    }

    // MARK: Errors

    @inline(never)
    private func error(_ code: JSONError.Code, _ message: String, at offset: Int? = nil) -> JSONError {
        var tracker = PlaceTracker(text)
        return JSONError(code, message, at: tracker.place(at: offset ?? self.offset))
    }

    /// Tells what stands at `offset` instead of what was wanted.
    @inline(never)
    private func unexpected(_ wanted: String) -> JSONError {
        guard offset < count else { return error(.syntax, "expected \(wanted), but the text ends here") }
        if base[offset] >= 0x80, lengthOfMultibyteScalar(at: base + offset, available: count - offset) == nil {
            return error(.encoding, "the byte 0x\(hex(base[offset])) is not valid UTF-8 here")
        }
        let found = String(decoding: text[offset...].prefix(4), as: UTF8.self).unicodeScalars.first!
        // Blanks, controls and invisible marks would not be seen in the message.
        let isPlain = found.value > 0x20 && found.value < 0x7F
        let name = isPlain ? "'\(found)'" : "U+" + String(found.value, radix: 16, uppercase: true)
        return error(.syntax, "expected \(wanted), found \(name)")
    }

    /// Tells why no value starts at `offset`.
    @inline(never)
    private func noValue() -> JSONError {
        let rest = text[offset...].prefix(8)
        let numberLike = ["NaN", "nan", "Infinity", "inf", "+", "."]
        if numberLike.contains(where: { rest.starts(with: $0.utf8) }) {
            return error(.number, "a number is written with digits, such as -1.5e3; NaN and Infinity do not exist")
        }
        return unexpected("a value")
    }
}

/// Two hexadecimal digits.
private func hex(_ byte: UInt8) -> String {
    (byte < 0x10 ? "0" : "") + String(byte, radix: 16, uppercase: true)
}
