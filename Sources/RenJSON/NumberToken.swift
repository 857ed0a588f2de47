/// The number at the start of some bytes: where it ends, whether it is well formed, what it is worth.
struct NumberToken {
    /// A longer number is refused: no value needs it, and reading it exactly would take long.
    static let lengthMax = 1_000

    private let start: UnsafePointer<UInt8>
    private(set) var count = 0
    private(set) var isInteger = true
    /// Why it is no JSON number.
    private(set) var problem: String?

    private var isNegative = false
    /// The digits without the point, as long as they are at most 19; then the value is mantissa × 10^scale.
    private var mantissa: UInt64 = 0
    private var digitCount = 0
    private var scale = 0

    init(_ start: UnsafePointer<UInt8>, available: Int) {
        self.start = start
        problem = read(available)
    }

    /// Reads to the end of the number, or tells why it is none.
    private mutating func read(_ available: Int) -> String? {
        if start[0] == UInt8(ascii: "-") {
            isNegative = true
            count = 1
        }
        let integerStart = count
        readDigits(available)
        guard count > integerStart else { return "a digit must follow the minus sign" }
        guard start[integerStart] != UInt8(ascii: "0") || count == integerStart + 1 else {
            return "a number must not start with a superfluous 0"
        }
        if count < available, start[count] == UInt8(ascii: ".") {
            isInteger = false
            count += 1
            let fractionStart = count
            readDigits(available)
            guard count > fractionStart else { return "a digit must follow the decimal point" }
            scale = fractionStart - count
        }
        if count < available, start[count] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            count += 1
            guard readExponent(available) else { return "a digit must follow the e of the exponent" }
        }
        return count > Self.lengthMax ? "the number has more than \(Self.lengthMax) characters" : nil
    }

    private mutating func readDigits(_ available: Int) {
        while count < available {
            let digit = start[count] &- UInt8(ascii: "0")
            guard digit <= 9 else { return }
            mantissa = mantissa &* 10 &+ UInt64(digit)
            if digitCount > 0 || digit > 0 { digitCount += 1 }  // leading zeros carry nothing
            count += 1
        }
    }

    private mutating func readExponent(_ available: Int) -> Bool {
        var isExponentNegative = false
        if count < available, start[count] == UInt8(ascii: "+") || start[count] == UInt8(ascii: "-") {
            isExponentNegative = start[count] == UInt8(ascii: "-")
            count += 1
        }
        let exponentStart = count
        var exponent = 0
        while count < available {
            let digit = start[count] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            exponent = min(exponent * 10 + Int(digit), 1_000_000)
            count += 1
        }
        scale += isExponentNegative ? -exponent : exponent
        return count > exponentStart
    }

    /// The value, or nil when it is out of range; without need any number in range may stand for it.
    func value(isNeeded: Bool) -> JSON? {
        isInteger ? integer.map { isNegative && $0 == 0 ? .double(-0.0) : .integer($0) } : double(isNeeded)
    }

    private var integer: Int64? {
        guard digitCount <= 19 else { return nil }  // 19 digits always fit UInt64
        return isNegative ? Int64(exactly: mantissa).map { -$0 } ?? minimum : Int64(exactly: mantissa)
    }

    private var minimum: Int64? { mantissa == UInt64(Int64.max) + 1 ? Int64.min : nil }

    private func double(_ isNeeded: Bool) -> JSON? {
        if digitCount <= 19, mantissa <= 1 << 53, (-22...22).contains(scale) {
            // Both factors are exact doubles, so one rounding gives the right result (Clinger, 1990).
            let digits = Double(mantissa)
            let value = scale < 0 ? digits / powersOfTen[-scale] : digits * powersOfTen[scale]
            return .double(isNegative ? -value : value)
        }
        // Fewer than 10^308: certainly finite.
        if !isNeeded, digitCount + scale <= 308 { return .double(0) }
        let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
        guard let value = Double(text), value.isFinite else { return nil }
        return .double(value)
    }
}

private let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
]
