import LMDB
import RenCore
import RenJSON
import RenTestKit
import Synchronization
import Testing

@testable import RenJournal

@Suite("Projections")
struct ProjectionTests {
    /// Submits without waiting, so that commits hold several batches. With forks each batch is waited for: they need the
    /// hashes of what was before.
    private func fill(_ journal: some Journal, seed: UInt64, batches: Int, forks: Bool = false) throws {
        let waitEvery = forks ? 1 : 16
        let hash: @Sendable (RunNumber, RunVersion) -> Digest? = { run, version in
            try? journal.read { view throws(RenError) in try view.recorded(run, version)?.runHash }
        }
        var history = RandomHistory(seed: seed, hash: forks ? hash : nil)
        let failures = Mutex<[RenError]>([])
        for number in 1...batches {
            let batch = history.next { journal.reserveRun() }
            if number % waitEvery == 0 {
                try journal.appendAndWait(batch.events, to: batch.run, after: batch.after)
            } else {
                journal.submit(
                    Batch(run: batch.run, after: batch.after, events: batch.events) { result in
                        if case .failure(let error) = result { failures.withLock { $0.append(error) } }
                    })
            }
        }
        try journal.appendAndWait([], to: .journal, after: Batch.anyVersion)
        #expect(failures.withLock { $0 } == [], "seed \(seed)")
    }

    @Test(
        "Rebuilt tables equal the live ones byte for byte, in memory and in LMDB",
        arguments: 1...12 as ClosedRange<UInt64>, [false, true])
    func rebuiltIsLive(_ seed: UInt64, forks: Bool) throws {
        let directory = try TestDirectory()
        let memory = MemoryJournal.make()
        let lmdb = try directory.open()
        for journal in [memory, lmdb] {
            try fill(journal, seed: seed, batches: 400, forks: forks)
            try waitForForks(in: journal)
            let live = try Tables([.meta] + StoreTable.derived, of: journal)
            try journal.rebuildProjections()
            let rebuilt = try Tables([.meta] + StoreTable.derived, of: journal)
            #expect(rebuilt.difference(from: live) == nil, "seed \(seed)")
            #expect(try Verifier(journal).run().findings == [], "seed \(seed)")
        }
        let all = StoreTable.allCases
        #expect(try Tables(all, of: memory).difference(from: Tables(all, of: lmdb)) == nil, "seed \(seed)")
    }

    private func waitForForks(in journal: some Journal) throws {
        let forks = try journal.read { view throws(RenError) in
            try view.runs(limit: .max) { !$0.segments.isEmpty }.map(\.number)
        }
        for fork in forks { try journal.appendAndWait([], to: fork, after: Batch.anyVersion) }
    }

