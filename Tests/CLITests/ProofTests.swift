import Foundation
import RenJSON
import Testing

@Suite("journal and doctor")
struct ProofTests {
    private static func ren() throws -> Ren {
        let ren = try Ren(["gate.yaml": Flows.gate])
        #expect(try ren("run", "gate.yaml", "--id", "one", "-i", "n=3").code == 10)
        #expect(try ren("run", "gate.yaml", "--id", "two", "-i", "n=30").code == 13)
        return ren
    }

    @Test("ls lists every event once, of all or of one run, from a place on")
    func list() throws {
        let ren = try Self.ren()
        let all = try ren("journal", "ls", "-o", "json").json.arrayValue ?? []
        #expect(all.compactMap { $0["sequence"]?.integerValue } == (1...Int64(all.count)).map(\.self))
        for event in all {
            for key in ["sequence", "run", "version", "time", "type"] { #expect(event[key] != nil, "\(event)") }
        }
        let one = try ren("journal", "ls", "--run", "one", "-o", "jsonl").lines
        #expect(!one.isEmpty && one.allSatisfy { $0["run"] == "one" })
        #expect(
            try ren("journal", "ls", "--run", "one", "--from", "2", "--limit", "2", "-o", "jsonl").lines
                == Array(one[1...2]))
        let others = try ren("journal", "ls", "--run", "journal", "-o", "jsonl").lines
        #expect(others.contains { $0["type"] == "journal.opened" })
        #expect(try ren("journal", "ls").output.split(separator: "\n").count == all.count)
    }

