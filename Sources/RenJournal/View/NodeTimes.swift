package import RenCore

/// How long the items of a map take, and how fast they come.
package struct NodeTimes: Sendable, Equatable {
    /// How far back the rate looks.
    package static let rateWindow = Duration.seconds(300)
    /// Under so many there is neither rate nor ETA.
    package static let rateSamplesMin = 20
    /// So many stretches of 1,000 items, evenly over the map, stand for a map with more rows than are looked at.
    private static let sampledPages = Paging.scanMax / Paging.rows

    /// Items that succeeded or failed, among those looked at.
    package let samples: Int
    /// More items have begun than are looked at, so the percentiles are those of a sample.
    package let isApproximate: Bool
    package let p50: Duration?
    package let p95: Duration?
    package let p99: Duration?
    package let max: Duration?
    /// Items settled per second in the last 5 min.
    package let rate: Double?
    /// Until the last item is settled, at that rate; nil when none is left.
    package let eta: Duration?

    fileprivate init(_ durations: [Int64], isApproximate: Bool, rate: Double?, left: Int) {
        let sorted = durations.sorted()
        func percentile(_ percent: Int) -> Duration? { Percentile.of(sorted, percent).map { .nanoseconds($0) } }
        samples = sorted.count
        self.isApproximate = isApproximate
        p50 = percentile(50)
        p95 = percentile(95)
        p99 = percentile(99)
        max = percentile(100)
        self.rate = rate
        eta = left > 0 ? rate.map { .seconds(Double(left) / $0) } : nil
    }

    /// The stretches of a map that are looked at: all, or `sampledPages` of 1,000 items each.
    static func sampled(_ begun: Int) -> [Range<Int>] {
        guard begun > Paging.scanMax else { return [0..<begun] }
        return (0..<sampledPages).map { page in
            let start = (begun - Paging.rows) * page / (sampledPages - 1)
            return start..<start + Paging.rows
        }
    }
}

/// Nearest rank: the least value that so many percent do not exceed.
package enum Percentile {
    package static func of(_ sorted: [Int64], _ percent: Int) -> Int64? {
        guard !sorted.isEmpty else { return nil }
        let rank = (sorted.count * percent + 99) / 100
        return sorted[Swift.max(0, rank - 1)]
    }
}

extension JournalReading {
    /// The times of a map's items; nil while the map is not open.
    ///
    /// The rate looks at the run's last 100,000 events at most: where these are less than 5 min, at their time.
    ///
    /// - Throws: `request.cancelled`.
    package func times(
        of run: RunNumber, _ node: NodeNumber, now: Timestamp, isCancelled: () -> Bool = { Task.isCancelled }
    ) throws(RenError) -> NodeTimes? {
        guard let map = try mapHead(run, node) else { return nil }
        var durations: [Int64] = []
        for stretch in NodeTimes.sampled(map.begun) {
            try forEachItem(of: map, in: stretch, isCancelled: isCancelled) { _, row, _ throws(RenError) in
                guard let row else { return .continue }
                if let duration = try ItemRow.brief(of: row).duration { durations.append(duration.nanoseconds) }
                return .continue
            }
        }
        let settled = WorkState.allCases.filter { $0.isSettled || $0 == .unknown }.reduce(0) { $0 + map.map.counts[$1] }
        return NodeTimes(
            durations, isApproximate: map.begun > Paging.scanMax,
            rate: try rate(of: run, node, now: now, isCancelled), left: map.total - settled)
    }

    private func rate(
        of run: RunNumber, _ node: NodeNumber, now: Timestamp, _ isCancelled: () -> Bool
    ) throws(RenError) -> Double? {
        let begin = now + (.zero - NodeTimes.rateWindow)
        let first = try read { view throws(RenError) in
            guard let row = try view.run(run) else { return RunVersion(1) }
            let last = row.version.rawValue
            // A fork is as fast as it is itself.
            let least = max(
                row.inherited.rawValue + 1, last > UInt64(Paging.scanMax) ? last - UInt64(Paging.scanMax) : 1)
            return max(try view.version(of: run, notBefore: begin), RunVersion(rawValue: least))
        }
        var start: Timestamp?
        var settled = 0
        try forEachRecord(of: run, from: first, isCancelled: isCancelled) { lent in
            let record = lent.record
            start = start ?? record.time
            guard record.subject.node == node else { return .continue }
            switch record.type {
            case .itemSucceeded, .itemFailed, .itemSkipped, .itemCancelled: settled += 1
            default: break
            }
            return .continue
        }
        guard settled >= NodeTimes.rateSamplesMin, let start else { return nil }
        // What came in a moment is not spread over it.
        return Double(settled) / max(0.001, Double((now - max(start, begin)).nanoseconds) / 1e9)
    }
}
