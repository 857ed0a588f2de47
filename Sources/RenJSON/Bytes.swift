// Reading bytes eight at a time: how strings are passed over quickly without vector code.

private let ones: UInt64 = 0x0101_0101_0101_0101
private let highs: UInt64 = 0x8080_8080_8080_8080

/// Eight bytes as one word, the first byte lowest on every machine.
@inline(__always)
func word(at pointer: UnsafePointer<UInt8>) -> UInt64 {
    UInt64(littleEndian: UnsafeRawPointer(pointer).loadUnaligned(as: UInt64.self))
}

/// Marks (by the high bit) the bytes of a word that end a plain stretch of a string: quote, backslash, control.
///
/// Only the lowest mark is certain: a borrow may mark later bytes by mistake.
@inline(__always)
func marksOfSpecialBytes(_ word: UInt64) -> UInt64 {
    let quote = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
    let backslash = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
    let found = ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | ((word &- (ones &* 0x20)) & ~word)
    return found & highs
}

/// Marks the bytes that are not ASCII.
@inline(__always)
func marksOfHighBytes(_ word: UInt64) -> UInt64 { word & highs }

/// Calls `body` with the bytes, which it must not keep; copies them only when they are not contiguous.
func withBuffer<Result>(
    _ bytes: some Collection<UInt8>,
    _ body: (UnsafeBufferPointer<UInt8>) throws(JSONError) -> Result
) throws(JSONError) -> Result {
    func run(_ buffer: UnsafeBufferPointer<UInt8>) -> Swift.Result<Result, JSONError> {
        do throws(JSONError) { return .success(try body(buffer)) } catch { return .failure(error) }
    }
    let result = bytes.withContiguousStorageIfAvailable(run) ?? Array(bytes).withUnsafeBufferPointer(run)
    return try result.get()
}

/// The length of the well-formed UTF-8 sequence of two to four bytes that starts at `pointer`, or nil.
///
/// Refuses overlong forms, surrogates and values above U+10FFFF (Unicode 15, table 3-7).
@inline(__always)
func lengthOfMultibyteScalar(at pointer: UnsafePointer<UInt8>, available: Int) -> Int? {
    func isContinuation(_ index: Int) -> Bool { pointer[index] & 0xC0 == 0x80 }
    switch pointer[0] {
    case 0xC2...0xDF:
        return available >= 2 && isContinuation(1) ? 2 : nil
    case 0xE0...0xEF:
        guard available >= 3, isContinuation(1), isContinuation(2) else { return nil }
        if pointer[0] == 0xE0 && pointer[1] < 0xA0 || pointer[0] == 0xED && pointer[1] > 0x9F { return nil }
        return 3
    case 0xF0...0xF4:
        guard available >= 4, isContinuation(1), isContinuation(2), isContinuation(3) else { return nil }
        if pointer[0] == 0xF0 && pointer[1] < 0x90 || pointer[0] == 0xF4 && pointer[1] > 0x8F { return nil }
        return 4
    default:
        return nil
    }
}
