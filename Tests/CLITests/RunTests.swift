import RenJSON
import Testing

@Suite("run, resume and what reads them")
struct RunTests {
    @Test("A run that succeeds exits 0 and prints one object")
    func succeeds() throws {
        let ren = try Ren(["quick.yaml": Flows.quick])
        let result = try ren("run", "quick.yaml", "--id", "q", "-o", "json")
        #expect(result.code == 0, "\(result.errors)")
        let report = try result.json
        #expect(Array(try #require(report.objectValue).keys) == ["run", "flow", "status", "output", "error", "nodes"])
        #expect(report["run"] == "q")
        #expect(report["flow"] == "quick")
        #expect(report["status"] == "succeeded")
        #expect(report["output"] == ["answer": 42])
        #expect(report["error"] == .null)
        #expect(report["nodes"]?["done"]?["status"] == "succeeded")
        #expect(result.errors.isEmpty)
        #expect(try ren("result", "q", "-o", "json").output == "{\"answer\":42}\n")
    }

    @Test("A run that fails exits 10 with its error")
    func fails() throws {
        let ren = try Ren(["gate.yaml": Flows.gate])
        let result = try ren("run", "gate.yaml", "-i", "n=3", "-o", "json")
        #expect(result.code == 10)
        let report = try result.json
        #expect(report["status"] == "failed")
        #expect(report["error"]?["name"] == "Failed")
        #expect(report["error"]?["message"] == "too small: 3")
        #expect(report["output"] == .null)
        #expect(report["nodes"]?["ask"]?["status"] == "skipped")
        let printed = try ren("result", "-o", "json")
        #expect(printed.code == 10)
        #expect(printed.errorCode == "run.no_result")
    }

    @Test("A run that waits for a person exits 13, takes the signal, and goes on")
    func waits() throws {
        let ren = try Ren(["gate.yaml": Flows.gate])
        let waiting = try ren("run", "gate.yaml", "--id", "g", "-i", "n=20")
        #expect(waiting.code == 13)
        #expect(waiting.output.contains("ren signal g approve"))
        #expect(waiting.output.contains("ren resume g"))
        #expect(try ren("result", "g", "-o", "json").errorCode == "run.not_ended")
        let shown = try ren("show", "g", "-o", "json").json
        #expect(shown["status"] == "waiting")
        #expect(shown["carried"] == false)
        #expect(shown["nodes"]?["ask"]?["signal"] == "approve")
        #expect(try ren("signal", "g", "aprove", "-o", "json").errorCode == "signal.unknown")
        #expect(try ren("signal", "g", "approve", "[]", "-o", "json").errorCode == "signal.invalid")
        #expect(try ren("signal", "g", "approve", "{", "-o", "json").errorCode == "json.syntax")
        let signal = try ren("signal", "g", "approve", "{\"ok\": true}", "-o", "json")
        #expect(signal.code == 0, "\(signal.errors)")
        #expect(try signal.json["run"] == "g")
        let again = try ren("signal", "g", "approve", "{\"ok\": false}", "-o", "json")
        #expect(again.code == 4)
        #expect(again.errorCode == "signal.answered")
        let resumed = try ren("resume", "g", "-o", "json")
        #expect(resumed.code == 0, "\(resumed.errors)")
        #expect(try resumed.json["output"]?["answer"] == ["ok": true])
        let ended = try ren("resume", "g", "-o", "json")
        #expect(ended.code == 4)
        #expect(ended.errorCode == "run.finished")
    }

    @Test("A signal file is read, and resume alone leaves with 13 again")
    func signalFile() throws {
        let ren = try Ren(["gate.yaml": Flows.gate, "yes.json": "{\"ok\": 1}"])
        #expect(try ren("run", "gate.yaml", "-i", "n=20").code == 13)
        #expect(try ren("resume").code == 13)
        #expect(try ren("signal", "@last", "approve", "@yes.json").code == 0)
        #expect(try ren("resume", "@running").code == 0)
    }

    struct Input: Sendable {
        var arguments: [String]
        var wanted: JSON
    }

