/// Times as people write them in flows: `500ms`, `30s`, `1.5m`, `24h`, `30d`.
package enum DurationText {
    /// Ten years of 365.25 days.
    package static let longest = Duration.seconds(315_576_000)

    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
    ]

    /// Reads a time above zero and of at most ten years; decimals may stand before the unit.
    ///
    /// - Throws: `duration.syntax`, `duration.range`.
    package static func parse(_ text: String) throws(RenError) -> Duration {
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let digits = (isNegative ? text.dropFirst() : text[...]).prefix {
            ("0"..."9").contains($0) || $0 == "."
        }
        let unit = text[digits.endIndex...]
        guard let (_, scale) = units.first(where: { $0.name == unit }), let parsed = nanoseconds(digits, scale) else {
            throw RenError(.durationSyntax, "\(quoted(text)) is no time", hint: "write 500ms, 30s, 5m, 24h or 30d")
        }
        guard !isNegative, parsed > 0, parsed <= longest.nanoseconds else {
            let wanted = isNegative || parsed == 0 ? "more than zero" : "at most 10 years"
            throw RenError(.durationRange, "\(quoted(text)) is out of range: a time is \(wanted)")
        }
        return .nanoseconds(parsed)
    }

    /// Nil when the digits are no number; `.max` when it is too large to count.
    private static func nanoseconds(_ digits: Substring, _ scale: Int64) -> Int64? {
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        var total: Int64 = 0
        for digit in parts[0].utf8 {
            let (tens, overflow) = total.multipliedReportingOverflow(by: 10)
            guard !overflow, tens < .max - 9 else { return .max }
            total = tens + Int64(digit - UInt8(ascii: "0"))
        }
        let (whole, overflow) = total.multipliedReportingOverflow(by: scale)
        guard !overflow else { return .max }
        var fraction: Int64 = 0
        var share = scale
        for digit in (parts.count == 2 ? parts[1] : "").utf8 {
            share /= 10
            fraction += share * Int64(digit - UInt8(ascii: "0"))
        }
        let (sum, carried) = whole.addingReportingOverflow(fraction)
        return carried ? .max : sum
    }

    /// The shortest such text: the largest unit in which the time is whole, at least milliseconds.
    package static func text(_ duration: Duration) -> String {
        let nanoseconds = duration.nanoseconds
        let unit = units.last { nanoseconds != 0 && nanoseconds % $0.nanoseconds == 0 } ?? units[0]
        return "\(nanoseconds / unit.nanoseconds)\(unit.name)"
    }
}
