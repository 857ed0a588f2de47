#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

import LMDB
package import RenCore

/// Which of the runs that have ended are pruned, by flow.
package struct Retention: Sendable, Hashable {
    /// A history goes when all that is said here of histories holds; nothing said keeps them all.
    package struct Rule: Sendable, Hashable {
        /// It ended longer ago than this.
        package var olderThan: Duration?
        /// It is not among so many of the newest runs of its flow that have ended.
        package var keep: Int?
        /// Failed runs stay whole, and do not count.
        package var keepFailed = false
        /// The payloads of a run go when it ended longer ago than this.
        package var payloadsOlderThan: Duration?

        package init() {}

        package var isEmpty: Bool { olderThan == nil && keep == nil && payloadsOlderThan == nil }

        /// In the words of `ren.yaml`: what `journal.pruned` gives as its reason.
        func text(_ step: Pruning.Step) -> String {
            let ages: [(String, Duration?)] =
                step == .payloads ? [("payloads_older_than", payloadsOlderThan)] : [("older_than", olderThan)]
            var words = ages.compactMap { name, age in age.map { "\(name) \(DurationText.text($0))" } }
            if step == .histories, let keep { words.append("keep \(keep)") }
            if keepFailed { words.append("keep_failed") }
            return words.joined(separator: ", ")
        }

        /// - Parameter rank: its place among the runs of its flow that have ended, the newest being 1.
        fileprivate func step(for row: RunRow, rank: Int, at now: Timestamp) -> Pruning.Step? {
            let age = now - (row.ended ?? now)
            let isOld = olderThan.map { age > $0 } ?? true
            let isBeyond = keep.map { rank > $0 } ?? true
            if olderThan != nil || keep != nil, isOld, isBeyond { return .histories }
            return payloadsOlderThan.map { age > $0 } == true ? .payloads : nil
        }
    }

    /// For flows that have none of their own.
    package var rule: Rule
    package var flows: [String: Rule]

    package init(_ rule: Rule = Rule(), flows: [String: Rule] = [:]) {
        self.rule = rule
        self.flows = flows
    }

    /// In one announcement.
    static let runsMax = 100
}

extension RunRow {
    /// Whether as much of it can be deleted as `step` says: it has ended, and no fork lives on its past.
    func mayBePruned(_ step: Pruning.Step, in snapshot: any StoreSnapshot) throws(RenError) -> Bool {
        guard [.succeeded, .failed, .stopped].contains(status), pruned.map({ $0 < step }) ?? true else { return false }
        return try !isNeededByForks(in: snapshot)
    }

    /// Whether a run whose history is kept began as a fork of this one, or of one of its forks.
    private func isNeededByForks(in snapshot: any StoreSnapshot) throws(RenError) -> Bool {
        let view = JournalView(snapshot)
        for fork in try view.dependents(of: number) where try view.run(fork)?.pruned != .histories { return true }
        return false
    }
}

extension JournalReading {
    /// What the rules prune now: payloads first, and of each the oldest runs first.
    ///
    /// - Complexity: O(*n*) in the runs, in pages.
    package func prunings(by retention: Retention, at now: Timestamp) throws(RenError) -> [Pruning] {
        var chosen: [Pruning.Step: [(run: Pruning.Run, rule: String)]] = [:]
        var ranks: [String: Int] = [:]
        var end: RunNumber?
        var isAtEnd = false
        while !isAtEnd {
            try read { view throws(RenError) in
                let page = try view.runs(limit: Paging.rows, before: end)
                isAtEnd = page.count < Paging.rows
                end = page.last?.number ?? end
                for row in page where row.ended != nil && !row.status.isOpen && row.pruned != .histories {
                    let rule = retention.flows[row.flowName] ?? retention.rule
                    if rule.keepFailed, row.status == .failed { continue }
                    ranks[row.flowName, default: 0] += 1
                    guard let step = rule.step(for: row, rank: ranks[row.flowName] ?? 0, at: now),
                        try row.mayBePruned(step, in: view.snapshot)
                    else { continue }
                    let run = Pruning.Run(id: row.id, first: row.first, last: row.last, events: row.ownEvents)
                    chosen[step, default: []].append((run, rule.text(step)))
                }
            }
        }
        return [Pruning.Step.payloads, .histories].flatMap { step in
            (chosen[step] ?? []).reversed().reduce(into: [Pruning]()) { prunings, next in
                if let last = prunings.last, last.rule == next.rule, last.runs.count < Retention.runsMax {
                    prunings[prunings.count - 1].runs.append(next.run)
                } else {
                    prunings.append(Pruning(step: step, runs: [next.run], rule: next.rule))
                }
            }
        }
    }
}

extension RunRow {
    /// Its events without those of a past that is another run's.
    fileprivate var ownEvents: Int { Int(version.rawValue - inherited.rawValue) }
}

extension StoreJournal {
    /// Announces that and deletes it; blocks the calling thread until it is gone.
    ///
    /// - Parameters:
    ///   - isCancelled: leaves the rest for the next `finishPruning`.
    ///   - onAnnounced: called with each announcement of which something is left, before that is deleted: for files
    ///     that go with a run.
    /// - Throws: `version.conflict` when a run has changed since it was chosen; `storage.*`.
    package func prune(
        _ pruning: Pruning, at time: Timestamp, by asker: String?, isCancelled: () -> Bool = { false },
        onAnnounced: (Pruning) -> Void = { _ in }
    ) throws(RenError) {
        let event = Event(.journalPruned(pruning), .run, at: time, by: asker)
        try appendAndWait([event], to: .journal, after: Batch.anyVersion)
        try finishPruning(isCancelled: isCancelled, onAnnounced: onAnnounced)
    }

    /// Deletes what earlier announcements have left: after a crash.
    package func finishPruning(
        isCancelled: () -> Bool = { false }, onAnnounced: (Pruning) -> Void = { _ in }
    ) throws(RenError) {
        for pruning in try read({ view throws(RenError) in try view.pendingPrunings() }) { onAnnounced(pruning) }
        var isMore = true
        while isMore, !isCancelled() {
            let start = ContinuousClock.now
            isMore = try pruneStep()
            // The writer has as long for what others want.
            usleep(UInt32(clamping: (.now - start).nanoseconds / 1_000))
        }
    }
}

extension RenError {
    package static func pruned(_ row: RunRow) -> RenError {
        guard row.pruned == .histories else {
            return RenError(
                .runPruned, "the payloads of run \(row.id) were pruned, so nothing can follow from them",
                hint: "start a new run")
        }
        let flow = "\(row.flowName)@\(row.flow.description.prefix(7))"
        let end = row.ended.map { " to \($0.iso8601)" } ?? ""
        return RenError(
            .runPruned, "run \(row.id) of \(flow) was pruned: \(row.status.name), from \(row.created.iso8601)\(end)",
            hint: "this is all that is kept of it; its id stays taken")
    }
}

extension RenError.Code {
    /// 410: the retention of its flow has deleted the run's history, or what its results were.
    package static let runPruned = Self("run.pruned")
    /// 410: the bytes are gone; length and hash are there.
    package static let payloadPruned = Self("payload.pruned")
}
