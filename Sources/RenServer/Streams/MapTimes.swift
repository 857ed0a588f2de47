import Ren
import RenCore
import RenJournal
import Synchronization

/// Rates and remaining times of maps, looked up no more often than needed, however many ask.
package final class MapTimes: Sendable {
    private struct Place: Hashable {
        var run: RunNumber
        var node: NodeNumber
    }

    private struct Entry {
        var looked: ContinuousClock.Instant
        var times: NodeTimes?
    }

    private static let entriesMax = 1_000

    private let entries = Mutex<[Place: Entry]>([:])

    package init() {}

    /// Nil while the map is not open, and for those who ask while the first look is going on.
    ///
    /// - Parameter age: what was looked up within it is new enough; a look reads up to 100,000 events.
    func times(
        of run: RunNumber, _ node: NodeNumber, in journal: some JournalReading, now: Timestamp, atMost age: Duration
    ) throws(RenError) -> NodeTimes? {
        let place = Place(run: run, node: node)
        let known = entries.withLock { entries -> Entry? in
            let clock = ContinuousClock.now
            if let entry = entries[place], clock - entry.looked < age { return entry }
            // The others are given what was, so that one looks at a time.
            if entries.count >= Self.entriesMax { entries = [:] }
            entries[place] = Entry(looked: clock, times: entries[place]?.times)
            return nil
        }
        if let known { return known.times }
        let times = try journal.times(of: run, node, now: now)
        entries.withLock { $0[place] = Entry(looked: .now, times: times) }
        return times
    }
}
