import LMDB
package import RenCore

/// Whether a reader wants the next event.
package enum HistoryStep: Sendable {
    case `continue`, stop
}

/// The journal as of one commit, lent by `JournalReading.read`.
///
/// Everything it gives is a copy. Errors are `journal.damaged` and `journal.newer` (a record that cannot be read)
/// unless a function says more.
package struct JournalView: ~Copyable {
    let snapshot: any StoreSnapshot

    init(_ snapshot: any StoreSnapshot) { self.snapshot = snapshot }

    package func head() throws(RenError) -> JournalHead {
        let state = try JournalState.load(from: snapshot)
        return JournalHead(sequence: state.head, hash: state.hash, time: state.time)
    }

    // MARK: The whole journal

    package func record(at sequence: JournalSequence) throws(RenError) -> RecordedEvent? {
        try withRecord(at: sequence) { record throws(RenError) in try RecordedEvent(record, at: sequence) }
    }

    /// The events from `first` on, at most `limit`.
    package func records(from first: JournalSequence, limit: Int = 1_000) throws(RenError) -> [RecordedEvent] {
        try records(from: Key(first), .ascending, limit: limit)
    }

    /// The events before `end` (nil: the last ones), newest first, at most `limit`.
    package func records(before end: JournalSequence?, limit: Int = 1_000) throws(RenError) -> [RecordedEvent] {
        guard end != JournalSequence(0) else { return [] }
        return try records(from: end.map { Key(JournalSequence(rawValue: $0.rawValue - 1)) }, .descending, limit: limit)
    }

    private func records(from start: Key?, _ order: WalkOrder, limit: Int) throws(RenError) -> [RecordedEvent] {
        var found: [RecordedEvent] = []
        guard limit > 0 else { return found }
        try snapshot.walk(.events, from: start, order) { key, value throws(RenError) in
            let sequence = JournalSequence(rawValue: key.load(UInt64.self, at: 0))
            found.append(try RecordedEvent(Record(value, at: sequence), at: sequence))
            return found.count < limit ? .continue : .stop
        }
        return found
    }

    // MARK: One run's history

    /// Version of the run's last event; `.none` when there is no such run.
    package func version(of run: RunNumber) throws(RenError) -> RunVersion { try self.run(run)?.version ?? .none }

    /// Where an event of a run stands; nil when the run has not got that far.
    package func sequence(of run: RunNumber, _ version: RunVersion) throws(RenError) -> JournalSequence? {
        guard version > .none, let row = try withHistory(run), version <= row.version else { return nil }
        return try HistoryIndex.sequence(of: version, row, in: snapshot)
    }

    /// The run's greatest version at or before `sequence`: what "as of" means for it.
    package func version(of run: RunNumber, at sequence: JournalSequence) throws(RenError) -> RunVersion {
        guard let row = try withHistory(run) else { return .none }
        if row.last <= sequence { return row.version }
        if row.segments.isEmpty, row.first > sequence { return .none }
        var low = RunVersion.none
        var high = row.version
        while low < high {
            let middle = RunVersion(rawValue: low.rawValue + (high.rawValue - low.rawValue + 1) / 2)
            guard let place = try HistoryIndex.sequence(of: middle, row, in: snapshot) else {
                throw Self.damagedIndex(run, middle)
            }
            if place <= sequence { low = middle } else { high = RunVersion(rawValue: middle.rawValue - 1) }
        }
        return low
    }

    /// Lends each event of a run in order, from `first` on: for folding.
    package func history(
        of run: RunNumber, from first: RunVersion = RunVersion(1),
        _ body: (RunVersion, Event) throws(RenError) -> HistoryStep
    ) throws(RenError) {
        try forEachRecord(of: run, from: first) { record, sequence throws(RenError) in
            try body(record.version, record.event(at: sequence)) == .continue ? .continue : .stop
        }
    }

    /// The run's events after `version`, at most `limit`.
    package func page(
        of run: RunNumber, after version: RunVersion, limit: Int = 1_000
    ) throws(RenError) -> [RecordedEvent] {
        var found: [RecordedEvent] = []
        guard limit > 0 else { return found }
        try forEachRecord(of: run, from: version.next) { record, sequence throws(RenError) in
            found.append(try RecordedEvent(record, at: sequence))
            return found.count < limit ? .continue : .stop
        }
        return found
    }

    package func recorded(_ run: RunNumber, _ version: RunVersion) throws(RenError) -> RecordedEvent? {
        guard let sequence = try sequence(of: run, version) else { return nil }
        return try record(at: sequence)
    }

    // MARK: Records

    func withRecord<R>(
        at sequence: JournalSequence, _ body: (Record) throws(RenError) -> R
    ) throws(RenError) -> R? {
        try snapshot.value(of: Key(sequence), in: .events) { bytes throws(RenError) in
            try body(Record(bytes, at: sequence))
        }
    }

    /// How many stretches are looked up at once.
    private static let stretchesPage = 1_000

    func forEachRecord(
        of run: RunNumber, from first: RunVersion, _ body: (Record, JournalSequence) throws(RenError) -> WalkStep
    ) throws(RenError) {
        guard let row = try withHistory(run) else { return }
        var step = WalkStep.continue
        var version = max(first, RunVersion(1))
        while version <= row.version, step == .continue {
            let segment = row.owner(of: version)
            try forEachRecord(of: segment, from: version) { record, sequence throws(RenError) in
                step = try body(record, sequence)
                return step
            }
            version = segment.through.next
        }
    }

    /// Lends the records of one run's own, from `first` through `segment.through`.
    private func forEachRecord(
        of segment: RunRow.Segment, from first: RunVersion,
        _ body: (Record, JournalSequence) throws(RenError) -> WalkStep
    ) throws(RenError) {
        let run = segment.run
        let last = segment.through
        var version = first
        while version <= last {
            var stretches: [HistoryIndex.Stretch] = []
            guard let begin = try HistoryIndex.stretch(of: run, with: version, in: snapshot) else {
                throw Self.damagedIndex(run, version)
            }
            try snapshot.walk(.history, prefix: Key(run), from: .history(run, begin.version)) {
                key, value throws(RenError) in
                stretches.append(HistoryIndex.Stretch(key: key, value: value))
                return stretches.count <= Self.stretchesPage ? .continue : .stop
            }
            // The last one only tells where the one before it ends, unless it is the run's last.
            let isWhole = stretches.count <= Self.stretchesPage
            for index in 0..<stretches.count - (isWhole ? 0 : 1) where version <= last {
                let isLast = index + 1 == stretches.count
                let end = isLast ? last.next : min(stretches[index + 1].version, last.next)
                guard end > version else { throw Self.damagedIndex(run, version) }
                var sequence = stretches[index].sequence(of: version)
                var isStopped = false
                try snapshot.walk(.events, from: Key(sequence), .ascending) { _, value throws(RenError) in
                    let record = try Record(value, at: sequence)
                    guard record.run == run, record.version == version else { throw Self.damagedIndex(run, version) }
                    isStopped = try body(record, sequence) == .stop
                    sequence = sequence.next
                    version = version.next
                    return isStopped || version == end ? .stop : .continue
                }
                if isStopped { return }
                guard version == end else { throw Self.damagedIndex(run, version) }
            }
        }
    }

    /// The row of a run whose events can be read.
    ///
    /// - Throws: `run.pruned`.
    func withHistory(_ run: RunNumber) throws(RenError) -> RunRow? {
        guard let row = try self.run(run) else { return nil }
        guard row.pruned != .histories else { throw .pruned(row) }
        return row
    }

    static func damagedIndex(_ run: RunNumber, _ version: RunVersion) -> RenError {
        RenError(
            .journalDamaged, "the index of run \(run) does not lead to its event \(version)",
            hint: "make a copy of the data directory, then run `ren journal verify`")
    }
}
