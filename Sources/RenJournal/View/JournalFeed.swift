package import RenCore

/// The events behind a place, in order, without gap or repeat, and then those to come: for `tail -f` and subscribers.
///
/// Resume with the sequence of the last event that was taken. It holds nothing open between two pages.
package struct JournalFeed: Sendable {
    package static let pageEvents = 1_000

    private let journal: any JournalReading
    /// Nil: all runs.
    private let run: RunNumber?
    /// The last event that was given, or that is known not to concern the run.
    package private(set) var last: JournalSequence

    package init(_ journal: any JournalReading, after last: JournalSequence, run: RunNumber? = nil) {
        self.journal = journal
        self.run = run
        self.last = last
    }

    /// The next page, at most 1,000 events; waits for one. Empty when the journal was closed or the task cancelled.
    package mutating func next() async throws(RenError) -> [RecordedEvent] {
        while true {
            let page = try nextIfAny()
            if !page.isEmpty { return page }
            guard try await journal.waitForEvents(after: last) else { return [] }
        }
    }

    /// The next page without waiting; empty when there is none yet.
    package mutating func nextIfAny() throws(RenError) -> [RecordedEvent] {
        let (page, head) = try journal.read { [run, last] view throws(RenError) in
            let head = try view.head().sequence
            guard let run else { return (try view.records(from: last.next, limit: Self.pageEvents), head) }
            let version = try view.version(of: run, at: last)
            return (try view.page(of: run, after: version, limit: Self.pageEvents), head)
        }
        last = page.last?.sequence ?? max(last, head)
        return page
    }
}
