extension Timestamp {
    /// UTC as `2026-11-23T03:21:07.123Z`: milliseconds, cut off.
    package var iso8601: String {
        let (date, clock) = calendar
        return "\(pad(date.year, 4))-\(pad(date.month, 2))-\(pad(date.day, 2))T"
            + "\(pad(clock / 3_600_000, 2)):\(pad(clock / 60_000 % 60, 2)):\(pad(clock / 1000 % 60, 2)).\(pad(clock % 1000, 3))Z"
    }

    /// The date, and the milliseconds of the day.
    ///
    /// Days to civil date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013), `civil_from_days`.
    private var calendar: (date: (year: Int, month: Int, day: Int), milliseconds: Int) {
        let total = Int(nanoseconds.flooringDivided(by: 1_000_000))
        let days = Int(Int64(total).flooringDivided(by: 86_400_000))
        let shifted = days + 719_468
        let era = Int(Int64(shifted).flooringDivided(by: 146_097))
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return ((year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1), total - days * 86_400_000)
    }

    private func pad(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension Int64 {
    fileprivate func flooringDivided(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
