import LMDB
import Testing

@Suite("Keys")
struct KeyTests {
    @Test(
        "Numbers are big-endian, parts follow each other",
        arguments: [
            (Key(UInt64(0x0102_0304_0506_0708)), [1, 2, 3, 4, 5, 6, 7, 8]),
            (Key(UInt32(0x0102_0304)), [1, 2, 3, 4]),
            (Key(UInt16(0x0102)), [1, 2]),
            (Key(UInt8(9)), [9]),
            (Key(utf8: "ä"), [0xC3, 0xA4]),
            (
                Key(UInt16(1)).appending(UInt32(2)).appending(utf8: "x").appending(UInt8(3)).appending(UInt64(4)),
                [0, 1, 0, 0, 0, 2, 120, 3, 0, 0, 0, 0, 0, 0, 0, 4]
            ),
            (Key(), []),
        ] as [(Key, [UInt8])])
    func layout(_ key: Key, _ bytes: [UInt8]) {
        #expect(key.withBytes { $0.copiedBytes } == bytes)
        #expect(key.byteCount == bytes.count)
        #expect(Key(bytes.span.bytes) == key)
    }

    @Test("Keys differ by length and by byte")
    func equality() {
        #expect(Key(UInt8(0)) != Key())
        #expect(Key(UInt16(1)) != Key(UInt16(2)))
        #expect(Key(UInt16(1)) != Key(UInt8(0)))
    }

    @Test(
        "The key after a prefix is the smallest beyond all that begin with it",
        arguments: [
            ([1, 2], [1, 3]), ([1, 255], [2]), ([255, 0], [255, 1]), ([255, 255], nil), ([], nil),
        ] as [([UInt8], [UInt8]?)])
    func afterPrefix(_ prefix: [UInt8], _ next: [UInt8]?) {
        #expect(Key(prefix.span.bytes).afterPrefix()?.withBytes { $0.copiedBytes } == next)
    }

    @Test("Numbers are read at any alignment")
    func unalignedReads() {
        let bytes: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        let span = bytes.span.bytes
        #expect(span.uint64(at: 1) == 0x0102_0304_0506_0708)
        #expect(span.uint32(at: 3) == 0x0304_0506)
        #expect(span.uint16(at: 5) == 0x0506)
        #expect(span.uint8(at: 9) == 9)
    }

    @Test("A key holds its capacity and not a byte more")
    func capacity() async {
        #expect(Key(utf8: String(repeating: "x", count: Key.capacity)).byteCount == 256)
        await #expect(processExitsWith: .failure) {
            _ = Key(utf8: String(repeating: "x", count: Key.capacity - 1)).appending(UInt16(1))
        }
    }

    @Test("A read beyond the end of a key traps")
    func readBeyondTheEnd() async {
        await #expect(processExitsWith: .failure) {
            _ = Key(UInt32(1)).withBytes { $0.uint64(at: 0) }
        }
    }
}
