package import RenCore

/// What a run did in a stretch of time, in buckets of equal width.
package struct Timeline: Sendable, Equatable {
    package static let bucketsMax = 500
    package static let restartsMax = 1_000
    /// With as many nodes and items at work in the stretch, or more spans, a lane has no bars.
    package static let barsMax = 200
    package static let spansMax = 2_000

    package struct Bucket: Sendable, Equatable {
        /// Attempts that began.
        package var started = 0
        /// Nodes and items that succeeded, and that failed for good.
        package var succeeded = 0
        package var failed = 0
        /// The most attempts that ran at once.
        package var running = 0
        /// The most nodes and items that waited at once, after all that happened at one time.
        package var waiting = 0
    }

    /// What a node or an item did without a break.
    package struct Span: Sendable, Equatable {
        package enum Kind: String, Sendable, CaseIterable {
            case attempt
            /// Until a failed attempt is tried again.
            case retryWait = "retry_wait"
            /// For its turn: after an interruption, or since another attempt was due. What waits for its first attempt
            /// has no event that says since when.
            case queue
            /// For a signal, or its time limit.
            case signalWait = "signal_wait"
        }

        package let kind: Kind
        /// Of a wait, the attempt before it.
        package let attempt: UInt32
        package let from: Timestamp
        /// Nil where it goes on, also behind the stretch.
        package var to: Timestamp?
        /// The event that ended it; nil also where one kind of wait became the other.
        package var end: EventType?
        /// The event that it began with.
        let begun: RunVersion
    }

    /// What a node itself, or one of its items, did in the stretch, in order.
    package struct Bar: Sendable, Equatable {
        /// Nil for the node itself.
        package let item: ItemIndex?
        package var spans: [Span]
    }

    /// A node; of a map, its items.
    package struct Lane: Sendable, Equatable {
        package let node: NodeNumber
        package var buckets: [Bucket]
        /// In the order in which they began; nil when there are too many to tell apart.
        package var bars: [Bar]?
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
    /// As far as the run is known: what has no end yet went on until here.
    package internal(set) var known: Timestamp

    /// - Parameter buckets: 1 to `bucketsMax`; others are cut to that.
    init(from: Timestamp, to: Timestamp, buckets: Int) {
        let count = Int64(min(max(1, buckets), Self.bucketsMax))
        let span = max(1, (to - from).nanoseconds)
        self.from = from
        self.to = from + .nanoseconds(span)
        width = .nanoseconds((span - 1) / count + 1)
        known = self.to
    }

    var bucketCount: Int { Int(((to - from).nanoseconds - 1) / width.nanoseconds + 1) }

    func touches(_ span: Span) -> Bool { span.from <= to && span.to ?? to >= from }

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
    /// what runs at `from` began before. Of failed attempts that have a bar, the body too.
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
        for index in result.lanes.indices {
            guard let bars = result.lanes[index].bars else { continue }
            try Paging.check(isCancelled)
            result.lanes[index].bars = try withDueTimes(bars, of: run, in: result, until: known.end)
        }
        return result
    }

    /// The waits for another attempt, from when that was due as waits for their turn. What a failure without another
    /// attempt was followed by is no wait.
    private func withDueTimes(
        _ bars: [Timeline.Bar], of run: RunNumber, in timeline: Timeline, until end: Timestamp
    ) throws(RenError) -> [Timeline.Bar] {
        try read { view throws(RenError) in
            var result: [Timeline.Bar] = []
            for bar in bars {
                var spans: [Timeline.Span] = []
                for span in bar.spans {
                    guard span.kind == .retryWait,
                        case .attemptFailed(_, let due)? = try view.recorded(run, span.begun)?.event.fact
                    else {
                        spans.append(span)
                        continue
                    }
                    guard let due else { continue }
                    spans += span.split(at: due, until: end).filter(timeline.touches)
                }
                if !spans.isEmpty { result.append(Timeline.Bar(item: bar.item, spans: spans)) }
            }
            return result
        }
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

extension Timeline.Span {
    /// A wait for another attempt, which was due at a time, known until `end`.
    fileprivate func split(at due: Timestamp, until end: Timestamp) -> [Timeline.Span] {
        let due = max(from, due)
        guard due < to ?? end else { return [self] }
        let wait = Self(kind: .retryWait, attempt: attempt, from: from, to: due, begun: begun)
        let queue = Self(kind: .queue, attempt: attempt, from: due, to: to, end: self.end, begun: begun)
        return from < due ? [wait, queue] : [queue]
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
