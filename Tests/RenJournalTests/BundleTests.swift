import struct Crypto.SHA256
import Foundation
import RenCore
import RenTestKit
import Testing

@testable import RenJournal

/// The running checksum, made as a reader elsewhere would make it.
struct BundleSum {
    private var hash = SHA256()

    mutating func next(_ content: String, isLast: Bool) -> String {
        hash.update(data: Data(content.utf8))
        let digits = hash.finalize().map { String(format: "%02x", $0) }.joined()
        return isLast ? digits : String(digits.prefix(16))
    }
}

@Suite("Bundles")
struct BundleTests {
    private static let now = Timestamp(nanoseconds: 1_780_000_000_000_000_000)

    private func take(
        _ bytes: [UInt8], into directory: TestDirectory, open: Bool = false, part: Int = 1 << 16,
        at time: Timestamp = now
    ) throws -> BundleImport.Report {
        var left = bytes[...]
        let bundle = BundleImport(into: directory.data, options: TestDirectory.options, mayBeOpen: open, at: time) {
            buffer, limit in
            let count = min(limit, part, left.count)
            buffer += left.prefix(count)
            left = left.dropFirst(count)
            return count
        }
        return try bundle.run(bundleBytes: bytes.count)
    }

    /// All that is known of a run, wherever it is.
    private struct Facts: Equatable {
        var events: [String] = []
        var hash: Digest
        var payloads: [Digest?] = []
        var nodes: Int
        var keyed: ItemIndex?
        var status: RunStatus

        init(_ id: String, in directory: TestDirectory) throws {
            let journal = try directory.open()
            defer { journal.giveBack() }
            let row = try journal.read { view throws(RenError) in try view.findRun(id) }
            (hash, status) = (row.hash, row.status)
            nodes = try journal.read { view throws(RenError) in try view.nodes(of: row.number).count }
            keyed = try journal.read { view throws(RenError) in
                try view.itemIndex(row.number, NodeNumber(2), key: "k-\(id)-7")
            }
            for event in try journal.read({ view throws(RenError) in try view.page(of: row.number, after: .none) }) {
                events.append("\(event.version) \(event.type.name) \(event.event.time) \(event.runHash)")
                // That of a checkpoint is deleted by right.
                let bytes = try? journal.read { view throws(RenError) in try view.payload(row.number, event.version) }
                payloads.append(bytes.map { Digest(hashing: $0) })
            }
        }
    }

    private func isWhole(_ directory: TestDirectory) throws {
        let journal = try directory.open()
        let report = try Verifier(journal, artifacts: directory.data.artifacts).run()
        #expect(report.findings == [])
        let before = try Tables.derived(of: journal)
        try journal.rebuildProjections()
        #expect(try Tables.derived(of: journal).difference(from: before) == nil)
        journal.giveBack()
    }

