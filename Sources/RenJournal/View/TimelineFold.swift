import RenCore

/// Counts the events of a run, in their order, into the buckets of a timeline.
struct TimelineFold {
    private struct Lane {
        var buckets: [Timeline.Bucket]
        var running = 0
        /// The first bucket that does not know yet how many ran in it.
        var next = 0

        /// What runs, runs in all buckets up to `bucket`.
        mutating func carry(upTo bucket: Int) {
            while next <= bucket {
                buckets[next].running = max(buckets[next].running, running)
                next += 1
            }
        }
    }

    private var result: Timeline
    private var lanes: [NodeNumber: Lane] = [:]
    /// Attempts that run: an event ends one or none.
    private var running: Set<Event.Subject> = []
    private var maps: Set<NodeNumber> = []

    init(_ timeline: Timeline) { result = timeline }

    /// - Parameter subject: of the record, in the numbers of the run's own flow.
    mutating func apply(_ record: Record, of subject: Event.Subject) {
        switch record.type {
        case .runPaused: result.pauses.append(Timeline.Band(from: record.time))
        case .runResumed, .runStopped, .runSucceeded, .runFailed: endPause(at: record.time)
        case .runForked:
            endPause(at: record.time)
            interruptAll(at: record.time)
        case .mapOpened: if let node = subject.node { maps.insert(node) }
        default: break
        }
        guard let node = subject.node else { return }
        var lane = lanes[node] ?? Lane(buckets: Array(repeating: .init(), count: result.bucketCount))
        lanes[node] = nil
        defer { lanes[node] = lane }
        let bucket = result.bucket(of: record.time)
        if let bucket { lane.carry(upTo: bucket) }
        switch record.type {
        case .nodeStarted, .itemStarted:
            if running.insert(subject).inserted { lane.running += 1 }
            if let bucket {
                lane.buckets[bucket].started += 1
                lane.buckets[bucket].running = max(lane.buckets[bucket].running, lane.running)
            }
        case .nodeSucceeded, .itemSucceeded, .nodeFailed, .itemFailed, .nodeAttemptFailed, .itemAttemptFailed,
            .nodeInterrupted, .itemInterrupted, .nodeUnknown, .itemUnknown, .nodeSkipped, .itemSkipped, .nodeCancelled,
            .itemCancelled:
            if running.remove(subject) != nil { lane.running -= 1 }
            if let bucket { count(record, of: subject, in: &lane.buckets[bucket]) }
        default: break
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

    /// Where a fork begins, nothing of its past runs any more.
    private mutating func interruptAll(at time: Timestamp) {
        running.removeAll()
        let bucket = result.bucket(of: time)
        for node in lanes.keys {
            if let bucket { lanes[node]?.carry(upTo: bucket) }
            lanes[node]?.running = 0
        }
    }

    private mutating func endPause(at time: Timestamp) {
        guard let last = result.pauses.indices.last, result.pauses[last].to == nil else { return }
        result.pauses[last].to = time
    }

    /// - Parameter end: until when the run is known.
    func timeline(upTo end: Timestamp) -> Timeline {
        var result = result
        let last = end < result.from ? nil : result.bucket(of: min(end, result.to))
        for (node, lane) in lanes.sorted(by: { $0.key < $1.key }) {
            var lane = lane
            if let last { lane.carry(upTo: last) }
            guard lane.buckets.contains(where: { $0 != .init() }) else { continue }
            result.lanes.append(Timeline.Lane(node: node, buckets: lane.buckets))
        }
        result.pauses.removeAll { $0.from > result.to || $0.to ?? result.to < result.from }
        return result
    }
}
