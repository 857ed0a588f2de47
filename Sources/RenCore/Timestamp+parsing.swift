extension Timestamp {
    /// Reads RFC 3339 as `iso8601` writes it, and with any offset: `2026-11-23T03:21:07.123Z`, `…T04:21:07+01:00`.
    ///
    /// Nil for other text, days that no month has, and times before 1678 or after 2261, which it cannot count.
    package init?(iso8601 text: String) {
        var reader = TimeReader(text)
        guard let year = reader.digits(4), reader.skip("-"), let month = reader.digits(2), reader.skip("-"),
            let day = reader.digits(2), reader.skip("T") || reader.skip("t") || reader.skip(" "),
            let hour = reader.digits(2), reader.skip(":"), let minute = reader.digits(2), reader.skip(":"),
            let second = reader.digits(2), let fraction = reader.fraction(), let offset = reader.offset(),
            (1678...2261).contains(year), (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(day),
            hour < 24, minute < 60, second < 60
        else { return nil }
        let days = Self.days(toYear: year, month, day)
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        self.init(nanoseconds: Int64(seconds) * 1_000_000_000 + Int64(fraction))
    }

    /// Days from 1970-01-01: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013), `days_from_civil`.
    private static func days(toYear year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Takes a time apart from the left.
private struct TimeReader {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = text[...].utf8 }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    mutating func digits(_ count: Int) -> Int? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        rest = rest.dropFirst(count)
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    /// Nanoseconds; 0 without a fraction, nil for a point without a digit. More than nine digits are cut off.
    mutating func fraction() -> Int? {
        guard skip(".") else { return 0 }
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count)
        var value = digits.prefix(9).reduce(0) { $0 * 10 + Int($1 - 0x30) }
        for _ in digits.count..<max(9, digits.count) { value *= 10 }
        return value
    }

    /// Seconds east of UTC; nil when there is none, or something behind it.
    mutating func offset() -> Int? {
        if skip("Z") || skip("z") { return rest.isEmpty ? 0 : nil }
        let sign = skip("-") ? -1 : 1
        guard sign < 0 || skip("+"), let hours = digits(2), skip(":"), let minutes = digits(2), rest.isEmpty,
            hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}