    @Test(
        "Inputs: text where the flow wants text, else JSON, else text; later ones win",
        arguments: [
            Input(arguments: ["-i", "n=12"], wanted: ["n": 12, "name": "nobody"]),
            Input(arguments: ["-i", "n=12", "-i", "name=12"], wanted: ["n": 12, "name": "12"]),
            Input(
                arguments: ["-i", "n=12", "-i", "any=[1, true]"],
                wanted: ["n": 12, "any": [1, true], "name": "nobody"]),
            Input(arguments: ["-i", "n=12", "-i", "any=a=b"], wanted: ["n": 12, "any": "a=b", "name": "nobody"]),
            Input(arguments: ["-i", "@in.json", "-i", "n=13"], wanted: ["n": 13, "any": nil, "name": "file"]),
        ])
    func inputs(_ row: Input) throws {
        let ren = try Ren(["gate.yaml": Flows.gate, "in.json": "{\"n\": 11, \"any\": null, \"name\": \"file\"}"])
        #expect(try ren.run(["run", "gate.yaml"] + row.arguments).code == 13)
        #expect(try ren("signal", "@last", "approve", "{\"ok\": 1}").code == 0)
        let report = try ren("resume", "-o", "json").json
        #expect(report["output"]?["input"] == row.wanted)
    }

    @Test(
        "Inputs that do not fit are refused with 2, and nothing is made",
        arguments: [
            ["-i", "n=x"], ["-i", "n=1.5"], ["-i", "other=1"], ["-i", "n"], ["-i", "=1"], ["-i", "@missing.json"],
            ["--id", ".."], ["--id", "a/b"], ["--id", "journal"], ["-f", "missing.py"],
        ])
    func refusedInputs(_ arguments: [String]) throws {
        let ren = try Ren(["gate.yaml": Flows.gate])
        let result = try ren.run(["run", "gate.yaml", "-o", "json"] + arguments)
        #expect(result.code == 2, "\(result.errors)")
        #expect(result.errorCode != nil, "\(result.errors)")
        let runs = try ren("runs", "-o", "json")
        #expect(runs.code == 3 || runs.output == "[]\n")
    }

    @Test("A flow is found by its name: in the files of ren.yaml first, then among those that were registered")
    func byName() throws {
        let other = Flows.quick.replacing("42", with: "43")
        let ren = try Ren(["registered.yaml": Flows.quick, "ask.yaml": Flows.gate])
        #expect(try ren("flow", "register", "registered.yaml").code == 0)
        #expect(try ren("run", "quick", "-o", "json").json["output"] == ["answer": 42])
        try ren.write("flows: [flow?.yaml, ask.yaml]\n", to: "ren.yaml")
        try ren.write(other, to: "flow1.yaml")
        #expect(try ren("run", "quick", "-o", "json").json["output"] == ["answer": 43])
        #expect(try ren("run", "gate", "-i", "n=3").code == 10)
        #expect(try ren("run", "registered.yaml", "-o", "json").json["output"] == ["answer": 42])
        let unknown = try ren("run", "quik", "-o", "json")
        #expect(unknown.code == 3 && unknown.errorCode == "flow.not_found", "\(unknown.errors)")
        #expect(unknown.errors.contains("did you mean “quick”?"), "\(unknown.errors)")
        try ren.write(Flows.quick, to: "flow2.yaml")
        let both = try ren("run", "quick", "-o", "json")
        #expect(both.code == 2 && both.errorCode == "flow.ambiguous", "\(both.errors)")
        #expect(try ren("run", "nowhere.yaml", "-o", "json").errorCode == "file.not_found")
    }

    @Test("A pattern of flows in ren.yaml that matches nothing is told by run, serve and doctor")
    func noFlowFiles() throws {
        let ren = try Ren(["ren.yaml": "flows: [flows/*.yaml]\n"])
        for command in [["run", "quick"], ["serve", "--listen", "127.0.0.1:0"]] {
            let refused = try ren.run(command)
            #expect(refused.code == 78 && refused.errors.contains("of flows in"), "\(refused.errors)")
        }
        let doctor = try ren("doctor", "-o", "json")
        #expect(doctor.code == 1)
        let check = try doctor.json["checks"]?.arrayValue?.first { $0["name"] == "project" }
        #expect(check?["state"] == "broken", "\(doctor.output)")
    }

    @Test("A key that the flow does not declare is told, with the near one")
    func undeclaredInput() throws {
        let flow = "flow: f\ninput: {properties: {name: {type: string}}}\nnodes: {a: {succeed: 1}}\n"
        let ren = try Ren(["f.yaml": flow])
        let slip = try ren("run", "f.yaml", "-i", "nme=1")
        #expect(slip.code == 0)
        #expect(slip.errors.contains("does not declare “nme”, did you mean “name”?"), "\(slip.errors)")
        #expect(try !ren("run", "f.yaml", "-i", "name=x").errors.contains("declare"))
    }

