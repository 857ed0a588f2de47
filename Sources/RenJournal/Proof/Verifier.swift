import struct Crypto.SHA256
import LMDB
package import RenCore

/// What a verification found.
package struct VerifyReport: Sendable {
    package struct Finding: Sendable, Equatable {
        package var sequence: JournalSequence
        /// Nil when the record does not tell.
        package var run: RunNumber?
        package var version: RunVersion?
        package var what: String
    }

    /// More are counted and not kept.
    package static let findingsMax = 1_000

    package fileprivate(set) var events = 0
    /// Of records and payloads.
    package fileprivate(set) var bytes = 0
    package fileprivate(set) var runs = 0
    /// Payloads that are gone by right: checkpoints that a later event replaced.
    package fileprivate(set) var deletedPayloads = 0
    /// Payloads that a `journal.pruned` has announced to be deleted.
    package fileprivate(set) var prunedPayloads = 0
    /// Events of which no more is left than a `journal.pruned` announced.
    package fileprivate(set) var prunedEvents = 0
    /// Files that payloads name.
    package fileprivate(set) var artifacts = 0
    /// Those that were asked for.
    package fileprivate(set) var anchors = 0
    /// Rows that were compared with those that the events give; nil when that was not asked for.
    package fileprivate(set) var projectionRows: Int?
    package fileprivate(set) var head = JournalHead(
        sequence: JournalSequence(0), hash: .zero, time: Timestamp(nanoseconds: 0))
    package fileprivate(set) var findings: [Finding] = []
    package fileprivate(set) var findingCount = 0
    /// The first event that is not as it should be.
    package fileprivate(set) var firstBad: JournalSequence?
    /// Ids of the runs with findings, and of those without any, at most 1,000 of each. Nil when it cannot be said,
    /// because some finding is of nobody knows which run.
    package fileprivate(set) var touched: [String]?
    package fileprivate(set) var untouched: [String]?
    package fileprivate(set) var untouchedCount = 0

    package var isClean: Bool { findingCount == 0 }

    fileprivate mutating func add(_ what: String, at sequence: JournalSequence, _ record: Record? = nil) {
        add(Finding(sequence: sequence, run: record?.run, version: record?.version, what: what))
    }

    fileprivate mutating func add(_ finding: Finding) {
        findingCount += 1
        firstBad = min(firstBad ?? finding.sequence, finding.sequence)
        if findings.count < Self.findingsMax { findings.append(finding) }
    }
}

