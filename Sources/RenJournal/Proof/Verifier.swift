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
    /// Files that payloads name.
    package fileprivate(set) var artifacts = 0
    package fileprivate(set) var head = JournalHead(
        sequence: JournalSequence(0), hash: .zero, time: Timestamp(nanoseconds: 0))
    package fileprivate(set) var findings: [Finding] = []
    package fileprivate(set) var findingCount = 0

    package var isClean: Bool { findingCount == 0 }

    fileprivate mutating func add(_ what: String, at sequence: JournalSequence, _ record: Record? = nil) {
        add(Finding(sequence: sequence, run: record?.run, version: record?.version, what: what))
    }

    fileprivate mutating func add(_ finding: Finding) {
        findingCount += 1
        if findings.count < Self.findingsMax { findings.append(finding) }
    }
}

/// Checks every event: checksum, digest, both chains, payload hash, sequences, versions, times, and that the index of
/// histories leads to it; and every artifact that a payload names. A single flipped bit in a record, a payload or an
/// artifact is named with its sequence.
///
/// What it cannot know is how far the journal once went: a journal put back to an earlier commit, or cut off behind an
/// event and closed neatly, is whole in itself. Only an anchor (sequence and hash, kept elsewhere) shows that.
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
    /// Checkpoints whose payload is gone, until the event comes that explains it.
    private var unexplained: [RunSubject: JournalSequence] = [:]

    private struct RunSubject: Hashable {
        let run: RunNumber
        let subject: Event.Subject
    }

    /// - Parameter artifacts: the folder of artifacts (`DataDirectory.artifacts`); nil: they are not checked.
    package init(_ journal: any JournalReading, artifacts: String? = nil) {
        self.journal = journal
        self.artifacts = artifacts.map(ArtifactCheck.init)
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
        }
        for finding in artifacts?.findings() ?? [] { report.add(finding) }
        report.artifacts = artifacts?.count ?? 0
        report.runs = chains.runCount
        try journal.read { view throws(RenError) in try checkIndex(view) }
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
        if last?.next != sequence {
            stretches += 1
            let stretch = try HistoryIndex.stretch(of: record.run, with: record.version, in: snapshot)
            if stretch?.sequence(of: record.version) != sequence {
                report.add("the index of the run's history does not lead to it", at: sequence, record)
            }
        }
        if record.type == .runForked { try checkParent(of: record, at: sequence, snapshot) }
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

    // MARK: Payloads

    private mutating func checkPayload(
        of record: Record, at sequence: JournalSequence, _ snapshot: any StoreSnapshot
    ) throws(RenError) {
        guard let payload = record.payload else { return }
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

    /// What was written meanwhile may have deleted payloads of events that are checked here.
    private mutating func explainByLaterEvents() throws(RenError) {
        var next = report.head.sequence.next
        var isAtEnd = false
        while !isAtEnd, !unexplained.isEmpty {
            isAtEnd = true
            var visited = 0
            try journal.read { view throws(RenError) in
                try view.snapshot.walk(.events, from: Key(next), .ascending) { key, value throws(RenError) in
                    let sequence = JournalSequence(rawValue: key.load(UInt64.self, at: 0))
                    // One that cannot be read explains nothing; it is not checked here.
                    if let record = try? Record(value, at: sequence) { explain(record) }
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
        if rows != stretches {
            report.add("the index of histories has \(rows) rows instead of \(stretches)", at: state.head)
        }
        let snapshot = view.snapshot
        try chains.forEachRun { number, version, hash, sequence throws(RenError) in
            let row = try snapshot.value(of: Key(number), in: .runs) { bytes throws(RenError) in try RunRow(bytes) }
            guard row?.version != version || row?.hash != hash || row?.last != sequence else { return }
            report.add("the row of run \(number) does not end with it; rebuild the projections", at: sequence)
        }
    }
}
