package import RenCore

/// A row of a projection: a value with one form in bytes, at most 1,800 of them, so that a rebuilt table equals the
/// live one byte for byte.
///
/// Layout: the fields in the order of `write`, numbers as varints, times as 8 bytes big-endian, text with its length in
/// front, an optional field behind a byte 0 or 1. The layout has a number, `Meta.projectionFormat`; a journal with
/// another one has its rows rebuilt.
protocol Row: Sendable {
    func write(to bytes: inout [UInt8])
    init(from reader: inout ByteReader)
}

extension Row {
    /// - Throws: `journal.damaged`, naming the table.
    init(_ bytes: UnsafeRawBufferPointer) throws(RenError) {
        var reader = ByteReader(bytes)
        self.init(from: &reader)
        guard !reader.isBroken, reader.isAtEnd else { throw Self.damaged }
    }

    static var damaged: RenError {
        RenError(
            .journalDamaged, "a row of the projection \(Self.self) cannot be read",
            hint: "start ren with --rebuild to make the projections again from the events")
    }
}

extension [UInt8] {
    mutating func append(_ counts: StateCounts) {
        for state in WorkState.allCases { append(varint: UInt64(counts[state])) }
    }
}

extension ByteReader {
    mutating func counts() -> StateCounts {
        var counts = StateCounts()
        for state in WorkState.allCases { counts[state] = Int(number(UInt32.self)) }
        return counts
    }
}

/// Why something failed, cut to what fits a row.
package struct ErrorSummary: Hashable, Sendable {
    package let name: String
    package let message: String
    package let frame: String?

    package init(_ failure: Failure) {
        name = failure.name.cut(toUTF8: 100)
        message = failure.message.cut(toUTF8: 300)
        frame = failure.frame?.cut(toUTF8: 160)
    }

    /// `ValueError: no price`; the name alone where there is no message.
    package var text: String { message.isEmpty ? name : "\(name): \(message)" }

    /// Nothing was cut: a cut text is at most 3 bytes shorter than what fits.
    var isWhole: Bool { name.utf8.count < 97 && message.utf8.count < 297 && frame?.utf8.count ?? 0 < 157 }

    static func write(_ bytes: inout [UInt8], _ error: ErrorSummary) {
        bytes.append(text: error.name)
        bytes.append(text: error.message)
        bytes.append(optional: error.frame)
    }

    init(from reader: inout ByteReader) {
        name = reader.text()
        message = reader.text()
        frame = reader.optional { $0.text() }
    }
}

extension String {
    /// The longest beginning of whole characters (Unicode scalars) with at most `count` bytes.
    func cut(toUTF8 count: Int) -> String {
        guard utf8.count > count else { return self }
        var end = utf8.index(utf8.startIndex, offsetBy: count)
        while utf8[end] & 0xC0 == 0x80 { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