/// Checks every event: checksum, digest, both chains, payload hash, sequences, versions, times, and that the index of
/// histories leads to it; every artifact that a payload names; and, when asked, every row of the projections. A single
/// flipped bit in a record, a payload or an artifact is named with its sequence. Of a pruned run the chains are proved,
/// and that the pruning was announced.
///
/// What it cannot know is how far the journal once went: a journal put back to an earlier commit, or cut off behind an
/// event and closed neatly, is whole in itself. Only an anchor (a hash, kept elsewhere) shows that.
///
/// It reads in pages of at most 1,000 records, so a writer is not held up; what is written meanwhile is left out.
/// Damaged pages of LMDB may end the process with a signal: run it in a child.
package struct Verifier: ~Copyable {
    private static let pageRecords = 1_000
    private static let pageBytes = 4 << 20

    private let journal: any JournalReading
    private var report = VerifyReport()
    private var chains = ChainCheck(isFromStart: true)
    private var expected = JournalSequence(1)
    private var stretches = 0
    private var artifacts: ArtifactCheck?
    private var anchors: AnchorCheck
    private let scratch: (any Store)?
    /// Something is wrong that no event can be named for.
    private var isWholeInDoubt = false
    /// Runs with pruned records: how much of them, and the first such.
    private var pruned: [RunNumber: (step: Pruning.Step, first: JournalSequence)] = [:]
    /// What was announced, by run id.
    private var announced: [String: Pruning.Step] = [:]
    /// Checkpoints whose payload is gone, until the event comes that explains it.
    private var unexplained: [RunSubject: JournalSequence] = [:]

    private struct RunSubject: Hashable {
        let run: RunNumber
        let subject: Event.Subject
    }

    /// - Parameters:
    ///   - artifacts: the folder of artifacts (`DataDirectory.artifacts`); nil: they are not checked.
    ///   - scratch: an empty store (`LMDBStore.scratch`, `MemoryStore`) that gets the projections once more, to compare
    ///     them; nil: they are not.
    package init(
        _ journal: any JournalReading, artifacts: String? = nil, anchors: [Anchor] = [], scratch: (any Store)? = nil
    ) {
        self.journal = journal
        self.artifacts = artifacts.map(ArtifactCheck.init)
        self.anchors = AnchorCheck(anchors)
        self.scratch = scratch
    }

    /// - Parameter progress: events done and events in all, after each page.
    /// - Throws: what keeps it from reading at all; damage is in the report.
    package consuming func run(
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(RenError) -> VerifyReport {
        report.head = try journal.read { view throws(RenError) in try view.head() }
        while expected <= report.head.sequence {
            let before = expected
            try journal.read { view throws(RenError) in try checkPage(view.snapshot) }
            if expected == before { miss(upTo: expected.next) }
            progress(report.events, Int(report.head.sequence.rawValue))
        }
        try explainByLaterEvents()
        for sequence in unexplained.values.sorted() {
            report.add("its payload is missing", at: sequence)
        }
        if chains.unread == 0, report.head.sequence.rawValue > 0, chains.journalHash != report.head.hash {
            report.add("the recorded head has another hash", at: report.head.sequence)
            isWholeInDoubt = true
        }
        for finding in artifacts?.findings() ?? [] { report.add(finding) }
        report.artifacts = artifacts?.count ?? 0
        report.runs = chains.runCount
        report.anchors = anchors.count
        for finding in anchors.findings(upTo: report.head.sequence) {
            report.add(finding)
            isWholeInDoubt = true
        }
        try journal.read { view throws(RenError) in try checkAnnouncements(view) }
        try journal.read { view throws(RenError) in try checkIndex(view) }
        if let scratch { try checkProjections(scratch) }
        if !report.isClean { try tellRunsApart() }
        return report
    }

    // MARK: Events

    private mutating func checkPage(_ snapshot: any StoreSnapshot) throws(RenError) {
        var visited = 0
        let bytesBefore = report.bytes
        try snapshot.walk(.events, from: Key(expected), .ascending) { key, value throws(RenError) in
            visited += 1
            let sequence = JournalSequence(rawValue: key.load(UInt64.self, at: 0))
            if key.count != 8 || sequence > report.head.sequence {
                // Behind the head may stand what was written meanwhile; a wrong key shows as a missing event.
                return visited < Self.pageRecords ? .continue : .stop
            }
            if sequence < expected {
                report.add("it stands in the wrong place", at: sequence)
            } else {
                if sequence > expected { miss(upTo: sequence) }
                expected = sequence.next
                try check(value, at: sequence, snapshot)
            }
            let isFull = visited >= Self.pageRecords || report.bytes - bytesBefore >= Self.pageBytes
            return isFull || sequence == report.head.sequence ? .stop : .continue
        }
    }

    private mutating func miss(upTo end: JournalSequence) {
        let lost = end.rawValue - expected.rawValue
        chains.skip(lost)
        for sequence in (expected.rawValue..<end.rawValue).prefix(VerifyReport.findingsMax) {
            report.add("it is missing", at: JournalSequence(rawValue: sequence))
        }
        expected = end
    }

    private mutating func check(
        _ bytes: UnsafeRawBufferPointer, at sequence: JournalSequence, _ snapshot: any StoreSnapshot
    ) throws(RenError) {
        report.events += 1
        report.bytes += bytes.count
        let record: Record
        do throws(RenError) { record = try Record(bytes, at: sequence) } catch {
            report.add(error.message, at: sequence)
            chains.skip()
            return
        }
        if let problem = chains.timeProblem(with: record) { report.add(problem, at: sequence, record) }
        let last = chains.lastSequence(of: record.run)
        if let problem = chains.problem(with: record, at: sequence) { report.add(problem, at: sequence, record) }
        anchors.see(record, at: sequence)
        try notePruning(record, at: sequence)
        if last?.next != sequence, pruned[record.run]?.step != .histories {
            stretches += 1
            let stretch = try HistoryIndex.stretch(of: record.run, with: record.version, in: snapshot)
            if stretch?.sequence(of: record.version) != sequence {
                report.add("the index of the run's history does not lead to it", at: sequence, record)
            }
        }
        // Of a pruned fork the parent may be gone too.
        if record.type == .runForked, record.form != .remnant { try checkParent(of: record, at: sequence, snapshot) }
        explain(record)
        if record.payload != nil { try checkPayload(of: record, at: sequence, snapshot) }
    }

    /// A fork's chain goes on from that of the run it names, at the version it names.
    private mutating func checkParent(
        of record: Record, at sequence: JournalSequence, _ snapshot: any StoreSnapshot
    ) throws(RenError) {
        let view = JournalView(snapshot)
        var found: Digest?
        do throws(RenError) {
            guard case .runForked(let fork) = try record.event(at: sequence).fact else { return }
            // One that was made later may share the same past.
            if let parent = try view.runNumber(id: fork.parent), let row = try view.run(parent), row.first < sequence,
                let place = try view.sequence(of: parent, fork.version)
            {
                found = try view.withRecord(at: place) { $0.runHash }
            }
            guard found != fork.hash else { return }
            report.add(
                "the run \(fork.parent) that it came from has no version \(fork.version) with that hash", at: sequence,
                record)
        } catch {
            report.add("what it came from cannot be read: \(error.message)", at: sequence, record)
        }
    }

    // MARK: Pruning

    private mutating func notePruning(_ record: Record, at sequence: JournalSequence) throws(RenError) {
        switch record.form {
        case .whole:
            guard record.type == .journalPruned, case .journalPruned(let pruning) = try record.event(at: sequence).fact
            else { return }
            for run in pruning.runs { announced[run.id] = max(announced[run.id] ?? pruning.step, pruning.step) }
        case .bare:
            report.prunedPayloads += 1
            pruned[record.run] = pruned[record.run] ?? (.payloads, sequence)
        case .remnant, .stub:
            report.prunedEvents += 1
            if pruned[record.run]?.step != .histories { pruned[record.run] = (.histories, sequence) }
        }
    }

    /// What is gone must have been announced.
    private mutating func checkAnnouncements(_ view: borrowing JournalView) throws(RenError) {
        for (number, pruning) in pruned.sorted(by: { $0.key < $1.key }) {
            let id = try view.run(number)?.id
            if let step = id.flatMap({ announced[$0] }), step >= pruning.step { continue }
            report.add(
                VerifyReport.Finding(
                    sequence: pruning.first, run: number, version: nil,
                    what: "it was pruned, and no journal.pruned announced that"))
        }
    }

    // MARK: Payloads

    private mutating func checkPayload(
        of record: Record, at sequence: JournalSequence, _ snapshot: any StoreSnapshot
    ) throws(RenError) {
        guard let payload = record.payload, record.form == .whole else { return }
        guard record.isInChunks else {
            let bytes = UnsafeRawBufferPointer(rebasing: record.bytes[record.inlinePayload])
            if Digest.of(bytes) != payload.hash {
                report.add("its payload does not fit its hash", at: sequence, record)
            }
            artifacts?.scan(bytes, of: record, at: sequence)
            return
        }
        var hash = SHA256()
        var length = 0
        var number: UInt32 = 0
        var isInOrder = true
        try snapshot.walk(.payloads, prefix: Key(sequence)) { key, chunk throws(RenError) in
            isInOrder = isInOrder && key.count == 12 && key.load(UInt32.self, at: 8) == number
            hash.update(bufferPointer: chunk)
            artifacts?.scan(chunk, of: record, at: sequence, isFirst: number == 0)
            length += chunk.count
            number += 1
            return .continue
        }
        report.bytes += length
        if number == 0, record.type == .nodeCheckpointed || record.type == .itemCheckpointed {
            unexplained[RunSubject(run: record.run, subject: record.subject)] = sequence
        } else if number == 0 {
            report.add("its payload is missing", at: sequence, record)
        } else if !isInOrder || length != payload.length {
            report.add(
                "its payload has \(length) of \(payload.length) bytes, or they are out of order", at: sequence, record)
        } else if hash.finalize().withUnsafeBytes({ Digest(loading: $0) }) != payload.hash {
            report.add("its payload does not fit its hash", at: sequence, record)
        }
    }

    /// The next checkpoint and the end of a node or item are what deletes a checkpoint's payload.
    private mutating func explain(_ record: Record) {
        guard !unexplained.isEmpty else { return }
        switch record.type {
        case .nodeCheckpointed, .itemCheckpointed, .nodeSucceeded, .itemSucceeded, .nodeFailed, .itemFailed,
            .nodeSkipped, .itemSkipped, .nodeCancelled, .itemCancelled, .nodeDecided, .nodeKept, .itemKept,
            .nodeOverridden, .itemOverridden, .runEnding:
            let subject = RunSubject(run: record.run, subject: record.subject)
            if unexplained.removeValue(forKey: subject) != nil { report.deletedPayloads += 1 }
        default: break
        }
    }

    /// What was written meanwhile may have deleted payloads of events that are checked here, or pruned them.
    private mutating func explainByLaterEvents() throws(RenError) {
        var next = report.head.sequence.next
        var isAtEnd = false
        while !isAtEnd, !unexplained.isEmpty || !pruned.isEmpty {
            isAtEnd = true
            var visited = 0
            try journal.read { view throws(RenError) in
                try view.snapshot.walk(.events, from: Key(next), .ascending) { key, value throws(RenError) in
                    let sequence = JournalSequence(rawValue: key.load(UInt64.self, at: 0))
                    // One that cannot be read explains nothing; it is not checked here.
                    if let record = try? Record(value, at: sequence) {
                        explain(record)
                        if record.type == .journalPruned { try notePruning(record, at: sequence) }
                    }
                    guard sequence.rawValue < .max else { return .stop }
                    next = sequence.next
                    visited += 1
                    isAtEnd = visited < Self.pageRecords
                    return isAtEnd ? .continue : .stop
                }
            }
        }
    }

    // MARK: The index

    /// The table `history` holds nothing else, and the rows of runs end where the chains do. Not while someone writes.
    private mutating func checkIndex(_ view: borrowing JournalView) throws(RenError) {
        let state = try JournalState.load(from: view.snapshot)
        guard state.head == report.head.sequence, state.applied == state.head, chains.unread == 0 else { return }
        let rows = try view.snapshot.count(of: .history)
        // After other findings they need not agree; those of a history that is being deleted go one by one.
        if rows != stretches, report.isClean, try Pruner.pending(in: view.snapshot).isEmpty {
            report.add("the index of histories has \(rows) rows instead of \(stretches)", at: state.head)
            isWholeInDoubt = true
        }
        let snapshot = view.snapshot
        try chains.forEachRun { number, version, hash, sequence throws(RenError) in
            let row = try snapshot.value(of: Key(number), in: .runs) { bytes throws(RenError) in try RunRow(bytes) }
            guard row?.version != version || row?.hash != hash || row?.last != sequence else { return }
            report.add("the row of run \(number) does not end with it; rebuild the projections", at: sequence)
        }
    }

    // MARK: Projections

    private mutating func checkProjections(_ scratch: any Store) throws(RenError) {
        var check = ProjectionCheck(journal, tables: scratch)
        var difference: (run: RunNumber?, what: String)?
        do throws(RenError) { difference = try check.difference() } catch {
            // A record may be damaged so that its payload is looked for where none is.
            guard error.code == .journalDamaged || error.code == .payloadMissing else { throw error }
            difference = (nil, "the projections cannot be made again: \(error.message)")
        }
        report.projectionRows = check.rows
        guard let difference else { return }
        isWholeInDoubt = isWholeInDoubt || difference.run == nil
        report.add(
            VerifyReport.Finding(
                sequence: report.head.sequence, run: difference.run, version: nil, what: difference.what))
    }

    // MARK: What is whole

    /// How many findings without a run are looked up: each costs a walk over the index.
    private static let lookupsMax = 100

    private mutating func tellRunsApart() throws(RenError) {
        var runs = Set(report.findings.compactMap(\.run))
        let unknown = Set(report.findings.filter { $0.run == nil }.map(\.sequence))
        guard !isWholeInDoubt, report.findings.count == report.findingCount, unknown.count <= Self.lookupsMax
        else { return }
        for sequence in unknown {
            let owner = try journal.read { view throws(RenError) in
                try HistoryIndex.run(of: sequence, in: view.snapshot)
            }
            guard let owner else { return }
            runs.insert(owner)
        }
        var touched: [String] = []
        var untouched: [String] = []
        var end: RunNumber?
        var isAtEnd = false
        while !isAtEnd {
            let page = try journal.read { view throws(RenError) in
                try view.runs(limit: Self.pageRecords, before: end)
            }
            isAtEnd = page.count < Self.pageRecords
            end = page.last?.number ?? end
            for row in page {
                if runs.contains(row.number) {
                    touched.append(row.id)
                } else {
                    report.untouchedCount += 1
                    if untouched.count < VerifyReport.findingsMax { untouched.append(row.id) }
                }
            }
        }
        report.touched = touched.reversed()
        report.untouched = untouched.reversed()
    }
}