    @Test("A run comes into an empty directory as it was, with flow, functions, artifact and log")
    func oneRun() throws {
        let source = try RunFixture.directory()
        let bundle = try BundleBytes(of: source, run: "two")
        let target = try TestDirectory()
        let report = try take(bundle.bytes, into: target)
        #expect(report.added == ["two"] && report.known == [])
        #expect(report.flows == 1 && report.functions == 1 && report.leftOut == 0)
        #expect(try Facts("two", in: target) == Facts("two", in: source))
        try isWhole(target)
        let journal = try target.open()
        #expect(try journal.read { view throws(RenError) in try view.runs(limit: 9).map(\.id) } == ["two"])
        #expect(
            try journal.read { view throws(RenError) in try view.flow(RunFixture.flowHash)?.bytes } == RunFixture.flow)
        let files = try journal.read { view throws(RenError) in try view.functions(of: RunFixture.set) }
        #expect(files.map(\.hash) == [Digest(hashing: RunFixture.code)])
        journal.giveBack()
        let artifact = try Data(contentsOf: URL(fileURLWithPath: "\(target.data.artifacts)/\(RunFixture.artifactHash)"))
        #expect(Array(artifact) == RunFixture.artifact)
        #expect(FileManager.default.contents(atPath: target.data.logs(ofRun: "two")).map(Array.init) == RunFixture.log)
    }

    @Test("Bundles do not depend on how they are read, nor on where their run was", arguments: [1, 7, 4_096])
    func canonical(_ part: Int) throws {
        let source = try RunFixture.directory()
        let bundle = try BundleBytes(of: source, run: "one")
        let target = try RunFixture.directory(runs: ["other"])
        _ = try take(bundle.bytes, into: target, part: part)
        let again = try BundleBytes(of: target, run: "one")
        let events = { (bundle: BundleBytes) in
            bundle.lines.filter { $0.contains(#"{"event":"one""#) }.map { $0.components(separatedBy: #","sum""#)[0] }
        }
        #expect(events(bundle).count == 52)
        #expect(events(again) == events(bundle))
    }

    @Test("All runs come beside others; what is here already is not written twice, and a second time changes nothing")
    func allRuns() throws {
        let source = try RunFixture.directory(runs: ["one", "two", "three"])
        let bundle = try BundleBytes(of: source)
        let target = try RunFixture.directory(runs: ["other", "more"])
        let before = try Facts("other", in: target)
        let report = try take(bundle.bytes, into: target)
        #expect(report.added == ["one", "two", "three"])
        #expect(report.flows == 0 && report.functions == 0 && report.leftOut == 2)
        for id in report.added { #expect(try Facts(id, in: target) == Facts(id, in: source), "\(id)") }
        #expect(try Facts("other", in: target) == before)
        try isWhole(target)
        let place = JournalPlace(target.data.journal)
        let (file, size) = (Paths.identity(place.data), Paths.size(place.data))
        let second = try take(bundle.bytes, into: target)
        #expect(second.known == ["one", "two", "three"] && second.added == [])
        #expect(Paths.identity(place.data) == file && Paths.size(place.data) == size)
        #expect(!Paths.exists(place.temporary))
    }

    @Test("A run that has not ended is only taken when that is wanted")
    func openRun() throws {
        let source = try RunFixture.directory(runs: [], open: ["going"])
        let bundle = try BundleBytes(of: source)
        let target = try TestDirectory()
        #expect(throws: RenError.self) { try take(bundle.bytes, into: target) }
        #expect(!Paths.exists(target.data.journal))
        #expect(try take(bundle.bytes, into: target, open: true).added == ["going"])
        #expect(try Facts("going", in: target) == Facts("going", in: source))
        try isWhole(target)
    }

    @Test("A run of the future is refused: recorded time would never come back")
    func future() throws {
        let bundle = try BundleBytes(of: RunFixture.directory(runs: ["one"]), run: "one")
        let target = try TestDirectory()
        do {
            _ = try take(bundle.bytes, into: target, at: Timestamp(nanoseconds: 1_769_000_000_000_000_000))
            Issue.record("it was imported")
        } catch let error as RenError {
            #expect(error.code.rawValue == "bundle.invalid" && error.message.contains("future"), "\(error)")
        }
        #expect(!Paths.exists(target.data.journal))
    }

    @Test("A run about a node that its flow does not have is refused", arguments: [true, false])
    func unknownNode(_ isReopening: Bool) throws {
        let source = try RunFixture.directory(runs: [])
        let journal = try source.open()
        var history = HistoryBuilder("one")
        history.add(
            .runCreated(RunCreation(id: "one", flow: RunFixture.flowHash, flowName: "products", functions: nil)),
            payload: Array("{}".utf8))
        var reopening = Reopening()
        reopening.again = [NodeNumber(RunFixture.nodes)]
        if isReopening { history.add(.runReopened(reopening)) } else { history.start(.node(RunFixture.nodes)) }
        try RunFixture.append(history, to: journal)
        journal.giveBack()
        let target = try TestDirectory()
        do {
            _ = try take(BundleBytes(of: source).bytes, into: target, open: true)
            Issue.record("it was imported")
        } catch let error as RenError {
            #expect(error.code.rawValue == "bundle.invalid" && error.message.contains("this node"), "\(error)")
        }
        #expect(!Paths.exists(target.data.journal))
    }

    /// A way to spoil a bundle of the run `one`, and what is said of it.
    struct Spoiled: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var code = "bundle.damaged"
        /// Where it is seen; nil where that is computed.
        var line: Int?
        var spoil: @Sendable (inout BundleBytes) -> Void

        init(
            _ name: String, _ code: String = "bundle.damaged", line: Int? = nil,
            _ spoil: @escaping @Sendable (inout BundleBytes) -> Void
        ) {
            testDescription = name
            self.code = code
            self.line = line
            self.spoil = spoil
        }

        /// The same, with the checksums made right afterwards.
        static func summed(
            _ name: String, _ code: String = "bundle.damaged", line: Int? = nil,
            _ spoil: @escaping @Sendable (inout BundleBytes) -> Void
        ) -> Spoiled {
            Spoiled(name, code, line: line) {
                spoil(&$0)
                $0.sum()
            }
        }
    }

    // Lines: 1 the header, 2 the flow, 3 the functions, 4 their text, 5 run.created, 6 node.started, 7 the checkpoint,
    // 8 node.succeeded, 9 and 10 its payload. Indexes begin with 0.
    static let spoiled: [Spoiled] = [
        Spoiled("one digit of a hash", line: 7) { $0.replace("\"chain\":\"", by: "\"chain\":\"f", in: 6) },
        Spoiled("one letter of a body", line: 5) { $0.replace("products", by: "Products", in: 4) },
        Spoiled("one letter of a payload", line: 10) { $0.replace("{\"data\":\"", by: "{\"data\":\"e", in: 9) },
        Spoiled("a line is missing", line: 6) { $0.lines.remove(at: 5) },
        Spoiled("two lines are exchanged", line: 6) { $0.lines.swapAt(5, 6) },
        Spoiled("a line stands twice", line: 7) { $0.lines.insert($0.lines[5], at: 6) },
        Spoiled("the last line is missing") { $0.lines.removeLast() },
        Spoiled("the header is missing", line: 1) { $0.lines.removeFirst() },
        Spoiled("something stands behind the last line") { $0.lines.append($0.lines[5]) },
        Spoiled("gzip", "bundle.invalid", line: 1) { $0.isGzip = true },
        Spoiled("another file", "bundle.invalid", line: 1) { $0.lines = ["flow: products", "nodes: {}"] },
        Spoiled("an empty line", "bundle.invalid", line: 1) { $0.lines = [""] },
        .summed("a gap in the run", line: 6) { $0.lines.remove(at: 5) },
        .summed("no beginning", line: 5) { $0.lines.remove(at: 4) },
        .summed("a part of a payload is missing", line: 10) { $0.lines.remove(at: 9) },
        .summed("an event of another content", line: 6) {
            let key = #"\"input\":\""#
            guard let place = $0.lines[5].range(of: key)?.upperBound else { return }
            let other = $0.lines[5][place] == "A" ? "B" : "A"
            $0.lines[5].replaceSubrange(place...place, with: other)
        },
        .summed("a type that the record does not say", "bundle.invalid", line: 6) {
            $0.replace("node.started", by: "node.succeeded", in: 5)
        },
        .summed("a time that the record does not say", "bundle.invalid", line: 6) {
            $0.replace("\"time\":17", by: "\"time\":18", in: 5)
        },
        .summed("a member too many", "bundle.invalid", line: 6) {
            $0.replace("{\"event\"", by: "{\"more\":1,\"event\"", in: 5)
        },
        .summed("a path for a run", "bundle.invalid", line: 5) {
            for line in $0.lines.indices {
                $0.lines[line] = $0.lines[line].replacingOccurrences(of: #""event":"one""#, with: #""event":"../one""#)
            }
        },
        .summed("another id than the run has", "bundle.invalid", line: 5) {
            $0.replace(#""event":"one""#, by: #""event":"two""#, in: 4)
        },
        .summed("a path for a log", "bundle.invalid") {
            $0.replace("logs.jsonl", by: "../../logs.jsonl", in: $0.index(of: "\"log\""))
        },
        .summed("a log that is shorter than it says") {
            $0.replace("\"length\":17", by: "\"length\":18", in: $0.index(of: "\"log\""))
        },
        .summed("an artifact with another content") {
            $0.replace(
                "\"artifact\":\"\(RunFixture.artifactHash)",
                by: "\"artifact\":\"" + String(repeating: "0", count: 64), in: $0.index(of: "{\"artifact\""))
        },
        .summed("no flow") { $0.lines.remove(at: 1) },
        .summed("a flow with another content") { bundle in
            let source = Array(RunFixture.flow.dropLast()) + [UInt8(ascii: " ")]
            bundle.replace(
                RunFixture.flow.withUnsafeBytes { Base64.encode($0) }, by: source.withUnsafeBytes { Base64.encode($0) },
                in: 1)
        },
        .summed("a newer format", "bundle.newer", line: 1) { $0.replace("\"format\":1", by: "\"format\":2", in: 0) },
        .summed("another count at the end") {
            $0.replace("\"artifacts\":1", by: "\"artifacts\":2", in: $0.lines.count - 1)
        },
        .summed("another bundle in the middle", line: 6) { $0.lines.insert($0.lines[0], at: 5) },
        .summed("a part of nothing", line: 6) { $0.lines.insert(#"{"data":"AAAA","sum":""}"#, at: 5) },
    ]

    @Test("What was changed is refused with its line, and nothing is imported", arguments: spoiled)
    func refused(_ spoiled: Spoiled) throws {
        let source = try RunFixture.directory(runs: ["one"])
        var bundle = try BundleBytes(of: source, run: "one")
        spoiled.spoil(&bundle)
        let target = try RunFixture.directory(runs: ["other"])
        let facts = try Facts("other", in: target)
        try refuse(bundle.bytes, into: target, spoiled.code, line: spoiled.line, spoiled.testDescription)
        #expect(try Facts("other", in: target) == facts)
        #expect(!FileManager.default.fileExists(atPath: target.data.run("one")))
        let empty = try TestDirectory()
        try refuse(bundle.bytes, into: empty, spoiled.code, line: spoiled.line, spoiled.testDescription)
        #expect(try FileManager.default.contentsOfDirectory(atPath: empty.data.artifacts) == [])
        #expect(!Paths.exists(empty.data.journal) && !Paths.exists(empty.data.journal + ".new"))
    }

    private func refuse(
        _ bytes: [UInt8], into directory: TestDirectory, _ code: String, line: Int?, _ name: String
    ) throws {
        let before = Paths.identity(directory.data.journal + "/data.mdb")
        do {
            _ = try take(bytes, into: directory)
            Issue.record("\(name): it was imported")
        } catch let error as RenError {
            #expect(error.code.rawValue == code, "\(name): \(error)")
            #expect(error.message.hasPrefix("line \(line.map { "\($0) " } ?? "")"), "\(name): \(error.message)")
            #expect(error.hint != nil)
        }
        #expect(Paths.identity(directory.data.journal + "/data.mdb") == before)
    }

    @Test("A bundle that ends in the middle of any line is refused")
    func cutShort() throws {
        let bytes = try BundleBytes(of: RunFixture.directory(runs: ["one"]), run: "one").bytes
        let target = try TestDirectory()
        var random = SeededRandom(seed: 3)
        for _ in 0..<40 {
            try refuse(Array(bytes.prefix(random.below(bytes.count))), into: target, "bundle.damaged", line: nil, "cut")
        }
    }

    @Test("Any byte that is changed is seen, in its line or the next")
    func flippedBytes() throws {
        let bytes = try BundleBytes(of: RunFixture.directory(runs: ["one"]), run: "one", logs: false).bytes
        let target = try TestDirectory()
        var random = SeededRandom(seed: 4)
        for _ in 0..<60 {
            var changed = bytes
            let place = random.below(bytes.count)
            changed[place] ^= 1 << UInt8(random.below(8))
            let line = bytes[..<place].count { $0 == 0x0A } + 1
            do {
                _ = try take(changed, into: target)
                Issue.record("byte \(place) was changed unseen")
            } catch let error as RenError {
                #expect(error.code.rawValue.hasPrefix("bundle."), "\(error)")
                let isNear = (line - 1...line + 1).contains { error.message.hasPrefix("line \($0) ") }
                #expect(isNear, "byte \(place) in line \(line): \(error.message)")
            }
        }
    }

    @Test("A line without end costs no more memory than the longest line may have")
    func longLine() throws {
        let target = try TestDirectory()
        var given = 0
        let bundle = BundleImport(into: target.data, options: TestDirectory.options, mayBeOpen: false, at: Self.now) {
            buffer, limit in
            #expect(buffer.count <= BundleReader.lineBytesMax + limit)
            buffer += repeatElement(UInt8(ascii: "x"), count: limit)
            given += limit
            return limit
        }
        do {
            _ = try bundle.run()
            Issue.record("it was imported")
        } catch {
            #expect(error.code.rawValue == "bundle.invalid" && error.message.hasPrefix("line 1 "))
        }
        #expect(given <= BundleReader.lineBytesMax + 2 << 20)
    }

    @Test("Another run of the same id is a conflict, named with its line")
    func otherHistory() throws {
        let bundle = try BundleBytes(of: RunFixture.directory(runs: ["one"]), run: "one")
        let target = try RunFixture.directory(runs: ["first", "one"])
        try refuse(bundle.bytes, into: target, "run.exists", line: 5, "another history")
    }

    @Test("A journal that is not whole is not exported in silence")
    func damagedSource() throws {
        let source = try RunFixture.directory(runs: ["one"])
        try FileManager.default.removeItem(atPath: "\(source.data.artifacts)/\(RunFixture.artifactHash)")
        #expect(throws: RenError.self) { try BundleBytes(of: source, run: "one") }
        try Data("other".utf8).write(to: URL(fileURLWithPath: "\(source.data.artifacts)/\(RunFixture.artifactHash)"))
        #expect(throws: RenError.self) { try BundleBytes(of: source, run: "one") }
    }

    @Test("Base64 is that of everyone", arguments: 0..<20)
    func base64(_ count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 83 + 7) }
        let text = bytes.withUnsafeBytes { Base64.encode($0) }
        #expect(text == Data(bytes).base64EncodedString())
        #expect(Base64.decode(text) == bytes)
        #expect(Base64.decode(text + "=") == nil && Base64.decode(text + "A===") == nil)
        if count > 3 { #expect(Base64.decode("*" + text.dropFirst()) == nil) }
    }
}