    @Test(
        "Every prefix rebuilds to the tables as they were then", arguments: 21...24 as ClosedRange<UInt64>,
        [false, true])
    func everyPrefix(_ seed: UInt64, forks: Bool) throws {
        let whole = MemoryJournal.make()
        try fill(whole, seed: seed, batches: 60, forks: forks)
        let head = try whole.read { view throws(RenError) in try view.head().sequence.rawValue }
        // The same events one at a time: after each, the live rows are those of that prefix.
        let single = MemoryJournal.make()
        for number in 1...head {
            let sequence = JournalSequence(rawValue: number)
            let (recorded, bytes) = try whole.read { view throws(RenError) -> (RecordedEvent, [UInt8]?) in
                guard let recorded = try view.record(at: sequence) else { throw .damaged(sequence, "missing") }
                do throws(RenError) {
                    return (recorded, recorded.event.payload == nil ? nil : try view.payload(at: sequence))
                } catch { return (recorded, [UInt8](repeating: 0, count: recorded.event.payload?.length ?? 0)) }
            }
            var event = recorded.event
            event.payload?.bytes = bytes
            try single.appendAndWait(
                [event], to: recorded.run, after: RunVersion(rawValue: recorded.version.rawValue - 1))
            try waitForForks(in: single)
            try whole.rebuildProjections(upTo: sequence)
            let rebuilt = try Tables.derived(of: whole)
            #expect(rebuilt.difference(from: try Tables.derived(of: single)) == nil, "seed \(seed), event \(number)")
        }
        #expect(
            try whole.read { view throws(RenError) in try view.head().hash }
                == single.read { view throws(RenError) in try view.head().hash })
    }

    @Test("No row is larger than 1,800 bytes, whatever texts the events hold")
    func rowsAreSmall() throws {
        let journal = MemoryJournal.make()
        let text = String(repeating: "ß", count: 1_000)
        let failure = Failure(text, text, frame: text, item: text)
        var history = HistoryBuilder(String(repeating: "i", count: 200))
        history.create(flow: String(repeating: "f", count: 200))
        history.openMap(NodeNumber(0), total: 2)
        history.start(.item(0, 0))
        history.add(.attemptFailed(failure, retryAt: history.time), .item(0, 0))
        history.add(.waiting(SignalWait(signal: text, message: text, until: history.time)), .node(1))
        history.add(.failed(failure), .node(1))
        history.add(.decided(way: text, operands: .null), .node(2))
        history.add(.runFailed(failure))
        try journal.appendAndWait(history.take().events, to: journal.reserveRun(), after: .none)
        for row in try Tables.derived(of: journal).rows {
            #expect(row.value.count <= 1_800, "\(row.table) has \(row.value.count) bytes")
        }
    }

    @Test(
        "Messages are grouped without their numbers, ids and URLs",
        arguments: [
            ("read timed out after 30 s", "read timed out after # s"), ("no field in sku-00417", "no field in <id>"),
            ("404 for https://shop.test/p/1?x=2", "# for <url>"),
            ("plain words, nothing else", "plain words, nothing else"),
            ("key 'a1b2c3d4' (7)", "key '<id>' (#)"), ("", ""), ("1.5 2,5", "# #,#"), ("two  spaces", "two  spaces"),
            ("Größe 3", "Größe #"),
        ])
    func masks(_ message: String, _ masked: String) {
        #expect(Failure.masked(message) == masked)
    }

    @Test("At most 100 groups of problems per run, the rest in one")
    func groupsAreLimited() throws {
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("a")
        history.create()
        for number in 0..<150 {
            let word = String(UnicodeScalar(UInt8(97 + number / 26))) + String(UnicodeScalar(UInt8(97 + number % 26)))
            history.start(.node(number))
            history.add(.failed(Failure("Error", word)), .node(number))
        }
        let run = journal.reserveRun()
        try journal.appendAndWait(history.take().events, to: run, after: .none)
        let groups = try journal.read { view throws(RenError) in try view.problems(of: run) }
        #expect(groups.count == 101)
        #expect(groups.first?.name == "other" && groups.first?.failures == 50)
    }

    @Test(
        "A run waits when only a person can bring it on",
        arguments: [
            ([Fact.waiting(SignalWait(signal: "s", message: "", until: nil))], true), ([.unknown(.engineDied)], true),
            ([.interrupted(.engine)], false), ([.succeeded(instead: nil)], false),
            ([.attemptFailed(Failure("a", "b"), retryAt: Timestamp(nanoseconds: 1))], false),
        ] as [([Fact], Bool)])
    func waits(_ facts: [Fact], _ isWaiting: Bool) throws {
        for otherRuns in [false, true] {
            let journal = MemoryJournal.make()
            var history = HistoryBuilder("a")
            history.create()
            history.start(.node(0))
            if otherRuns { history.start(.node(1)) }
            for fact in facts { history.add(fact, .node(0)) }
            let run = journal.reserveRun()
            try journal.appendAndWait(history.take().events, to: run, after: .none)
            let row = try journal.read { view throws(RenError) in try view.run(run) }
            #expect(row?.isWaiting == (isWaiting && !otherRuns))
        }
    }

    @Test(
        "The status of a run follows its events",
        arguments: [
            ([Fact.runPauseRequested(now: false, reason: nil)], RunStatus.pausing),
            ([.runPauseRequested(now: false, reason: nil), .runPaused], .paused),
            ([.runPauseRequested(now: false, reason: nil), .runPaused, .runResumed(reason: nil)], .running),
            ([.runStopRequested(.now, reason: nil)], .stopping),
            ([.runStopRequested(.now, reason: nil), .runResumed(reason: "taken up")], .stopping),
            ([.runStopRequested(.now, reason: nil), .runStopped], .stopped), ([.runEnding(.failed, nil)], .ending),
            ([.runSucceeded], .succeeded), ([.runFailed(Failure("a", "b"))], .failed),
            ([.runQuarantined(at: RunVersion(1), reason: "x")], .quarantined),
        ] as [([Fact], RunStatus)])
    func status(_ facts: [Fact], _ status: RunStatus) throws {
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("a")
        history.create()
        let run = journal.reserveRun()
        // One commit each, so that the index by status moves with each.
        for fact in facts {
            history.add(fact)
            let batch = history.take()
            try journal.appendAndWait(batch.events, to: run, after: batch.after)
        }
        try journal.read { view throws(RenError) in
            #expect(try view.run(run)?.status == status)
            for each in RunStatus.allCases {
                #expect(try view.runs(in: each) == (each == status ? [run] : []))
            }
            #expect(try view.openRuns() == (status.isOpen ? [run] : []))
        }
    }
}
