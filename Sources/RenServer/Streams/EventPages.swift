import Ren
import RenCore
import RenJSON
package import RenJournal
import RenWorkers

/// Reads events and writes them as JSON, once for all subscribers: those at the same place get the same bytes.
///
/// Every read is a transaction of at most 256 events, on a thread of its own; nothing is held between two, so a
/// subscriber may take as long as it likes with what it got.
package actor EventPages {
    private static let thread = ThreadExecutor(name: "ren-events")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { Self.thread.asUnownedSerialExecutor() }

    /// What is kept: about the last 20,000 events that were asked for.
    static let blocksMax = 80
    static let bytesMax = 16 << 20

    package nonisolated let journal: any JournalReading
    private var names: EventNames
    private var blocks: [Place: (block: EventBlock, used: UInt64)] = [:]
    private var bytes = 0
    private var uses: UInt64 = 0
    /// How many events were read from the journal, for tests: sharing shows in it.
    private(set) var eventsRead = 0

    private struct Place: Hashable {
        var source: EventSource
        var index: UInt64
    }

    package init(_ journal: any JournalReading) {
        self.journal = journal
        names = EventNames(journal)
    }

    /// The events of a block that stand behind a place.
    struct Piece: Sendable {
        let block: EventBlock
        let entries: Range<Int>
        /// All that the source has up to here was given with this piece.
        let upTo: JournalSequence
        /// The source had nothing more.
        let isLast: Bool

        /// Where the next piece begins.
        var end: UInt64 { block.start + UInt64(entries.upperBound) }
    }

    /// The events of `source` after the one numbered `number`, at most the rest of its block.
    func piece(of source: EventSource, after number: UInt64) throws(RenError) -> Piece {
        let place = Place(source: source, index: EventBlock.index(after: number))
        var block = take(place)
        var head: JournalSequence?
        if !block.isFull {
            let last = block.end
            let limit = Int(EventBlock.size) - block.entries.count
            let (events, end) = try journal.read { view throws(RenError) in
                let events = try view.events(of: source, after: last, limit: limit)
                return (events, try view.head().sequence)
            }
            eventsRead += events.count
            for event in events { block.append(event, JSON.object(try EventView(event, &names).json).compact) }
            // What the source had at the end of this transaction was all read: it has nothing up to the journal's head.
            if !block.isFull { head = end }
        }
        keep(block, at: place)
        let from = min(Int(number - block.start), block.entries.count)
        let upTo = head ?? block.entries.last?.sequence ?? JournalSequence(0)
        return Piece(block: block, entries: from..<block.entries.count, upTo: upTo, isLast: head != nil)
    }

    // MARK: What is kept

    /// Takes the block out, so that it is changed in place when nobody else has it.
    private func take(_ place: Place) -> EventBlock {
        guard let kept = blocks.removeValue(forKey: place) else { return EventBlock(place.index) }
        bytes -= kept.block.text.count
        return kept.block
    }

    private func keep(_ block: EventBlock, at place: Place) {
        uses += 1
        blocks[place] = (block, uses)
        bytes += block.text.count
        while blocks.count > Self.blocksMax || bytes > Self.bytesMax, blocks.count > 1,
            let oldest = blocks.min(by: { $0.value.used < $1.value.used })?.key
        {
            _ = take(oldest)
        }
    }
}

extension JournalView {
    func events(
        of source: EventSource, after number: UInt64, limit: Int
    ) throws(RenError) -> [RecordedEvent] {
        switch source {
        case .journal: try records(from: JournalSequence(number + 1), limit: limit)
        case .run(let run): try page(of: run, after: RunVersion(number), limit: limit)
        }
    }

    /// The number of the last event of a source at or before `sequence`.
    func number(of source: EventSource, at sequence: JournalSequence) throws(RenError) -> UInt64 {
        switch source {
        case .journal: sequence.rawValue
        case .run(let run): try version(of: run, at: sequence).rawValue
        }
    }
}
