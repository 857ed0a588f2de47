import LMDB
import RenCore
import RenJSON
import RenTestKit
import Testing

@testable import RenJournal

@Suite("Records")
struct RecordTests {
    @Test(
        "CRC-32C has the check values of RFC 3720",
        arguments: [
            (Array("123456789".utf8), 0xE306_9283), ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43), (Array(0..<32), 0x46DD_794E), ([], 0),
        ] as [([UInt8], UInt32)])
    func crc(_ bytes: [UInt8], _ value: UInt32) {
        var crc = CRC32C()
        bytes.withUnsafeBytes { crc.update($0) }
        #expect(crc.value == value)
        var pieces = CRC32C()
        for byte in bytes { [byte].withUnsafeBytes { pieces.update($0) } }
        #expect(pieces.value == value)
    }

    @Test(
        "Varints have one shortest form and come back",
        arguments: [
            0, 1, 127, 128, 16_383, 16_384, UInt64(UInt32.max), UInt64(Int64.max), UInt64.max,
        ])
    func varints(_ value: UInt64) {
        var bytes: [UInt8] = []
        bytes.append(varint: value)
        bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer)
            #expect(reader.varint() == value)
            #expect(reader.isAtEnd && !reader.isBroken)
            var short = ByteReader(UnsafeRawBufferPointer(rebasing: buffer.dropLast()))
            _ = short.varint()
            #expect(short.isBroken)
        }
    }

    /// One row for each fact, with and without what may be left out.
    static let facts: [Fact] = {
        let digest = Digest(hashing: [1])
        let failure = Failure(
            "ValueError", "line\n\"quoted\" Größe \u{1F600}", frame: "shop.py:41 in fetch", item: "sku-1")
        let bare = Failure("Timeout", "")
        var counts = MapCounts()
        counts.succeeded = 9_963
        counts.failed = 37
        counts.pending = 1
        var reopening = Reopening()
        reopening.again = [NodeNumber(0), NodeNumber(9)]
        reopening.items = [NodeNumber(2): ItemRanges(0..<5), NodeNumber(10): ItemRanges([ItemIndex(7), ItemIndex(9)])]
        reopening.affected = [NodeNumber(3)]
        reopening.allowed = [NodeNumber(4)]
        reopening.codeChangedRunsAgain = true
        reopening.reason = "again"
        let operands: JSON = ["nodes.images.succeeded": 9_000, "a": [1.5, nil, true, "x"]]
        let time = Timestamp(nanoseconds: 1_770_000_000_000_000_001)
        return [
            .journalOpened(JournalOpening(carries: .all, ren: "0.1.0")),
            .journalOpened(JournalOpening(carries: .own, ren: "")), .journalClosed, .flowRegistered(name: "products"),
            .functionsRecorded(
                FunctionFile(set: digest, index: 1, count: 2, path: "/home/é/shop.py", signatures: [["name": "shop.x"]])
            ),
            .workerStarted(WorkerNote(set: digest, process: 4_711)),
            .workerExited(WorkerNote(set: digest, process: 4_711, end: "signal 9")),
            .functionParked(name: "shop.x", set: digest, reason: "ImportError"),
            .functionUnparked(name: "shop.x", set: digest),
            .runCreated(RunCreation(id: "r_1", flow: digest, flowName: "products", functions: digest)),
            .runCreated(RunCreation(id: "r_2", flow: digest, flowName: "p", functions: nil, semantics: 7)),
            .runPauseRequested(now: true, reason: "lunch"), .runPauseRequested(now: false, reason: nil), .runPaused,
            .runResumed(reason: nil), .runResumed(reason: "functions changed"), .runStopRequested(.cancel, reason: nil),
            .runStopRequested(.wait, reason: "x"), .runStopRequested(.now, reason: nil), .runEnding(.succeeded, nil),
            .runEnding(.failed, failure), .runStopped, .runSucceeded, .runFailed(failure),
            .runQuarantined(at: RunVersion(12), reason: "unreadable"), .signalReceived(name: "approve"),
            .started(AttemptStart(input: digest, code: digest)),
            .started(AttemptStart(input: digest, code: nil, timeout: .milliseconds(1_500), alone: true)), .checkpointed,
            .succeeded(instead: nil), .succeeded(instead: failure), .attemptFailed(failure, retryAt: time),
            .attemptFailed(bare, retryAt: nil), .interrupted(.engine), .interrupted(.sharedWorker), .failed(bare),
            .unknown(.timeout), .unknown(.workerDied), .skipped(.notTaken, operands: nil),
            .skipped(.when, operands: operands), .skipped(.upstreamFailed, operands: .null), .cancelled,
            .decided(way: "else", operands: operands), .decided(way: "then", operands: nested(64)),
            .waiting(SignalWait(signal: "approve", message: "Check", until: time)),
            .waiting(SignalWait(signal: "approve", message: "", until: nil)),
            .mapOpened(MapOpening(total: 10_000, source: digest, concurrency: 16)),
            .mapOpened(MapOpening(total: 0, source: digest, concurrency: nil)), .mapClosed(counts),
            .resultRejected(.stale), .resultRejected(.finished), .kept(), .overridden(reason: nil),
            .overridden(reason: "by hand"), .runReopened(Reopening()), .runReopened(reopening),
            .runForked(
                Fork(
                    creation: RunCreation(id: "r_3", flow: digest, flowName: "p", functions: nil), parent: "r_1",
                    version: RunVersion(7), hash: digest)),
            .runForked(
                Fork(
                    creation: RunCreation(id: "r_4", flow: digest, flowName: "p", functions: digest), parent: "r_1",
                    version: RunVersion(129), hash: digest, nodes: [NodeNumber(3), nil, NodeNumber(0)],
                    once: [NodeNumber(0), NodeNumber(3)], reopening: reopening)),
            .journalPruned(Pruning(step: .payloads, runs: [], rule: "")),
            .journalPruned(
                Pruning(
                    step: .histories,
                    runs: [
                        Pruning.Run(id: "r_1", first: JournalSequence(3), last: JournalSequence(90), events: 40),
                        Pruning.Run(id: "é", first: JournalSequence(4), last: JournalSequence(5), events: 2),
                    ], rule: "older_than 30d, keep 100")),
        ]
    }()

    private static let creation = RunCreation(
        id: "r_3", flow: Digest(hashing: [1]), flowName: "products", functions: nil)

    private static let reopening: Reopening = {
        var reopening = Reopening()
        reopening.again = [NodeNumber(1), NodeNumber(4)]
        reopening.items = [NodeNumber(2): ItemRanges([ItemIndex(0), ItemIndex(1), ItemIndex(7)])]
        reopening.affected = [NodeNumber(3)]
        reopening.allowed = [NodeNumber(4)]
        reopening.codeChangedRunsAgain = true
        reopening.reason = "again"
        return reopening
    }()

    /// An array in arrays, `depth` deep: as deep as a payload may be, which is deeper than what fits a body.
    private static func nested(_ depth: Int) -> JSON {
        (0..<depth).reduce(JSON.integer(1)) { value, _ in .array([value]) }
    }

    private static func subjects(of fact: Fact) -> [Event.Subject] {
        switch fact {
        case .started, .checkpointed, .succeeded, .attemptFailed, .interrupted, .failed, .unknown, .skipped, .cancelled,
            .kept, .overridden, .resultRejected:
            [.node(0), .node(999), .item(3, 0), .item(3, 9_999_999)]
        case .decided, .waiting, .mapOpened, .mapClosed: [.node(7)]
        case .runEnding: [.run, .node(7)]
        default: [.run]
        }
    }

    @Test("Every fact comes back from its record as it was", arguments: facts)
    func roundTrip(_ fact: Fact) throws {
        for subject in Self.subjects(of: fact) {
            for size in [nil, 0, 200, RecordCodec.inlinePayloadMax, RecordCodec.inlinePayloadMax + 1] as [Int?] {
                var event = Event(
                    fact, subject, at: Timestamp(nanoseconds: 1_770_000_000_123_456_789), attempt: 3,
                    previous: RunVersion(120), cause: RunVersion(5), by: size == nil ? "cli" : nil)
                if size == 200 { event.request = try Self.mark(events: 3) }
                event.payload = size.map { PayloadMark(Payload(hashing: [UInt8](repeating: 49, count: $0))) }
                try check(event, run: RunNumber(42), version: RunVersion(130))
            }
            try check(Event(fact, subject, at: Timestamp(nanoseconds: -1)), run: .journal, version: RunVersion(1))
        }
    }

    private func check(_ event: Event, run: RunNumber, version: RunVersion) throws {
        let sequence = JournalSequence(77)
        let (bytes, digest) = Self.record(event, run, version, at: sequence)
        let again = try bytes.span.bytes.withUnsafeBytes { bytes throws(RenError) in
            let record = try Record(bytes, at: sequence)
            #expect(record.run == run && record.version == version && record.type == EventType(event))
            #expect(record.digest == digest)
            #expect(record.isInChunks == (event.payload?.length ?? 0 > RecordCodec.inlinePayloadMax))
            return try record.event(at: sequence)
        }
        // Encoding what was decoded gives the same bytes, so nothing was lost on the way.
        var withBytes = again
        withBytes.payload = event.payload
        #expect(Self.record(withBytes, run, version, at: sequence).bytes == bytes)
        #expect(again.payload?.length == event.payload?.length && again.payload?.hash == event.payload?.hash)
        #expect(again.time == event.time && again.subject == event.subject && again.attempt == event.attempt)
        #expect(again.previous == event.previous && again.cause == event.cause && again.by == event.by)
        #expect(again.request == event.request)
    }

    private static func mark(_ key: String = "k \"1\"", events: Int = 1) throws -> RequestMark {
        var mark = try RequestMark(key: key, digest: Digest(hashing: [9]))
        mark.events = events
        return mark
    }

    private static func record(
        _ event: Event, _ run: RunNumber, _ version: RunVersion, at sequence: JournalSequence
    ) -> (bytes: [UInt8], digest: Digest) {
        var bytes: [UInt8] = []
        var scratch: [UInt8] = []
        let unsealed = RecordCodec.append(event, run: run, version: version, to: &bytes, scratch: &scratch)
        RecordCodec.seal(&bytes, at: sequence, runHash: Digest(hashing: [2]), journalHash: Digest(hashing: [3]))
        return (bytes, unsealed.digest)
    }

    @Test("The body of a start has at most 110 bytes")
    func startIsSmall() {
        let digest = Digest(hashing: [1])
        var body: [UInt8] = []
        FactBody.write(
            Event(.started(AttemptStart(input: digest, code: digest)), .node(0), at: Timestamp(nanoseconds: 0)),
            to: &body)
        #expect(body.count <= 110)
    }

    @Test("The digest does not depend on run number and sequence, and does on all else")
    func digestCoversTheRest() throws {
        func digest(_ event: Event, run: Int = 1, version: Int = 9) -> Digest {
            Self.record(event, RunNumber(run), RunVersion(version), at: JournalSequence(1)).digest
        }
        let event = Event(
            .succeeded(instead: nil), .node(1), at: Timestamp(nanoseconds: 5), attempt: 1, previous: RunVersion(2),
            cause: RunVersion(3), by: "cli", payload: PayloadMark(Payload(hashing: [49])))
        let base = digest(event)
        #expect(digest(event, run: 1_000_000) == base)
        #expect(digest(event, version: 10) != base)
        let marks = [try Self.mark(), try Self.mark("other"), try Self.mark(events: 2)]
        let digests = marks.map { mark in
            var marked = event
            marked.request = mark
            return digest(marked)
        }
        #expect(Set(digests + [base]).count == 4)
        let changes: [(inout Event) -> Void] = [
            { $0.fact = .succeeded(instead: Failure("a", "b")) }, { $0.subject = .node(2) },
            { $0.subject = .item(1, 0) },
            { $0.time = Timestamp(nanoseconds: 6) }, { $0.attempt = 2 }, { $0.previous = RunVersion(3) },
            { $0.cause = .none }, { $0.by = "http:me" }, { $0.payload = nil },
            { $0.payload = PayloadMark(Payload(hashing: [50])) },
        ]
        for (index, change) in changes.enumerated() {
            var changed = event
            change(&changed)
            #expect(digest(changed) != base, "change \(index)")
        }
    }

    @Test("Type numbers and names are unique and stay as they were released")
    func typesAreStable() {
        #expect(Set(EventType.allCases.map(\.name)).count == EventType.allCases.count)
        let text = EventType.allCases.map { "\($0.rawValue) \($0.name)" }.joined(separator: "\n")
        // Changes when a type is added: look that no number or name of an old one has changed, then write the new hash.
        #expect(Digest(hashing: Array(text.utf8)).description.prefix(16) == "a0bc5c5adca2666e")
    }

    @Test(
        "What pruning leaves of a record says as much as its form keeps, and keeps R and G",
        arguments: [RecordForm.bare, .remnant, .stub])
    func shorterForms(_ form: RecordForm) throws {
        for size in [nil, 0, 200, RecordCodec.inlinePayloadMax + 1] as [Int?] {
            var event = Event(
                .succeeded(instead: nil), .item(2, 7), at: Timestamp(nanoseconds: 5), attempt: 2,
                previous: RunVersion(3), by: "cli")
            event.payload = size.map { PayloadMark(Payload(hashing: [UInt8](repeating: 49, count: $0))) }
            let sequence = JournalSequence(77)
            let (bytes, digest) = Self.record(event, RunNumber(4), RunVersion(9), at: sequence)
            let left = try bytes.span.bytes.withUnsafeBytes { bytes throws(RenError) in
                RecordCodec.pruned(try Record(bytes, at: sequence), at: sequence, to: form)
            }
            try left.span.bytes.withUnsafeBytes { bytes throws(RenError) in
                let record = try Record(bytes, at: sequence)
                #expect(record.form == form && record.run == RunNumber(4) && record.version == RunVersion(9))
                #expect(record.runHash == Digest(hashing: [2]) && record.journalHash == Digest(hashing: [3]))
                #expect(record.time == event.time && record.inlinePayload.isEmpty)
                if form == .stub {
                    #expect(record.type == .eventPruned && record.payload == nil && bytes.count < 90)
                } else {
                    #expect(record.digest == digest && record.payload?.hash == event.payload?.hash)
                    #expect(try record.event(at: sequence).by == "cli")
                }
                // Again is the same.
                #expect(RecordCodec.pruned(record, at: sequence, to: form) == Array(bytes))
            }
        }
    }

    @Test("A record of an unknown form or type is newer, a cut or foreign one is damaged")
    func refusals() throws {
        let event = Event(.runPaused, .run, at: Timestamp(nanoseconds: 0))
        let (bytes, _) = Self.record(event, RunNumber(1), RunVersion(1), at: JournalSequence(5))
        func code(_ change: (inout [UInt8]) -> Void, at sequence: Int = 5, seal: Bool = true) -> String {
            var changed = seal ? Array(bytes.dropLast(RecordCodec.sealBytes)) : bytes
            change(&changed)
            if seal {
                RecordCodec.seal(
                    &changed, at: JournalSequence(5), runHash: Digest(hashing: [2]), journalHash: Digest(hashing: [3]))
            }
            do throws(RenError) {
                _ = try changed.span.bytes.withUnsafeBytes { bytes throws(RenError) in
                    try Record(bytes, at: JournalSequence(sequence)).event(at: JournalSequence(sequence))
                }
                return "read"
            } catch { return error.code.rawValue }
        }
        #expect(code { _ in } == "read")
        #expect(code { $0[0] = 5 } == "journal.newer")
        #expect(code { $0[0] = 0 } == "journal.newer")
        #expect(code { $0[0] = RecordForm.stub.rawValue } == "journal.damaged")
        #expect(code { $0[2] = 13 } == "journal.newer", "no record says of itself that it was pruned")
        #expect(code { $0[2] = 127 } == "journal.newer")
        #expect(code { $0.removeLast() } == "journal.damaged")
        #expect(code { $0.append(0) } == "journal.damaged")
        #expect(code({ _ in }, at: 6, seal: false) == "journal.damaged")
        #expect(code({ $0 = [] }, seal: false) == "journal.damaged")
        #expect(code({ $0 = [UInt8](repeating: 0, count: 500) }, seal: false) == "journal.damaged")
    }
}