    @Test("show prints an event with its payload and hashes; an unknown one exits 3")
    func show() throws {
        let ren = try Self.ren()
        let created = try #require(
            try ren("journal", "ls", "--run", "one", "-o", "jsonl").lines.first?["sequence"]?.integerValue)
        let event = try ren("journal", "show", "\(created)", "-o", "json").json
        #expect(event["value"] == ["n": 3, "name": "nobody"])
        #expect(event["run_hash"]?.stringValue?.count == 64)
        #expect(event["payload"]?["length"] == 23)
        #expect(try ren("journal", "show", "\(created)", "--payload").output == #"{"n":3,"name":"nobody"}"#)
        #expect(try ren("journal", "show", "\(created)").output.contains("run.created"))
        let missing = try ren("journal", "show", "99999", "-o", "json")
        #expect(missing.code == 3)
        #expect(missing.errorCode == "event.not_found")
    }

    @Test("verify is clean, and holds the journal against anchors")
    func anchors() throws {
        let ren = try Self.ren()
        let anchor = try #require(try ren("show", "one", "-o", "json").json["anchor"]?.stringValue)
        let report = try ren("journal", "verify", "--anchor", anchor, "-o", "json")
        #expect(report.code == 0)
        #expect(try report.json["findings"] == [])
        #expect(try report.json["events"] == report.json["head"])
        #expect(try ren("journal", "verify").output.contains("chain intact"))
        let digit: Character = anchor.last == "0" ? "1" : "0"
        let wrong = try ren("journal", "verify", "--anchor", String(anchor.dropLast()) + String(digit))
        #expect(wrong.code == 20)
        #expect(wrong.output.contains("anchor"))
        let later = try ren("journal", "verify", "--anchor", "99999:" + String(repeating: "0", count: 64))
        #expect(later.code == 20)
        #expect(later.output.contains("ends before the anchor"))
        let hash = try #require(anchor.split(separator: ":").last.map(String.init))
        #expect(try ren("journal", "verify", "--anchor", hash, "--anchor", String(hash.prefix(16))).code == 0)
        for wrong in ["nothing", "1:2:3", String(hash.prefix(15))] {
            let refused = try ren("journal", "verify", "--anchor", wrong, "-o", "json")
            #expect(refused.code == 2 && refused.errorCode == "usage", "\(wrong)")
        }
    }

    @Test("A file of anchors holds a journal that went on, and finds one that was put back")
    func anchorFile() throws {
        let ren = try Self.ren()
        let path = try #require(try Self.journalFile(ren))
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(try ren("journal", "anchor", "--to", "anchors").code == 0)
        #expect(try ren("run", "gate.yaml", "--id", "three", "-i", "n=3").code == 10)
        #expect(try ren("journal", "anchor", "--to", "anchors").code == 0)
        let lines = try String(contentsOfFile: ren.folder + "/anchors", encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 2)
        let held = try ren("journal", "verify", "--anchor", "anchors", "--projections", "-o", "json")
        #expect(held.code == 0, "\(held.output)")
        // Two heads of the journal; two runs, then three, of which two have not gone on.
        #expect(try held.json["anchors"] == 5)
        #expect(try held.json["projection_rows"]?.integerValue ?? 0 > 10)

        try before.write(to: URL(fileURLWithPath: path))
        #expect(try ren("journal", "verify").code == 0, "whole in itself")
        let found = try ren("journal", "verify", "--anchor", "anchors")
        #expect(found.code == 20 && found.output.contains("ends before the anchor"), "\(found.output)")
        try ren.write("{\"schema\": 1}\n", to: "anchors")
        #expect(try ren("journal", "verify", "--anchor", "anchors").code == 2)
    }

    @Test("verify says which runs are still whole")
    func stillWhole() throws {
        let ren = try Self.ren()
        let path = try #require(try Self.journalFile(ren))
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        var from = bytes.startIndex
        while let found = bytes.range(of: Data(#"{"n":3,"name":"nobody"}"#.utf8), in: from..<bytes.endIndex) {
            bytes[found.lowerBound + 6] ^= 1
            from = found.upperBound
        }
        try bytes.write(to: URL(fileURLWithPath: path))
        let report = try ren("journal", "verify", "-o", "json")
        #expect(report.code == 20)
        #expect(try report.json["touched_runs"] == ["one"] && report.json["untouched_runs"] == ["two"])
        #expect(try report.json["first_bad"] == report.json["findings"]?.arrayValue?.first?["sequence"])
        let text = try ren("journal", "verify").output
        #expect(text.contains("runs touched      one") && text.contains("runs still whole  two"), "\(text)")
    }

    @Test("prune deletes what has ended, with its logs, and says what it would delete")
    func prune() throws {
        let ren = try Self.ren()
        let folder = ren.data + "/runs/one"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try ren.write("{}\n", to: "data/runs/one/logs.jsonl")
        let anchor = try #require(try ren("show", "one", "-o", "json").json["anchor"]?.stringValue)
        let plan = try ren("journal", "prune", "--keep", "0", "--dry-run", "-o", "json").json
        #expect(plan["dry_run"] == true)
        #expect(plan["prunings"]?.arrayValue?.map { $0["runs"]?.arrayValue?.first?["run"] } == ["one"])
        for arguments in ["--older-than 1h", "--flow other --keep 0", "--keep 0 --keep-failed"] {
            let arguments = arguments.split(separator: " ").map(String.init)
            #expect(try ren.run(["journal", "prune"] + arguments).output == "nothing to prune\n", "\(arguments)")
        }
        #expect(try ren("show", "one").code == 0)
        let done = try ren("journal", "prune", "--keep", "0", "-o", "json").json
        #expect(done["dry_run"] == false && done["prunings"] == plan["prunings"])
        #expect(!FileManager.default.fileExists(atPath: folder))
        let gone = try ren("show", "one", "-o", "json")
        #expect(gone.code == 3 && gone.errorCode == "run.pruned", "\(gone.errors)")
        let row = try ren("runs", "-o", "json").json.arrayValue?.first { $0["run"] == "one" }
        #expect(row?["status"] == "failed" && row?["pruned"] == "histories")
        #expect(try ren("runs").output.contains("pruned"))
        let report = try ren("journal", "verify", "--anchor", anchor, "--projections", "-o", "json")
        #expect(report.code == 0, "\(report.output)")
        #expect(try report.json["pruned_events"]?.integerValue ?? 0 > 3)
        let listed = try ren("journal", "ls", "--run", "journal", "-o", "jsonl").lines.last
        #expect(listed?["type"] == "journal.closed" || listed?["type"] == "journal.pruned")
        #expect(try ren("journal", "ls").output.contains("event.pruned"))
        let again = try ren("run", "gate.yaml", "--id", "one", "-i", "n=4", "-o", "json")
        #expect(again.code == 4 && again.errorCode == "run.exists", "the id stays taken: \(again.errors)")
        #expect(try ren("signal", "two", "approve", "{\"ok\": 1}").code == 0)
    }

    @Test("prune goes by retention in ren.yaml, and is told wrong words by their place")
    func retention() throws {
        let ren = try Self.ren()
        let unsaid = try ren("journal", "prune", "-o", "json")
        #expect(unsaid.code == 2 && unsaid.errorCode == "usage")
        try ren.write("retention:\n  keep: 0\n  keep_failed: true\n", to: "ren.yaml")
        #expect(try ren("journal", "prune").output == "nothing to prune\n")
        try ren.write("retention:\n  flows:\n    gate: {payloads_older_than: 1ms}\n", to: "ren.yaml")
        let payloads = try ren("journal", "prune").output
        #expect(payloads.contains("pruned payloads of 1 run"), "\(payloads)")
        #expect(try ren("show", "one").code == 0)
        #expect(try ren("journal", "verify").output.contains("pruned: 0 events and 1 payload more"))
        try ren.write("retention:\n  flows: {gate: {keep: 0}}\n", to: "ren.yaml")
        #expect(try ren("journal", "prune").output.contains("pruned histories of 1 run"))
        try ren.write("retention:\n  kep: 3\n  older_than: 30\n", to: "ren.yaml")
        let wrong = try ren("journal", "prune", "-o", "json")
        #expect(wrong.code == 78)
        let errors = try JSON(parsing: wrong.errors)["error"]?["errors"]?.arrayValue ?? []
        #expect(errors.map { $0["line"] } == [2, 3], "\(wrong.errors)")
        #expect(errors.first?["hint"]?.stringValue?.contains("keep") == true)
    }

    @Test("An engine prunes while it serves: at its start, and when it is asked")
    func pruneServed() throws {
        let ren = try Self.ren()
        #expect(try ren("run", "gate.yaml", "--id", "three", "-i", "n=3").code == 10)
        try ren.write("retention: {keep: 1}\n", to: "ren.yaml")
        let engine = try ren.serve()
        try wait(for: "the first pruning: \(engine.errorText)") {
            engine.errorText.contains("pruned histories of 1 run")
        }
        #expect(try ren("journal", "prune", "--keep", "0").output.contains("pruned histories of 1 run"))
        #expect(try ren("journal", "prune", "--keep", "0").output == "nothing to prune\n")
        #expect(try ren("journal", "verify", "--projections").code == 0)
        engine.send(SIGTERM)
        #expect(engine.end().code == 0)
        #expect(try ren("show", "three", "-o", "json").errorCode == "run.pruned")
        #expect(try ren("journal", "verify", "--projections").code == 0)
    }

    @Test("A flipped byte in a record of a copied journal is found, with its sequence", arguments: [0, 7, 20, 40])
    func flippedByte(_ offset: Int) throws {
        let ren = try Self.ren()
        let path = try #require(try Self.journalFile(ren))
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        // The body of a record. Pages that are free again hold older copies of it, so all of them are damaged.
        let needle = Data(#"{"outcome":"failed","error":{"name":"Failed""#.utf8)
        var copies = 0
        var from = bytes.startIndex
        while let found = bytes.range(of: needle, in: from..<bytes.endIndex) {
            bytes[found.lowerBound + offset] ^= 0x10
            from = found.upperBound
            copies += 1
        }
        #expect(copies > 0)
        let copy = try Ren()
        try FileManager.default.createDirectory(
            atPath: copy.data + "/journal", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try bytes.write(
            to: URL(fileURLWithPath: copy.data + "/journal/" + URL(fileURLWithPath: path).lastPathComponent))
        let ending = try ren("journal", "ls", "--run", "one", "-o", "jsonl").lines.first { $0["type"] == "run.ending" }
        try Self.readAround(copy, ending?["sequence"]?.integerValue)
        let result = try copy("journal", "verify", "-o", "json")
        #expect(result.code == 20, "\(result.output) \(result.errors)")
        let findings = try #require(try result.json["findings"]?.arrayValue)
        #expect(findings.contains { $0["sequence"] == ending?["sequence"] }, "\(findings)")
        #expect(try copy("journal", "verify").output.contains("✗ #"))
        #expect(try ren("journal", "verify").code == 0, "the original is whole")
    }

    /// Reading goes on behind an event that cannot be read, and marks it.
    private static func readAround(_ copy: Ren, _ sequence: Int64?) throws {
        let sequence = try #require(sequence)
        let list = try copy("journal", "ls", "-o", "jsonl")
        #expect(list.code == 20, "\(list.errors)")
        let lines = try list.lines
        #expect(lines.compactMap { $0["sequence"]?.integerValue } == (1...Int64(lines.count)).map(\.self))
        #expect(lines.filter { $0["damaged"] != nil }.map { $0["sequence"]?.integerValue } == [sequence])
        #expect(lines.last?["type"] != nil)
        let tail = try copy("journal", "tail", "-n", "\(lines.count)", "-o", "jsonl")
        #expect(try tail.code == 20 && tail.lines == lines)
        let shown = try copy("journal", "show", "\(sequence)", "-o", "json")
        #expect(shown.code == 20)
        #expect(try shown.json["damaged"] != nil)
    }

    @Test("A journal cut short is reported with 20 or refused with 65, never by a crash of ours")
    func cutShort() throws {
        let ren = try Self.ren()
        let path = try #require(try Self.journalFile(ren))
        let clean = try Data(contentsOf: URL(fileURLWithPath: path))
        for pages in [1, 2, 3, 5] where pages * 4096 < clean.count {
            try clean.prefix(pages * 4096).write(to: URL(fileURLWithPath: path))
            let result = try ren("journal", "verify", "-o", "json")
            #expect([20, 65].contains(result.code), "\(pages) pages: \(result.code) \(result.errors)")
            #expect(!result.wasKilled)
            if result.output.isEmpty { #expect(result.errorCode != nil, "\(result.errors)") }
            for command in [["runs"], ["show", "two"], ["stop", "two"], ["resume", "two"]] {
                let refused = try ren.run(command + ["-o", "json"])
                #expect(refused.code == 65 && refused.errorCode == "journal.damaged", "\(command): \(refused)")
            }
        }
    }

    /// The largest file of the journal's folder: the tests do not name LMDB's files.
    static func journalFile(_ ren: Ren) throws -> String? {
        let folder = ren.data + "/journal"
        return try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { !$0.hasPrefix("lock") && !$0.contains("ballast") }
            .map { folder + "/" + $0 }
            .max { size($0) < size($1) }
    }

    private static func size(_ path: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0  // gone meanwhile counts nothing
    }

    @Test("doctor exits 0 when all is well, and 1 when the data directory is not usable")
    func doctor() throws {
        let ren = try Ren(["quick.yaml": Flows.quick])
        let before = try ren("doctor", "-o", "json")
        #expect(before.code == 0, "\(before.output)")
        #expect(!FileManager.default.fileExists(atPath: ren.data))
        #expect(try ren("run", "quick.yaml").code == 0)
        let after = try ren("doctor", "-o", "json").json
        #expect(after["ok"] == true)
        let names = after["checks"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
        #expect(names.contains("journal") && names.contains("python") && names.contains("liblmdb"))
        chmod(ren.data, 0o777)
        let broken = try ren("doctor")
        #expect(broken.code == 1)
        #expect(broken.output.contains("✗ data directory") && broken.output.contains("fix: chmod 700"))
    }
}
