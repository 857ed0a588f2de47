import RenAPI
package import RenCore
import RenJournal

/// The events that one subscriber wants, from a place on: each once, in order, and then those to come.
///
/// It holds no transaction and nothing of the journal but a number, so nobody waits for a slow subscriber. Both the
/// WebSocket and the event stream over HTTP are made of it.
package struct Subscription: Sendable {
    /// So many unwanted events, or so long, and the place to resume from is told.
    static let bookmarkEvents = 1_000
    static let bookmarkInterval = Duration.seconds(1)

    enum Step: Sendable {
        case events(WantedEvents)
        /// Nothing wanted stands up to here.
        case passed(JournalSequence)
        /// Nothing happened for as long as was allowed.
        case idle
        /// The journal was closed or the task was cancelled.
        case ended
    }

    private let pages: EventPages
    private let filter: EventFilter
    /// How long new events are gathered before they are looked at.
    private let batch: Duration
    /// The last event of the source that was looked at.
    private var number: UInt64
    /// All that is wanted up to here was given.
    package private(set) var position: JournalSequence
    /// The last place that the subscriber was told.
    private var told: JournalSequence
    private var toldAt = ContinuousClock.now
    private var unwanted = 0
    /// How many events of the source stood behind the place where it began: not all need be wanted.
    package let replaying: Int
    private var isAtEnd = false
    private var readAt = ContinuousClock.now

    /// - Parameters:
    ///   - since: the last event that is known; nil: only what comes.
    ///   - batch: how long new events are gathered before they are looked at.
    /// - Throws: `watch.future`, `watch.compacted`.
    package init(
        _ pages: EventPages, _ filter: EventFilter, since: JournalSequence?, batch: Duration
    ) async throws {
        self.pages = pages
        self.filter = filter
        self.batch = batch
        let journal = pages.journal
        (position, number, replaying) = try await BlockingReads.run {
            try journal.read { view throws(RenError) in
                let head = try view.head().sequence
                let place = since ?? head
                try Self.check(place, head, first: try view.records(from: JournalSequence(1), limit: 1).first?.sequence)
                let number = try view.number(of: filter.source, at: place)
                return (place, number, Int(try view.number(of: filter.source, at: head) - number))
            }
        }
        told = position
    }

    /// Whether a subscriber can go on behind `place`, in a journal whose events are `first` to `head`.
    static func check(
        _ place: JournalSequence, _ head: JournalSequence, first: JournalSequence?
    ) throws(RenError) {
        guard place <= head else {
            throw RenError(
                .watchFuture, "event \(place) is not there yet: the last one is \(head)",
                hint: "another journal than before? take a new snapshot")
        }
        guard let first, place.next < first else { return }
        throw RenError(
            .watchCompacted, "the events after \(place) are not kept any more: the first one is \(first)",
            hint: "take a new snapshot, then follow from its sequence")
    }

    /// What comes next; waits for it, at most `patience`.
    ///
    /// - Throws: `journal.*`, `storage.*`.
    mutating func next(patience: Duration) async throws -> Step {
        let deadline = ContinuousClock.now + patience
        while !Task.isCancelled {
            if isAtEnd {
                guard try await wait(until: deadline) else { return .ended }
            }
            let piece = try await pages.piece(of: filter.source, after: number)
            readAt = .now
            number = piece.end
            position = max(position, piece.upTo)
            isAtEnd = piece.isLast
            if let wanted = WantedEvents(piece, filter) {
                tell(wanted.last)
                return .events(wanted)
            }
            unwanted += piece.entries.count
            if unwanted >= Self.bookmarkEvents || told < position && readAt - toldAt >= Self.bookmarkInterval {
                tell(position)
                return .passed(position)
            }
            if readAt >= deadline { return .idle }
        }
        return .ended
    }

    private mutating func tell(_ place: JournalSequence) {
        told = place
        toldAt = readAt
        unwanted = 0
    }

    /// Waits for an event behind `position`, or until there is something to say anyway; false when there will be none.
    private func wait(until deadline: ContinuousClock.Instant) async throws -> Bool {
        let limit = told < position ? min(deadline, toldAt + Self.bookmarkInterval) : deadline
        let (journal, position, due) = (pages.journal, position, readAt + batch)
        return try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                guard try await journal.waitForEvents(after: position) else { return false }
                // More is gathered, so that many events are one message and one turn.
                try await Task.sleep(until: due, clock: .continuous)
                return true
            }
            group.addTask {
                try await Task.sleep(until: limit, clock: .continuous)
                return true
            }
            defer { group.cancelAll() }
            do {
                return try await group.next() ?? false
            } catch is CancellationError {
                return false
            }
        }
    }
}
