/// The bytes of a JSON string between its quotes, already found well formed; valid as long as the text is.
struct RawText {
    let start: UnsafePointer<UInt8>
    let count: Int
    let hasEscapes: Bool

    var string: String {
        guard hasEscapes else {
            return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
        }
        // No escape is shorter than what it stands for.
        return String(unsafeUninitializedCapacity: count) { unescape(into: $0) }
    }

    private func unescape(into output: UnsafeMutableBufferPointer<UInt8>) -> Int {
        var written = 0
        func write(_ byte: UInt8) {
            output[written] = byte
            written += 1
        }
        var offset = 0
        while offset < count {
            let byte = start[offset]
            offset += 1
            guard byte == UInt8(ascii: "\\") else {
                write(byte)
                continue
            }
            let escape = start[offset]
            offset += 1
            switch escape {
            case UInt8(ascii: "n"): write(0x0A)
            case UInt8(ascii: "t"): write(0x09)
            case UInt8(ascii: "r"): write(0x0D)
            case UInt8(ascii: "b"): write(0x08)
            case UInt8(ascii: "f"): write(0x0C)
            case UInt8(ascii: "u"):
                var scalar = hexadecimal(at: start + offset)!
                offset += 4
                if (0xD800...0xDBFF).contains(scalar) {
                    let low = hexadecimal(at: start + offset + 2)!
                    offset += 6
                    scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
                }
                UTF8.encode(Unicode.Scalar(scalar)!)!.forEach(write)
            default: write(escape)  // quote, backslash and slash stand for themselves
            }
        }
        return written
    }
}

extension RawText: Hashable {
    static func == (left: RawText, right: RawText) -> Bool {
        if left.hasEscapes || right.hasEscapes { return ExactString(left.string) == ExactString(right.string) }
        return left.count == right.count && sameBytes(left.start, right.start, count: left.count)
    }

    func hash(into hasher: inout Hasher) {
        if hasEscapes {
            ExactString(string).hash(into: &hasher)
        } else {
            hasher.combine(bytes: UnsafeRawBufferPointer(start: start, count: count))
        }
    }
}

/// The value of four hexadecimal digits, or nil when they are none.
func hexadecimal(at pointer: UnsafePointer<UInt8>) -> UInt32? {
    var value: UInt32 = 0
    for index in 0..<4 {
        let digit: UInt8
        switch pointer[index] {
        case let byte where (0x30...0x39).contains(byte): digit = byte - 0x30
        case let byte where (0x41...0x46).contains(byte): digit = byte - 0x41 + 10
        case let byte where (0x61...0x66).contains(byte): digit = byte - 0x61 + 10
        default: return nil
        }
        value = value << 4 | UInt32(digit)
    }
    return value
}