    @Test("The same id with the same flow and input goes on or gives the result; with another input it is refused")
    func sameID() throws {
        let ren = try Ren(["gate.yaml": Flows.gate])
        #expect(try ren("run", "gate.yaml", "--id", "x", "-i", "n=20").code == 13)
        #expect(try ren("run", "gate.yaml", "--id", "x", "-i", "n=20", "-o", "json").code == 13)
        let other = try ren("run", "gate.yaml", "--id", "x", "-i", "n=21", "-o", "json")
        #expect(other.code == 4)
        #expect(other.errorCode == "run.exists")
        #expect(try ren("signal", "x", "approve", "{\"ok\": 1}").code == 0)
        let ended = try ren("run", "gate.yaml", "--id", "x", "-i", "n=20", "-o", "json")
        #expect(ended.code == 0, "\(ended.errors)")
        let again = try ren("run", "gate.yaml", "--id", "x", "-i", "n=20", "-o", "json")
        #expect(again.code == 0)
        #expect(again.output == ended.output)
        #expect(try ren("runs", "-o", "json").json.arrayValue?.count == 1)
    }

    @Test("A broken flow exits 2 with its places before anything is made")
    func brokenFlow() throws {
        let ren = try Ren(["bad.yaml": "flow: bad\nnodes:\n  a: {after: [b], fail: x}\n"])
        let result = try ren("run", "bad.yaml")
        #expect(result.code == 2)
        #expect(result.errors.contains("bad.yaml:3:"))
        #expect(result.errors.contains("1 error in 1 file"))
        #expect(try ren("runs").code == 3)
    }

    @Test("Runs are named by id, unique beginning, @last and @last:flow")
    func names() throws {
        let ren = try Ren(["quick.yaml": Flows.quick, "gate.yaml": Flows.gate])
        for id in ["alpha", "alto"] { #expect(try ren("run", "quick.yaml", "--id", id).code == 0) }
        #expect(try ren("run", "gate.yaml", "--id", "gate1").code == 10)
        func shown(_ name: String...) throws -> String? {
            try ren.run(["show", "-o", "json"] + name).json["run"]?.stringValue
        }
        #expect(try shown("alpha") == "alpha")
        #expect(try shown("alt") == "alto")
        #expect(try shown("@last") == "gate1")
        #expect(try shown("@last:quick") == "alto")
        #expect(try shown() == "gate1")
        let ambiguous = try ren("show", "al", "-o", "json")
        #expect(ambiguous.code == 2)
        #expect(ambiguous.errorCode == "run.ambiguous")
        let unknown = try ren("show", "zeta", "-o", "json")
        #expect(unknown.code == 3)
        #expect(unknown.errorCode == "run.not_found")
        #expect(try ren("show", "@running").code == 3)
    }

    @Test("runs lists newest first, with filters and formats")
    func runs() throws {
        let ren = try Ren(["quick.yaml": Flows.quick, "gate.yaml": Flows.gate])
        #expect(try ren("run", "quick.yaml", "--id", "a").code == 0)
        #expect(try ren("run", "gate.yaml", "--id", "b").code == 10)
        #expect(try ren("run", "gate.yaml", "--id", "c", "-i", "n=20").code == 13)
        func ids(_ arguments: String...) throws -> [String] {
            try ren.run(["runs", "-o", "jsonl"] + arguments).lines.compactMap { $0["run"]?.stringValue }
        }
        #expect(try ids() == ["c", "b", "a"])
        #expect(try ids("--limit", "2") == ["c", "b"])
        #expect(try ids("--flow", "gate") == ["c", "b"])
        #expect(try ids("--status", "waiting") == ["c"])
        #expect(try ren("runs", "-o", "json").json.arrayValue?.count == 3)
        #expect(try ren("runs", "-o", "csv").output.split(separator: "\n").first?.hasPrefix("run,flow,status") == true)
        let text = try ren("ls").output
        #expect(text.contains("waiting") && text.contains("not carried") && text.contains("too small: 1"))
        #expect(!text.contains("\u{1B}"))
        #expect(try ren("runs", "--color", "always").output.contains("\u{1B}["))
    }

    @Test("Progress that nobody watches is lines of key=value; --no-progress prints none")
    func progress() throws {
        let ren = try Ren(["gate.yaml": Flows.gate])
        let shown = try ren("run", "gate.yaml", "--id", "p", "-i", "n=20")
        #expect(shown.errors.contains("run=p node=ask state=waiting"))
        #expect(!shown.errors.contains("\u{1B}"))
        #expect(try ren("run", "gate.yaml", "-i", "n=20", "--no-progress").errors.isEmpty)
    }
}
