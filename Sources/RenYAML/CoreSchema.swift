import RenJSON

/// What a plain scalar means: the core schema of YAML 1.2.2, section 10.3.2.
///
/// `yes`, `no`, `on`, `off` and dates are text; `012` is 12; `-0` is the integer 0; `1e3` and `1.` are doubles.
enum CoreSchema {
    enum Meaning {
        case value(Located.Value)
        /// A number that JSON values cannot hold; the reason goes on from the number as a sentence.
        case refused(String)
    }

    /// A longer number is refused: no value needs it, and reading it exactly would take long.
    private static let numberSizeMax = 1_000

    static func value(of text: String) -> Meaning {
        switch text {
        case "", "~", "null", "Null", "NULL": return .value(.null)
        case "true", "True", "TRUE": return .value(.bool(true))
        case "false", "False", "FALSE": return .value(.bool(false))
        case ".nan", ".NaN", ".NAN",
            ".inf", ".Inf", ".INF", "-.inf", "-.Inf", "-.INF", "+.inf", "+.Inf", "+.INF":
            return .refused("is no number that JSON knows")
        default: break
        }
        // Most text ends here: only these begin numbers.
        guard let first = text.utf8.first, first.isDigit || first == "-" || first == "+" || first == "." else {
            return .value(.string(text))
        }
        let bytes = Array(text.utf8)
        guard let number = number(bytes) else { return .value(.string(text)) }
        guard bytes.count <= numberSizeMax else { return .refused("has more than \(numberSizeMax) characters") }
        switch number {
        case .integer(let digits, let radix):
            guard let value = Int64(digits, radix: radix) else {
                return .refused("is outside the 64-bit integers, \(Int64.min) to \(Int64.max)")
            }
            return .value(.integer(value))
        case .double:
            guard let value = Double(text), value.isFinite else { return .refused("is too large for a double") }
            return .value(.double(value))
        }
    }

    private enum Number {
        case integer(digits: String, radix: Int)
        case double
    }

    /// Tells a number by its form; nil for text.
    private static func number(_ bytes: [UInt8]) -> Number? {
        if bytes.count > 2, bytes[0] == "0", bytes[1] == "x" || bytes[1] == "o" {
            let radix = bytes[1] == "x" ? 16 : 8
            let digits = bytes[2...]
            guard digits.allSatisfy({ ($0.hexValue ?? 16) < radix }) else { return nil }
            return .integer(digits: String(decoding: digits, as: UTF8.self), radix: radix)
        }
        var rest = bytes[...]
        func skipDigits() -> Int {
            let digits = rest.prefix { $0.isDigit }.count
            rest = rest.dropFirst(digits)
            return digits
        }
        if bytes[0] == "-" || bytes[0] == "+" { rest = rest.dropFirst() }
        var digits = skipDigits()
        if rest.isEmpty {
            return digits > 0 ? .integer(digits: String(decoding: bytes, as: UTF8.self), radix: 10) : nil
        }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            digits += skipDigits()
        }
        guard digits > 0 else { return nil }
        if let letter = rest.first, letter == "e" || letter == "E" {
            rest = rest.dropFirst()
            if let sign = rest.first, sign == "-" || sign == "+" { rest = rest.dropFirst() }
            guard skipDigits() > 0 else { return nil }
        }
        return rest.isEmpty ? .double : nil
    }
}
