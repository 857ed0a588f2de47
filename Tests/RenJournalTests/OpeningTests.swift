import Foundation
import LMDB
import RenCore
import RenTestKit
import Testing

@testable import RenJournal

@Suite("Opening")
struct OpeningTests {
    /// A journal with some events, closed again.
    private func filled(_ directory: TestDirectory, seed: UInt64 = 7, batches: Int = 80) throws -> JournalHead {
        let journal = try directory.open()
        var history = RandomHistory(seed: seed)
        for _ in 0..<batches {
            let batch = history.next { journal.reserveRun() }
            try journal.appendAndWait(batch.events, to: batch.run, after: batch.after)
        }
        journal.close()
        return try journal.read { view throws(RenError) in try view.head() }
    }

    /// Changes rows without the journal's knowledge.
    private func change(
        _ directory: TestDirectory, _ body: (any StoreTransaction) throws(RenError) -> Void
    ) throws {
        let environment = try Environment(
            at: directory.data.journal,
            options: LMDBJournal.environmentOptions(TestDirectory.options, .readWrite, tables: StoreTable.allCases))
        let transaction = try LMDBStore(environment, ballast: nil).beginWrite()
        try body(transaction)
        try transaction.commit()
    }

    private func code(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "ok"
        } catch { return (error as? RenError)?.code.rawValue ?? "\(error)" }
    }

    @Test("What was written is there after reopening, and goes on with the next numbers")
    func reopening() throws {
        let directory = try TestDirectory()
        let head = try filled(directory)
        let journal = try directory.open()
        #expect(try journal.read { view throws(RenError) in try view.head() } == head)
        let known = try journal.read { view throws(RenError) in try view.runs(limit: 100).map(\.number) }
        let run = journal.reserveRun()
        #expect(known.allSatisfy { $0 < run })
        var history = HistoryBuilder("later")
        history.create()
        let receipt = try journal.appendAndWait(history.take().events, to: run, after: .none)
        #expect(receipt.first == head.sequence.next)
        #expect(try Verifier(journal).run().findings == [])
    }

    @Test("A second opening in the process is refused, and possible after the first is gone")
    func secondOpening() throws {
        let directory = try TestDirectory()
        var first: StoreJournal? = try directory.open()
        #expect(code { _ = try directory.open() } == "storage.locked")
        #expect(
            code { _ = try JournalReader(directory: directory.data.journal, lockIsFree: true) } == "storage.locked")
        first?.close()
        first = nil
        #expect(code { _ = try directory.open() } == "ok")
    }

    @Test("A journal of a newer format is refused and stays as it is")
    func newerFormat() throws {
        let directory = try TestDirectory()
        _ = try filled(directory)
        try change(directory) { transaction throws(RenError) in
            try transaction.put(Meta.bytes(Meta.currentFormat + 1), for: Meta.format, in: .meta)
        }
        let path = URL(fileURLWithPath: directory.data.journal + "/data.mdb")
        let before = try Data(contentsOf: path)
        #expect(code { _ = try directory.open() } == "journal.newer")
        #expect(code { _ = try JournalReader(directory: directory.data.journal, lockIsFree: true) } == "journal.newer")
        #expect(try Data(contentsOf: path) == before)
    }

    /// Flips a bit of the record at `sequence`, or turns it back.
    private func damage(_ directory: TestDirectory, _ sequence: JournalSequence) throws {
        try change(directory) { transaction throws(RenError) in
            var record: [UInt8] = []
            _ = try transaction.withValue(of: Key(sequence), in: .events) { record = Array($0) }
            record[record.count / 2] ^= 4
            try transaction.put(record, for: Key(sequence), in: .events)
        }
    }

    @Test("Damage in the last records of the run `journal` is found at start and named")
    func damagedTail() throws {
        let directory = try TestDirectory()
        let head = try filled(directory)
        let own = try directory.open().read { view throws(RenError) in
            try view.page(of: .journal, after: .none).suffix(3).map(\.sequence)
        }
        #expect(own.count == 3)
        for sequence in own {
            try damage(directory, sequence)
            do {
                _ = try directory.open()
                Issue.record("a damaged journal was opened")
            } catch let error as RenError {
                #expect(error.code == .journalDamaged)
                #expect(error.message.contains("event \(sequence) "))
                #expect(error.hint?.contains("ren journal verify") == true)
            }
            try damage(directory, sequence)
        }
        // A cut tail: the state says more.
        var last: [UInt8] = []
        try change(directory) { transaction throws(RenError) in
            _ = try transaction.withValue(of: Key(head.sequence), in: .events) { last = Array($0) }
            try transaction.delete(prefix: Key(head.sequence), in: .events)
        }
        #expect(code { _ = try directory.open() } == "journal.damaged")
        try change(directory) { transaction throws(RenError) in
            try transaction.put(last, for: Key(head.sequence), in: .events)
        }
        #expect(code { _ = try directory.open() } == "ok")
    }

    @Test("A damaged record stops its run alone, wherever it stands", arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func damagedRun(_ place: UInt64) throws {
        let directory = try TestDirectory()
        var histories = [HistoryBuilder("a"), HistoryBuilder("b")]
        let runs: [RunNumber]
        do {
            let journal = try directory.open()
            runs = histories.map { _ in journal.reserveRun() }
            for index in histories.indices { histories[index].create() }
            for step in 0..<3 {
                for (index, run) in runs.enumerated() {
                    if step > 0 { histories[index].start(.node(step)) }
                    let batch = histories[index].take()
                    try journal.appendAndWait(batch.events, to: run, after: batch.after)
                }
            }
            journal.close()
        }
        try damage(directory, JournalSequence(rawValue: place))
        let bad = Int((place - 1) % 2)
        for round in 0..<2 {
            let journal = try directory.open()
            try journal.read { view throws(RenError) in
                var read = 0
                for (index, run) in runs.enumerated() {
                    do throws(RenError) {
                        try view.history(of: run) { _, _ in
                            read += 1
                            return .continue
                        }
                    } catch {
                        #expect(index == bad && error.code == .journalDamaged)
                    }
                }
                #expect(read == 3 + Int(place - 1) / 2 + round)
            }
            let good = runs[1 - bad]
            histories[1 - bad].start(.node(9))
            let batch = histories[1 - bad].take()
            try journal.appendAndWait(batch.events, to: good, after: batch.after)
            var report = try Verifier(journal).run()
            #expect(report.findings.map(\.sequence.rawValue) == [place])
            let isOpen = try journal.read { view throws(RenError) in try view.openRuns().contains(runs[bad]) }
            #expect(isOpen == (round == 0))
            guard isOpen else { continue }
            let note = Event(.runQuarantined(at: RunVersion(1), reason: "x"), .run, at: histories[bad].time)
            try journal.appendAndWait([note], to: runs[bad], after: Batch.anyVersion)
            report = try Verifier(journal).run()
            #expect(report.findings.map(\.sequence.rawValue) == [place])
            journal.close()
        }
    }

    @Test(
        "A journal whose file is cut short, empty or gone is damaged, for all", arguments: [nil, 0, 100, 4_096, 8_192])
    func cutFile(_ byteCount: Int?) throws {
        let directory = try TestDirectory()
        _ = try filled(directory)
        let path = directory.data.journal + "/data.mdb"
        if let byteCount {
            let file = try #require(FileHandle(forUpdatingAtPath: path))
            try file.truncate(atOffset: UInt64(byteCount))
        } else {
            try FileManager.default.removeItem(atPath: path)
        }
        let attempts: [() throws -> Void] = [
            { _ = try directory.open() },
            { _ = try JournalReader(directory: directory.data.journal, lockIsFree: true) },
            { _ = try JournalReader(directory: directory.data.journal, lockIsFree: false) },
        ]
        for attempt in attempts {
            #expect(code(attempt) == "journal.damaged")
            do { try attempt() } catch let error as RenError { #expect(error.hint != nil) }
        }
        #expect(FileManager.default.fileExists(atPath: path) == (byteCount != nil), "nothing is made in its place")
    }

    @Test(
        "What LMDB says of damaged pages is damage; a wrong use is not",
        arguments: [
            (-30_796, "journal.damaged"), (-30_797, "journal.damaged"), (-30_793, "journal.damaged"),
            (-30_782, "journal.damaged"), (-30_784, "journal.damaged"), (-30_787, "journal.damaged"),
            (-30_786, "journal.damaged"), (-30_780, "journal.damaged"), (-30_799, "internal"), (-30_781, "internal"),
            (-30_790, "storage.busy"), (5, "storage.failed"),
        ] as [(Int32, String)])
    func damageCodes(_ code: Int32, _ expected: String) {
        #expect(RenError(LMDBError(returnCode: code, operation: .get)).code.rawValue == expected)
    }

    @Test("Projections that are empty, behind or old are made again", arguments: ["empty", "behind", "old"])
    func rebuildsAtStart(_ how: String) throws {
        let directory = try TestDirectory()
        _ = try filled(directory)
        let before = try Tables.derived(of: directory.open())
        try change(directory) { transaction throws(RenError) in
            var state = try JournalState.load(from: transaction)
            switch how {
            case "empty": for table in StoreTable.derived { try transaction.removeAll(in: table) }
            case "behind":
                state.applied = JournalSequence(rawValue: state.head.rawValue - 3)
                try state.store(in: transaction)
                try transaction.removeAll(in: .items)
            default:
                try transaction.put(Meta.bytes(0), for: Meta.projections, in: .meta)
                try transaction.removeAll(in: .nodes)
            }
        }
        if how == "behind" {
            let reader = try JournalReader(directory: directory.data.journal, lockIsFree: true)
            let error = #expect(throws: RenError.self) {
                try reader.read { view throws(RenError) in try view.requireProjections() }
            }
            #expect(error?.code.rawValue == "journal.rebuilding")
        }
        #expect(try Tables.derived(of: directory.open()).difference(from: before) == nil)
    }

    @Test("Projection tables that are not there at all are made again")
    func missingTables() throws {
        let directory = try TestDirectory()
        // A journal of the truth alone, as after all other tables were dropped.
        try FileManager.default.createDirectory(
            atPath: directory.data.journal, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        let other = try TestDirectory()
        _ = try filled(other)
        let expected = try Tables.derived(of: other.open())
        let truth: [StoreTable] = [.events, .payloads, .meta]
        let rows = try Tables(truth, of: other.open()).rows
        do {
            var options = Environment.Options(access: .create, tables: truth.map(\.name))
            options.mapSizeBytes = 1 << 30
            let environment = try Environment(at: directory.data.journal, options: options)
            try environment.write { transaction throws(LMDBError) in
                for row in rows {
                    try transaction.put(row.value, for: Key(bytes: row.key), in: environment.table(row.table.name))
                }
            }
        }
        #expect(try Tables.derived(of: directory.open()).difference(from: expected) == nil)
    }

    @Test("What a crash left while a journal was made is cleared away; a foreign directory is not")
    func halfMadeJournal() throws {
        let directory = try TestDirectory()
        let manager = FileManager.default
        try manager.createDirectory(atPath: directory.data.journal + ".new", withIntermediateDirectories: false)
        try Data("half".utf8).write(to: URL(fileURLWithPath: directory.data.journal + ".new/data.mdb"))
        try manager.createDirectory(atPath: directory.data.journal, withIntermediateDirectories: false)
        #expect(code { _ = try directory.open() } == "ok")
        #expect(!manager.fileExists(atPath: directory.data.journal + ".new"))
        let foreign = try TestDirectory()
        try manager.createDirectory(atPath: foreign.data.journal, withIntermediateDirectories: false)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: foreign.data.journal + "/notes"))
        #expect(code { _ = try foreign.open() } == "journal.damaged")
        #expect(manager.fileExists(atPath: foreign.data.journal + "/notes"))
    }

    @Test("A reader reads what the writer left, with the lock free and not")
    func reader() async throws {
        let directory = try TestDirectory()
        #expect(
            code { _ = try JournalReader(directory: directory.data.journal, lockIsFree: true) } == "storage.refused")
        let head = try filled(directory)
        for lockIsFree in [true, false] {
            let reader = try JournalReader(directory: directory.data.journal, lockIsFree: lockIsFree)
            #expect(try reader.read { view throws(RenError) in try view.head() } == head)
            var feed = JournalFeed(reader, after: JournalSequence(0))
            var count = 0
            while feed.last < head.sequence { count += try await feed.next().count }
            #expect(count == Int(head.sequence.rawValue))
        }
        // Another pid namespace: its readers would not be seen.
        #expect(
            code {
                _ = try JournalReader(directory: directory.data.journal, lockIsFree: false, holderNamespace: 1)
            } == (PidNamespace.current == nil ? "ok" : "storage.refused"))
    }

    @Test("A map that is full refuses, and a larger one goes on")
    func mapFull() throws {
        let directory = try TestDirectory()
        var options = TestDirectory.options
        options.mapSizeBytes = 1 << 20
        var history = HistoryBuilder("a")
        history.create()
        var appended: UInt64 = 0
        do {
            let journal = try directory.open(options)
            let run = journal.reserveRun()
            var refusal: RenError?
            while refusal == nil {
                let batch = history.take()
                do throws(RenError) {
                    try journal.appendAndWait(batch.events, to: run, after: batch.after)
                    appended += UInt64(batch.events.count)
                } catch { refusal = error }
                history.succeed(.node(0), [UInt8](repeating: 49, count: 1_500))
                guard appended < 10_000 else { break }
            }
            #expect(refusal?.code == .storageFull)
            #expect(try Verifier(journal).run().isClean)
        }
        let journal = try directory.open()
        #expect(try journal.read { view throws(RenError) in try view.head().sequence.rawValue } == appended)
        var more = HistoryBuilder("b")
        more.create()
        try journal.appendAndWait(more.take().events, to: journal.reserveRun(), after: .none)
    }

    @Test("A full disk refuses, loses nothing, and goes on when there is room", .enabled(if: Tmpfs.isPossible))
    func diskFull() throws {
        let tmpfs = try Tmpfs(bytes: 8 << 20)
        let data = DataDirectory(tmpfs.path + "/data")
        try data.prepare()
        var options = JournalOptions()
        options.ballastBytes = 1 << 20
        let journal = try LMDBJournal.open(directory: data.journal, options: options)
        #expect(FileManager.default.fileExists(atPath: data.path + "/ballast"))
        var stored = 0
        func append() -> RenError? {
            var history = HistoryBuilder("run-\(stored)")
            history.create()
            history.succeed(.node(0), [UInt8](repeating: 49, count: 200_000))
            do throws(RenError) {
                try journal.appendAndWait(history.take().events, to: journal.reserveRun(), after: .none)
                stored += 1
                return nil
            } catch { return error }
        }
        var refusal: RenError?
        while refusal == nil, stored < 100 { refusal = append() }
        #expect(refusal?.code == .storageFull)
        // The ballast was given up before anything was refused.
        #expect(!FileManager.default.fileExists(atPath: data.path + "/ballast"))
        #expect(try journal.read { view throws(RenError) in try view.runs(limit: 1_000).count } == stored)
        try tmpfs.resize(bytes: 32 << 20)
        #expect(append() == nil)
        #expect(try Verifier(journal).run().findings == [])
    }
}

/// A file system in memory of a test's own; only root may mount one.
final class Tmpfs {
    let path: String

    static let isPossible: Bool = {
        // Trying is the only sure answer: a container's root may not be allowed to.
        guard let tmpfs = try? Tmpfs(bytes: 1 << 20) else { return false }
        return FileManager.default.fileExists(atPath: tmpfs.path)
    }()

    init(bytes: Int) throws {
        path = FileManager.default.temporaryDirectory.path + "/ren-tmpfs-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try Self.run("mount", "-t", "tmpfs", "-o", "size=\(bytes),mode=700", "tmpfs", path)
    }

    func resize(bytes: Int) throws { try Self.run("mount", "-o", "remount,size=\(bytes)", path) }

    deinit {
        // Lazily: the journal that lies there may be closed a moment later.
        try? Self.run("umount", "-l", path)
        try? FileManager.default.removeItem(atPath: path)
    }

    private static func run(_ command: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.featureUnsupported) }
    }
}
