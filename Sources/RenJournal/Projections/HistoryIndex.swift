import LMDB
import RenCore

/// The sparse table `history`: see `StoreTable.history`.
enum HistoryIndex {
    /// A stretch of a run's events with consecutive sequences, by its first event.
    struct Stretch: Equatable {
        var version: RunVersion
        var sequence: JournalSequence

        func sequence(of version: RunVersion) -> JournalSequence {
            JournalSequence(rawValue: sequence.rawValue &+ (version.rawValue &- self.version.rawValue))
        }

        init(version: RunVersion, sequence: JournalSequence) {
            self.version = version
            self.sequence = sequence
        }

        init(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
            version = RunVersion(rawValue: key.load(UInt64.self, at: 8))
            sequence = JournalSequence(rawValue: value.load(UInt64.self, at: 0))
        }
    }

    /// Where a version of the run stands, also one that is an ancestor's record: the one place that resolves them.
    ///
    /// - Parameter row: of the run, which has got that far.
    static func sequence(
        of version: RunVersion, _ row: RunRow, in snapshot: any StoreSnapshot
    ) throws(RenError) -> JournalSequence? {
        try stretch(of: row.owner(of: version).run, with: version, in: snapshot)?.sequence(of: version)
    }

    /// The stretch of a run's own records that `version` is in, if the run has got that far.
    static func stretch(
        of run: RunNumber, with version: RunVersion, in snapshot: any StoreSnapshot
    ) throws(RenError) -> Stretch? {
        var found: Stretch?
        try snapshot.walk(.history, from: .history(run, version), .descending) { key, value throws(RenError) in
            if key.load(UInt64.self, at: 0) == run.rawValue { found = Stretch(key: key, value: value) }
            return .stop
        }
        return found
    }

    /// Whose event stands at `sequence`, without reading it: each event is in one stretch, that which began last.
    ///
    /// - Complexity: O(*n*) in the stretches of all runs.
    static func run(of sequence: JournalSequence, in snapshot: any StoreSnapshot) throws(RenError) -> RunNumber? {
        var found: (run: RunNumber, start: JournalSequence)?
        try snapshot.walk(.history, from: nil, .ascending) { key, value throws(RenError) in
            let start = Stretch(key: key, value: value).sequence
            if start <= sequence, start >= found?.start ?? start {
                found = (RunNumber(rawValue: key.load(UInt64.self, at: 0)), start)
            }
            return .continue
        }
        return found?.run
    }

    /// The stretch after the one that begins with `version`.
    static func stretch(
        of run: RunNumber, after version: RunVersion, in snapshot: any StoreSnapshot
    ) throws(RenError) -> Stretch? {
        var found: Stretch?
        try snapshot.walk(.history, prefix: Key(run), from: .history(run, version.next)) {
            key, value throws(RenError) in
            found = Stretch(key: key, value: value)
            return .stop
        }
        return found
    }
}
