import Foundation
import RenJSON
import Testing

/// `replay --flow`: what it says, beside an engine too, and what it refuses.
@Suite("What if, on the command line")
struct WhatIfTests {
    private static func ren() throws -> Ren {
        let ren = try Ren.forContracts()
        #expect(try ren("run", "halves.yaml", "-f", "functions.py", "--id", "h", "-i", "count=10").code == 0)
        return ren
    }

    private static func node(_ name: String, in view: JSON) -> JSON? {
        view["nodes"]?.arrayValue?.first { $0["node"]?.stringValue == name }
    }

    @Test("It tells what would run, and writes nothing")
    func tells() throws {
        let ren = try Self.ren()
        let before = try ren("journal", "ls", "-o", "json").output
        let view = try ren("replay", "h", "--flow", "other.yaml", "-o", "json")
        #expect(view.code == 0, "\(view.errors)")
        let halves = Self.node("halves", in: try view.json)
        #expect(halves?["what"] == "runs" && halves?["why"] == "each changed")
        #expect(halves?["items"]?["counts"] == ["runs": 4, "gone": 5])
        #expect(halves?["items"]?["running"] == ["n-6", "n-7", "n-8", "n-9"])
        #expect(halves?["items"]?["gone"] == ["n-0", "n-1", "n-2", "n-4", "n-5"])
        #expect(Self.node("numbers", in: try view.json)?["what"] == "kept")
        #expect(Self.node("again", in: try view.json)?["new"] == true)
        // The flow that it follows, by its name: nothing would happen.
        let same = try ren("replay", "h", "--flow", "halves", "-o", "json").json
        #expect(same["flow_hash"] == same["flow_hash_before"])
        #expect(same["totals"] == ["nodes": ["kept": 2], "items": ["kept": 9, "failed": 1]])
        #expect(try ren("journal", "ls", "-o", "json").output == before)
        #expect(try ren("journal", "verify").code == 0)
    }

    @Test("Results of other code are kept, or made again where that is asked for")
    func otherCode() throws {
        let ren = try Self.ren()
        try ren.write(Flows.halves.replacingOccurrences(of: "20%", with: "30%"), to: "mild.yaml")
        try ren.write(Flows.functions + "\n\nnew = True\n", to: "functions.py")
        let arguments = ["replay", "h", "--flow", "mild.yaml", "-f", "functions.py", "-o", "json"]
        let kept = try ren.run(arguments).json
        #expect(Self.node("halves", in: kept)?["items"]?["counts"] == ["kept": 9, "runs": 1])
        let again = try ren.run(arguments + ["--code-changed", "again"]).json
        #expect(Self.node("halves", in: again)?["items"]?["counts"] == ["runs": 10])
    }

    @Test("Beside an engine that carries the run")
    func besideEngine() throws {
        let ren = try Ren(["held.yaml": Flows.held, "functions.py": Flows.functions])
        let engine = try ren.start([
            "run", "held.yaml", "-f", "functions.py", "--id", "h", "-i", "marker=began", "-i", "gate=gate",
        ])
        try wait(for: "the call") { FileManager.default.fileExists(atPath: ren.folder + "/began") }
        try ren.write(Flows.held.replacingOccurrences(of: ", through]", with: ", thru]"), to: "other.yaml")
        let view = try ren("replay", "h", "--flow", "other.yaml", "-o", "json")
        #expect(view.code == 0, "\(view.errors)")
        #expect(Self.node("held", in: try view.json)?["why"] == "had not ended")
        #expect(Self.node("after", in: try view.json)?["why"] == "reads held")
        try ren.write("", to: "gate")
        #expect(engine.end().code == 0)
        let ended = try ren("replay", "h", "--flow", "other.yaml", "-o", "json").json
        let after = Self.node("after", in: ended)
        #expect(after?["what"] == "turned" && after?["way_before"] == "then" && after?["way"] == "else")
    }

    @Test("What it cannot try is refused, with a hint")
    func refused() throws {
        let ren = try Self.ren()
        let third = Flows.halves.replacingOccurrences(of: "functions.half", with: "functions.third")
        try ren.write(third, to: "third.yaml")
        for (arguments, code, error) in [
            (["h", "--flow", "none.yaml"], 2, "file.not_found"), (["h", "--flow", "none"], 3, "flow.not_found"),
            (["h", "--flow", "wrong.yaml"], 2, "flow.unknown_key"),
            (["h", "--flow", "third.yaml"], 2, "function.unknown"),
            (["x", "--flow", "other.yaml"], 3, "run.not_found"),
            (["journal", "--flow", "other.yaml"], 2, "run.invalid"),
            (["h", "--flow", "other.yaml", "--at", "1"], 4, "fork.before"),
            (["h", "--flow", "other.yaml", "--to", "9"], 2, "usage"), (["h", "--at", "9"], 2, "usage"),
        ] as [([String], Int32, String)] {
            let result = try ren.run(["replay"] + arguments + ["-o", "json"])
            #expect(result.code == code && result.errorCode == error, "\(arguments): \(result.code) \(result.errors)")
            #expect(result.errors.contains("hint"), "\(arguments): \(result.errors)")
        }
        #expect(try ren("journal", "prune", "--keep", "0").code == 0)
        let pruned = try ren("replay", "h", "--flow", "other.yaml", "-o", "json")
        #expect(pruned.code == 3 && pruned.errorCode == "run.pruned", "\(pruned.errors)")
    }
}
