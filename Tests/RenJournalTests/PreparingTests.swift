import Foundation
import LMDB
import RenCore
import RenTestKit
import Synchronization
import Testing

@testable import RenJournal

/// The rows of a fork are folded from its past in commits of 5,000, before anything else of it is written.
@Suite("Forks that are preparing")
struct PreparingTests {
    /// A run of more events than one commit folds.
    private static func makeParent(
        in journal: some Journal, items: Int = 12_000
    ) throws -> (history: HistoryBuilder, run: RunNumber) {
        var history = HistoryBuilder("parent")
        history.create()
        history.openMap(NodeNumber(0), total: items)
        for item in 0..<items {
            history.start(.item(0, item))
            if item % 7 == 0 {
                history.add(.attemptFailed(Failure("Error", "no"), retryAt: nil), .item(0, item))
                history.add(.failed(Failure("Error", "no")), .item(0, item))
            } else if item % 100 != 1 {
                history.succeed(.item(0, item), Array("\(item)".utf8))
            }
        }
        let run = journal.reserveRun()
        let batch = history.take()
        try journal.appendAndWait(batch.events, to: run, after: batch.after)
        return (history, run)
    }

    private static func fork(
        of parent: (history: HistoryBuilder, run: RunNumber), _ id: String = "fork", in journal: some Journal
    ) throws -> HistoryBuilder {
        let version = parent.history.version
        let hash = try journal.read { view throws(RenError) in try view.run(parent.run)?.hash }
        return parent.history.fork(id, at: version, hash: try #require(hash))
    }

    private static func rows(in journal: some JournalReading) throws -> Tables {
        try Tables([.meta] + StoreTable.derived, of: journal)
    }

    @Test("What is asked of it waits until its rows are there, and other runs go on meanwhile")
    func holds() throws {
        let journal = MemoryJournal.make()
        let parent = try Self.makeParent(in: journal)
        var fork = try Self.fork(of: parent, in: journal)
        let run = journal.reserveRun()
        let birth = fork.take()
        fork.start(.item(0, 1))
        let next = fork.take()
        var other = HistoryBuilder("other")
        other.create()
        let otherBatch = other.take()
        let order = Mutex<[String]>([])
        let done = Handover<Void>()
        @Sendable func note(_ name: String) -> @Sendable (Result<Receipt, RenError>) -> Void {
            { result in
                let row = try? journal.read { view throws(RenError) in try view.run(run) }
                let percent = (row ?? nil)?.preparingPercent.map { $0 < 100 ? "preparing" : "?" } ?? "prepared"
                order.withLock { $0.append("\(name) \((try? result.get()) == nil ? "refused" : percent)") }
                if name == "next" { done.give(()) }
            }
        }
        journal.submit(
            Batch(run: run, after: birth.after, events: birth.events) { result in
                note("birth")(result)
                // On the writer's thread: both are there when it looks for work again.
                journal.submit(Batch(run: run, after: next.after, events: next.events, completion: note("next")))
                journal.submit(
                    Batch(
                        run: journal.reserveRun(), after: otherBatch.after, events: otherBatch.events,
                        completion: note("other")))
            })
        done.wait()
        #expect(order.withLock { $0 } == ["birth preparing", "other preparing", "next prepared"])
        let live = try Self.rows(in: journal)
        try journal.rebuildProjections()
        #expect(try Self.rows(in: journal).difference(from: live) == nil)
        #expect(journal.queuedBytes == 0)
    }

    @Test("After a crash between its commits the next opening goes on")
    func crash() async throws {
        let directory = try TestDirectory()
        var journal: StoreJournal? = try directory.open()
        let run: RunNumber
        let version: RunVersion
        if let journal {
            let parent = try Self.makeParent(in: journal)
            let birth = try Self.fork(of: parent, in: journal).events
            run = journal.reserveRun()
            version = parent.history.version.next
            // The writer waits at the birth until the journal is closed: what follows is one page, or two.
            let born = Handover<Void>()
            let goOn = Handover<Void>()
            journal.submit(
                Batch(run: run, after: parent.history.version, events: birth) { _ in
                    born.give(())
                    goOn.wait()
                })
            born.wait()
            let closing = RenJournal.Thread { journal.close() }
            while journal.takesBatches { try await Task.sleep(for: .milliseconds(1)) }
            goOn.give(())
            closing.join()
        } else {
            return
        }
        journal = nil
        do {
            let reader = try JournalReader(directory: directory.data.journal, lockIsFree: true)
            let row = try reader.read { view throws(RenError) in try view.run(run) }
            let preparing = try #require(row?.preparing)
            #expect(preparing > .none && preparing < version)
            #expect(row?.preparingPercent ?? 0 > 0 && row?.isWaiting == false)
            // Its past can be read before its rows are there.
            let events = try reader.read { view throws(RenError) in
                try view.page(of: run, after: RunVersion(rawValue: version.rawValue - 2))
            }
            #expect(events.map(\.version) == [RunVersion(rawValue: version.rawValue - 1), version])
        }
        let again = try directory.open()
        try await again.waitUntilPrepared(run)
        let row = try again.read { view throws(RenError) in try view.run(run) }
        #expect(row?.preparing == nil && row?.version == version)
        try again.read { view throws(RenError) in
            let counts = try view.node(run, NodeNumber(0))?.map?.counts
            #expect(counts?[.failed] == 12_000 / 7 + 1)
            #expect(counts?[.running] == 0 && counts?[.ready] ?? 0 > 0)
            #expect(try view.items(of: run, NodeNumber(0), limit: .max, in: .ready).count == counts?[.ready])
        }
        let live = try Self.rows(in: again)
        try again.rebuildProjections()
        #expect(try Self.rows(in: again).difference(from: live) == nil)
        #expect(try Verifier(again).run().isClean)
    }

    @Test("Wherever storage fails between the commits, the rows come out the same", arguments: 0...6)
    func everyCommit(_ commits: Int) throws {
        let store = try BreakingStore()
        var history: (history: HistoryBuilder, run: RunNumber)
        var run = RunNumber(0)
        do {
            let journal = try StoreJournal(store)
            history = try Self.makeParent(in: journal, items: 9_000)
            var fork = try Self.fork(of: history, in: journal)
            fork.add(.overridden(reason: nil), .item(0, 0), payload: [49])
            run = journal.reserveRun()
            let batch = fork.take()
            let failure = RenError(.storageFailed, "injected")
            store.rules.withLock { $0.commits = Array(repeating: nil, count: commits) + [failure] }
            _ = try? journal.appendAndWait(batch.events, to: run, after: batch.after)
            _ = try? journal.appendAndWait([], to: run, after: Batch.anyVersion)
            store.rules.withLock { $0.commits = [] }
            if commits == 0 { return }
        }
        let journal = try StoreJournal(store)
        try journal.appendAndWait([], to: run, after: Batch.anyVersion)
        let live = try Self.rows(in: journal)
        try journal.rebuildProjections()
        #expect(try Self.rows(in: journal).difference(from: live) == nil)
        #expect(
            try journal.read { view throws(RenError) in try view.item(run, NodeNumber(0), ItemIndex(0))?.state }
                == .succeeded)
    }

