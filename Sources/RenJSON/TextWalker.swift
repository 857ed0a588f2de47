/// Passes over the values of a JSON text known to be valid, without looking into them more than their ends need.
struct TextWalker {
    private let base: UnsafePointer<UInt8>
    private let count: Int
    var offset: Int

    init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
        // An empty buffer may have no address; then nothing is ever read through this one.
        base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? UnsafePointer(bitPattern: 8)!
        count = bytes.count
        self.offset = offset
    }

    mutating func skipSpace() {
        while offset < count, base[offset] <= 0x20 { offset += 1 }
    }

    /// Passes over spaces and the byte behind them, if it is this one.
    mutating func skipSpaceAnd(_ byte: UInt8) -> Bool {
        skipSpace()
        guard offset < count, base[offset] == byte else { return false }
        offset += 1
        return true
    }

    /// Passes over the value that starts here and gives its bytes; nil when none starts here.
    mutating func value() -> Range<Int>? {
        let start = offset
        guard offset < count else { return nil }
        switch base[offset] {
        case UInt8(ascii: "\""): skipString()
        case UInt8(ascii: "{"), UInt8(ascii: "["): skipContainer()
        default: skipScalar()
        }
        return offset > start ? start..<offset : nil
    }

    /// Passes over the key that starts here.
    mutating func key() -> String? {
        guard offset < count, base[offset] == UInt8(ascii: "\"") else { return nil }
        let start = offset
        let hasEscapes = skipString()
        guard offset >= start + 2 else { return nil }
        let quoted = UnsafeBufferPointer(start: base + start, count: offset - start)
        guard hasEscapes else { return String(decoding: quoted.dropFirst().dropLast(), as: UTF8.self) }
        // Escapes are rare in keys. The parser reads them safely also where damaged bytes are not valid after all;
        // then there is no key to tell, and its reason is of no use here.
        return (try? JSON(parsing: quoted))?.stringValue
    }

    /// Numbers and the three words end before a comma, a bracket or a space.
    private mutating func skipScalar() {
        while offset < count {
            switch base[offset] {
            case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), 0...0x20: return
            default: offset += 1
            }
        }
    }

    /// Tells whether the string has escapes.
    @discardableResult
    private mutating func skipString() -> Bool {
        var hasEscapes = false
        offset += 1
        while offset < count {
            if offset + 8 <= count {
                let marks = marksOfSpecialBytes(word(at: base + offset))
                offset += marks == 0 ? 8 : marks.trailingZeroBitCount / 8
                if marks == 0 { continue }
            }
            switch base[offset] {
            case UInt8(ascii: "\""):
                offset += 1
                return hasEscapes
            case UInt8(ascii: "\\"):
                hasEscapes = true
                offset += 2
            default:
                offset += 1
            }
        }
        offset = count
        return hasEscapes
    }

    private mutating func skipContainer() {
        var depth = 0
        while offset < count {
            switch base[offset] {
            case UInt8(ascii: "\""):
                skipString()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                offset += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                offset += 1
                if depth == 0 { return }
            default:
                offset += 1
            }
        }
    }
}
