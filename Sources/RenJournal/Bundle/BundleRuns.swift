import struct Crypto.SHA256
import LMDB
import RenCore

/// The runs of a bundle on their way into a journal.
///
/// Records keep their bytes from the type to R; sequences, run numbers, G and CRC are those of this journal. A run that
/// is there already is compared with it. Flows and function files that are known are not written again.
struct BundleRuns {
    private struct Run {
        var number: RunNumber
        /// It is in this journal already: its events are compared, not written.
        var isKnown: Bool
        /// Of its last event; before its first one, of what that follows.
        var version: RunVersion
        var hash: Digest
        var time: Timestamp
        /// Nodes of its flow.
        var nodes = 0
        /// Where its first event stands in the bundle.
        var line: Int
        /// Where it came out of another run.
        var fork: Fork?
    }

    /// A file of functions with one content.
    private struct FileContent: Hashable {
        var set: Digest
        var index: Int
        var hash: Digest
    }

    /// How far the clocks of two machines may be apart.
    private static let aheadMax = Duration.seconds(300)
    private static let versionMax: UInt64 = 1 << 40

    var scope = BundleHeader.Scope.all
    private var appender: RecordAppender
    private let now: Timestamp
    private var report = BundleImport.Report()
    private var runs: [String: Run] = [:]
    private var nextRun: RunNumber
    /// The run `journal` of this journal.
    private var own: Run
    /// Nodes of each flow that can be told without a look into the journal.
    private var flows: [Digest: Int] = [:]
    /// All that are recorded here; nil before the first one is met.
    private var contents: Set<FileContent>?
    private var requests: Set<String> = []

    init(_ appender: RecordAppender, at time: Timestamp) throws(RenError) {
        self.appender = appender
        now = time
        nextRun = appender.state.nextRun
        let row = try JournalView(appender.transaction).run(.journal)
        own = Run(
            number: .journal, isKnown: false, version: row?.version ?? .none,
            hash: row?.hash ?? .chainStart(ofRun: RunRow.journalID), time: max(time, row?.updated ?? time), line: 0)
    }

    func isAdded(_ run: String) -> Bool { runs[run].map { !$0.isKnown && $0.number != .journal } ?? false }

    // MARK: An event

    mutating func add(_ event: BundleEvent, from reader: inout BundleReader) throws(RenError) {
        var run = try run(of: event, reader)
        let isFirst = runs[event.run] == nil
        let sequence = appender.state.head.next
        let journalHash = appender.state.hash.chained(with: event.runHash)
        let bytes = event.record(run.number, at: sequence, journalHash: journalHash)
        try bytes.span.bytes.withUnsafeBytes { bytes throws(RenError) in
            let (record, fact) = try read(bytes, at: sequence, event, reader)
            let parts = try self.parts(of: record, event.parts, from: &reader)
            guard (record.type.rawValue < EventType.runCreated.rawValue) == (run.number == .journal) else {
                throw reader.refused("a run has no event of this type", .bundleInvalid)
            }
            if isFirst { try begin(&run, event.run, with: fact.fact, reader) }
            try checkNodes(of: fact, in: run, reader)
            try check(record, of: run, isFirst: isFirst, reader)
            run.version = record.version
            run.hash = record.runHash
            run.time = record.time
            if run.number == .journal {
                try addOwn(fact, parts.isEmpty ? event.inline : Array(parts.joined()), reader)
            } else if !run.isKnown {
                try checkRequest(of: fact, reader)
                try appender.append(bytes, journalHash: journalHash)
                try append(parts)
            }
        }
        runs[event.run] = run
    }

    /// The run that has the event: as of the event before, or looked up for its first one.
    private mutating func run(of event: BundleEvent, _ reader: BundleReader) throws(RenError) -> Run {
        if let run = runs[event.run] { return run }
        var run = Run(
            number: .journal, isKnown: false, version: .none, hash: .chainStart(ofRun: event.run),
            time: Timestamp(nanoseconds: .min), line: reader.line)
        guard event.run != RunRow.journalID else { return run }
        do throws(RenError) { try Identifier.check(runID: event.run) } catch {
            throw reader.refused(error.message, .bundleInvalid)
        }
        if let known = try JournalView(appender.transaction).runNumber(id: event.run) {
            run.isKnown = true
            run.number = known
            report.known.append(event.run)
        } else {
            run.number = nextRun
            nextRun = nextRun.next
            report.added.append(event.run)
        }
        return run
    }

    /// The record, put together again, and what it says.
    private func read(
        _ bytes: UnsafeRawBufferPointer, at sequence: JournalSequence, _ event: BundleEvent, _ reader: BundleReader
    ) throws(RenError) -> (Record, Event) {
        let record: Record
        let fact: Event
        do throws(RenError) {
            record = try Record(bytes, at: sequence)
            fact = try record.event(at: sequence)
        } catch {
            throw reader.refused(
                "its record cannot be read: \(error.message)",
                error.code == .journalNewer ? .bundleNewer : .bundleInvalid)
        }
        // Members that are only there for people, and the borders between the parts, say what the record says.
        try reader.checkForm(of: event, record)
        return (record, fact)
    }

