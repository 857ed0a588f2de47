import LMDB
package import RenCore

/// How long windows read at once: a transaction holds on to what the writer has freed, so it must be short.
enum Paging {
    /// Rows or records of one transaction.
    static let rows = 1_000
    /// Rows that are looked at for an order or a search that no index gives.
    static let scanMax = 100_000

    static func check(_ isCancelled: () -> Bool) throws(RenError) {
        if isCancelled() { throw RenError(.requestCancelled, "nobody waits for the answer any more") }
    }
}

extension RenError.Code {
    package static let requestCancelled = Self("request.cancelled")
    /// 422: what was asked would look at too many rows.
    package static let itemsTooMany = Self("items.too_many")
}

extension JournalView {
    /// The run's first version whose event has `time` or a later one; behind the last where there is none.
    ///
    /// - Complexity: O(log *n*) records; recorded time never goes back within a run.
    func version(of run: RunNumber, notBefore time: Timestamp) throws(RenError) -> RunVersion {
        guard let row = try self.run(run) else { return RunVersion(1) }
        var low = RunVersion(1)
        var high = row.version.next
        while low < high {
            let middle = RunVersion(rawValue: low.rawValue + (high.rawValue - low.rawValue) / 2)
            guard let sequence = try HistoryIndex.sequence(of: middle, row, in: snapshot),
                let found = try withRecord(at: sequence, { $0.time })
            else { throw Self.damagedIndex(run, middle) }
            if found < time { low = middle.next } else { high = middle }
        }
        return low
    }
}

extension JournalReading {
    /// Lends the records of a run from `first` on, unread but for their headers, a page in each transaction.
    func forEachRecord(
        of run: RunNumber, from first: RunVersion, isCancelled: () -> Bool,
        _ body: (JournalView.Lent) throws(RenError) -> HistoryStep
    ) throws(RenError) {
        var version = first
        while true {
            try Paging.check(isCancelled)
            let next = try read { view throws(RenError) -> RunVersion? in
                var left = Paging.rows
                var next: RunVersion?
                try view.forEachRecord(of: run, from: version) { record, sequence throws(RenError) in
                    guard try body(JournalView.Lent(record: record, sequence: sequence)) == .continue else {
                        next = nil
                        return .stop
                    }
                    next = record.version.next
                    left -= 1
                    return left > 0 ? .continue : .stop
                }
                return left > 0 ? nil : next
            }
            guard let next else { return }
            version = next
        }
    }
}

extension JournalView {
    /// A record inside of its transaction.
    struct Lent {
        let record: Record
        let sequence: JournalSequence
    }
}
