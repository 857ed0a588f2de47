import RenCore

/// Counts the events of a run, in their order, into the buckets of a timeline, and keeps the few spans that bars show.
struct TimelineFold {
    private struct Lane {
        var buckets: [Timeline.Bucket]
        var running = 0
        var waiting = 0
        /// Of its last event.
        var time: Timestamp
        /// The first bucket that does not know yet how many ran in it.
        var next = 0
        /// Nil when there are too many.
        var bars: [Event.Subject: [Timeline.Span]]? = [:]
        var spanCount = 0

        /// What runs and waits, does so in all buckets up to `bucket`.
        mutating func carry(upTo bucket: Int?, at time: Timestamp) {
            // Two events of one time are one change: a failure for good ends no wait that anybody saw.
            if time > self.time, next > 0 { raiseWaiting(next - 1) }
            self.time = time
            guard let bucket else { return }
            while next <= bucket {
                raiseRunning(next)
                raiseWaiting(next)
                next += 1
            }
        }

        mutating func raiseRunning(_ bucket: Int) { buckets[bucket].running = max(buckets[bucket].running, running) }

        private mutating func raiseWaiting(_ bucket: Int) {
            buckets[bucket].waiting = max(buckets[bucket].waiting, waiting)
        }

        mutating func count(_ kind: Timeline.Span.Kind, _ change: Int) {
            if kind == .attempt { running += change } else { waiting += change }
        }

        mutating func add(_ span: Timeline.Span, of subject: Event.Subject) {
            guard bars != nil else { return }
            bars?[subject, default: []].append(span)
            spanCount += 1
            if bars?.count == Timeline.barsMax || spanCount > Timeline.spansMax { bars = nil }
        }
    }

    private var result: Timeline
    private var lanes: [NodeNumber: Lane] = [:]
    /// What nodes and items are doing: an event ends one or none. Bounded by what runs at once, and by how many of a map
    /// may wait for another attempt.
    private var open: [Event.Subject: Timeline.Span] = [:]
    private var maps: Set<NodeNumber> = []

    init(_ timeline: Timeline) { result = timeline }

    /// - Parameter subject: of the record, in the numbers of the run's own flow.
    mutating func apply(_ record: Record, of subject: Event.Subject) {
        switch record.type {
        case .runPaused: result.pauses.append(Timeline.Band(from: record.time))
        case .runResumed: endPause(at: record.time)
        case .runStopped, .runSucceeded, .runFailed:
            endPause(at: record.time)
            endAll(by: record) { $1.kind != .attempt }
        case .runForked:
            // Where a fork begins, nothing of its past goes on.
            endPause(at: record.time)
            endAll(by: record) { _, _ in true }
        case .mapOpened: if let node = subject.node { maps.insert(node) }
        case .nodeSucceeded, .nodeFailed, .nodeSkipped, .nodeCancelled, .nodeOverridden:
            // Items that wait are over with their map, without events of their own.
            guard let node = subject.node, maps.contains(node) else { break }
            endAll(by: record) { $0.node == node && $1.kind != .attempt }
        default: break
        }
        guard let node = subject.node else { return }
        var lane =
            lanes.removeValue(forKey: node)
            ?? Lane(buckets: Array(repeating: .init(), count: result.bucketCount), time: record.time)
        apply(record, of: subject, in: &lane)
        lanes[node] = lane
    }

    private mutating func apply(_ record: Record, of subject: Event.Subject, in lane: inout Lane) {
        let bucket = result.bucket(of: record.time)
        lane.carry(upTo: bucket, at: record.time)
        switch record.type {
        case .nodeCheckpointed, .itemCheckpointed, .resultRejected, .mapOpened, .mapClosed: return
        default: end(subject, by: record, in: &lane)
        }
        switch record.type {
        case .nodeStarted, .itemStarted:
            begin(.attempt, subject, record, in: &lane)
            guard let bucket else { break }
            lane.buckets[bucket].started += 1
            lane.raiseRunning(bucket)
        case .nodeAttemptFailed, .itemAttemptFailed: begin(.retryWait, subject, record, in: &lane)
        case .nodeInterrupted, .itemInterrupted: begin(.queue, subject, record, in: &lane)
        case .nodeWaiting: begin(.signalWait, subject, record, in: &lane)
        default: if let bucket { count(record, of: subject, in: &lane.buckets[bucket]) }
        }
    }

    private func count(_ record: Record, of subject: Event.Subject, in bucket: inout Timeline.Bucket) {
        // The items of a map are counted, not their sum.
        if case .node(let node) = subject, maps.contains(node) { return }
        switch record.type {
        case .nodeSucceeded, .itemSucceeded: bucket.succeeded += 1
        case .nodeFailed, .itemFailed: bucket.failed += 1
        default: break
        }
    }

    // MARK: Spans

    private mutating func begin(
        _ kind: Timeline.Span.Kind, _ subject: Event.Subject, _ record: Record, in lane: inout Lane
    ) {
        open[subject] = Timeline.Span(kind: kind, attempt: record.attempt, from: record.time, begun: record.version)
        lane.count(kind, 1)
    }

    private mutating func end(_ subject: Event.Subject, by record: Record, in lane: inout Lane) {
        guard var span = open.removeValue(forKey: subject) else { return }
        span.to = record.time
        span.end = record.type
        lane.count(span.kind, -1)
        if result.touches(span), span.kind == .attempt || span.from < record.time { lane.add(span, of: subject) }
    }

    private mutating func endAll(by record: Record, where isEnded: (Event.Subject, Timeline.Span) -> Bool) {
        let bucket = result.bucket(of: record.time)
        for subject in open.filter({ isEnded($0.key, $0.value) }).keys {
            guard let node = subject.node, var lane = lanes.removeValue(forKey: node) else { continue }
            lane.carry(upTo: bucket, at: record.time)
            end(subject, by: record, in: &lane)
            lanes[node] = lane
        }
    }

    private mutating func endPause(at time: Timestamp) {
        guard let last = result.pauses.indices.last, result.pauses[last].to == nil else { return }
        result.pauses[last].to = time
    }

    /// - Parameter end: until when the run is known.
    consuming func timeline(upTo end: Timestamp) -> Timeline {
        for (subject, span) in open where result.touches(span) {
            if let node = subject.node { lanes[node]?.add(span, of: subject) }
        }
        var result = result
        result.known = end
        let last = end < result.from ? nil : result.bucket(of: min(end, result.to))
        for (node, lane) in lanes.sorted(by: { $0.key < $1.key }) {
            var lane = lane
            lane.carry(upTo: last, at: .distantFuture)
            guard lane.buckets.contains(where: { $0 != .init() }) else { continue }
            result.lanes.append(Timeline.Lane(node: node, buckets: lane.buckets, bars: lane.bars.map(Self.bars)))
        }
        result.pauses.removeAll { $0.from > result.to || $0.to ?? result.to < result.from }
        return result
    }

    private static func bars(_ spans: [Event.Subject: [Timeline.Span]]) -> [Timeline.Bar] {
        spans.map { subject, spans in
            if case .item(_, let item) = subject { return Timeline.Bar(item: item, spans: spans) }
            return Timeline.Bar(item: nil, spans: spans)
        }.sorted { ($0.spans[0].begun, $0.item?.rawValue ?? 0) < ($1.spans[0].begun, $1.item?.rawValue ?? 0) }
    }
}