    /// A payload in parts; none when it is gone, or stands in the record, where it is checked.
    private func parts(
        of record: Record, _ count: Int?, from reader: inout BundleReader
    ) throws(RenError) -> [[UInt8]] {
        guard let payload = record.payload else { return [] }
        guard record.isInChunks else {
            guard Digest.of(UnsafeRawBufferPointer(rebasing: record.bytes[record.inlinePayload])) == payload.hash else {
                throw reader.refused("its payload does not fit its hash")
            }
            return []
        }
        guard let count, count > 0 else { return [] }
        let line = reader.line
        guard payload.length <= PreparedBatch.byteCountMax else {
            throw reader.refused("its payload is larger than any ren writes", .bundleInvalid)
        }
        var parts: [[UInt8]] = []
        var hash = SHA256()
        for start in stride(from: 0, to: payload.length, by: RecordCodec.chunkBytes) {
            let part = try reader.nextPart()
            guard part.count == min(RecordCodec.chunkBytes, payload.length - start) else {
                throw reader.refused("the part of the payload has another length than it must", .bundleInvalid)
            }
            part.withUnsafeBytes { hash.update(bufferPointer: $0) }
            parts.append(part)
        }
        guard hash.finalize().withUnsafeBytes({ Digest(loading: $0) }) == payload.hash, parts.count == count else {
            throw reader.refused("its payload does not fit its hash", at: line)
        }
        return parts
    }

    private mutating func append(_ parts: [[UInt8]]) throws(RenError) {
        for (number, part) in parts.enumerated() {
            try part.span.bytes.withUnsafeBytes { bytes throws(RenError) in
                try appender.append(chunk: bytes, number)
            }
        }
    }

    // MARK: Chains

    /// A run begins as it was created, or where it came out of another one.
    private func begin(
        _ run: inout Run, _ id: String, with fact: Fact, _ reader: BundleReader
    ) throws(RenError) {
        guard run.number != .journal else { return }
        let creation: RunCreation
        switch fact {
        case .runCreated(let given): creation = given
        case .runForked(let fork):
            guard let parent = runs[fork.parent], parent.number != .journal, parent.version >= fork.version else {
                throw reader.refused("the run that it came out of does not stand before it")
            }
            creation = fork.creation
            run.fork = fork
            run.version = fork.version
            run.hash = fork.hash
        default: throw reader.refused("the beginning of run \(id) is missing")
        }
        guard creation.id == id else { throw reader.refused("the run calls itself \(creation.id)", .bundleInvalid) }
        guard let nodes = try nodes(of: creation.flow) else {
            throw reader.refused("the flow of run \(id) does not stand before it")
        }
        run.nodes = nodes
    }

    private func check(_ record: Record, of run: Run, isFirst: Bool, _ reader: BundleReader) throws(RenError) {
        let isNext = record.version == run.version.next
        // Of the run `journal`, a bundle of one run holds only what that needs.
        let mayGap = run.number == .journal && scope == .run
        guard isNext || mayGap && record.version > run.version else {
            throw reader.refused(
                "the run goes on with version \(record.version) instead of \(run.version.next): events are missing")
        }
        guard !isNext || run.hash.chained(with: record.digest) == record.runHash else {
            throw reader.refused("it does not fit the chain of its run")
        }
        guard record.time >= run.time else { throw reader.refused("its time is before that of the event before") }
        // Recorded time never goes back: one event of the year 2200 would put all later ones there.
        guard record.time <= now + Self.aheadMax else {
            throw reader.refused("its time, \(record.time.iso8601), lies in the future", .bundleInvalid)
        }
        guard record.version.rawValue <= Self.versionMax else {
            throw reader.refused("no run has so many events", .bundleInvalid)
        }
        guard run.number != .journal else { return }
        switch record.type {
        case .runCreated where !isFirst, .runForked where !isFirst:
            throw reader.refused("the run begins a second time", .bundleInvalid)
        default: break
        }
    }

    /// The flow has every node that the event is about.
    private func checkNodes(of event: Event, in run: Run, _ reader: BundleReader) throws(RenError) {
        var nodes = event.subject.node.map { [$0] } ?? []
        switch event.fact {
        case .runReopened(let reopening): nodes += reopening.nodes
        case .runForked(let fork): nodes += fork.reopening.nodes + (fork.nodes ?? []).compactMap(\.self)
        default: break
        }
        guard nodes.allSatisfy({ $0.index < run.nodes }) else {
            throw reader.refused("the flow of the run does not have this node", .bundleInvalid)
        }
    }

    private mutating func checkRequest(of event: Event, _ reader: BundleReader) throws(RenError) {
        guard let key = event.request?.key else { return }
        let known = try RequestTable.row(of: key, in: appender.transaction)
        guard known == nil, requests.insert(key).inserted else {
            throw reader.refused("the key \(key) belongs to another request here", .bundleConflict)
        }
    }

