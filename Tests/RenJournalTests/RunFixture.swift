import Foundation
import RenCore
import RenJSON
import RenTestKit

@testable import RenJournal

/// Runs with all that a bundle carries: a flow, functions, payloads of all sizes, a map with keys, artifacts, logs.
struct RunFixture {
    static let nodes = 4
    static let flow = Array(
        (#"{"flow":"products","nodes":{"#
            + (0..<nodes).map { "\"n\($0)\":{\"function\":\"shop.step\"}" }.joined(separator: ",") + "}}").utf8)
    static let flowHash = Digest(hashing: flow)
    static let set = Digest(hashing: [7])
    static let code = [UInt8](repeating: UInt8(ascii: "#"), count: 3_000)
    static let artifact = Array("an artifact".utf8)
    static let artifactHash = Digest(hashing: artifact)
    static let log = Array("{\"text\":\"hello\"}\n".utf8)

    /// The run `journal` of a data directory in which someone worked.
    static func fillJournal(_ journal: some Journal, at time: Timestamp = Timestamp(nanoseconds: 1_000)) throws {
        var history = HistoryBuilder("journal", at: time)
        history.add(.journalOpened(JournalOpening(carries: .own, ren: "0.1.0")))
        history.add(.flowRegistered(name: "products"), by: "cli", payload: flow)
        let file = FunctionFile(
            set: set, index: 0, count: 1, path: "/home/me/shop.py", signatures: [["name": "shop.step"]])
        history.add(.functionsRecorded(file), payload: code)
        history.add(.workerStarted(WorkerNote(set: set, process: 4_711)))
        try journal.appendAndWait(history.take().events, to: .journal, after: Batch.anyVersion)
    }

    /// The events of one run.
    ///
    /// - Parameter seed: gives results of their own.
    static func history(_ id: String, seed: UInt64 = 1, isEnded: Bool = true) throws -> HistoryBuilder {
        var random = SeededRandom(seed: seed)
        var history = HistoryBuilder(id)
        let creation = RunCreation(id: id, flow: flowHash, flowName: "products", functions: set)
        history.add(.runCreated(creation), by: "cli", payload: Array(#"{"seed":\#(seed)}"#.utf8))
        history.start(.node(0))
        history.add(.checkpointed, .node(0), payload: [UInt8](repeating: 49, count: 2_500))
        history.succeed(.node(0), text(RecordCodec.chunkBytes + random.below(9_000)))
        history.start(.node(1))
        history.succeed(.node(1), Array(#"{"artifact":"sha256:\#(artifactHash)","bytes":11}"#.utf8))
        let keys = (0..<20).map { "\"k-\(id)-\($0)\"" }.joined(separator: ",")
        history.add(
            .mapOpened(MapOpening(total: 20, source: Digest(hashing: [3]), concurrency: nil)), .node(2),
            payload: Array("{\"keys\":[\(keys)],\"values\":[\((0..<20).map(String.init).joined(separator: ","))]}".utf8)
        )
        for item in 0..<20 {
            history.start(.item(2, item))
            history.succeed(.item(2, item), text(random.below(400) + 2))
        }
        history.add(.mapClosed(MapCounts()), .node(2))
        history.succeed(.node(2))
        history.start(.node(3))
        guard isEnded else { return history }
        history.succeed(.node(3))
        history.add(.runSucceeded, payload: Array("{}".utf8))
        return history
    }

    static func append(_ history: HistoryBuilder, to journal: some Journal) throws {
        var history = history
        try journal.appendAndWait(history.take().events, to: journal.reserveRun(), after: .none)
    }

    /// A data directory with these runs, closed.
    static func directory(runs: [String] = ["one", "two"], open: [String] = []) throws -> TestDirectory {
        let directory = try TestDirectory()
        let journal = try directory.open()
        try fillJournal(journal)
        for (seed, id) in (runs + open).enumerated() {
            try append(try history(id, seed: UInt64(seed) + 1, isEnded: !open.contains(id)), to: journal)
            try directory.data.make(directory.data.run(id))
            try Data(log).write(to: URL(fileURLWithPath: directory.data.logs(ofRun: id)))
        }
        // An engine writes the rows of keys before each map; here a rebuild does.
        try journal.rebuildProjections()
        journal.giveBack()
        try Data(artifact).write(to: URL(fileURLWithPath: "\(directory.data.artifacts)/\(artifactHash)"))
        return directory
    }

    private static func text(_ count: Int) -> [UInt8] {
        [UInt8(ascii: "\"")] + [UInt8](repeating: UInt8(ascii: "x"), count: count - 2) + [UInt8(ascii: "\"")]
    }
}

/// The bytes of a bundle, and ways to spoil them.
struct BundleBytes {
    var lines: [String]
    var isGzip = false

    var bytes: [UInt8] { (isGzip ? [0x1F, 0x8B, 0x08] : []) + Array((lines.joined(separator: "\n") + "\n").utf8) }

    /// - Parameter run: nil: all.
    init(of directory: TestDirectory, run id: String? = nil, logs: Bool = true) throws {
        let reader = try JournalReader(directory: directory.data.journal, lockIsFree: true)
        let number = try id.map { id in try reader.read { view throws(RenError) in try view.findRun(id).number } }
        var bytes: [UInt8] = []
        let export = try BundleExport(reader, of: directory.data, logs: logs) { bytes += $0 }
        let report = try export.run(number.map(BundleExport.Scope.run) ?? .all, at: Timestamp(nanoseconds: 5))
        precondition(report.bytes == bytes.count)
        lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// The line that holds `text`, from 0.
    func index(of text: String) -> Int { lines.firstIndex { $0.contains(text) }! }

    mutating func replace(_ text: String, by other: String, in line: Int) {
        precondition(lines[line].contains(text), "line \(line) lacks \(text)")
        lines[line] = lines[line].replacingOccurrences(of: text, with: other)
    }

    /// Makes all checksums right again: what is wrong must be seen without them.
    mutating func sum() {
        var hash = BundleSum()
        for (index, line) in lines.enumerated() {
            guard let range = line.range(of: ",\"sum\":\"", options: .backwards) else { continue }
            let sum = hash.next(String(line[..<range.lowerBound]), isLast: index == lines.count - 1)
            lines[index] = line[..<range.upperBound] + sum + "\"}"
        }
    }
}
