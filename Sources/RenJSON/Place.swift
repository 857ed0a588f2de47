/// Where a value stands in its text: line and column count from 1 (columns in Unicode scalars), the byte offset from 0.
public struct Place: Sendable, Hashable {
    public var line: Int
    public var column: Int
    public var offset: Int

    public init(line: Int, column: Int, offset: Int) {
        self.line = line
        self.column = column
        self.offset = offset
    }
}

extension Place: CustomStringConvertible {
    /// `3:14`, as editors take it.
    public var description: String { "\(line):\(column)" }
}

/// Turns byte offsets, asked for in rising order, into places: one pass over the text in all.
package struct PlaceTracker {
    private let text: UnsafeBufferPointer<UInt8>
    private var place = Place(line: 1, column: 1, offset: 0)

    /// The bytes must stay valid as long as the tracker is asked.
    package init(_ text: UnsafeBufferPointer<UInt8>) {
        self.text = text
    }

    /// - Precondition: `offset` is not before an offset asked for earlier.
    package mutating func place(at offset: Int) -> Place {
        precondition(offset >= place.offset, "place of byte \(offset) asked after byte \(place.offset)")
        let end = min(offset, text.count)
        while place.offset < end {
            let byte = text[place.offset]
            place.offset += 1
            if byte == UInt8(ascii: "\n") {
                place.line += 1
                place.column = 1
            } else if byte & 0xC0 != 0x80 {
                place.column += 1
            }
        }
        return place
    }
}
