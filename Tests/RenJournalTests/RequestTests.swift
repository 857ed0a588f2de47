import RenCore
import RenJSON
import RenTestKit
import Synchronization
import Testing

@testable import RenJournal

/// SEMANTICS.md 8: the table `requests`.
@Suite("Requests")
struct RequestTests {
    private func mark(_ key: String, _ body: UInt8 = 1) throws -> RequestMark {
        try RequestMark(key: key, digest: Digest(hashing: [body]))
    }

    /// Appends a fact about no run as a request.
    private func register(_ key: String, day: Int, in journal: StoreJournal) throws {
        var event = Event(.flowRegistered(name: key), .run, at: time(day: day))
        event.payload = PayloadMark(Payload(hashing: Array("\(key) \(day)".utf8)))
        event.request = try mark(key)
        try journal.appendAndWait([event], to: .journal, after: Batch.anyVersion)
    }

    private func open(day: Int, in journal: StoreJournal) throws {
        let event = Event(.journalOpened(JournalOpening(carries: .all, ren: "0.1.0")), .run, at: time(day: day))
        try journal.appendAndWait([event], to: .journal, after: Batch.anyVersion)
    }

    private func time(day: Int) -> Timestamp {
        Timestamp(nanoseconds: 1_770_000_000_000_000_000) + .seconds(day * 86_400)
    }

    private func isKnown(_ key: String, in journal: StoreJournal) throws -> Bool {
        try journal.read { view throws(RenError) in try view.request(key) } != nil
    }

    @Test("Keys without a run end with the first start after 7 days, keys of runs stay; rebuilt is the same")
    func purge() throws {
        let directory = try TestDirectory()
        for journal in [MemoryJournal.make(), try directory.open()] {
            try register("a", day: 0, in: journal)
            try register("ab", day: 3, in: journal)
            var history = HistoryBuilder("run", at: time(day: 0))
            history.create()
            var events = history.take().events
            events[0].request = try mark("of a run")
            try journal.appendAndWait(events, to: journal.reserveRun(), after: .none)

            try open(day: 6, in: journal)
            #expect(try isKnown("a", in: journal))
            try open(day: 8, in: journal)
            #expect(try !isKnown("a", in: journal))
            #expect(try isKnown("ab", in: journal))
            try register("a", day: 8, in: journal)
            try open(day: 11, in: journal)
            #expect(try isKnown("a", in: journal), "the new one has its own time")
            #expect(try !isKnown("ab", in: journal))
            #expect(try isKnown("of a run", in: journal))

            let live = try Tables([.requests], of: journal)
            #expect(live.rows.count == 3, "two keys, one of them by its time")
            try journal.rebuildProjections()
            #expect(try Tables([.requests], of: journal).difference(from: live) == nil)
        }
    }

    @Test("A batch that is replayed or refused changes no keys of items either")
    func itemKeys() throws {
        let journal = MemoryJournal.make()
        let run = journal.reserveRun()
        var history = HistoryBuilder("run")
        history.create()
        try journal.appendAndWait(history.take().events, to: run, after: .none)
        history.add(.runPauseRequested(now: false, reason: nil), by: "cli")
        var pause = history.take()
        pause.events[0].request = try mark("k")
        func append(_ key: String) throws -> Receipt {
            var keys = KeyRows(run: run, node: NodeNumber(0))
            keys.rows = [KeyRows.Row(hash: UInt64(key.utf8.count), index: ItemIndex(0), key: Array(key.utf8))]
            return try journal.appendAndWait(pause.events, keys: [keys], to: run, after: pause.after)
        }
        func rows() throws -> [String] {
            try Tables([.keys], of: journal).rows.map { String(decoding: $0.value, as: UTF8.self) }
        }
        #expect(try !append("a").replayed)
        #expect(try append("ab").replayed)
        pause.events[0].request = try mark("k", 2)
        #expect(throws: RenError.self) { try append("abc") }
        pause.events[0].request = nil
        #expect(throws: RenError.self) { try append("abcd") }
        #expect(try rows() == ["a"])
    }

    @Test("A key is known after the journal was opened again, and nothing is done twice")
    func reopened() throws {
        let directory = try TestDirectory()
        var history = HistoryBuilder("run")
        history.create()
        history.succeed(.node(0))
        var events = history.take().events
        events[0].request = try mark("k")
        let journal = try directory.open()
        let first = try journal.appendAndWait(events, to: journal.reserveRun(), after: .none)
        journal.giveBack()
        var options = TestDirectory.options
        for rebuild in [false, true] {
            options.rebuild = rebuild
            let again = try directory.open(options)
            var receipt = try again.appendAndWait(events, to: again.reserveRun(), after: .none)
            #expect(receipt.replayed)
            receipt.replayed = false
            #expect(receipt == first)
            #expect(try again.read { view throws(RenError) in try view.head().sequence } == first.last)
            again.giveBack()
        }
    }

    @Test("A failed commit leaves no key behind")
    func failedCommit() throws {
        let store = try BreakingStore()
        let journal = try StoreJournal(store)
        var history = HistoryBuilder("run")
        history.create()
        var events = history.take().events
        events[0].request = try mark("k")
        let full = RenError(.storageFull, "full")
        store.rules.withLock { $0.commits = [full, full] }
        #expect(throws: full) { try journal.appendAndWait(events, to: journal.reserveRun(), after: .none) }
        let receipt = try journal.appendAndWait(events, to: journal.reserveRun(), after: .none)
        #expect(!receipt.replayed)
    }

    @Test("A row of a run names the version that If-Match compares")
    func control() throws {
        let journal = MemoryJournal.make()
        let run = journal.reserveRun()
        var history = HistoryBuilder("run")
        let steps: [(Fact, Event.Subject, UInt64)] = [
            (.started(AttemptStart(input: .zero, code: nil)), .node(0), 1),
            (.runPauseRequested(now: false, reason: nil), .run, 3), (.succeeded(instead: nil), .node(0), 3),
            (.runPaused, .run, 5), (.signalReceived(name: "go"), .run, 6), (.runResumed(reason: nil), .run, 7),
            (.decided(way: "then", operands: 1), .node(1), 7), (.runEnding(.succeeded, nil), .node(2), 9),
        ]
        history.create()
        for (fact, subject, expected) in steps {
            history.add(fact, subject)
            let batch = history.take()
            try journal.appendAndWait(batch.events, to: run, after: batch.after)
            let row = try #require(try journal.read { view throws(RenError) in try view.run(run) })
            #expect(row.control.rawValue == expected, "\(fact)")
        }
    }
}
