package import RenCore
import RenJSON
import RenJournal

/// Which row of events a reader follows; each has numbers without gaps.
package enum EventSource: Hashable, Sendable {
    /// All events, numbered by their sequence.
    case journal
    /// Those of one run, numbered by their version.
    case run(RunNumber)
}

/// Events of one source that stand together, as JSON text: made once for all who read them.
struct EventBlock: Sendable {
    /// The block with index *i* has the events *i* · 256 + 1 to (*i* + 1) · 256.
    static let size: UInt64 = 256

    struct Entry: Sendable {
        var sequence: JournalSequence
        var type: EventType
        var subject: Event.Subject
        /// Behind the last byte of its text.
        var end: Int
    }

    /// Number of the event before the first one.
    let start: UInt64
    private(set) var entries: [Entry] = []
    /// The texts, one behind the other, with a comma after each.
    private(set) var text: [UInt8] = []

    /// - Parameter index: the block's place in its source.
    init(_ index: UInt64) { start = index * Self.size }

    /// The block that the event after `number` stands in.
    static func index(after number: UInt64) -> UInt64 { number / size }

    /// Number of the last event.
    var end: UInt64 { start + UInt64(entries.count) }
    var isFull: Bool { entries.count == Int(Self.size) }

    mutating func append(_ event: RecordedEvent, _ json: [UInt8]) {
        text += json
        entries.append(
            Entry(sequence: event.sequence, type: event.type, subject: event.event.subject, end: text.count))
        text.append(UInt8(ascii: ","))
    }

    /// The text of one event.
    func text(of entry: Int) -> ArraySlice<UInt8> {
        text[(entry == 0 ? 0 : entries[entry - 1].end + 1)..<entries[entry].end]
    }

    /// The texts of events that stand together, with commas between them.
    func text(of entries: Range<Int>) -> ArraySlice<UInt8> {
        text[text(of: entries.lowerBound).startIndex..<text(of: entries.upperBound - 1).endIndex]
    }
}
