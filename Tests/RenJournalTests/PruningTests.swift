import LMDB
import RenCore
import RenTestKit
import Testing

@testable import RenJournal

@Suite("Pruning")
struct PruningTests {
    private static let now = Timestamp(nanoseconds: 1_780_000_000_000_000_000)

    /// A memory journal with runs that have ended, `one` and `two`, their events among each other, and `open`.
    private static func journal(items: Int = 3) throws -> OpenedMemory {
        let memory = try OpenedMemory()
        var histories = ["one", "two", "open"].map { HistoryBuilder($0) }
        let runs = histories.map { _ in memory.journal.reserveRun() }
        for index in histories.indices {
            histories[index].create(input: #"{"n":\#(index)}"#)
            histories[index].start(.node(0))
            histories[index].add(.checkpointed, .node(0), payload: [UInt8](repeating: 50, count: 3_000))
            histories[index].add(
                .attemptFailed(Failure("ValueError", "no"), retryAt: histories[index].time), .node(0))
            histories[index].start(.node(0))
            try append(&histories[index], runs[index], to: memory.journal, request: "asked-\(index)")
        }
        for index in histories.indices {
            histories[index].succeed(.node(0), [UInt8](repeating: 49, count: 70_000))
            histories[index].openMap(NodeNumber(1), total: items)
            for item in 0..<items {
                histories[index].start(.item(1, item))
                histories[index].succeed(.item(1, item), [UInt8](repeating: 49, count: 20 + item % 7))
            }
            try append(&histories[index], runs[index], to: memory.journal)
        }
        histories[0].add(.runSucceeded, payload: Array("\"output\"".utf8))
        histories[1].add(.runFailed(Failure("ValueError", "no")))
        for index in 0...1 { try append(&histories[index], runs[index], to: memory.journal) }
        return memory
    }

    private static func append(
        _ history: inout HistoryBuilder, _ run: RunNumber, to journal: StoreJournal, request: String? = nil
    ) throws {
        var batch = history.take()
        if let request {
            batch.events[0].request = try RequestMark(key: request, digest: Digest(hashing: Array(request.utf8)))
        }
        try journal.appendAndWait(batch.events, to: run, after: batch.after)
    }

    private static func row(_ id: String, in journal: StoreJournal) throws -> RunRow {
        try journal.read { view throws(RenError) in try view.findRun(id) }
    }

    private static func pruning(
        _ step: Pruning.Step, _ ids: [String], in journal: StoreJournal
    ) throws -> Pruning {
        let runs = try ids.map { id in
            let row = try row(id, in: journal)
            return Pruning.Run(id: id, first: row.first, last: row.last, events: Int(row.version.rawValue))
        }
        return Pruning(step: step, runs: runs, rule: "by a test")
    }

    private static func prune(_ step: Pruning.Step, _ ids: String..., in journal: StoreJournal) throws {
        try journal.prune(pruning(step, ids, in: journal), at: now, by: "cli")
    }

    /// The error that `body` throws, by its code.
    private static func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch { return (error as? RenError)?.code.rawValue ?? "\(error)" }
    }

    private static func rows(of run: RunNumber, in memory: OpenedMemory) throws -> Int {
        try Tables(StoreTable.ofHistories, of: memory.journal).rows.filter { row in
            row.key.withUnsafeBytes { $0.load(UInt64.self, at: 0) } == run.rawValue
        }.count
    }

    private static func report(_ memory: OpenedMemory) throws -> VerifyReport {
        try Verifier(memory.journal, scratch: MemoryStore()).run()
    }

    // MARK: Payloads

