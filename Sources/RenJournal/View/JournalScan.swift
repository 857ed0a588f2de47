package import RenCore

/// One place of the journal: an event, or what is left of one that cannot be read.
package enum JournalEntry: Sendable {
    case event(RecordedEvent)
    case damaged(DamagedEvent)

    /// Nil where the index of a run does not lead to it.
    package var sequence: JournalSequence? {
        switch self {
        case .event(let event): event.sequence
        case .damaged(let event): event.sequence
        }
    }
}

/// An event that cannot be read.
package struct DamagedEvent: Sendable {
    package var sequence: JournalSequence?
    package var what: String

    package init(sequence: JournalSequence?, what: String) {
        self.sequence = sequence
        self.what = what
    }
}

/// Goes through the events of the journal or of one run, in either direction, by reads of at most 1,000 records or
/// 100 ms. A damaged event is named, and the next one follows.
///
/// It ends with what was the last event when it began.
package struct JournalScan: Sendable {
    package enum Order: Sendable { case oldestFirst, newestFirst }

    /// What is told from the header of a record; what is damaged passes, since nobody knows what it was.
    package struct Filter: Sendable {
        /// Nil: all.
        package var types: Set<EventType>?
        package var from: Timestamp?
        /// Events of this time are left out.
        package var until: Timestamp?

        package init(types: Set<EventType>? = nil, from: Timestamp? = nil, until: Timestamp? = nil) {
            self.types = types
            self.from = from
            self.until = until
        }

        func matches(_ record: Record) -> Bool {
            guard types?.contains(record.type) ?? true else { return false }
            if let from, record.time < from { return false }
            if let until, record.time >= until { return false }
            return true
        }
    }

    private static let pageRecords = 1_000
    private static let pageTime = Duration.milliseconds(100)

    private let journal: any JournalReading
    private let run: RunNumber?
    private let filter: Filter
    private let order: Order
    /// Sequences, or versions of `run`, that are still to be looked at.
    private var left: ClosedRange<UInt64>?
    /// The last sequence, or version of `run`, when it began.
    package let last: UInt64

    /// - Parameters:
    ///   - run: only its events; nil: all.
    ///   - first: not before this sequence, or version of `run`.
    package init(
        _ journal: any JournalReading, of run: RunNumber? = nil, from first: UInt64 = 1, _ filter: Filter = Filter(),
        _ order: Order = .oldestFirst
    ) throws(RenError) {
        self.journal = journal
        self.run = run
        self.filter = filter
        self.order = order
        last = try journal.read { view throws(RenError) in
            guard let run else { return try view.head().sequence.rawValue }
            return try view.version(of: run).rawValue
        }
        left = first <= last ? max(first, 1)...last : nil
    }

    /// The next page, which may be empty; nil behind the last event.
    package mutating func next() throws(RenError) -> [JournalEntry]? {
        guard let range = left else { return nil }
        let deadline = ContinuousClock.now + Self.pageTime
        let (entries, looked) = try journal.read { [run, filter, order] view throws(RenError) in
            var entries: [JournalEntry] = []
            var looked: UInt64 = 0
            let count = min(range.upperBound - range.lowerBound + 1, UInt64(Self.pageRecords))
            while looked < count, looked % 64 != 63 || ContinuousClock.now < deadline {
                let number = order == .oldestFirst ? range.lowerBound + looked : range.upperBound - looked
                if let entry = try Self.entry(number, of: run, filter, in: view) { entries.append(entry) }
                looked += 1
            }
            return (entries, looked)
        }
        switch order {
        case _ where looked > range.upperBound - range.lowerBound: left = nil
        case .oldestFirst: left = range.lowerBound + looked...range.upperBound
        case .newestFirst: left = range.lowerBound...range.upperBound - looked
        }
        return entries
    }

    /// Nil for an event that the filter does not want.
    private static func entry(
        _ number: UInt64, of run: RunNumber?, _ filter: Filter, in view: borrowing JournalView
    ) throws(RenError) -> JournalEntry? {
        var sequence: JournalSequence?
        do throws(RenError) {
            sequence = JournalSequence(number)
            if let run { sequence = try view.sequence(of: run, RunVersion(number)) }
            guard let sequence else { throw JournalView.damagedIndex(run ?? .journal, RunVersion(number)) }
            let found = try view.withRecord(at: sequence) { record throws(RenError) -> RecordedEvent? in
                try filter.matches(record) ? RecordedEvent(record, at: sequence) : nil
            }
            guard let found else { throw .damaged(sequence, "it is missing") }
            return found.map(JournalEntry.event)
        } catch {
            guard error.code == .journalDamaged else { throw error }
            return .damaged(DamagedEvent(sequence: sequence, what: error.message))
        }
    }
}
