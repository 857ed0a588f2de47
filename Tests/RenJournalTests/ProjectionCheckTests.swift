import RenCore
import RenTestKit
import Testing

@testable import RenJournal

@Suite("Projections against the events")
struct ProjectionCheckTests {
    private static func filled(_ seed: UInt64, batches: Int = 200) throws -> OpenedMemory {
        let memory = try OpenedMemory()
        try fill(memory.journal, seed, batches)
        return memory
    }

    private static func fill(_ journal: StoreJournal, _ seed: UInt64, _ batches: Int) throws {
        var history = RandomHistory(seed: seed)
        for _ in 0..<batches {
            let batch = history.next { journal.reserveRun() }
            try journal.appendAndWait(batch.events, to: batch.run, after: batch.after)
        }
    }

    private static func differences(_ memory: OpenedMemory) throws -> [VerifyReport.Finding] {
        try Verifier(memory.journal, scratch: MemoryStore()).run().findings
    }

    @Test("They are those that the events give", arguments: 81...84 as ClosedRange<UInt64>)
    func equal(_ seed: UInt64) throws {
        let memory = try Self.filled(seed)
        let report = try Verifier(memory.journal, scratch: MemoryStore()).run()
        #expect(report.findings == [])
        #expect(try report.projectionRows == Tables.derived(of: memory.journal).rows.count)
        #expect(try Verifier(memory.journal).run().projectionRows == nil)
    }

    @Test("A row that is changed, gone or one too many is named, in every table")
    func changed() throws {
        let memory = try Self.filled(85)
        // Random histories without hashes make neither keys nor forks: other tests compare those.
        let tables = StoreTable.derived.filter { $0 != .keys && $0 != .forks }
        for table in tables {
            let rows = try Tables([table], of: memory.journal).rows
            let row = try #require(rows.randomElement(), "\(table) is empty")
            if !row.value.isEmpty {
                var value = row.value
                value[value.count / 2] ^= 1
                try memory.put(value, for: row.key, in: table)
                #expect(try Self.differences(memory).contains { $0.what.contains("projection \(table)") })
            }
            try memory.delete(row.key, in: table)
            let gone = try Self.differences(memory).map(\.what)
            #expect(gone.contains { $0.contains("\(table) is missing") }, "\(gone)")
            try memory.put(row.value, for: row.key, in: table)
            var key = row.key
            key[key.count - 1] &+= 1
            guard !rows.contains(where: { $0.key == key }) else { continue }
            try memory.put(row.value, for: key, in: table)
            #expect(try !Self.differences(memory).isEmpty, "\(table)")
            try memory.delete(key, in: table)
        }
        #expect(try Self.differences(memory) == [])
    }

    @Test("Keys of a map that has not opened yet are no difference; those of one that has are")
    func keysAhead() throws {
        let memory = try Self.filled(86, batches: 60)
        let keys = try #require(SortedKeys(payload: Array(#"{"keys":["a","b","c"]}"#.utf8)))
        try memory.journal.changeAndWait(keys.rows(of: RunNumber(1), NodeNumber(500), from: 0))
        #expect(try Tables([.keys], of: memory.journal).rows.count == 3)
        #expect(try Self.differences(memory) == [])
    }

    @Test("While the journal goes on, both are compared as of the same event")
    func live() async throws {
        let directory = try TestDirectory()
        let journal = try directory.open()
        try Self.fill(journal, 87, 400)
        let writing = Task.detached {
            var history = HistoryBuilder("busy")
            let run = journal.reserveRun()
            history.create()
            for node in 0..<3_000 where !Task.isCancelled {
                history.start(.node(node % 900))
                history.succeed(.node(node % 900))
                let batch = history.take()
                try journal.appendAndWait(batch.events, to: run, after: batch.after)
            }
        }
        for _ in 0..<3 {
            let report = try Verifier(journal, scratch: LMDBStore.scratch(in: directory.data.path)).run()
            #expect(report.findings == [])
        }
        writing.cancel()
        try await writing.value
        #expect(try directory.leftovers() == [])
    }
}

extension TestDirectory {
    /// Scratch folders that are still there.
    fileprivate func leftovers() throws -> [String] {
        Paths.entries(of: data.path).filter { $0.hasPrefix("scratch") }
    }
}
