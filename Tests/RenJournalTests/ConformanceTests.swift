import RenJournal
import RenTestKit
import Testing

@Suite("Every journal")
struct ConformanceTests {
    @Test("in memory", arguments: JournalConformance.all)
    func memory(_ check: JournalConformance) async throws {
        #expect(try await check.run(MemoryJournal.make()) == [])
    }

    @Test("in LMDB", arguments: JournalConformance.all)
    func lmdb(_ check: JournalConformance) async throws {
        let directory = try TestDirectory()
        #expect(try await check.run(directory.open()) == [])
    }

    @Test("that could fail and does not", arguments: JournalConformance.all)
    func faulty(_ check: JournalConformance) async throws {
        #expect(try await check.run(FaultyJournal(MemoryJournal.make())) == [])
    }
}
