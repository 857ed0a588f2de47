import struct Crypto.SHA256
import LMDB
package import RenCore

/// Writes runs as a bundle, while an engine may go on writing: it reads by pages up to the head it found first.
///
/// A run comes with what it needs elsewhere: its flow versions and function records, the runs it came out of, the
/// artifacts that its payloads name, its logs. What is not whole is not exported in silence.
package struct BundleExport {
    package enum Scope: Sendable {
        case run(RunNumber)
        case all
    }

    package struct Report: Sendable, Equatable {
        package var counts = BundleCounts()
        package var runs: [String] = []
        /// Runs that have not ended: whoever imports them can carry them on.
        package var open: [String] = []
        package var bytes = 0
        /// The checksum on the last line.
        package var sum = Digest(repeatElement(0, count: Digest.byteCount))
        package var head: JournalHead
    }

    private static let pageRecords = 1_000
    private static let pageBytes = 4 << 20

    private let journal: any JournalReading
    private let directory: DataDirectory
    private let logs: Bool
    private var writer: BundleWriter
    private var artifacts: ArtifactCheck
    private var report: Report
    /// The last event that counts.
    private let end: JournalSequence
    private var ids: [RunNumber: String] = [.journal: RunRow.journalID]

    /// - Parameters:
    ///   - end: only events up to this one; nil: all that are there now.
    ///   - sink: takes the bytes, outside of any transaction.
    package init(
        _ journal: any JournalReading, of directory: DataDirectory, upTo end: JournalSequence? = nil, logs: Bool = true,
        to sink: @escaping (UnsafeRawBufferPointer) throws(RenError) -> Void
    ) throws(RenError) {
        self.journal = journal
        self.directory = directory
        self.logs = logs
        let head = try journal.read { view throws(RenError) in try view.head() }
        self.end = min(end ?? head.sequence, head.sequence)
        report = Report(head: head)
        writer = BundleWriter(to: sink)
        artifacts = ArtifactCheck(directory.artifacts)
    }

    /// - Parameters:
    ///   - time: of now.
    ///   - progress: events done.
    /// - Throws: `journal.damaged`, `run.pruned`, `payload.missing`, `file.*` for an artifact; what the sink throws.
    package consuming func run(
        _ scope: Scope, at time: Timestamp, progress: (Int) -> Void = { _ in }
    ) throws(RenError) -> Report {
        switch scope {
        case .run(let number):
            let runs = try lineage(of: number)
            begin(.run, runs.last?.row.id, at: time)
            try addRecords(for: runs, progress)
            for run in runs { try addHistory(of: run.row, progress) }
        case .all:
            try requireWhole()
            begin(.all, nil, at: time)
            try addAll(progress)
        }
        for digest in artifacts.digests { try add(artifact: digest) }
        for id in report.runs where logs { try addLogs(of: id) }
        writer.end()
        try writer.flush()
        report.counts = writer.counts
        report.bytes = writer.byteCount
        report.sum = writer.sum
        return report
    }

    private mutating func begin(_ scope: BundleHeader.Scope, _ run: String?, at time: Timestamp) {
        writer.add(
            .header(
                BundleHeader(
                    scope: scope, run: run, made: time, sequence: report.head.sequence, hash: report.head.hash)))
    }

    /// A bundle proves its runs by their whole histories.
    private func requireWhole() throws(RenError) {
        let pruned = try journal.read { view throws(RenError) in try view.runs(limit: 1) { $0.pruned != nil } }
        guard let row = pruned.first else { return }
        throw RenError(
            .runPruned, "run \(row.id) was pruned, so not all runs can be exported",
            hint: "export the others one by one; `ren journal backup` copies everything that there is")
    }

    // MARK: One run

    private struct Origin {
        var row: RunRow
        var creation: RunCreation
    }

    /// The run, behind all runs that it came out of, the first one first.
    private mutating func lineage(of number: RunNumber) throws(RenError) -> [Origin] {
        var found: [Origin] = []
        var next: RunNumber? = number
        while let number = next {
            next = try journal.read { view throws(RenError) -> RunNumber? in
                guard let row = try view.run(number), let event = try view.record(at: row.first) else {
                    throw RenError(.runNotFound, "there is no run number \(number)", hint: "`ren runs` lists them")
                }
                guard row.pruned == nil else { throw .pruned(row) }
                switch event.event.fact {
                case .runCreated(let creation):
                    found.append(Origin(row: row, creation: creation))
                    return nil
                case .runForked(let fork):
                    found.append(Origin(row: row, creation: fork.creation))
                    return try view.runNumber(id: fork.parent)
                default: throw .damaged(row.first, "run \(row.id) begins with it")
                }
            }
            if let row = found.last?.row { note(row) }
        }
        report.runs.reverse()
        return found.reversed()
    }

    /// The events of the run `journal` that tell of their flows and functions.
    private mutating func addRecords(for runs: [Origin], _ progress: (Int) -> Void) throws(RenError) {
        let flows = Set(runs.map(\.creation.flow))
        let sets = Set(runs.compactMap(\.creation.functions))
        try addHistory(of: .journal, from: RunVersion(1), progress) { record, sequence throws(RenError) in
            switch record.type {
            case .flowRegistered: record.payload.map { flows.contains($0.hash) } ?? false
            case .functionsRecorded:
                if case .functionsRecorded(let file) = try record.event(at: sequence).fact {
                    sets.contains(file.set)
                } else {
                    false
                }
            default: false
            }
        }
    }

    private mutating func addHistory(of row: RunRow, _ progress: (Int) -> Void) throws(RenError) {
        // A fork's own events begin behind those that it shares.
        let first = try journal.read { view throws(RenError) in try view.withRecord(at: row.first) { $0.version } }
        try addHistory(of: row.number, from: first ?? RunVersion(1), progress) { _, _ in true }
    }

    private mutating func addHistory(
        of run: RunNumber, from first: RunVersion, _ progress: (Int) -> Void,
        where isWanted: (Record, JournalSequence) throws(RenError) -> Bool
    ) throws(RenError) {
        var next: RunVersion? = first
        while let version = next {
            next = nil
            try journal.read { view throws(RenError) in
                var left = Self.pageRecords
                try view.forEachRecord(of: run, from: version) { record, sequence throws(RenError) in
                    guard sequence <= end else { return .stop }
                    if try isWanted(record, sequence) { try add(record, at: sequence, in: view) }
                    left -= 1
                    guard left == 0 || writer.pendingBytes >= Self.pageBytes else { return .continue }
                    next = record.version.next
                    return .stop
                }
            }
            try writer.flush()
            progress(writer.counts.events)
        }
    }

    // MARK: All runs

    private mutating func addAll(_ progress: (Int) -> Void) throws(RenError) {
        var last = JournalSequence(0)
        while last < end {
            let before = last
            try journal.read { view throws(RenError) in
                var left = Self.pageRecords
                try view.snapshot.walk(.events, from: Key(last.next), .ascending) { key, value throws(RenError) in
                    let sequence = JournalSequence(rawValue: key.load(UInt64.self, at: 0))
                    guard sequence == last.next else { throw .damaged(last.next, "it is missing") }
                    let record = try Record(value, at: sequence)
                    if ids[record.run] == nil {
                        guard let row = try view.run(record.run) else { throw .damaged(sequence, "its run has no row") }
                        note(row)
                    }
                    try add(record, at: sequence, in: view)
                    last = sequence
                    left -= 1
                    return left > 0 && writer.pendingBytes < Self.pageBytes && last < end ? .continue : .stop
                }
            }
            guard last > before else { throw .damaged(last.next, "it is missing") }
            try writer.flush()
            progress(writer.counts.events)
        }
    }

    private mutating func note(_ row: RunRow) {
        ids[row.number] = row.id
        report.runs.append(row.id)
        if row.status.isOpen { report.open.append(row.id) }
    }

    // MARK: An event

    private mutating func add(
        _ record: Record, at sequence: JournalSequence, in view: borrowing JournalView
    ) throws(RenError) {
        let id = ids[record.run] ?? ""
        guard let payload = record.payload else { return writer.add(record, run: id, parts: nil) }
        guard record.isInChunks else {
            let bytes = UnsafeRawBufferPointer(rebasing: record.bytes[record.inlinePayload])
            guard Digest.of(bytes) == payload.hash else { throw Self.badPayload(sequence) }
            artifacts.scan(bytes, of: record, at: sequence)
            return writer.add(record, run: id, parts: nil)
        }
        var chunks: [[UInt8]] = []
        var hash = SHA256()
        try view.snapshot.walk(.payloads, prefix: Key(sequence)) { _, chunk throws(RenError) in
            artifacts.scan(chunk, of: record, at: sequence, isFirst: chunks.isEmpty)
            hash.update(bufferPointer: chunk)
            chunks.append(Array(chunk))
            return .continue
        }
        writer.add(record, run: id, parts: chunks.count)
        guard !chunks.isEmpty else { return }
        guard hash.finalize().withUnsafeBytes({ Digest(loading: $0) }) == payload.hash else {
            throw Self.badPayload(sequence)
        }
        for chunk in chunks { writer.add(.data(chunk)) }
    }

    private static func badPayload(_ sequence: JournalSequence) -> RenError {
        .damaged(sequence, "its payload does not fit its hash")
    }

    // MARK: Files

    private mutating func add(artifact digest: Digest) throws(RenError) {
        guard let file = try InputFile("\(directory.artifacts)/\(digest)") else {
            throw RenError(
                .journalDamaged, "the artifact sha256:\(digest), which a payload names, is not there",
                hint: "put the file back into \(directory.artifacts); `ren journal verify` names the event")
        }
        writer.add(.artifact(digest, length: file.byteCount))
        var hash = SHA256()
        try add(file) { $0.withUnsafeBytes { hash.update(bufferPointer: $0) } }
        guard hash.finalize().withUnsafeBytes({ Digest(loading: $0) }) == digest else {
            throw RenError(
                .journalDamaged, "the artifact sha256:\(digest) has another content",
                hint: "put the file back into \(directory.artifacts); `ren journal verify` names the event")
        }
    }

    private mutating func addLogs(of id: String) throws(RenError) {
        let folder = directory.run(id)
        // The oldest first: one that is renamed meanwhile is met twice rather than never.
        for name in Paths.entries(of: folder).filter(RunLogName.isName).sorted(by: >) {
            guard let file = try InputFile("\(folder)/\(name)"), file.byteCount > 0 else { continue }
            writer.add(.log(run: id, name: name, length: file.byteCount))
            try add(file) { _ in }
        }
    }

    private mutating func add(_ file: InputFile, _ look: ([UInt8]) -> Void) throws(RenError) {
        try file.forEachPart { part throws(RenError) in
            look(part)
            writer.add(.data(part))
            if writer.pendingBytes >= Self.pageBytes { try writer.flush() }
        }
    }
}
