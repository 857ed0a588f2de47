import Foundation
import RenJSON
import Testing

@Suite("journal: export, import, backup, compact, rebuild, filters")
struct InspectionTests {
    private static func ren() throws -> Ren {
        let ren = try Ren(["quick.yaml": Flows.quick, "gate.yaml": Flows.gate])
        #expect(try ren("run", "quick.yaml", "--id", "q").code == 0)
        #expect(try ren("run", "gate.yaml", "--id", "g", "-i", "n=20").code == 13)
        return ren
    }

    /// The event lines of all runs: what must stay the same whatever is done to the files.
    private static func events(_ ren: Ren, _ arguments: String...) throws -> [JSON] {
        try ren.run(["journal", "ls", "-o", "jsonl"] + arguments).lines
            .filter { $0["run"] != "journal" }
    }

    private static func isWhole(_ ren: Ren, _ arguments: String...) throws {
        let report = try ren.run(["journal", "verify", "-o", "json"] + arguments)
        #expect(report.code == 0, "\(report.output)\(report.errors)")
    }

    private static func journals(_ ren: Ren, in folder: String = "data") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(ren.folder)/\(folder)").filter {
            $0.hasPrefix("journal")
        }
    }

    @Test("Filters choose the events that a look at each would choose")
    func filters() throws {
        let ren = try Ren(["halves.yaml": Flows.halves, "functions.py": Flows.functions, "quick.yaml": Flows.quick])
        _ = try ren("run", "halves.yaml", "-f", "functions.py", "--id", "h", "-i", "count=10")
        #expect(try ren("run", "quick.yaml", "--id", "q").code == 0)
        let all = try ren("journal", "ls", "-o", "jsonl").lines
        func listed(_ arguments: String...) throws -> [JSON] {
            try ren.run(["journal", "ls", "-o", "jsonl"] + arguments).lines
        }
        #expect(try listed("--type", "item.failed") == all.filter { $0["type"] == "item.failed" })
        #expect(
            try listed("--type", "item.*", "--type", "run.created")
                == all.filter {
                    $0["type"]?.stringValue?.hasPrefix("item.") == true || $0["type"] == "run.created"
                })
        #expect(try listed("--flow", "quick") == all.filter { $0["run"] == "q" })
        #expect(try listed("--node", "halves", "-k", "n-4") == all.filter { $0["key"] == "n-4" })
        #expect(try !listed("--node", "halves", "-k", "n-4").isEmpty)
        #expect(try listed("--newest") == all.reversed())
        let own = all.filter { $0["run"] == "h" }
        #expect(try listed("--newest", "--limit", "2", "--run", "h") == own.suffix(2).reversed())
        #expect(try listed("--since", "1h") == all && listed("--until", "1h") == [])
        let time = try #require(all[all.count / 2]["time"]?.stringValue)
        #expect(try listed("--since", time) == all.filter { $0["time"]!.stringValue! >= time })
        #expect(
            try ren("journal", "tail", "-n", "1", "--type", "item.succeeded", "-o", "jsonl").lines
                == all.filter { $0["type"] == "item.succeeded" }.suffix(1))
        for wrong in [["--type", "item.fialed"], ["--since", "yesterday"]] {
            let result = try ren.run(["journal", "ls", "-o", "json"] + wrong)
            #expect(result.code == 2 && result.errorCode == "usage")
        }
        #expect(try ren("journal", "ls").errors.hasPrefix("reading alone"))
    }

    @Test("A bundle opens in an empty directory, and a page of Python reads it")
    func bundle() throws {
        let ren = try Self.ren()
        #expect(try ren("journal", "export", "q", "--to", "q.jsonl").code == 0)
        let taken = try ren("journal", "import", "q.jsonl", "--data", "other", "-o", "json")
        #expect(try taken.json["added"] == ["q"])
        try Self.isWhole(ren, "--data", "other")
        #expect(try ren("result", "q", "--data", "other").output == ren("result", "q").output)
        let hashes = { (data: String) in try ren("show", "q", "--data", data, "-o", "json").json["run_hash"] }
        #expect(try hashes("other") == hashes(ren.data))
        let script = try Self.reader()
        try ren.write(script, to: "reader.py")
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = ["python3", ren.folder + "/reader.py", ren.folder + "/q.jsonl"]
        let output = Pipe()
        python.standardOutput = output
        try python.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        python.waitUntilExit()
        #expect(python.terminationStatus == 0)
        #expect(text.contains("run.succeeded"))
    }

    /// The program on the page of the format.
    private static func reader() throws -> String {
        let page = Ren.root.appendingPathComponent("Sources/RenJournal/RenJournal.docc/Bundles.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let start = try #require(text.range(of: "```python\n"))
        let end = try #require(text.range(of: "```", range: start.upperBound..<text.endIndex))
        return String(text[start.upperBound..<end.lowerBound])
    }

    @Test("A bundle goes through a pipe, and a run that has not ended wants a word")
    func openRuns() throws {
        let ren = try Self.ren()
        let export = try ren("journal", "export", "--to", "-")
        #expect(export.code == 0 && export.errors.contains("1 run not ended"))
        let refused = try ren("journal", "import", "-", "--data", "other", "-o", "json", input: export.output)
        #expect(refused.code == 4 && refused.errorCode == "bundle.conflict")
        #expect(try Self.journals(ren, in: "other") == [])
        let taken = try ren("journal", "import", "-", "--open", "--data", "other", input: export.output)
        #expect(taken.code == 0, "\(taken.errors)")
        #expect(try ren("signal", "g", "approve", "{\"ok\": 1}", "--data", "other").code == 0)
        try Self.isWhole(ren, "--data", "other")
        let again = try ren("journal", "import", "-", "--open", "--data", "other", input: export.output)
        #expect(again.code == 0 && again.output.contains("here already"), "\(again.output)\(again.errors)")
    }

    @Test("A file that is there is not written over unasked; a damaged one imports nothing")
    func files() throws {
        let ren = try Self.ren()
        try ren.write("mine", to: "q.jsonl")
        let refused = try ren("journal", "export", "q", "--to", "q.jsonl", "-o", "json")
        #expect(refused.code == 4 && refused.errorCode == "file.exists")
        #expect(try String(contentsOfFile: ren.folder + "/q.jsonl", encoding: .utf8) == "mine")
        #expect(try ren("journal", "export", "q", "--to", "q.jsonl", "--force").code == 0)
        let full = try ren("journal", "export", "q", "--to", "/dev/full/q")
        #expect(full.code == 2, "\(full.errors)")
        let text = try String(contentsOfFile: ren.folder + "/q.jsonl", encoding: .utf8)
        try ren.write(text.replacingOccurrences(of: "run.created", with: "run.crowned"), to: "bad.jsonl")
        let bad = try ren("journal", "import", "bad.jsonl", "--data", "other", "-o", "json")
        #expect(bad.code == 20 && bad.errorCode == "bundle.damaged")
        #expect(try ren("journal", "import", "none.jsonl", "--data", "other").code == 2)
    }

    @Test("A backup taken beside an engine is a data directory of its own")
    func backup() throws {
        let ren = try Self.ren()
        let engine = try ren.serve()
        let report = try ren("journal", "backup", "copy", "--logs", "-o", "json")
        #expect(report.code == 0, "\(report.errors)")
        #expect(try report.json["read"] == "beside")
        for command in [["journal", "compact"], ["journal", "rebuild"], ["journal", "import", "-"]] {
            let refused = try ren.run(command + ["-o", "json"])
            #expect(refused.code == 73 && refused.errorCode == "engine.locked", "\(command): \(refused)")
        }
        engine.send(SIGTERM)
        #expect(engine.end().code == 0)
        try Self.isWhole(ren, "--data", "copy")
        #expect(try Self.events(ren, "--data", "copy", "--run", "q") == Self.events(ren, "--run", "q"))
        #expect(try ren("signal", "g", "approve", "{\"ok\": 1}", "--data", "copy").code == 0)
        #expect(try ren("journal", "backup", "copy").code == 4)
    }

    private static let steps = ["copy_begun", "copy_written", "copy_verified", "copy_in_place"]

    @Test("compact killed at any step leaves a whole journal, and the next command goes on", arguments: steps)
    func killedCompaction(_ step: String) throws {
        let ren = try Self.ren()
        let before = try Self.events(ren)
        let killed = try ren.run(["journal", "compact"], environment: ["REN_FAIL": step + ":1"])
        #expect(killed.wasKilled && killed.code == SIGKILL, "\(killed)")
        #expect(try Self.events(ren) == before)
        try Self.isWhole(ren)
        #expect(try ren("run", "quick.yaml", "--id", "later").code == 0)
        #expect(try Self.journals(ren) == ["journal"])
        try Self.isWhole(ren)
        #expect(try ren("journal", "compact").code == 0)
        #expect(try Array(Self.events(ren).prefix(before.count)) == before)
    }

    @Test("import killed at any step brings all or nothing", arguments: steps)
    func killedImport(_ step: String) throws {
        let ren = try Self.ren()
        #expect(try ren("journal", "export", "q", "--to", "q.jsonl").code == 0)
        let other = ["--data", "other"]
        #expect(try ren.run(["run", "quick.yaml", "--id", "mine"] + other).code == 0)
        let killed = try ren.run(["journal", "import", "q.jsonl"] + other, environment: ["REN_FAIL": step + ":1"])
        #expect(killed.wasKilled, "\(killed)")
        try Self.isWhole(ren, "--data", "other")
        let runs = try ren.run(["runs", "-o", "json"] + other).json.arrayValue?.compactMap { $0["run"]?.stringValue }
        #expect(runs == (step == "copy_in_place" ? ["q", "mine"] : ["mine"]))
        #expect(try ren.run(["journal", "import", "q.jsonl"] + other).code == 0)
        #expect(try Self.journals(ren, in: "other") == ["journal"])
        try Self.isWhole(ren, "--data", "other")
    }

    @Test("tail -f goes on through a compaction, with the events that come after it")
    func tailThroughCompaction() throws {
        let ren = try Self.ren()
        let tail = try ren.start(["journal", "tail", "-f", "-n", "1", "-o", "jsonl"])
        defer { tail.send(SIGKILL) }
        try wait(for: "the tail to follow") { !tail.outputText.isEmpty }
        #expect(try ren("run", "quick.yaml", "--id", "before").code == 0)
        try wait(for: "events before") { tail.outputText.contains(#""run":"before""#) }
        #expect(try ren("journal", "compact").code == 0)
        #expect(try ren("run", "quick.yaml", "--id", "after").code == 0)
        try wait(for: "events after: \(tail.errorText)") {
            let text = tail.outputText
            return text.contains(#""run":"after""#) && text.hasSuffix("\n")
        }
        let sequences = try tail.outputText.split(separator: "\n").map {
            try JSON(parsing: String($0))["sequence"]?.integerValue ?? 0
        }
        #expect(sequences == (sequences[0]..<sequences[0] + Int64(sequences.count)).map(\.self))
    }

    @Test("rebuild makes the same answers")
    func rebuild() throws {
        let ren = try Self.ren()
        let before = try ren("runs", "-o", "json").output
        #expect(try ren("journal", "rebuild").code == 0)
        #expect(try ren("runs", "-o", "json").output == before)
        try Self.isWhole(ren)
    }
}
