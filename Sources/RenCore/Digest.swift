/// A SHA-256 value. The core compares and carries digests; only the journal and the engine make them.
package struct Digest: Hashable, Sendable {
    package static let byteCount = 32
    package static let zero = Digest(repeatElement(0, count: byteCount))

    /// The 32 bytes as four big-endian words, so that a digest lives in registers and not on the heap.
    private var words: (UInt64, UInt64, UInt64, UInt64)

    /// - Precondition: `bytes` holds exactly 32 bytes.
    package init(_ bytes: some Sequence<UInt8>) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var count = 0
        for byte in bytes {
            switch count / 8 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
            count += 1
        }
        precondition(count == Self.byteCount, "a digest has 32 bytes, not \(count)")
        self.words = words
    }

    /// Reads the 32 bytes where they lie: what decoding a record does three times.
    ///
    /// - Precondition: `bytes` holds exactly 32 bytes.
    package init(loading bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == Self.byteCount, "a digest has 32 bytes, not \(bytes.count)")
        func word(_ offset: Int) -> UInt64 {
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        words = (word(0), word(8), word(16), word(24))
    }

    /// Lends the 32 bytes as they stand in records.
    package func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        let bigEndian = (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)
        return withUnsafeBytes(of: bigEndian, body)
    }

    /// The first eight bytes.
    package var leading: UInt64 { words.0 }

    package var bytes: [UInt8] { withBytes { Array($0) } }

    package static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }

    package func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}

extension Digest: CustomStringConvertible {
    /// 64 lower-case hexadecimal digits: how people see a digest.
    package var description: String {
        String(unsafeUninitializedCapacity: 2 * Self.byteCount) { text in
            withBytes { bytes in
                for (index, byte) in bytes.enumerated() {
                    text[2 * index] = hexDigit(byte >> 4)
                    text[2 * index + 1] = hexDigit(byte & 15)
                }
            }
            return 2 * Self.byteCount
        }
    }

    private static let base64urlAlphabet: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    /// 43 characters of base64url without padding: how a digest stands in event bodies.
    package var base64url: String {
        let alphabet = Self.base64urlAlphabet.utf8Start
        return String(unsafeUninitializedCapacity: 43) { text in
            withBytes { bytes in
                for index in 0..<43 {
                    let bit = index * 6
                    let high = UInt16(bytes[bit / 8]) << 8
                    let low = bit / 8 + 1 < bytes.count ? UInt16(bytes[bit / 8 + 1]) : 0
                    text[index] = alphabet[Int((high | low) >> UInt16(10 - bit % 8)) & 63]
                }
            }
            return 43
        }
    }

    /// Reads `base64url`; nil when `text` is not the form of a digest.
    package init?(base64url text: String) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var count = 0
        for character in text.utf8 {
            let value: UInt64
            switch character {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = UInt64(character) - 65
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = UInt64(character) - 71
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = UInt64(character) + 4
            case UInt8(ascii: "-"): value = 62
            case UInt8(ascii: "_"): value = 63
            default: return nil
            }
            // The 43 characters hold 258 bits: the last one gives only its upper four.
            let bits = count == 42 ? value >> 2 : value
            let width: UInt64 = count == 42 ? 4 : 6
            words.0 = words.0 << width | words.1 >> (64 - width)
            words.1 = words.1 << width | words.2 >> (64 - width)
            words.2 = words.2 << width | words.3 >> (64 - width)
            words.3 = words.3 << width | bits
            count += 1
        }
        guard count == 43 else { return nil }
        self.words = words
    }

    /// Reads 64 hexadecimal digits; nil for anything else.
    package init?(hex text: String) {
        guard text.utf8.count == 2 * Self.byteCount else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for character in text.utf8 {
            let value: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = character - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = character - UInt8(ascii: "A") + 10
            default: return nil
            }
            words.0 = words.0 << 4 | words.1 >> 60
            words.1 = words.1 << 4 | words.2 >> 60
            words.2 = words.2 << 4 | words.3 >> 60
            words.3 = words.3 << 4 | UInt64(value)
        }
        self.words = words
    }
}

/// Lower-case hexadecimal digits of `bytes`.
package func hex(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: bytes.flatMap { [hexDigit($0 >> 4), hexDigit($0 & 15)] }, as: UTF8.self)
}

/// - Parameter value: 0 to 15.
private func hexDigit(_ value: UInt8) -> UInt8 { value + (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10) }
