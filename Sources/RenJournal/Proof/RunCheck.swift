import struct Crypto.SHA256
import LMDB
package import RenCore

/// What a check of one run's records found.
package struct RunProof: Sendable {
    package fileprivate(set) var events = 0
    /// Payloads whose hash was computed anew.
    package fileprivate(set) var payloads = 0
    /// Payloads that are gone by right: checkpoints that a later event replaced.
    package fileprivate(set) var deletedPayloads = 0
    /// Payloads that were pruned, as the journal says.
    package fileprivate(set) var prunedPayloads = 0
    /// Files that payloads name.
    package fileprivate(set) var artifacts = 0
    /// Version of the last event, and R there as it was computed.
    package fileprivate(set) var version = RunVersion.none
    package fileprivate(set) var hash: Digest?
    /// At most `VerifyReport.findingsMax`.
    package fileprivate(set) var findings: [VerifyReport.Finding] = []

    package var isClean: Bool { findings.isEmpty }

    fileprivate mutating func add(_ what: String, at sequence: JournalSequence, _ run: RunNumber, _ version: RunVersion)
    {
        guard findings.count < VerifyReport.findingsMax else { return }
        findings.append(VerifyReport.Finding(sequence: sequence, run: run, version: version, what: what))
    }
}

/// Recomputes the chain of one run, and the hash of every payload and artifact that it names: what a run bundle can prove
/// by itself. What stands between the run's events, and that the journal was not cut, only `Verifier` shows.
package struct RunCheck {
    private let run: RunNumber
    private let arePayloadsPruned: Bool
    private var proof = RunProof()
    private var artifacts: ArtifactCheck?
    /// R of the event before; nil behind one that cannot be read.
    private var hash: Digest?
    private var time = Timestamp(nanoseconds: .min)
    /// Checkpoints whose payload is gone, until the event comes that explains it.
    private var unexplained: [Event.Subject: (sequence: JournalSequence, version: RunVersion)] = [:]

    private static let pageRecords = 1_000
    private static let pageBytes = 4 << 20

    /// - Parameters:
    ///   - isPruned: the journal says that payloads of the run were deleted.
    ///   - artifacts: the folder of artifacts; nil: they are not checked.
    /// - Throws: `request.cancelled`; what keeps the journal from being read at all.
    package static func check(
        _ row: RunRow, in journal: any JournalReading, isPruned: Bool, artifacts: String?,
        isCancelled: () -> Bool = { false }
    ) throws(RenError) -> RunProof {
        var check = RunCheck(run: row.number, isPruned, artifacts)
        try check.read(journal, upTo: row.version, isCancelled)
        check.finish(row)
        return check.proof
    }

    private init(run: RunNumber, _ isPruned: Bool, _ artifacts: String?) {
        self.run = run
        arePayloadsPruned = isPruned
        self.artifacts = artifacts.map(ArtifactCheck.init)
    }

    private mutating func read(
        _ journal: any JournalReading, upTo last: RunVersion, _ isCancelled: () -> Bool
    ) throws(RenError) {
        while proof.version < last, proof.findings.count < VerifyReport.findingsMax {
            try Paging.check(isCancelled)
            do throws(RenError) {
                try journal.read { view throws(RenError) in try page(view, upTo: last) }
            } catch {
                guard error.code == .journalDamaged else { throw error }
                skip(
                    error.message,
                    try? journal.read { [run, version = proof.version.next] view throws(RenError) in
                        try view.sequence(of: run, version)
                    })
            }
        }
    }

    private mutating func page(_ view: borrowing JournalView, upTo last: RunVersion) throws(RenError) {
        let snapshot = view.snapshot
        var records = 0
        var bytes = 0
        try view.forEachRecord(of: run, from: proof.version.next) { record, sequence throws(RenError) in
            bytes += record.bytes.count + (record.payload?.length ?? 0)
            try check(record, at: sequence, snapshot)
            records += 1
            let isFull = records >= Self.pageRecords || bytes >= Self.pageBytes
            return isFull || record.version == last ? .stop : .continue
        }
    }

    /// The next event cannot be read: those behind it cannot be compared with what was before.
    private mutating func skip(_ what: String, _ sequence: JournalSequence?) {
        proof.version = proof.version.next
        proof.events += 1
        proof.add(what, at: sequence ?? JournalSequence(0), run, proof.version)
        hash = nil
    }

    private mutating func check(
        _ record: Record, at sequence: JournalSequence, _ snapshot: any StoreSnapshot
    ) throws(RenError) {
        proof.events += 1
        proof.version = record.version
        if record.time < time {
            proof.add("its time is before that of the event before it", at: sequence, run, record.version)
        }
        time = max(time, record.time)
        var before = hash
        switch try origin(record, at: sequence) {
        case .id(let id): before = .chainStart(ofRun: id)
        case .fork(let parent):
            if let before, before != parent {
                proof.add("the hash of its parent is another one where it begins", at: sequence, run, record.version)
            }
        case nil: break
        }
        if let before, before.chained(with: record.digest) != record.runHash {
            proof.add("its content does not fit the chain of the run", at: sequence, run, record.version)
        }
        hash = record.runHash
        explain(record)
        if record.payload != nil { try checkPayload(of: record, at: sequence, snapshot) }
    }

    private enum Origin {
        case id(String)
        case fork(Digest)
    }

    private func origin(_ record: Record, at sequence: JournalSequence) throws(RenError) -> Origin? {
        guard record.version == RunVersion(1) || record.type == .runForked else { return nil }
        switch try record.event(at: sequence).fact {
        case .runCreated(let creation): return .id(creation.id)
        case .runForked(let fork): return .fork(fork.hash)
        default: return nil
        }
    }

    // MARK: Payloads

    private mutating func checkPayload(
        of record: Record, at sequence: JournalSequence, _ snapshot: any StoreSnapshot
    ) throws(RenError) {
        guard let payload = record.payload else { return }
        var hash = SHA256()
        var length = 0
        func take(_ bytes: UnsafeRawBufferPointer, isFirst: Bool) {
            hash.update(bufferPointer: bytes)
            artifacts?.scan(bytes, of: record, at: sequence, isFirst: isFirst)
            length += bytes.count
        }
        var isThere = true
        if record.isInChunks {
            try snapshot.walk(.payloads, prefix: Key(sequence)) { _, chunk throws(RenError) in
                take(chunk, isFirst: length == 0)
                return .continue
            }
            isThere = length > 0
        } else {
            take(UnsafeRawBufferPointer(rebasing: record.bytes[record.inlinePayload]), isFirst: true)
        }
        guard isThere else { return miss(record, at: sequence) }
        proof.payloads += 1
        let found = hash.finalize().withUnsafeBytes { Digest(loading: $0) }
        if length != payload.length || found != payload.hash {
            proof.add("its payload does not fit its hash", at: sequence, run, record.version)
        }
    }

    private mutating func miss(_ record: Record, at sequence: JournalSequence) {
        if arePayloadsPruned {
            proof.prunedPayloads += 1
        } else if record.type == .nodeCheckpointed || record.type == .itemCheckpointed {
            unexplained[record.subject] = (sequence, record.version)
        } else {
            proof.add("its payload is missing", at: sequence, run, record.version)
        }
    }

    /// The next checkpoint and the end of a node or item are what deletes a checkpoint's payload.
    private mutating func explain(_ record: Record) {
        guard !unexplained.isEmpty else { return }
        switch record.type {
        case .nodeCheckpointed, .itemCheckpointed, .nodeSucceeded, .itemSucceeded, .nodeFailed, .itemFailed,
            .nodeSkipped, .itemSkipped, .nodeCancelled, .itemCancelled, .nodeDecided, .runEnding:
            if unexplained.removeValue(forKey: record.subject) != nil { proof.deletedPayloads += 1 }
        default: break
        }
    }

    private mutating func finish(_ row: RunRow) {
        for (sequence, version) in unexplained.values.sorted(by: { $0.version < $1.version }) {
            proof.add("its payload is missing", at: sequence, run, version)
        }
        if let hash, hash != row.hash {
            proof.add("the run's row has another hash than its last event", at: row.last, run, row.version)
        }
        for finding in artifacts?.findings() ?? [] {
            proof.add(finding.what, at: finding.sequence, run, finding.version ?? .none)
        }
        proof.artifacts = artifacts?.count ?? 0
        proof.hash = hash
    }
}
