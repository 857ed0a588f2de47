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
