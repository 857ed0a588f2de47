// Numbers and text in stored bytes. Varints are little-endian base 128 (LEB128), the high bit set on all bytes but the
// last; every number has one shortest form, so equal rows are equal bytes.

extension [UInt8] {
    @inlinable package mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    @inlinable package mutating func append(bigEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    package mutating func append(_ digest: Digest) {
        digest.withBytes { append(contentsOf: $0) }
    }

    /// Length, then UTF-8.
    package mutating func append(text: String) {
        var text = text
        text.withUTF8 {
            append(varint: UInt64($0.count))
            append(contentsOf: $0)
        }
    }

    package mutating func append(time: Timestamp) { append(bigEndian: time.nanoseconds) }

    /// A byte 0, or a byte 1 and the value.
    @inlinable package mutating func append<T>(optional value: T?, _ write: (inout [UInt8], T) -> Void) {
        append(value == nil ? 0 : 1)
        if let value { write(&self, value) }
    }

    package mutating func append(optional text: String?) { append(optional: text) { $0.append(text: $1) } }
    package mutating func append(optional time: Timestamp?) { append(optional: time) { $0.append(time: $1) } }
}

/// Reads what the functions above wrote. Past the end, or at a number that is none, it gives zeros and is broken: one
/// look at `isBroken` at the end stands for a check at each step.
package struct ByteReader {
    package let bytes: UnsafeRawBufferPointer
    package var offset: Int
    package var isBroken = false

    @inlinable package init(_ bytes: UnsafeRawBufferPointer, from offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    @inlinable package var isAtEnd: Bool { offset == bytes.count }

    @inlinable package mutating func byte() -> UInt8 {
        guard offset < bytes.count else { return broken(0) }
        defer { offset += 1 }
        return bytes[offset]
    }

    @inlinable package mutating func varint() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64 {
            let next = byte()
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
        }
        return broken(0)
    }

    /// A varint that must fit.
    @inlinable package mutating func number<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T {
        let value = varint()
        return T(exactly: value) ?? broken(0)
    }

    @inlinable package mutating func bigEndian<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type = T.self) -> T {
        guard let range = skip(T.bitWidth / 8) else { return 0 }
        return T(bigEndian: bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: T.self))
    }

    package mutating func time() -> Timestamp { Timestamp(nanoseconds: bigEndian(Int64.self)) }

    package mutating func digest() -> Digest {
        guard let range = skip(Digest.byteCount) else { return .zero }
        return Digest(loading: UnsafeRawBufferPointer(rebasing: bytes[range]))
    }

    @inlinable package mutating func optional<T>(_ read: (inout ByteReader) -> T) -> T? {
        byte() == 0 ? nil : read(&self)
    }

    /// One of an enum's numbers.
    @inlinable package mutating func word<T: RawRepresentable<UInt8>>(_ fallback: T) -> T {
        if let value = T(rawValue: byte()) { return value }
        breakOff()
        return fallback
    }

    package mutating func text() -> String {
        guard let range = skip(number()) else { return "" }
        return String(decoding: bytes[range], as: UTF8.self)
    }

    /// The next `count` bytes; nil, and broken, when there are fewer.
    @inlinable package mutating func skip(_ count: Int) -> Range<Int>? {
        guard count >= 0, bytes.count - offset >= count else { return broken(nil) }
        defer { offset += count }
        return offset..<offset + count
    }

    @inlinable package mutating func breakOff() { broken(()) }

    @inlinable package mutating func broken<T>(_ value: T) -> T {
        isBroken = true
        offset = bytes.count
        return value
    }
}
