import LMDB
import RenCore
import RenTestKit
import Testing

@testable import RenJournal

@Suite("Overlay")
struct OverlayTests {
    /// The same random changes over an overlay and over a table that holds everything itself.
    @Test("Reads as if the changes had been made below", arguments: 0..<20 as Range<UInt64>)
    func equalsPlainStore(seed: UInt64) throws {
        var random = Draws(seed: seed)
        let below = MemoryJournal.make()
        var history = HistoryBuilder("first")
        _ = history.create()
        let (after, events) = history.take()
        try below.appendAndWait(events, to: below.reserveRun(), after: after)
        let overlay = try OverlayStore(below)
        let plain = MemoryStore()
        let copy = try plain.beginWrite()
        for table in StoreTable.allCases {
            try overlay.read { snapshot throws(RenError) in
                try snapshot.walk(table, from: nil, .ascending) { key, value throws(RenError) in
                    try copy.put(value, for: Key(RawSpan(_unsafeBytes: key)), in: table, .upsert)
                    return .continue
                }
            }
        }
        try copy.commit()
        func key() -> Key { Key(utf8: String(repeating: "k", count: Int(random.next() % 2)) + "\(random.next() % 30)") }
        let tables: [StoreTable] = [.runIDs, .flows]
        for _ in 0..<40 {
            let writes = [try overlay.beginWrite(), try plain.beginWrite()]
            for _ in 0..<random.next() % 6 {
                let (key, table, value) = (key(), tables[Int(random.next() % 2)], [UInt8(random.next() % 256)])
                let kind = random.next() % 20
                for write in writes {
                    switch kind {
                    case 0: try write.removeAll(in: table)
                    case 1..<6: try write.delete(prefix: key, in: table)
                    default: try write.put(value, for: key, in: table)
                    }
                }
            }
            for write in writes { try write.commit() }
            let start = random.next() % 3 == 0 ? nil : key()
            for table in StoreTable.allCases {
                for order in [WalkOrder.ascending, .descending] {
                    #expect(
                        try rows(overlay, table, start, order) == rows(plain, table, start, order),
                        "\(table) \(order) seed \(seed)")
                }
                #expect(
                    try overlay.read { snapshot throws(RenError) in try snapshot.count(of: table) }
                        == plain.read { snapshot throws(RenError) in try snapshot.count(of: table) })
            }
        }
    }

    private func rows(
        _ store: some Store, _ table: StoreTable, _ start: Key?, _ order: WalkOrder
    ) throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        try store.read { snapshot throws(RenError) in
            try snapshot.walk(table, from: start, order) { key, value in
                found.append(Array(key) + [0] + Array(value))
                return .continue
            }
        }
        return found
    }

    @Test("What the journal below writes later is not seen, and nothing is written below")
    func isPinned() throws {
        let below = MemoryJournal.make()
        func create(_ id: String, in journal: StoreJournal) throws -> Receipt {
            var history = HistoryBuilder(id)
            _ = history.create()
            return try journal.appendAndWait(history.take().events, to: journal.reserveRun(), after: .none)
        }
        let first = try create("first", in: below)
        let trial = try StoreJournal.over(below)
        let tried = try create("tried", in: trial)
        let later = try create("later", in: below)
        #expect(tried.first == later.first && tried.run == later.run)
        let ids = try trial.read { view throws(RenError) in try view.runs(limit: 10).map(\.id) }
        #expect(ids == ["tried", "first"])
        let events = try trial.read { view throws(RenError) in try view.records(from: JournalSequence(1)) }
        #expect(events.map(\.run) == [first.run, tried.run])
        #expect(try below.read { view throws(RenError) in try view.runNumber(id: "tried") } == nil)
    }

    @Test("A fork is made in it as below, and those that are made below later are not seen")
    func forks() throws {
        let below = MemoryJournal.make()
        var parent = HistoryBuilder("parent")
        _ = parent.create()
        let events = parent.take()
        let receipt = try below.appendAndWait(events.events, to: below.reserveRun(), after: events.after)
        let trial = try StoreJournal.over(below)
        func fork(_ id: String, in journal: StoreJournal) throws -> RunNumber {
            var fork = parent.fork(id, at: receipt.version, hash: receipt.runHash)
            let batch = fork.take()
            let run = try journal.appendAndWait(batch.events, to: journal.reserveRun(), after: batch.after).run
            // Answered when its rows are made.
            try journal.appendAndWait([], to: run, after: Batch.anyVersion)
            return run
        }
        let later = try fork("later", in: below)
        #expect(try trial.read { view throws(RenError) in try view.forks(of: receipt.run) } == [])
        let tried = try fork("tried", in: trial)
        #expect(tried == later)
        #expect(try trial.read { view throws(RenError) in try view.forks(of: receipt.run) } == [tried])
        #expect(try trial.read { view throws(RenError) in try view.run(tried)?.id } == "tried")
        #expect(try below.read { view throws(RenError) in try view.run(later)?.id } == "later")
    }
}
