import Foundation
import RenJSON
import Testing

@Suite("replay, audit, diff and why")
struct HistoryTests {
    private static func ren() throws -> Ren {
        let ren = try Ren(["gate.yaml": Flows.gate, "halves.yaml": Flows.halves, "functions.py": Flows.functions])
        #expect(try ren("run", "gate.yaml", "--id", "one", "-i", "n=3").code == 10)
        #expect(try ren("run", "gate.yaml", "--id", "two", "-i", "n=30").code == 13)
        return ren
    }

    @Test("A history with a damaged record: both say where, and exit 20")
    func damaged() throws {
        let ren = try Self.ren()
        let copy = try Ren()
        try FileManager.default.copyItem(atPath: ren.data, toPath: copy.data)
        let path = try #require(try ProofTests.journalFile(copy))
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        // The record of one event; pages that are free again hold older copies of it.
        let needle = Data(#"{"outcome":"failed","error":{"name":"Failed""#.utf8)
        var from = bytes.startIndex
        while let found = bytes.range(of: needle, in: from..<bytes.endIndex) {
            bytes[found.lowerBound + 13] ^= 0x10
            from = found.upperBound
        }
        try bytes.write(to: URL(fileURLWithPath: path))
        let ending = try ren("journal", "ls", "--run", "one", "-o", "jsonl").lines.first { $0["type"] == "run.ending" }
        let version = try #require(ending?["version"])
        let replay = try copy("replay", "one", "-o", "json")
        #expect(replay.code == 20)
        #expect(try replay.json["matches"] == false && replay.json["divergence"]?["version"] == version)
        let audit = try copy("audit", "one", "-o", "json")
        #expect(audit.code == 20)
        #expect(try audit.json["findings"]?[0]?["sequence"] == ending?["sequence"], "\(audit.output)")
        #expect(try copy("replay", "two").code == 0 && copy("audit", "two").code == 0, "others are whole")
        #expect(try ren("replay", "one").code == 0 && ren("audit", "one").code == 0, "the original is whole")
    }

    @Test("A replay may end at an event")
    func upTo() throws {
        let ren = try Self.ren()
        let first = try ren("show", "two", "-o", "json").json["first"]?.integerValue ?? 0
        #expect(try ren("replay", "two", "--to", "\(first + 1)", "-o", "json").json["events"] == 2)
    }

    @Test(
        "What is asked wrongly",
        arguments: [
            (["replay", "journal"], 2, "run.invalid"), (["audit", "none"], 3, "run.not_found"),
            (["why", "one", "smal"], 3, "node.not_found"), (["why", "one", "small", "k"], 3, "node.no_items"),
            (["diff", "one", "two", "--node", "x"], 3, "node.not_found"),
        ] as [([String], Int32, String)])
    func refused(_ words: [String], _ code: Int32, _ error: String) throws {
        let result = try Self.ren().run(words + ["-o", "json"])
        #expect(result.code == code && result.errorCode == error, "\(result.errors)")
    }

    @Test("An audit says whether the function files are those of the run")
    func files() throws {
        let ren = try Self.ren()
        #expect(try ren("run", "halves.yaml", "-f", "functions.py", "--id", "h", "-i", "count=2").code == 0)
        #expect(try ren("audit", "h", "-o", "json").json["functions"]?["files"]?[0]?["on_disk"] == "same")
        try ren.write("# another one\n", to: "functions.py")
        let changed = try ren("audit", "h", "-o", "json")
        #expect(changed.code == 0)
        #expect(try changed.json["functions"]?["files"]?[0]?["on_disk"] == "changed")
        let replay = try ren("replay", "h", "-o", "json").json
        #expect(replay["matches"] == true && replay["not_evaluated"] == 0)
    }
}
