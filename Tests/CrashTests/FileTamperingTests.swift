import Foundation
import LMDB
import RenCore
import RenTestKit
import Testing

@testable import RenJournal

/// A byte of the journal's file is changed, anywhere, and `ren journal verify --projections` looks at it.
///
/// A change that it does not find lies where nothing is read from: on a free page, behind the entries of a page, in the
/// older of the two meta pages. That is proved: every row of every table is then read, and is what it was.
///
/// `REN_TAMPER=10000` tries so many bytes instead of 40.
@Suite("A file that was tampered with")
struct FileTamperingTests {
    private static let tries = ProcessInfo.processInfo.environment["REN_TAMPER"].flatMap { Int($0) } ?? 40

    private typealias Rows = [StoreTable: [[UInt8]: [UInt8]]]

    private static func options() -> JournalOptions {
        var options = JournalOptions()
        options.durability = .none
        options.ballastBytes = 0
        options.mapSizeBytes = 1 << 30
        return options
    }

    /// A journal with payloads in chunks, pruned runs and free pages.
    private static func make(_ data: DataDirectory) throws -> Rows {
        let journal = try LMDBJournal.open(directory: data.journal, options: options())
        defer { journal.giveBack() }
        var history = RandomHistory(seed: 90, items: 20)
        for _ in 0..<250 {
            let batch = history.next { journal.reserveRun() }
            try journal.appendAndWait(batch.events, to: batch.run, after: batch.after)
        }
        var rule = Retention.Rule()
        rule.keep = 1
        let now = Timestamp(nanoseconds: 1_780_000_000_000_000_000)
        for pruning in try journal.prunings(by: Retention(rule), at: now) {
            try journal.prune(pruning, at: now, by: nil)
        }
        return try rows(of: journal)
    }

    private static func rows(of journal: any JournalReading) throws(RenError) -> Rows {
        try journal.read { view throws(RenError) in
            var rows: Rows = [:]
            for table in StoreTable.allCases {
                try view.snapshot.walk(table, from: nil, .ascending) { key, value throws(RenError) in
                    rows[table, default: [:]][Array(key)] = Array(value)
                    return .continue
                }
            }
            return rows
        }
    }

    @Test("A changed byte is found, or is where nothing is read from")
    func bytes() throws {
        let folder =
            FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
            + "/ren-tampering-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }  // what is left harms no other test
        let data = DataDirectory(folder + "/data")
        try data.prepare()
        let wanted = try Self.make(data)
        // The tests do not name LMDB's files.
        let files = try FileManager.default.contentsOfDirectory(atPath: data.journal)
        let file = try #require(files.first { !$0.hasPrefix("lock") })
        let path = data.journal + "/" + file
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(try RenProcess.run(["journal", "verify", "--projections"], in: folder).code == 0)

        var random = SeededRandom(seed: 91)
        var counts: [String: Int] = [:]
        for _ in 0..<Self.tries {
            let place = random.below(whole.count)
            let bit = UInt8(1) << UInt8(random.below(8))
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try handle.write(contentsOf: whole)
            try handle.seek(toOffset: UInt64(place))
            try handle.write(contentsOf: Data([whole[place] ^ bit]))
            try handle.close()
            let child = try RenProcess(["journal", "verify-in-child", "--projections"], in: folder)
            child.process.waitUntilExit()
            let status = child.process.terminationStatus
            let wasKilled = child.process.terminationReason == .uncaughtSignal
            switch (wasKilled, status) {
            case (true, _): counts["ended by a signal, which verify reports with 20", default: 0] += 1
            case (_, 20): counts["found, 20", default: 0] += 1
            case (_, 65): counts["not opened, 65", default: 0] += 1
            case (_, 74): counts["a page could not be read, 74, which verify reports with 20", default: 0] += 1
            case (_, 0):
                counts["nothing is read from there", default: 0] += 1
                let reader = try JournalReader(directory: data.journal, lockIsFree: true)
                #expect(try Self.rows(of: reader) == wanted, "byte \(place), bit \(bit) was not found")
            default: Issue.record("byte \(place), bit \(bit): status \(status), \(child.text)")
            }
        }
        let table = counts.sorted { $0.value > $1.value }.map { "\($0.value) × \($0.key)" }.joined(separator: "; ")
        print("\(Self.tries) bytes of \(whole.count): \(table)")
        #expect(counts["found, 20", default: 0] > Self.tries / 10)
    }
}