    // MARK: Flows and functions

    /// How many nodes a flow has; nil for one that is not known.
    private func nodes(of flow: Digest) throws(RenError) -> Int? {
        if let known = flows[flow] { return known }
        guard let recorded = try JournalView(appender.transaction).flow(flow) else { return nil }
        return Self.nodes(of: recorded.bytes)
    }

    /// Nil for what is no flow.
    private static func nodes(of source: [UInt8]) -> Int? { try? FlowDecoder.decode(stored: source).nodes.count }

    /// An event of the run `journal` there: flows and functions are recorded here anew, the rest concerns nobody here.
    private mutating func addOwn(_ event: Event, _ payload: [UInt8], _ reader: BundleReader) throws(RenError) {
        guard let mark = event.payload, mark.length == payload.count else {
            report.leftOut += 1
            return
        }
        switch event.fact {
        case .flowRegistered(let name):
            guard try nodes(of: mark.hash) == nil else { return }
            do throws(RenError) { try Identifier.check(flowName: name) } catch {
                throw reader.refused(error.message, .bundleInvalid)
            }
            guard let nodes = Self.nodes(of: payload) else { throw reader.refused("it is no flow", .bundleInvalid) }
            flows[mark.hash] = nodes
            report.flows += 1
        case .functionsRecorded(let file):
            try loadContents()
            let content = FileContent(set: file.set, index: file.index, hash: mark.hash)
            guard contents?.insert(content).inserted == true else { return }
            report.functions += 1
        default:
            report.leftOut += 1
            return
        }
        var copy = Event(event.fact, .run, at: own.time, by: "import")
        copy.payload = PayloadMark(Payload(bytes: payload, hash: mark.hash))
        try append(copy)
    }

    private mutating func loadContents() throws(RenError) {
        guard contents == nil else { return }
        var found: Set<FileContent> = []
        try JournalView(appender.transaction).history(of: .journal) { _, event throws(RenError) in
            if case .functionsRecorded(let file) = event.fact, let hash = event.payload?.hash {
                found.insert(FileContent(set: file.set, index: file.index, hash: hash))
            }
            return .continue
        }
        contents = found
    }

    private mutating func append(_ event: Event) throws(RenError) {
        var (bytes, scratch): ([UInt8], [UInt8]) = ([], [])
        own.version = own.version.next
        let unsealed = RecordCodec.append(event, run: .journal, version: own.version, to: &bytes, scratch: &scratch)
        own.hash = own.hash.chained(with: unsealed.digest)
        let journalHash = appender.state.hash.chained(with: own.hash)
        RecordCodec.seal(&bytes, at: appender.state.head.next, runHash: own.hash, journalHash: journalHash)
        try bytes.span.bytes.withUnsafeBytes { bytes throws(RenError) in
            try appender.append(bytes, journalHash: journalHash)
        }
        guard let payload = event.payload?.bytes, payload.count > RecordCodec.inlinePayloadMax else { return }
        try append(
            stride(from: 0, to: payload.count, by: RecordCodec.chunkBytes).map {
                Array(payload[$0..<min($0 + RecordCodec.chunkBytes, payload.count)])
            })
    }

    // MARK: The end

    /// Compares the runs that were there, makes the projections, and looks at the runs in them.
    consuming func finish(in store: LMDBStore, mayBeOpen: Bool) throws(RenError) -> BundleImport.Report {
        let (runs, report) = (runs, report)
        for id in report.known {
            guard let run = runs[id] else { continue }
            let recorded = try JournalView(appender.transaction).recorded(run.number, run.version)
            guard recorded?.runHash == run.hash else {
                throw RenError(
                    .runExists,
                    "line \(run.line) of the bundle: there is a run \(id) here, with another history; "
                        + "nothing was imported",
                    hint: "import it into another data directory")
            }
        }
        _ = try appender.finish()
        try store.read { snapshot throws(RenError) in
            let view = JournalView(snapshot)
            for id in report.added {
                guard let run = runs[id], let row = try view.run(run.number) else { continue }
                guard mayBeOpen || !row.status.isOpen else {
                    throw RenError(
                        .bundleConflict,
                        "line \(run.line) of the bundle: run \(id) has not ended, and an engine here would carry it "
                            + "on, with functions from the paths that it names; nothing was imported",
                        hint: "if that is what you want, import it with --open")
                }
                guard let fork = run.fork, let parent = runs[fork.parent] else { continue }
                guard try view.recorded(parent.number, fork.version)?.runHash == fork.hash else {
                    throw .bundle(line: run.line, "run \(id) does not fit the chain of the run that it came out of")
                }
            }
        }
        return report
    }
}

extension Reopening {
    /// All that it names.
    fileprivate var nodes: [NodeNumber] { again + affected + allowed + items.keys }
}
