extension JSON {
    /// Whether this number is less than another, exactly, also between integers beyond 2^53 and doubles.
    ///
    /// Nil when one of them is no number.
    package func isLess(than other: JSON) -> Bool? {
        switch (self, other) {
        case (.integer(let left), .integer(let right)): left < right
        case (.double(let left), .double(let right)): left < right
        // A double that is no Int64 has a fraction, and then is below 2^53, or lies outside of Int64: rounding the
        // integer to a double can carry it up to the other (Int64.max to 2^63), never past it, and never are they equal.
        case (.integer(let left), .double(let right)):
            Int64(exactly: right).map { left < $0 } ?? (Double(left) <= right)
        case (.double(let left), .integer(let right)):
            Int64(exactly: left).map { $0 < right } ?? (left < Double(right))
        default: nil
        }
    }
}
