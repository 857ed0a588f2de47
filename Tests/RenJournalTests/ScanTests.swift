import Foundation
import LMDB
import RenCore
import RenTestKit
import Testing

@testable import RenJournal

@Suite("Scans and statistics")
struct ScanTests {
    private func filled(_ batches: Int = 400) throws -> OpenedMemory {
        let memory = try OpenedMemory()
        var history = RandomHistory(seed: 12)
        for _ in 0..<batches {
            let batch = history.next { memory.journal.reserveRun() }
            try memory.journal.appendAndWait(batch.events, to: batch.run, after: batch.after)
        }
        return memory
    }

    private func all(_ scan: JournalScan) throws -> [JournalEntry] {
        var scan = scan
        var entries: [JournalEntry] = []
        while let page = try scan.next() {
            #expect(page.count <= 1_000)
            entries += page
        }
        return entries
    }

    private func sequences(_ scan: JournalScan) throws -> [UInt64] {
        try all(scan).map { $0.sequence?.rawValue ?? 0 }
    }

    @Test("Every event comes once, in either direction, of all or of one run, from a place on")
    func everyEvent() throws {
        let journal = try filled().journal
        let head = try journal.read { view throws(RenError) in try view.head().sequence.rawValue }
        #expect(head > 1_000, "several pages")
        #expect(try sequences(JournalScan(journal)) == Array(1...head))
        #expect(try sequences(JournalScan(journal, .init(), .newestFirst)) == Array((1...head).reversed()))
        #expect(try sequences(JournalScan(journal, from: head - 2)) == [head - 2, head - 1, head])
        #expect(try sequences(JournalScan(journal, from: head + 1)) == [])
        for row in try journal.read({ view throws(RenError) in try view.runs(limit: 9) }) {
            let own = try journal.read { view throws(RenError) in
                try view.page(of: row.number, after: .none, limit: .max).map(\.sequence.rawValue)
            }
            #expect(try sequences(JournalScan(journal, of: row.number)) == own)
            #expect(try sequences(JournalScan(journal, of: row.number, .init(), .newestFirst)) == own.reversed())
            #expect(try sequences(JournalScan(journal, of: row.number, from: 3)) == Array(own.dropFirst(2)))
        }
        #expect(try sequences(JournalScan(MemoryJournal.make())) == [])
    }

    @Test("Types and times choose what a look at each event would choose")
    func filter() throws {
        let journal = try filled().journal
        let events = try journal.read { view throws(RenError) in
            try view.records(from: JournalSequence(1), limit: .max)
        }
        let times = events.map(\.event.time).sorted()
        let (from, until) = (times[times.count / 4], times[times.count / 2])
        let types: Set<EventType> = [.itemFailed, .nodeSucceeded, .runCreated]
        let wanted = events.filter { types.contains($0.type) && $0.event.time >= from && $0.event.time < until }
        #expect(!wanted.isEmpty && wanted.count < events.count)
        let filter = JournalScan.Filter(types: types, from: from, until: until)
        #expect(try sequences(JournalScan(journal, filter)) == wanted.map(\.sequence.rawValue))
    }

    @Test("A damaged event is named, whatever the filter, and the others follow")
    func damage() throws {
        let memory = try filled(100)
        let row = try Tables([.events], of: memory.journal).rows[20]
        var bytes = row.value
        bytes[bytes.count / 2] ^= 1
        try memory.put(bytes, for: row.key, in: .events)
        let entries = try all(JournalScan(memory.journal))
        let damaged = entries.compactMap { if case .damaged(let event) = $0 { event.sequence?.rawValue } else { nil } }
        #expect(damaged == [21])
        let head = try memory.journal.read { view throws(RenError) in try view.head().sequence.rawValue }
        #expect(entries.count == Int(head))
        #expect(try sequences(JournalScan(memory.journal, .init(types: []), .newestFirst)) == [21])
        let statistics = try JournalStatistics(of: memory.journal)
        #expect(statistics.damaged == [JournalSequence(21)] && statistics.total.events == entries.count)
    }

    @Test("Statistics add up to the rows that are stored")
    func statistics() throws {
        let memory = try filled()
        let rows = try Tables([.events, .payloads], of: memory.journal).rows
        let statistics = try JournalStatistics(of: memory.journal)
        #expect(statistics.total.bytes == rows.reduce(0) { $0 + $1.value.count })
        #expect(statistics.total.events == rows.count { $0.table == .events })
        func sum(_ amounts: some Collection<JournalStatistics.Amount>) -> [Int] {
            [amounts.reduce(0) { $0 + $1.events }, amounts.reduce(0) { $0 + $1.bytes }]
        }
        let total = sum([statistics.total])
        #expect(sum(statistics.types.values) == total)
        #expect(sum(statistics.runs.values) == total)
        #expect(sum(statistics.days.values) == total)
        let ofNodes = try memory.journal.read { view throws(RenError) in
            try view.records(from: JournalSequence(1), limit: .max).count { $0.event.subject.node != nil }
        }
        #expect(sum(statistics.nodes.values)[0] == ofNodes && ofNodes > 0)
        #expect(statistics.days.keys.allSatisfy { $0 == 20_486 })
    }

    @Test("The room that deleted rows leave is counted as free, and an open read as a reader")
    func space() throws {
        let directory = try TestDirectory()
        let journal = try directory.open()
        try RunFixture.fillJournal(journal)
        journal.giveBack()
        let reader = try JournalReader(directory: directory.data.journal, lockIsFree: true)
        let space = try reader.space()
        #expect(space.fileBytes > space.freeBytes && space.freeBytes > 0)
        #expect(space.freePages * space.pageBytes == space.freeBytes)
        #expect(space.readers == [])
        try reader.read { view throws(RenError) in
            let during = try reader.space()
            #expect(during.readers.map(\.process) == [getpid()])
            #expect(during.readers.map(\.commitsBehind) == [0])
        }
    }
}
