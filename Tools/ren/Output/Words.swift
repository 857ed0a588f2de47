import RenCore
import RenJSON

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Numbers, times and sizes as people read them.
enum Words {
    /// `93,114`
    static func grouped(_ number: some BinaryInteger) -> String {
        var digits = Array(String(number))
        var place = digits.count - 3
        while place > (number < 0 ? 1 : 0) {
            digits.insert(",", at: place)
            place -= 3
        }
        return String(digits)
    }

    /// `1 error`, `2 errors`
    static func count(_ number: Int, _ noun: String) -> String {
        "\(grouped(number)) \(noun)\(number == 1 ? "" : "s")"
    }

    /// `0.4s`, `4.1s`, `2m 5s`, `5h 48m`, `3d 4h`
    static func duration(_ duration: Duration) -> String {
        let nanoseconds = max(0, duration.nanoseconds)
        let seconds = nanoseconds / 1_000_000_000
        switch seconds {
        case ..<60: return "\(seconds).\(nanoseconds / 100_000_000 % 10)s"
        case ..<3600: return "\(seconds / 60)m \(seconds % 60)s"
        case ..<86_400: return "\(seconds / 3600)h \(seconds / 60 % 60)m"
        default: return "\(seconds / 86_400)d \(seconds / 3600 % 24)h"
        }
    }

    /// `1.2 GB`
    static func bytes(_ count: some BinaryInteger) -> String {
        var value = Double(count)
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 1000 { return unit == "B" ? "\(Int(value)) B" : "\(tenths(value)) \(unit)" }
            value /= 1000
        }
        return "\(tenths(value)) TB"
    }

    /// What a change of the level means for people.
    static func storage(_ level: StorageLevel, _ use: StorageUse) -> String {
        let share = "the journal uses \(Int(use.share * 100)) % of the \(bytes(use.limitBytes)) that it may have"
        let room = "ren journal prune and compact make room"
        return switch level {
        case .normal: "\(share): there is room again"
        case .warning: "\(share); \(room)"
        case .noNewRuns: "\(share): no new run is taken; \(room)"
        case .pausing: "\(share): runs are paused until there is room; \(room)"
        }
    }

    /// One digit after the point, without Foundation's formats.
    static func tenths(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }

    // MARK: Times

    /// Local time: `23:10:04`, with the date when that is not the day of `day`.
    static func time(_ time: Timestamp, on day: Timestamp? = nil) -> String {
        let parts = local(time)
        let clock = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        guard let day, case let other = local(day), other.tm_yday == parts.tm_yday, other.tm_year == parts.tm_year
        else {
            return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) \(clock)"
        }
        return clock
    }

    private static func local(_ time: Timestamp) -> tm {
        var seconds = time_t(time.nanoseconds / 1_000_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return parts
    }

    private static func two(_ number: Int32) -> String {
        number < 10 ? "0\(number)" : String(number)
    }
}

extension String {
    /// Characters on the screen: those of colour escapes do not count.
    var shownCount: Int {
        guard utf8.contains(0x1B) else { return count }
        var isEscape = false
        return count { character in
            if character == "\u{1B}" { isEscape = true }
            defer { if isEscape, character == "m" { isEscape = false } }
            return !isEscape
        }
    }

    /// Spaces behind, to `width` characters on the screen.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - shownCount))
    }

    /// Spaces before, to `width` characters.
    func rightAligned(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }

    func shortened(to width: Int) -> String {
        count > width ? prefix(max(0, width - 1)) + "…" : self
    }
}

/// Rows in columns two spaces apart; the last column is as long as it is.
enum Columns {
    static func text(_ rows: [[String]]) -> String {
        let widths = (0..<(rows.map(\.count).max() ?? 0)).map { column in
            rows.map { column < $0.count - 1 ? $0[column].shownCount : 0 }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell.padded(to: widths[column])
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
