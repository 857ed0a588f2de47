import Foundation
import LMDB
import RenCore
import RenJSON
import RenTestKit
import Testing

@testable import RenJournal

/// Journals of every released format, in `fixtures/journals/<format>/`: `data.mdb` and what must come out of it.
///
/// They are never changed, but for `projections`, which follows `Meta.projectionFormat`. The journal of a new format
/// is made once with
/// `REN_WRITE_FIXTURES=1 swift test --disable-xctest --filter GoldenJournalTests`, which writes only what is missing.
@Suite("Golden journals")
struct GoldenJournalTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("fixtures/journals")

    private static let formats = ["format-1"]

    @Test("opens, verifies and rebuilds to the recorded hashes", arguments: formats)
    func golden(_ format: String) throws {
        let source = Self.folder.appendingPathComponent(format)
        if ProcessInfo.processInfo.environment["REN_WRITE_FIXTURES"] != nil { try Self.write(to: source) }
        let expected = try JSON(parsing: Array(Data(contentsOf: source.appendingPathComponent("expected.json"))))
        let directory = try TestDirectory()
        try FileManager.default.createDirectory(
            atPath: directory.data.journal, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        let copy = directory.data.journal + "/data.mdb"
        try FileManager.default.copyItem(atPath: source.appendingPathComponent("data.mdb").path, toPath: copy)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: copy)

        let journal = try directory.open()
        let facts = try Self.facts(of: journal)
        #expect(facts == expected, "\(facts.pretty)")
        let report = try Verifier(journal).run()
        #expect(report.findings == [])
        #expect(report.deletedPayloads > 0)
        try journal.rebuildProjections()
        #expect(try Self.facts(of: journal) == expected)
    }

    /// What must not change: head, chains of the runs, all rows.
    private static func facts(of journal: StoreJournal) throws -> JSON {
        let (head, runs) = try journal.read { view throws(RenError) in
            (try view.head(), try view.runs(limit: 1_000).reversed())
        }
        var facts = JSONObject()
        facts["head"] = .integer(Int64(head.sequence.rawValue))
        facts["journal"] = .string(head.hash.description)
        facts["projections"] = .string(try Tables.derived(of: journal).digest.description)
        var chains = JSONObject()
        for run in runs { chains[run.id] = .string("\(run.status.name) \(run.version) \(run.hash)") }
        facts["runs"] = .object(chains)
        return .object(facts)
    }

    private static func write(to folder: URL) throws {
        guard !FileManager.default.fileExists(atPath: folder.path) else { return }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let directory = try TestDirectory()
        let expected = folder.appendingPathComponent("expected.json")
        do {
            let journal = try directory.open()
            var history = RandomHistory(seed: 2026, items: 12)
            for _ in 0..<150 {
                let batch = history.next { journal.reserveRun() }
                try journal.appendAndWait(batch.events, to: batch.run, after: batch.after)
            }
            journal.close()
            try Data((facts(of: journal).pretty + "\n").utf8).write(to: expected)
        }
        let environment = try Environment(
            at: directory.data.journal,
            options: LMDBJournal.environmentOptions(TestDirectory.options, .readOnly, tables: StoreTable.allCases))
        let copy = folder.appendingPathComponent("data.mdb")
        try Data().write(to: copy)
        let handle = try FileHandle(forWritingTo: copy)
        try environment.copy(toDescriptor: handle.fileDescriptor, .compacting)
        try handle.close()
    }
}
