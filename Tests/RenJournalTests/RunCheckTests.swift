import LMDB
import RenCore
import RenTestKit
import Testing

@testable import RenJournal

@Suite("The check of one run")
struct RunCheckTests {
    private static let big = Array(("\"" + String(repeating: "x", count: 5_000) + "\"").utf8)

    private struct Place {
        let store = MemoryStore()
        let journal: StoreJournal
        var row: RunRow

        init(_ change: (inout HistoryBuilder) -> Void = { _ in }) throws {
            try Rebuild.writeFormat(in: store)
            journal = try StoreJournal(store)
            var history = HistoryBuilder("r")
            history.create()
            history.start(.node(0))
            history.add(.checkpointed, .node(0), payload: RunCheckTests.big)
            change(&history)
            history.succeed(.node(0), RunCheckTests.big)
            history.add(.runSucceeded, payload: Array("1".utf8))
            let run = journal.reserveRun()
            let batch = history.take()
            try journal.appendAndWait(batch.events, to: run, after: batch.after)
            row = try #require(try journal.read { view throws(RenError) in try view.run(run) })
        }

        func check(isPruned: Bool = false) throws -> RunProof {
            try RunCheck.check(row, in: journal, isPruned: isPruned, artifacts: nil)
        }

        func change(_ table: StoreTable, _ key: Key, _ body: (inout [UInt8]) -> Void) throws {
            let transaction = try store.beginWrite()
            var bytes = try #require(
                try store.read { snapshot throws(RenError) in try snapshot.value(of: key, in: table) { Array($0) } })
            body(&bytes)
            try transaction.put(bytes, for: key, in: table)
            try transaction.commit()
        }
    }

    @Test("A run that is whole: its chain, its payloads, and a checkpoint that was replaced")
    func whole() throws {
        let place = try Place()
        let proof = try place.check()
        #expect(proof.isClean, "\(proof.findings)")
        #expect(proof.events == 5 && proof.payloads == 3 && proof.deletedPayloads == 1)
        #expect(proof.hash == place.row.hash && proof.version == RunVersion(5))
    }

    @Test("A record that is damaged, and those behind it are checked all the same")
    func damaged() throws {
        let place = try Place()
        try place.change(.events, Key(JournalSequence(2))) { $0[12] ^= 1 }
        let proof = try place.check()
        #expect(proof.findings.map(\.version) == [RunVersion(2)] && proof.events == 5)
    }

    @Test("A record exchanged for another one that is whole in itself")
    func exchanged() throws {
        let place = try Place { $0.add(.resultRejected(.stale), .node(0)) }
        let other = try Place { $0.add(.resultRejected(.finished), .node(0)) }
        let bytes = try #require(
            try other.store.read { snapshot throws(RenError) in
                try snapshot.value(of: Key(JournalSequence(4)), in: .events) { Array($0) }
            })
        try place.change(.events, Key(JournalSequence(4))) { $0 = bytes }
        #expect(try place.check().findings.map(\.version) == [RunVersion(5)])
    }

    @Test("A payload that was changed, or is missing; what was pruned is missing by right")
    func payloads() throws {
        let place = try Place()
        try place.change(.payloads, .chunk(JournalSequence(4), 0)) { $0[7] = UInt8(ascii: "y") }
        #expect(try place.check().findings.map(\.version) == [RunVersion(4)])
        let transaction = try place.store.beginWrite()
        try transaction.removeAll(in: .payloads)
        try transaction.commit()
        let missing = try place.check()
        #expect(missing.findings.map(\.what) == ["its payload is missing"])
        let pruned = try place.check(isPruned: true)
        #expect(pruned.isClean && pruned.prunedPayloads == 2)
    }

    @Test("A history cut behind an event does not end as its row says")
    func cut() throws {
        var place = try Place()
        place.row.version = RunVersion(4)
        #expect(try place.check().findings.map(\.what) == ["the run's row has another hash than its last event"])
    }
}