    @Test("Of pruned payloads length and hash stay; the output and the keys of items stay whole")
    func payloads() throws {
        let memory = try Self.journal()
        let before = try Self.row("one", in: memory.journal)
        let keys = try Tables([.events], of: memory.journal).rows.count
        try Self.prune(.payloads, "one", in: memory.journal)
        let row = try Self.row("one", in: memory.journal)
        #expect(row.pruned == .payloads && row.version == before.version && row.hash == before.hash)
        #expect(try Tables([.events], of: memory.journal).rows.count == keys + 1)
        try memory.journal.read { view throws(RenError) in
            var states: [String] = []
            for event in try view.page(of: row.number, after: .none) where event.event.payload != nil {
                do throws(RenError) {
                    let bytes = try view.payload(row.number, event.version)
                    #expect(Digest(hashing: bytes) == event.event.payload?.hash)
                    states.append("\(event.type.name) read")
                } catch { states.append("\(event.type.name) \(error.code.rawValue)") }
            }
            #expect(
                states == [
                    "run.created payload.pruned", "node.checkpointed payload.pruned", "node.succeeded payload.pruned",
                    "map.opened read", "item.succeeded payload.pruned", "item.succeeded payload.pruned",
                    "item.succeeded payload.pruned", "run.succeeded read",
                ])
        }
        let chunked = try memory.journal.read { view throws(RenError) in
            try view.page(of: row.number, after: .none).filter { $0.event.payload?.length ?? 0 > 1_800 }
        }
        let chunks = try Tables([.payloads], of: memory.journal).rows.map { row in
            row.key.withUnsafeBytes { JournalSequence(rawValue: $0.load(UInt64.self, at: 0)) }
        }
        #expect(chunked.count == 2 && !chunks.isEmpty && !chunked.contains { chunks.contains($0.sequence) })
        let report = try Self.report(memory)
        #expect(report.findings == [])
        #expect(report.prunedPayloads == 6 && report.prunedEvents == 0)
    }

    @Test("Nothing follows from pruned payloads: the run is neither reopened nor forked")
    func noSequel() throws {
        let memory = try Self.journal()
        let row = try Self.row("one", in: memory.journal)
        try Self.prune(.payloads, "one", in: memory.journal)
        let event = Event(.runReopened(Reopening()), .run, at: Self.now)
        #expect(
            Self.code { try memory.journal.appendAndWait([event], to: row.number, after: row.version) } == "run.pruned")
        let creation = RunCreation(id: "fork", flow: row.flow, flowName: row.flowName, functions: nil)
        let fork = Fork(creation: creation, parent: "one", version: row.version, hash: row.hash)
        let forked = Event(.runForked(fork), .run, at: Self.now)
        let code = Self.code {
            try memory.journal.appendAndWait([forked], to: memory.journal.reserveRun(), after: row.version)
        }
        #expect(code == "run.pruned" || code == "version.conflict")
    }

    // MARK: Histories

    @Test("Of a pruned history one row stays; the chains are proved, and nothing else has changed")
    func histories() throws {
        let memory = try Self.journal()
        let one = try Self.row("one", in: memory.journal)
        let two = try Self.row("two", in: memory.journal)
        let others = try [two.number, Self.row("open", in: memory.journal).number].map { run in
            try Self.rows(of: run, in: memory)
        }
        let anchors = try #require(Anchor.anchors(inLine: memory.journal.anchorLine() ?? ""))
        try Self.prune(.histories, "one", in: memory.journal)

        let left = try Self.row("one", in: memory.journal)
        #expect(left.pruned == .histories && left.status == .succeeded && left.flow == one.flow)
        #expect(left.created == one.created && left.ended == one.ended && left.version == one.version)
        #expect(left.hash == one.hash && left.first == one.first && left.last == one.last)
        #expect(try Self.rows(of: one.number, in: memory) == 0)
        #expect(
            try [two.number, Self.row("open", in: memory.journal).number].map { try Self.rows(of: $0, in: memory) }
                == others)
        let types = try memory.journal.read { view throws(RenError) in
            try view.records(from: JournalSequence(1)).filter { $0.run == one.number }.map(\.type.name)
        }
        #expect(types.first == "run.created" && types.last == "run.succeeded")
        #expect(Set(types.dropFirst().dropLast()) == ["event.pruned"])
        let page = Self.code {
            _ = try memory.journal.read { view throws(RenError) in try view.page(of: one.number, after: .none) }
        }
        let payload = Self.code {
            _ = try memory.journal.read { view throws(RenError) in try view.payload(one.number, RunVersion(1)) }
        }
        let version = Self.code {
            _ = try memory.journal.read { view throws(RenError) in try view.version(of: one.number, at: one.last) }
        }
        #expect([page, payload, version] == ["run.pruned", "run.pruned", "run.pruned"])
        let requests = try memory.journal.read { view throws(RenError) in
            [try view.request("asked-0") == nil, try view.request("asked-1") == nil]
        }
        #expect(requests == [true, false])

        let report = try Verifier(memory.journal, anchors: anchors, scratch: MemoryStore()).run()
        #expect(report.findings == [])
        #expect(report.prunedEvents == Int(one.version.rawValue) && report.anchors == 4)
    }

    @Test("The id of a pruned run stays taken")
    func idStaysTaken() throws {
        let memory = try Self.journal()
        let row = try Self.row("one", in: memory.journal)
        try Self.prune(.histories, "one", in: memory.journal)
        var same = HistoryBuilder("one")
        same.create(input: #"{"n":0}"#)
        let receipt = try memory.journal.appendAndWait(
            same.take().events, to: memory.journal.reserveRun(), after: .none)
        #expect(receipt.isExisting && receipt.run == row.number)
        var other = HistoryBuilder("one")
        other.create(input: #"{"n":7}"#)
        #expect(
            Self.code {
                try memory.journal.appendAndWait(other.take().events, to: memory.journal.reserveRun(), after: .none)
            } == "run.exists")
    }

    @Test("Projections made again from what is left are the same, byte for byte", arguments: [1, 5, 40])
    func rebuild(_ items: Int) throws {
        let memory = try Self.journal(items: items)
        try Self.prune(.payloads, "one", "two", in: memory.journal)
        try Self.prune(.histories, "two", "one", in: memory.journal)
        let live = try Tables.derived(of: memory.journal)
        try memory.journal.rebuildProjections()
        #expect(try Tables.derived(of: memory.journal).difference(from: live) == nil)
        for end in 1...(try memory.journal.read { view throws(RenError) in try view.head().sequence.rawValue }) {
            // Every prefix folds, whatever of it is left.
            let copy = try memory.copy()
            try copy.journal.rebuildProjections(upTo: JournalSequence(rawValue: end))
        }
    }

    @Test("A crash between two commits costs nothing: it goes on, from the same rows or from new ones")
    func crash() throws {
        var ends: [String?] = []
        var digests: Set<Digest> = []
        for stop in [nil, 1, 2, 3] as [Int?] {
            for rebuilds in [false, true] where stop != nil || !rebuilds {
                let memory = try Self.journal(items: 4_000)
                let pruning = try Self.pruning(.histories, ["one", "two"], in: memory.journal)
                try memory.journal.appendAndWait(
                    [Event(.journalPruned(pruning), .run, at: Self.now)], to: .journal, after: Batch.anyVersion)
                for _ in 0..<(stop ?? 0) { #expect(try memory.journal.pruneStep()) }
                if stop != nil { #expect(try Self.report(memory).findings == []) }
                let again = try memory.copy()
                if rebuilds { try again.journal.rebuildProjections() }
                #expect(
                    try again.journal.read { view throws(RenError) in try view.pendingPrunings() } == [pruning])
                var announced = 0
                try again.journal.finishPruning(onAnnounced: { _ in announced += 1 })
                ends.append(try Self.report(again).findings.first?.what)
                #expect(announced == 1)
                #expect(try again.journal.read { view throws(RenError) in try view.pendingPrunings() } == [])
                digests.insert(try Tables(StoreTable.allCases, of: again.journal).digest)
            }
        }
        #expect(ends.allSatisfy { $0 == nil }, "\(ends)")
        #expect(digests.count == 1)
    }

    @Test("What goes on, or has changed since it was chosen, is not pruned")
    func refusals() throws {
        let memory = try Self.journal()
        let head = try memory.journal.read { view throws(RenError) in try view.head() }
        #expect(Self.code { try Self.prune(.payloads, "open", in: memory.journal) } == "version.conflict")
        #expect(Self.code { try Self.prune(.histories, "one", "open", in: memory.journal) } == "version.conflict")
        var chosen = try Self.pruning(.histories, ["one"], in: memory.journal)
        chosen.runs[0].last = JournalSequence(3)
        #expect(
            Self.code { try memory.journal.prune(chosen, at: Self.now, by: nil) } == "version.conflict")
        #expect(try memory.journal.read { view throws(RenError) in try view.head() } == head)
        try Self.prune(.histories, "one", in: memory.journal)
        #expect(Self.code { try Self.prune(.payloads, "one", in: memory.journal) } == "version.conflict")
        #expect(try Self.report(memory).findings == [])
    }

    @Test("A record that was pruned without an announcement is found", arguments: [RecordForm.bare, .remnant, .stub])
    func unannounced(_ form: RecordForm) throws {
        let memory = try Self.journal()
        let row = try Self.row("one", in: memory.journal)
        try memory.shorten(row.first, to: form)
        let report = try Self.report(memory)
        #expect(report.findings.contains { $0.run == row.number && $0.what.contains("no journal.pruned") })
        #expect(report.touched?.contains("one") == true && report.untouched?.contains("two") == true)
    }

    @Test("The first event that an older ren does not know raises the journal's format")
    func format() throws {
        let memory = try Self.journal()
        func format() throws -> UInt32? {
            try memory.journal.read { view throws(RenError) in try Meta.number(Meta.format, in: view.snapshot) }
        }
        #expect(try format() == 1)
        try Self.prune(.payloads, "one", in: memory.journal)
        #expect(try format() == 2)
    }

    // MARK: Rules

    struct Example: Sendable, CustomTestStringConvertible {
        var rule: @Sendable (inout Retention.Rule) -> Void
        var flows: [String: Int?] = [:]
        var wanted: [String]
        var testDescription: String { wanted.joined(separator: "; ") }
    }

    /// Runs `p1` to `p4` of products and `o1`, `o2` of orders, one a day, the last of each almost a day ago; `p2`
    /// failed, `p3` is open.
    static let examples: [Example] = [
        Example(rule: { _ in }, wanted: []),
        Example(rule: { $0.olderThan = .days(3) }, wanted: ["histories p1"]),
        Example(rule: { $0.olderThan = .days(2) }, wanted: ["histories p1 p2"]),
        Example(rule: { $0.olderThan = .days(100) }, wanted: []),
        Example(rule: { $0.keep = 1 }, wanted: ["histories p1 p2 o1"]),
        Example(rule: { $0.keep = 0 }, wanted: ["histories p1 p2 p4 o1 o2"]),
        Example(
            rule: {
                $0.keep = 1
                $0.keepFailed = true
            }, wanted: ["histories p1 o1"]),
        Example(
            rule: {
                $0.keep = 1
                $0.olderThan = .days(2)
            }, wanted: ["histories p1 p2"]),
        Example(
            rule: {
                $0.payloadsOlderThan = .days(1)
                $0.olderThan = .days(3)
            }, wanted: ["payloads p2 o1", "histories p1"]),
        Example(rule: { $0.keep = 0 }, flows: ["orders": nil], wanted: ["histories p1 p2 p4"]),
        Example(rule: { _ in }, flows: ["orders": 1], wanted: ["histories o1"]),
    ]

    @Test("Rules choose by age, number and end, the oldest first", arguments: examples)
    func rules(_ example: Example) throws {
        let memory = try OpenedMemory()
        let runs = [("p1", 4), ("p2", 3), ("p3", 2), ("p4", 1), ("o1", 2), ("o2", 1)]
        for (id, days) in runs {
            var history = HistoryBuilder(id, at: Self.now + .days(-days) + .seconds(1))
            history.create(flow: id.hasPrefix("p") ? "products" : "orders")
            switch id {
            case "p2": history.add(.runFailed(Failure("ValueError", "no")))
            case "p3": break
            default: history.add(.runSucceeded)
            }
            try memory.journal.appendAndWait(
                history.take().events, to: memory.journal.reserveRun(), after: .none)
        }
        var retention = Retention()
        example.rule(&retention.rule)
        for (flow, keep) in example.flows {
            retention.flows[flow] = Retention.Rule()
            retention.flows[flow]?.keep = keep
        }
        let found = try memory.journal.prunings(by: retention, at: Self.now)
        #expect(found.map { "\($0.step.rawValue) \($0.runs.map(\.id).joined(separator: " "))" } == example.wanted)
        for pruning in found { try memory.journal.prune(pruning, at: Self.now, by: nil) }
        #expect(try memory.journal.prunings(by: retention, at: Self.now).filter { $0.step == .payloads } == [])
        #expect(try Self.report(memory).findings == [])
    }

    @Test("One announcement names at most 100 runs")
    func announcements() throws {
        let memory = try OpenedMemory()
        for number in 0..<120 {
            var history = HistoryBuilder("r\(number)")
            history.create()
            history.add(.runStopped)
            try memory.journal.appendAndWait(
                history.take().events, to: memory.journal.reserveRun(), after: .none)
        }
        var rule = Retention.Rule()
        rule.keep = 10
        let found = try memory.journal.prunings(by: Retention(rule), at: Self.now)
        #expect(found.map(\.runs.count) == [100, 10])
        #expect(found.map(\.rule) == ["keep 10", "keep 10"])
        #expect(found[0].runs[0].id == "r0" && found[0].events == 200)
    }

    @Test("In LMDB the same is deleted, and the file opens again")
    func lmdb() throws {
        let directory = try TestDirectory()
        var journal: StoreJournal? = try directory.open()
        if let journal {
            var history = RandomHistory(seed: 77)
            for _ in 0..<600 {
                let batch = history.next { journal.reserveRun() }
                try journal.appendAndWait(batch.events, to: batch.run, after: batch.after)
            }
            var rule = Retention.Rule()
            rule.keep = 0
            let prunings = try journal.prunings(by: Retention(rule), at: Self.now)
            #expect(!prunings.isEmpty)
            for pruning in prunings { try journal.prune(pruning, at: Self.now, by: nil) }
            journal.close()
        }
        journal = nil
        let again = try directory.open()
        let live = try Tables.derived(of: again)
        let report = try Verifier(again, scratch: LMDBStore.scratch(in: directory.data.path)).run()
        #expect(report.findings == [] && report.prunedEvents > 100)
        try again.rebuildProjections()
        #expect(try Tables.derived(of: again).difference(from: live) == nil)
    }
}

extension Duration {
    fileprivate static func days(_ count: Int) -> Duration { .seconds(count * 86_400) }
}

extension OpenedMemory {
    /// What a new process finds.
    func copy() throws(RenError) -> OpenedMemory {
        let copy = try OpenedMemory()
        let rows = try Tables(StoreTable.allCases, of: journal).rows
        try copy.change { transaction throws(RenError) in
            for row in rows { try transaction.put(row.value, for: Key(bytes: row.key), in: row.table) }
        }
        return try OpenedMemory(copy.store)
    }

    /// Leaves as much of a record as `form` keeps, with all its seals right.
    func shorten(_ sequence: JournalSequence, to form: RecordForm) throws(RenError) {
        let bytes = try journal.read { view throws(RenError) in
            try view.withRecord(at: sequence) { RecordCodec.pruned($0, at: sequence, to: form) }
        }
        guard let bytes else { return }
        try change { transaction throws(RenError) in try transaction.put(bytes, for: Key(sequence), in: .events) }
    }
}
