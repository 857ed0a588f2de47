package import RenCore

/// What a run did in a stretch of time, in buckets of equal width.
package struct Timeline: Sendable, Equatable {
    package static let bucketsMax = 500
    package static let restartsMax = 1_000

    package struct Bucket: Sendable, Equatable {
        /// Attempts that began.
        package var started = 0
        /// Nodes and items that succeeded, and that failed for good.
        package var succeeded = 0
        package var failed = 0
        /// The most attempts that ran at once.
        package var running = 0
    }

    /// A node; of a map, its items.
    package struct Lane: Sendable, Equatable {
        package let node: NodeNumber
        package var buckets: [Bucket]
    }

    /// From `run.paused` to `run.resumed`; nil where that comes after the stretch, or has not come.
    package struct Band: Sendable, Equatable {
        package let from: Timestamp
        package var to: Timestamp?
    }

    package let from: Timestamp
    /// Events at this time belong to the last bucket.
    package let to: Timestamp
    /// Of a bucket.
    package let width: Duration
    /// The nodes that ran, in flow order.
    package internal(set) var lanes: [Lane] = []
    /// Those that touch the stretch.
    package internal(set) var pauses: [Band] = []
    /// When an engine opened the journal.
    package internal(set) var restarts: [Timestamp] = []
    package internal(set) var asOf = JournalSequence(0)

    /// - Parameter buckets: 1 to `bucketsMax`; others are cut to that.
    init(from: Timestamp, to: Timestamp, buckets: Int) {
        let count = Int64(min(max(1, buckets), Self.bucketsMax))
        let span = max(1, (to - from).nanoseconds)
        self.from = from
        self.to = from + .nanoseconds(span)
        width = .nanoseconds((span - 1) / count + 1)
    }

    var bucketCount: Int { Int(((to - from).nanoseconds - 1) / width.nanoseconds + 1) }

    /// The bucket of a time; nil outside of the stretch.
    func bucket(of time: Timestamp) -> Int? {
        guard from <= time, time <= to else { return nil }
        return min(Int((time - from).nanoseconds / width.nanoseconds), bucketCount - 1)
    }
}

extension JournalReading {
    /// A run's timeline; nil when there is no such run.
    ///
    /// Reads the run's history from its begin to `to`, by its headers alone, in transactions of at most 1,000 records:
    /// what runs at `from` began before.
    ///
    /// - Parameters:
    ///   - from: nil for the begin of the run.
    ///   - to: nil for its end, or `now` where it goes on.
    ///   - asOf: nothing behind the event of this sequence, at whose time it is then; nil: all.
    /// - Throws: `request.cancelled`, `event.not_found`.
    /// - Complexity: O(*n*) in the events before `to`, about 1 s for 1,000,000.
    package func timeline(
        of run: RunNumber, from: Timestamp? = nil, to: Timestamp? = nil, buckets: Int, now: Timestamp,
        asOf: JournalSequence? = nil, isCancelled: () -> Bool = { Task.isCancelled }
    ) throws(RenError) -> Timeline? {
        let known = try read { view throws(RenError) -> Known? in
            guard let row = try view.run(run) else { return nil }
            var known = Known(
                row: row, lineage: try view.lineage(of: row), version: row.version,
                end: row.ended ?? max(now, row.updated), asOf: try view.head().sequence)
            if let asOf {
                let place = try view.place(of: row, at: asOf)
                known.version = place.version
                // It may have ended since.
                known.end = min(row.ended ?? .distantFuture, max(place.last.event.time, place.asOf.time))
                known.asOf = asOf
            }
            return known
        }
        guard let known else { return nil }
        let timeline = Timeline(from: from ?? known.row.created, to: to ?? known.end, buckets: buckets)
        var fold = TimelineFold(timeline)
        try forEachRecord(of: run, from: RunVersion(1), isCancelled: isCancelled) { lent in
            let record = lent.record
            guard record.time <= timeline.to, record.version <= known.version else { return .stop }
            if let subject = known.lineage.subject(record.subject, at: record.version) {
                fold.apply(record, of: subject)
            }
            return .continue
        }
        var result = fold.timeline(upTo: known.end)
        result.asOf = known.asOf
        result.restarts = try restarts(in: result, isCancelled)
        return result
    }

    /// The first `Timeline.restartsMax` of them.
    private func restarts(in timeline: Timeline, _ isCancelled: () -> Bool) throws(RenError) -> [Timestamp] {
        let first = try read { view throws(RenError) in try view.version(of: .journal, notBefore: timeline.from) }
        var found: [Timestamp] = []
        try forEachRecord(of: .journal, from: first, isCancelled: isCancelled) { lent in
            guard lent.record.time <= timeline.to, lent.sequence <= timeline.asOf, found.count < Timeline.restartsMax
            else { return .stop }
            if lent.record.type == .journalOpened { found.append(lent.record.time) }
            return .continue
        }
        return found
    }
}

/// What there is to draw of a run.
private struct Known {
    let row: RunRow
    let lineage: RunLineage
    /// Of the last event.
    var version: RunVersion
    /// When it ended, or until when it is known.
    var end: Timestamp
    var asOf: JournalSequence
}
