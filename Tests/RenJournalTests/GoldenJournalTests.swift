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

    private static let formats = ["format-1", "format-2"]

    @Test("opens, verifies and rebuilds to the recorded hashes", arguments: formats)
    func golden(_ format: String) throws {
        let source = Self.folder.appendingPathComponent(format)
        if ProcessInfo.processInfo.environment["REN_WRITE_FIXTURES"] != nil { try Self.write(format, to: source) }
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
        let report = try Verifier(journal, scratch: MemoryStore()).run()
        #expect(report.findings == [])
        #expect(report.deletedPayloads > 0)
        let isFirst = format == "format-1"
        #expect((report.prunedPayloads > 0) != isFirst && (report.prunedEvents > 0) != isFirst)
        try journal.rebuildProjections()
        #expect(try Self.facts(of: journal) == expected)
        let number = try journal.read { view throws(RenError) in try Meta.number(Meta.format, in: view.snapshot) }
        #expect(number.map { "format-\($0)" } == format, "a journal keeps its format until it needs another")
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

    private static func write(_ format: String, to folder: URL) throws {
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
            if format != "format-1" {
                try reopen(in: journal)
                try prune(in: journal)
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

    /// A run that was opened again: what was chosen runs again, one result is kept, one is given by hand.
    private static func reopen(in journal: StoreJournal) throws {
        var history = HistoryBuilder("reopened")
        history.create()
        history.start(.node(0))
        let kept = history.succeed(.node(0))
        history.openMap(NodeNumber(1), total: 2)
        history.start(.item(1, 0))
        let item = history.succeed(.item(1, 0))
        history.start(.item(1, 1))
        history.add(.failed(Failure("ValueError", "no")), .item(1, 1))
        history.add(.failed(Failure("TooManyFailed", "1 of 2")), .node(1))
        history.add(.runFailed(Failure("TooManyFailed", "1 of 2")))
        var reopening = Reopening()
        reopening.again = [NodeNumber(1)]
        reopening.affected = [NodeNumber(0)]
        reopening.reason = "the shop is back"
        history.add(.runReopened(reopening), by: "cli")
        history.add(.kept(), .node(0), cause: kept)
        history.openMap(NodeNumber(1), total: 2)
        history.add(.kept(), .item(1, 0), cause: item)
        history.add(.overridden(reason: "by hand"), .item(1, 1), by: "cli", payload: Array("7".utf8))
        history.add(.overridden(reason: nil), .node(1), by: "cli", payload: Array("[1,7]".utf8))
        history.add(.runSucceeded, payload: Array("8".utf8))
        try journal.appendAndWait(history.take().events, to: journal.reserveRun(), after: .none)
    }

    /// The oldest run that has ended loses its history, the next its payloads.
    private static func prune(in journal: StoreJournal) throws {
        let ended = try journal.read { view throws(RenError) in
            try view.runs(limit: 1_000) { $0.ended != nil && $0.id != "reopened" }.reversed()
        }
        for (step, row) in zip([Pruning.Step.histories, .payloads], ended) {
            let run = Pruning.Run(id: row.id, first: row.first, last: row.last, events: Int(row.version.rawValue))
            let pruning = Pruning(step: step, runs: [run], rule: "older_than 30d")
            try journal.prune(pruning, at: Timestamp(nanoseconds: 1_780_000_000_000_000_000), by: "cli")
        }
    }
}
