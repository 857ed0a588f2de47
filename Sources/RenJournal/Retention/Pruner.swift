import LMDB
package import RenCore

/// Deletes what a `journal.pruned` has announced (SEMANTICS.md 6): in one pass over the part of the journal that the
/// runs lie in, oldest first, then their rows. A commit changes at most 5,000 rows and says how far it is, so that a
/// crash costs nothing.
enum Pruner {
    static let commitRows = 5_000
    /// Those of other runs lie between.
    static let commitRecordsRead = 20_000

    /// An announcement that was not carried out to the end.
    struct Pending {
        let announced: JournalSequence
        /// The first record not looked at.
        var next = JournalSequence(0)

        var key: Key { Meta.pruning.appending(announced.rawValue) }
    }

    static func announced(at sequence: JournalSequence, in transaction: any StoreTransaction) throws(RenError) {
        try store(Pending(announced: sequence), in: transaction)
    }

    /// The oldest first.
    static func pending(in snapshot: any StoreSnapshot) throws(RenError) -> [Pending] {
        var found: [Pending] = []
        try snapshot.walk(.meta, prefix: Meta.pruning) { key, value throws(RenError) in
            let announced = JournalSequence(rawValue: key.load(UInt64.self, at: key.count - 8))
            found.append(
                Pending(announced: announced, next: JournalSequence(rawValue: value.load(UInt64.self, at: 0))))
            return .continue
        }
        return found
    }

    /// What an announcement says.
    ///
    /// - Throws: `journal.damaged`.
    static func pruning(at sequence: JournalSequence, in snapshot: any StoreSnapshot) throws(RenError) -> Pruning {
        let event = try snapshot.value(of: Key(sequence), in: .events) { bytes throws(RenError) in
            try Record(bytes, at: sequence).event(at: sequence)
        }
        guard case .journalPruned(let pruning)? = event?.fact else {
            throw .damaged(sequence, "it should announce what is pruned")
        }
        return pruning
    }

    /// Makes one commit.
    ///
    /// - Returns: whether there was something to do.
    static func step(_ store: any Store) throws(RenError) -> Bool {
        let transaction = try store.beginWrite()
        guard var pending = try pending(in: transaction).first else { return false }
        let pruning = try pruning(at: pending.announced, in: transaction)
        var runs: Set<RunNumber> = []
        for run in pruning.runs {
            if let number = try RunRow.number(of: run.id, in: transaction) { runs.insert(number) }
        }
        var left = commitRows
        var isDone = try pruneRecords(pruning, of: runs, &pending, &left, in: transaction)
        if isDone, pruning.step == .histories { isDone = try deleteRows(of: runs, left, in: transaction) }
        if isDone {
            try transaction.delete(prefix: pending.key, in: .meta)
        } else {
            try Self.store(pending, in: transaction)
        }
        try transaction.commit()
        return true
    }

    private static func store(_ pending: Pending, in transaction: any StoreTransaction) throws(RenError) {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: pending.next.rawValue)
        try transaction.put(bytes, for: pending.key, in: .meta)
    }

    /// - Returns: whether all records were looked at.
    private static func pruneRecords(
        _ pruning: Pruning, of runs: Set<RunNumber>, _ pending: inout Pending, _ left: inout Int,
        in transaction: any StoreTransaction
    ) throws(RenError) -> Bool {
        let first = pruning.runs.map(\.first).min() ?? JournalSequence(0)
        let last = pruning.runs.map(\.last).max() ?? JournalSequence(0)
        var changed: [(sequence: JournalSequence, bytes: [UInt8], isInChunks: Bool)] = []
        var requests: [String] = []
        var next = max(pending.next, first)
        var rows = 0
        var records = 0
        var isAtEnd = true
        try transaction.walk(.events, from: Key(next), .ascending) { key, value throws(RenError) in
            let sequence = JournalSequence(rawValue: key.load(UInt64.self, at: 0))
            guard sequence <= last else { return .stop }
            next = sequence.next
            records += 1
            // What cannot be read is damage that `verify` names; it keeps nothing else from being pruned.
            if let record = try? Record(value, at: sequence), runs.contains(record.run) {
                let form = RecordCodec.form(of: record, after: pruning.step)
                if form != record.form {
                    let isInChunks = record.isInChunks && record.form == .whole
                    changed.append((sequence, RecordCodec.pruned(record, at: sequence, to: form), isInChunks))
                    rows += 1 + (isInChunks ? (record.payload?.length ?? 0) / RecordCodec.chunkBytes + 1 : 0)
                    if pruning.step == .histories, let mark = try? record.event(at: sequence).request {
                        requests.append(mark.key)
                    }
                }
            }
            isAtEnd = rows < commitRows && records < commitRecordsRead
            return isAtEnd ? .continue : .stop
        }
        for change in changed {
            try transaction.put(change.bytes, for: Key(change.sequence), in: .events)
            if change.isInChunks { try transaction.delete(prefix: Key(change.sequence), in: .payloads) }
        }
        for key in requests { try transaction.delete(prefix: .request(key), in: .requests) }
        pending.next = next
        left -= min(left, rows)
        return isAtEnd
    }

    /// - Returns: whether none is left.
    private static func deleteRows(
        of runs: Set<RunNumber>, _ limit: Int, in transaction: any StoreTransaction
    ) throws(RenError) -> Bool {
        var left = limit
        for run in runs.sorted() {
            for table in StoreTable.ofHistories {
                left -= try transaction.delete(prefix: Key(run), in: table, limit: left)
                guard left > 0 else { return false }
            }
        }
        return true
    }
}

extension JournalView {
    /// What was announced to be pruned and is not deleted yet, the oldest first.
    package func pendingPrunings() throws(RenError) -> [Pruning] {
        var found: [Pruning] = []
        for pending in try Pruner.pending(in: snapshot) {
            found.append(try Pruner.pruning(at: pending.announced, in: snapshot))
        }
        return found
    }
}
