/// A duration in one byte: 0 for none, else 1 to 255 in steps of an eighth of a doubling, from below 1 ms to 41 days.
///
/// The steps lie evenly inside of each doubling (as in Gil Tene's HdrHistogram), so no logarithm is taken: the byte of m
/// milliseconds is 1 + 8·⌊log₂(m + 1)⌋ + the next three bits of m + 1.
package enum LogScale {
    package static func byte(_ milliseconds: Int64) -> UInt8 {
        let value = UInt64(clamping: milliseconds) &+ 1
        let exponent = 63 - max(value, 1).leadingZeroBitCount
        let eighths = exponent >= 3 ? value >> UInt64(exponent - 3) & 7 : value << UInt64(3 - exponent) & 7
        return UInt8(min(255, 1 + 8 * exponent + Int(eighths)))
    }

    /// The least duration of a byte's step; nil for 0.
    package static func milliseconds(_ byte: UInt8) -> Int64? {
        guard byte > 0 else { return nil }
        let (exponent, eighths) = (Int64(byte - 1) / 8, Int64(byte - 1) % 8)
        // Below 8, not every eighth is a whole number: the next one is the least of the step.
        return ((8 + eighths) << exponent + 7) / 8 - 1
    }
}