    @Test("A full disk only delays it")
    func fullDisk() throws {
        let store = try BreakingStore()
        let journal = try StoreJournal(store)
        let parent = try Self.makeParent(in: journal, items: 4_000)
        var fork = try Self.fork(of: parent, in: journal)
        let run = journal.reserveRun()
        let batch = fork.take()
        store.rules.withLock {
            $0.commits = [nil, RenError(.storageFull, "full"), nil, RenError(.storageFull, "full")]
            $0.room = 2
        }
        try journal.appendAndWait(batch.events, to: run, after: batch.after)
        try journal.appendAndWait([], to: run, after: Batch.anyVersion)
        #expect(store.rules.withLock { $0.roomsMade } == 2)
        #expect(try journal.read { view throws(RenError) in try view.run(run)?.preparing } == nil)
    }

    @Test("A past that cannot be read stops the fork alone")
    func damagedPast() throws {
        let memory = try OpenedMemory()
        let parent = try Self.makeParent(in: memory.journal, items: 10)
        let key = Key(JournalSequence(5))
        let bytes = try memory.store.read { snapshot throws(RenError) in
            try snapshot.value(of: key, in: .events) { Array($0) }
        }
        var damaged = try #require(bytes)
        damaged[3] ^= 1
        try memory.change { transaction throws(RenError) in
            try transaction.put(damaged, for: key, in: .events)
        }
        var fork = try Self.fork(of: parent, in: memory.journal)
        let run = memory.journal.reserveRun()
        var batch = fork.take()
        try memory.journal.appendAndWait(batch.events, to: run, after: batch.after)
        fork.start(.node(5))
        batch = fork.take()
        for events in [[], batch.events] {
            #expect(throws: RenError.self) {
                try memory.journal.appendAndWait(events, to: run, after: batch.after)
            }
        }
        var other = HistoryBuilder("other")
        other.create()
        batch = other.take()
        try memory.journal.appendAndWait(batch.events, to: memory.journal.reserveRun(), after: batch.after)
    }
}

extension Journal {
    /// False when it was closed.
    fileprivate var takesBatches: Bool {
        let isRefused = Mutex(false)
        submit(
            Batch(run: .journal, after: Batch.anyVersion, events: []) { result in
                if case .failure = result { isRefused.withLock { $0 = true } }
            })
        return !isRefused.withLock { $0 }
    }
}
