/// Base64 with padding (RFC 4648, section 4), as Python's `base64` reads and writes it.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")
    private static let none: UInt8 = 0xFF

    private static let values: [UInt8] = {
        var values = [UInt8](repeating: none, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()

    static func encode(_ bytes: UnsafeRawBufferPointer) -> String {
        let alphabet = Self.alphabet
        return String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { text in
            var written = 0
            var start = 0
            while start < bytes.count {
                let left = bytes.count - start
                let word =
                    UInt32(bytes[start]) << 16 | (left > 1 ? UInt32(bytes[start + 1]) << 8 : 0)
                    | (left > 2 ? UInt32(bytes[start + 2]) : 0)
                text[written] = alphabet[Int(word >> 18)]
                text[written + 1] = alphabet[Int(word >> 12 & 63)]
                text[written + 2] = left > 1 ? alphabet[Int(word >> 6 & 63)] : padding
                text[written + 3] = left > 2 ? alphabet[Int(word & 63)] : padding
                written += 4
                start += 3
            }
            return written
        }
    }

    /// Nil for text that `encode` never gives, but for the bits that padding leaves over.
    static func decode(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { text in
            guard text.count % 4 == 0 else { return nil }
            let padded = text.suffix(2).count { $0 == padding }
            let count = text.count / 4 * 3 - padded
            let values = Self.values
            var isGood = true
            let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3) { bytes, written in
                for start in stride(from: 0, to: text.count, by: 4) {
                    var word: UInt32 = 0
                    for place in start..<start + 4 {
                        let value = values[Int(text[place])]
                        let isPadding = place >= text.count - padded
                        isGood = isGood && (value != none || isPadding)
                        word = word << 6 | UInt32(isPadding ? 0 : value & 63)
                    }
                    bytes[written] = UInt8(word >> 16 & 0xFF)
                    bytes[written + 1] = UInt8(word >> 8 & 0xFF)
                    bytes[written + 2] = UInt8(word & 0xFF)
                    written += 3
                }
            }
            return isGood ? Array(bytes.prefix(count)) : nil
        }
    }
}
