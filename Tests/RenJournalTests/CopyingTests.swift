import Foundation
import LMDB
import RenCore
import RenTestKit
import Synchronization
import Testing

@testable import RenJournal

@Suite("Compaction, exchange and backup")
struct CopyingTests {
    private func fill(_ directory: TestDirectory, seed: UInt64 = 9, batches: Int = 200) throws {
        let journal = try directory.open()
        var history = RandomHistory(seed: seed)
        for _ in 0..<batches {
            let batch = history.next { journal.reserveRun() }
            try journal.appendAndWait(batch.events, to: batch.run, after: batch.after)
        }
        journal.giveBack()
    }

    private func rows(_ directory: TestDirectory) throws -> Tables {
        let journal = try directory.open()
        defer { journal.giveBack() }
        return try Tables(StoreTable.allCases, of: journal)
    }

    private func files(_ directory: TestDirectory) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.data.path).filter { $0.hasPrefix("journal") }
    }

    // MARK: Compaction

    @Test("A compacted journal has the same rows in a smaller file, and goes on")
    func compaction() throws {
        let directory = try TestDirectory()
        try fill(directory)
        let before = try rows(directory)
        let report = try Compaction.run(directory: directory.data.journal, options: TestDirectory.options)
        #expect(report.bytesAfter < report.bytesBefore)
        #expect(report.bytesAfter == Paths.size(directory.data.journal + "/data.mdb"))
        #expect(try rows(directory).difference(from: before) == nil)
        #expect(try files(directory) == ["journal"])
        try fill(directory, seed: 10, batches: 0)
        let journal = try directory.open()
        var history = HistoryBuilder("later")
        history.create()
        try journal.appendAndWait(history.take().events, to: journal.reserveRun(), after: .none)
        #expect(try Verifier(journal).run().isClean)
        journal.giveBack()
    }

    @Test("Pages that pruning left nearly empty are full again")
    func repacking() throws {
        let directory = try TestDirectory()
        let journal = try directory.open()
        var history = HistoryBuilder("long")
        history.create()
        for item in 0..<2_000 { history.succeed(.item(0, item), [UInt8](repeating: 49, count: 500)) }
        history.add(.runSucceeded)
        let run = journal.reserveRun()
        try journal.appendAndWait(history.take().events, to: run, after: .none)
        let row = try journal.read { view throws(RenError) in try view.findRun("long") }
        let pruned = Pruning.Run(id: "long", first: row.first, last: row.last, events: Int(row.version.rawValue))
        try journal.prune(
            Pruning(step: .histories, runs: [pruned], rule: "by a test"), at: row.updated, by: "cli")
        let bytes = try journal.read { view throws(RenError) in
            var bytes = 0
            try view.snapshot.walk(.events, from: nil, .ascending) { key, value throws(RenError) in
                bytes += key.count + value.count
                return .continue
            }
            return bytes
        }
        journal.giveBack()
        let report = try Compaction.run(directory: directory.data.journal, options: TestDirectory.options)
        #expect(report.bytesAfter < bytes * 3 / 2 + 200_000, "\(bytes) bytes of records in \(report.bytesAfter)")
        #expect(report.bytesAfter < report.bytesBefore / 2)
    }

    @Test("What is damaged, newer or open is not compacted, and stays as it is")
    func refusedCompaction() throws {
        let directory = try TestDirectory()
        try fill(directory)
        func change(_ body: (any StoreTransaction) throws(RenError) -> Void) throws {
            let environment = try Environment(
                at: directory.data.journal,
                options: LMDBJournal.environmentOptions(TestDirectory.options, .readWrite, tables: StoreTable.allCases))
            let transaction = try LMDBStore(environment, ballast: nil).beginWrite()
            try body(transaction)
            try transaction.commit()
        }
        func code() -> String {
            do {
                _ = try Compaction.run(directory: directory.data.journal, options: TestDirectory.options)
                return "ok"
            } catch { return error.code.rawValue }
        }
        let journal = try directory.open()
        #expect(code() == "storage.locked")
        journal.giveBack()
        let place = JournalPlace(directory.data.journal)
        var record: [UInt8] = []
        try change { transaction throws(RenError) in
            _ = try transaction.withValue(of: Key(JournalSequence(5)), in: .events) { record = Array($0) }
            record[record.count / 2] ^= 1
            try transaction.put(record, for: Key(JournalSequence(5)), in: .events)
        }
        let file = Paths.identity(place.data)
        #expect(code() == "journal.damaged")
        try change { transaction throws(RenError) in
            try transaction.put(Meta.bytes(Meta.currentFormat + 1), for: Meta.format, in: .meta)
        }
        #expect(code() == "journal.newer")
        #expect(Paths.identity(place.data) == file)
        #expect(try files(directory) == ["journal"])
    }

    /// A second journal beside the first, as it is just before it takes its place.
    private func staged(_ directory: TestDirectory) throws -> JournalPlace {
        let place = JournalPlace(directory.data.journal)
        let staged = try StagedJournal(beside: directory.data.journal, TestDirectory.options)
        try staged.copyOld()
        let store = try staged.open()
        var history = HistoryBuilder("new")
        history.create()
        let journal = try StoreJournal(store)
        try journal.appendAndWait(history.take().events, to: journal.reserveRun(), after: .none)
        journal.giveBack()
        return place
    }

    @Test("A journal takes the place of another by either way", arguments: [true, false])
    func exchange(_ isBest: Bool) throws {
        let directory = try TestDirectory()
        try fill(directory)
        let before = try rows(directory)
        let place = try staged(directory)
        try place.takePlace(isBest ? .best : .twoRenames)
        #expect(try files(directory) == ["journal"])
        let journal = try directory.open()
        #expect(try journal.read { view throws(RenError) in try view.findRun("new").version } == RunVersion(1))
        #expect(try Tables([.events], of: journal).rows.count > before.rows.filter { $0.table == .events }.count)
        #expect(try Verifier(journal).run().isClean)
        journal.giveBack()
    }

    @Test("A crash between two renames leaves the old journal, one behind them the new one; the rest goes")
    func crashBetween() throws {
        let directory = try TestDirectory()
        try fill(directory)
        let before = try rows(directory)
        let place = try staged(directory)
        #expect(rename(place.directory, place.replaced) == 0)
        #expect(try rows(directory) == before)
        #expect(try files(directory) == ["journal"])
        let again = try staged(directory)
        #expect(rename(again.directory, again.replaced) == 0)
        #expect(rename(again.temporary, again.directory) == 0)
        let journal = try directory.open()
        #expect(try journal.read { view throws(RenError) in try view.runNumber(id: "new") } != nil)
        journal.giveBack()
        #expect(try files(directory) == ["journal"])
    }

    @Test("A reader finds the new files before its next page, waiting or not")
    func readerReopens() async throws {
        let directory = try TestDirectory()
        try fill(directory)
        let place = try staged(directory)
        let reader = try JournalReader(directory: directory.data.journal, lockIsFree: true)
        let head = try reader.read { view throws(RenError) in try view.head().sequence }
        async let isWoken = reader.waitForEvents(after: head)
        try place.takePlace()
        #expect(try await isWoken)
        let later = try reader.read { view throws(RenError) in try view.head().sequence }
        #expect(later == head.next)
        #expect(try reader.read { view throws(RenError) in try view.runNumber(id: "new") } != nil)
    }

    // MARK: Backup

    @Test("A backup made while someone writes is a beginning of the journal, whole in itself")
    func backup() throws {
        let directory = try RunFixture.directory()
        try FileManager.default.removeItem(atPath: directory.data.run("two"))
        let journal = try directory.open()
        let isDone = Mutex(false)
        let writer = Foundation.Thread {
            var random = RandomHistory(seed: 77)
            while !isDone.withLock({ $0 }) {
                let batch = random.next { journal.reserveRun() }
                // What the disk refuses shows in the comparison below.
                _ = try? journal.appendAndWait(
                    batch.events, to: batch.run, after: batch.run == .journal ? Batch.anyVersion : batch.after)
            }
        }
        writer.start()
        let target = directory.data.path + "-backup"
        defer { Paths.removeTree(target) }
        var total = 0
        let report = try JournalBackup(journal, of: directory.data, options: TestDirectory.options)
            .run(to: target, logs: true) { done, all in
                #expect(done <= all)
                total = all
            }
        isDone.withLock { $0 = true }
        #expect(UInt64(total) == report.head.sequence.rawValue && total > 100)
        #expect(report.artifacts == 1 && report.logs == 1)
        let copy = DataDirectory(target)
        try copy.check()
        let copied = try LMDBJournal.open(directory: copy.journal, options: TestDirectory.options)
        #expect(try Verifier(copied, artifacts: copy.artifacts).run().findings == [])
        let (mine, theirs) = (try Tables([.events], of: journal), try Tables([.events], of: copied))
        #expect(theirs.rows.count == total && Array(mine.rows.prefix(total)) == theirs.rows)
        let before = try Tables.derived(of: copied)
        try copied.rebuildProjections()
        #expect(try Tables.derived(of: copied).difference(from: before) == nil)
        #expect(FileManager.default.contents(atPath: copy.logs(ofRun: "one")).map(Array.init) == RunFixture.log)
        copied.giveBack()
        journal.giveBack()
    }

    @Test("A checkpoint that is deleted meanwhile takes the backup on to the event that says so")
    func backupOfCheckpoints() throws {
        let memory = try OpenedMemory()
        let directory = try TestDirectory()
        var history = HistoryBuilder("a")
        history.create()
        history.start(.node(0))
        history.add(.checkpointed, .node(0), payload: [UInt8](repeating: 49, count: 2_500))
        let run = memory.journal.reserveRun()
        let first = history.take()
        try memory.journal.appendAndWait(first.events, to: run, after: first.after)
        // The head is read first; what comes before the first page is what an engine writes meanwhile.
        let source = Interrupted(memory.journal) {
            history.succeed(.node(0))
            let last = history.take()
            do { try memory.journal.appendAndWait(last.events, to: run, after: last.after) } catch {
                Issue.record("\(error)")
            }
        }
        let target = directory.data.path + "/backup"
        let report = try JournalBackup(source, of: directory.data, options: TestDirectory.options)
            .run(to: target, logs: false)
        #expect(report.head.sequence == JournalSequence(4))
    }

    /// Does something after the first read.
    private final class Interrupted: JournalReading {
        private let journal: StoreJournal
        private let body: Mutex<(() -> Void)?>

        init(_ journal: StoreJournal, _ body: sending @escaping () -> Void) {
            self.journal = journal
            self.body = Mutex(body)
        }

        func read<R>(_ body: (borrowing JournalView) throws(RenError) -> R) throws(RenError) -> R {
            defer { self.body.withLock { $0.take() }?() }
            return try journal.read(body)
        }

        func waitForEvents(after sequence: JournalSequence) async -> Bool { false }
    }

    @Test("A backup never goes into what is there, and a broken one leaves nothing")
    func refusedBackup() throws {
        let directory = try RunFixture.directory()
        let reader = try JournalReader(directory: directory.data.journal, lockIsFree: true)
        func code(_ target: String) -> String {
            do {
                let backup = JournalBackup(reader, of: directory.data, options: TestDirectory.options)
                _ = try backup.run(to: target, logs: false)
                return "ok"
            } catch { return error.code.rawValue }
        }
        #expect(code(directory.data.artifacts) == "file.exists")
        #expect(code(directory.data.path + "/no/such/folder") == "directory.missing_parent")
        try FileManager.default.removeItem(atPath: "\(directory.data.artifacts)/\(RunFixture.artifactHash)")
        #expect(code(directory.data.path + "/backup") == "journal.damaged")
        #expect(!Paths.exists(directory.data.path + "/backup") && !Paths.exists(directory.data.path + "/backup.part"))
    }

    // MARK: Files that people name

    @Test("A file appears whole or not at all, and never in the place of something else unasked")
    func outputFile() throws {
        let directory = try TestDirectory()
        let folder = directory.data.path
        func code(_ name: String, mayReplace: Bool = false) -> String {
            do {
                let file = try OutputFile("\(folder)/\(name)", mayReplace: mayReplace)
                try file.write(Array("new".utf8))
                try file.publish()
                return "ok"
            } catch { return error.code.rawValue }
        }
        func text(_ name: String) -> String? {
            FileManager.default.contents(atPath: "\(folder)/\(name)").map { String(decoding: $0, as: UTF8.self) }
        }
        try Data("old".utf8).write(to: URL(fileURLWithPath: folder + "/old"))
        symlink("old", folder + "/link")
        #expect(code("fresh") == "ok" && text("fresh") == "new")
        #expect(code("old") == "file.exists" && text("old") == "old")
        #expect(code("link") == "file.exists" && code("runs") == "file.unwritable")
        #expect(code("runs", mayReplace: true) == "file.unwritable")
        #expect(code("none/file") == "file.unwritable")
        #expect(code("link", mayReplace: true) == "ok" && text("link") == "new" && text("old") == "old")
        #expect(code("old", mayReplace: true) == "ok" && text("old") == "new")
        do {
            let file = try OutputFile(folder + "/broken", mayReplace: false)
            try file.write([1])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).contains { $0.hasSuffix(".part") })
        }
        #expect(try !FileManager.default.contentsOfDirectory(atPath: folder).contains { $0.contains("broken") })
    }
}
