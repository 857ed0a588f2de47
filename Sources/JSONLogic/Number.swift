import RenJSON

/// A number of the language: an exact 64-bit integer as long as it fits, else a double.
enum Number: Sendable {
    case integer(Int64)
    case double(Double)

    /// The number that a value counts as: null and "" are 0, true is 1, text is read.
    ///
    /// Nil for a list, an object, and text that is no finite decimal number.
    init?(_ value: JSON) {
        switch value {
        case .integer(let integer): self = .integer(integer)
        case .double(let double): self = .double(double)
        case .null, .bool(false): self = .integer(0)
        case .bool(true): self = .integer(1)
        case .string(let text):
            guard let number = Number(text: text) else { return nil }
            self = number
        case .array, .object: return nil
        }
    }

    /// Longer text is no number that anyone means, and reading it exactly would take long.
    private static let lengthMax = 400

    private init?(text: String) {
        guard text.utf8.count <= Self.lengthMax else { return nil }
        var bytes = text.utf8[...]
        bytes = bytes.drop(while: isSpace)
        while let last = bytes.last, isSpace(last) { bytes.removeLast() }
        guard !bytes.isEmpty else {
            self = .integer(0)
            return
        }
        guard let isInteger = isDecimal(bytes) else { return nil }
        let digits = Substring(bytes)
        if isInteger, let integer = Int64(digits) {
            self = .integer(integer)
        } else {
            guard let double = Double(digits), double.isFinite else { return nil }
            self = .double(double)
        }
    }

    var double: Double {
        switch self {
        case .integer(let integer): Double(integer)
        case .double(let double): double
        }
    }

    var isZero: Bool { double == 0 }

    /// The value of a computed number: whole ones below 2^53 as integers, so that `1.5 + 0.5` is `2`.
    var json: JSON {
        switch self {
        case .integer(let integer): return .integer(integer)
        case .double(let double):
            guard double.magnitude < 0x1p53, let integer = Int64(exactly: double) else { return .double(double) }
            return .integer(integer)
        }
    }
}

// MARK: - Arithmetic

extension Number {
    /// The result, exact for integers that fit; nil when it is not finite.
    static func apply(_ function: Function, _ left: Number, _ right: Number) -> Number? {
        if case .integer(let left) = left, case .integer(let right) = right, let exact = exact(function, left, right) {
            return .integer(exact)
        }
        let (left, right) = (left.double, right.double)
        let result: Double =
            switch function {
            case .add: left + right
            case .subtract: left - right
            case .multiply: left * right
            case .divide: left / right
            case .remainder: left.truncatingRemainder(dividingBy: right)
            case .max: Swift.max(left, right)
            case .min: Swift.min(left, right)
            default: preconditionFailure("\(function) is no arithmetic")
            }
        return result.isFinite ? .double(result) : nil
    }

    /// Nil when the result is no 64-bit integer.
    private static func exact(_ function: Function, _ left: Int64, _ right: Int64) -> Int64? {
        let (value, overflow): (Int64, Bool)
        switch function {
        case .add: (value, overflow) = left.addingReportingOverflow(right)
        case .subtract: (value, overflow) = left.subtractingReportingOverflow(right)
        case .multiply: (value, overflow) = left.multipliedReportingOverflow(by: right)
        case .divide:
            guard right != 0, left.remainderReportingOverflow(dividingBy: right).partialValue == 0 else { return nil }
            (value, overflow) = left.dividedReportingOverflow(by: right)
        case .remainder:
            guard right != 0 else { return nil }
            // Int64.min % -1 overflows on the way to 0.
            return left.remainderReportingOverflow(dividingBy: right).partialValue
        case .max: return Swift.max(left, right)
        case .min: return Swift.min(left, right)
        default: return nil
        }
        return overflow ? nil : value
    }
}

extension Number: Comparable {
    static func == (left: Number, right: Number) -> Bool { order(left, right) == 0 }

    static func < (left: Number, right: Number) -> Bool { order(left, right) < 0 }

    /// Below, at or above 0; exact also between an integer and a double.
    private static func order(_ left: Number, _ right: Number) -> Int {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): left < right ? -1 : left == right ? 0 : 1
        case (.integer(let left), .double(let right)): order(left, right)
        case (.double(let left), .integer(let right)): -order(right, left)
        case (.double(let left), .double(let right)): left < right ? -1 : left == right ? 0 : 1
        }
    }

    private static func order(_ integer: Int64, _ double: Double) -> Int {
        if let whole = Int64(exactly: double) { return order(.integer(integer), .integer(whole)) }
        // No Int64: either outside of them all, or below 2^53 with a fraction, which rounding cannot reach.
        if double.magnitude >= 0x1p63 { return double > 0 ? -1 : 1 }
        return order(.double(Double(integer)), .double(double))
    }
}

// MARK: - Text

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

/// Whether the bytes are `[+-]digits[.digits][e[+-]digits]` (digits on one side of the point are enough), and then
/// whether they are an integer; nil when they are not.
private func isDecimal(_ bytes: Substring.UTF8View) -> Bool? {
    var rest = bytes
    func skipSign() { if let first = rest.first, first == 0x2B || first == 0x2D { rest.removeFirst() } }
    func skipDigits() -> Int {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        rest = rest[digits.endIndex...]
        return digits.count
    }
    skipSign()
    var digits = skipDigits()
    let isInteger = rest.isEmpty
    if rest.first == 0x2E {
        rest.removeFirst()
        digits += skipDigits()
    }
    guard digits > 0 else { return nil }
    if let first = rest.first, first | 0x20 == 0x65 {
        rest.removeFirst()
        skipSign()
        guard skipDigits() > 0 else { return nil }
    }
    return rest.isEmpty ? isInteger : nil
}

/// A double as JavaScript writes it (ECMA-262, Number::toString): shortest digits, no `.0`, an exponent only from
/// 1e21 up and below 1e-6.
func numberText(_ double: Double) -> String {
    if let integer = Int64(exactly: double), integer.magnitude < 1 << 53 { return String(integer) }
    // Swift's text has the same digits; only the point and the exponent stand elsewhere.
    let text = double.magnitude.description
    let parts = text.split(separator: "e")
    let mantissa = parts[0].split(separator: ".")
    let fraction = mantissa.count > 1 && mantissa[1] != "0" ? mantissa[1] : ""
    let allDigits = (mantissa[0] + fraction).drop { $0 == "0" }
    let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    // The value is 0.DIGITS × 10^point.
    let point = mantissa[0] == "0" ? exponent - (fraction.count - allDigits.count) : mantissa[0].count + exponent
    var digits = String(allDigits)
    while digits.last == "0" { digits.removeLast() }
    let sign = double < 0 ? "-" : ""
    if digits.count <= point, point <= 21 { return sign + digits + String(repeating: "0", count: point - digits.count) }
    if 0 < point, point <= 21 { return "\(sign)\(digits.prefix(point)).\(digits.dropFirst(point))" }
    if -6 < point, point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
    let mark = point > 0 ? "+" : "-"
    let rest = digits.count > 1 ? ".\(digits.dropFirst())" : ""
    return "\(sign)\(digits.prefix(1))\(rest)e\(mark)\((point - 1).magnitude)"
}
