/// CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected), eight bytes at a time by tables.
///
/// Kounavis and Berry, "A Systematic Approach to Building High Performance Software-based CRC Generators" (2005). The
/// check value of "123456789" is 0xE3069283 (RFC 3720, appendix B.4).
struct CRC32C {
    /// Table k holds the effect of a byte that k more bytes follow.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
            tables[byte] = value
        }
        for index in 256..<8 * 256 {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 0xFF)]
        }
        return tables
    }()

    private var state: UInt32 = ~0

    var value: UInt32 { ~state }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        state = Self.tables.withUnsafeBufferPointer { tables in
            var state = state
            var offset = 0
            while bytes.count - offset >= 8 {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let mixed = word ^ UInt64(state)
                var next: UInt32 = 0
                for place in 0..<8 {
                    next ^= tables[(7 - place) * 256 + Int(mixed >> UInt64(8 * place) & 0xFF)]
                }
                state = next
                offset += 8
            }
            while offset < bytes.count {
                state = state >> 8 ^ tables[Int((state ^ UInt32(bytes[offset])) & 0xFF)]
                offset += 1
            }
            return state
        }
    }

    mutating func update(_ number: UInt64) {
        withUnsafeBytes(of: number.bigEndian) { update($0) }
    }
}
