import RenJSON
import Testing

@Suite("flow check and functions")
struct FlowCheckTests {
    @Test("A good flow exits 0")
    func good() throws {
        let ren = try Ren(["gate.yaml": Flows.gate])
        let result = try ren("flow", "check", "gate.yaml")
        #expect(result.code == 0, "\(result.output)\(result.errors)")
        #expect(result.output.contains("no errors"))
    }

    @Test("Every error of every file has file, line, column and code; exit 2")
    func bad() throws {
        let ren = try Ren([
            "one.yaml": "flow: one\nnodes:\n  a: {function: f, retires: 3}\n  b: {after: [c], condition: true}\n",
            "two.yaml": "flow: two\nnodes: &x\n  a: {fail: no}\n", "three.json": "{\"flow\": \"three\",}",
        ])
        let files = ["one.yaml", "two.yaml", "three.json", "missing.yaml"]
        let result = try ren.run(["flow", "check", "--without-functions"] + files)
        #expect(result.code == 2)
        #expect(result.output.contains("one.yaml:3:"))
        #expect(result.output.contains("[flow.unknown_key]"))
        #expect(result.output.contains("did you mean"))
        #expect(result.output.contains("in 4 files"))
        let report = try ren.run(["flow", "check", "--without-functions", "-o", "json"] + files).json
        let errors = try #require(report["errors"]?.arrayValue)
        let found = Set(errors.compactMap { $0["file"]?.stringValue })
        #expect(found == Set(files))
        for error in errors where error["file"] != "missing.yaml" {
            #expect(error["line"]?.integerValue != nil && error["column"]?.integerValue != nil, "\(error)")
            #expect(error["code"]?.stringValue?.contains(".") == true)
        }
    }

    @Test("Functions are looked up in -f and in ren.yaml")
    func functions() throws {
        let ren = try Ren(["halves.yaml": Flows.halves, "functions.py": Flows.functions])
        let unknown = try ren("flow", "check", "halves.yaml", "-o", "json")
        #expect(unknown.code == 2)
        #expect(try unknown.json["errors"]?[0]?["code"] == "function.unknown")
        #expect(try ren("flow", "check", "--without-functions", "halves.yaml").code == 0)
        #expect(try ren("flow", "check", "halves.yaml", "-f", "functions.py").code == 0)
        try ren.write("functions: [\"*.py\"]\n", to: "ren.yaml")
        let checked = try ren("flow", "check", "halves.yaml")
        #expect(checked.code == 0, "\(checked.output)\(checked.errors)")
        try ren.write(Flows.halves.replacing("functions.half", with: "functions.halve"), to: "halves.yaml")
        let near = try ren("flow", "check", "halves.yaml")
        #expect(near.code == 2)
        #expect(near.output.contains("functions.half"))
    }

    @Test("Calls are checked in a flow with other errors too, and against the pool that ren.yaml gives")
    func callsOfFlawedFlows() throws {
        let ren = try Ren([
            "functions.py": Flows.functions,
            "ren.yaml": "functions: [\"*.py\"]\nworkers: {processes: 2, slots: 3}\n",
            "wide.yaml": """
            flow: wide
            nodes:
              a: {each: [1], function: functions.half, with: {n: {var: item}}, concurrency: 7}
              b: {each: [1], function: functions.half, with: {n: {var: item}}, concurrency: 6}
              c: {function: functions.halve, join: al}
            """,
        ])
        let result = try ren("flow", "check", "wide.yaml", "-o", "json")
        #expect(result.code == 2)
        let errors = try #require(try result.json["errors"]?.arrayValue)
        #expect(errors.map { $0["code"] } == ["function.unknown", "flow.unknown_word"])
        let warnings = try #require(try result.json["warnings"]?.arrayValue)
        #expect(warnings.map { $0["code"] } == ["flow.over_pool"])
        #expect(warnings.first?["line"] == 3)
        #expect(warnings.first?["message"]?.stringValue?.contains("2 processes × 3") == true)
    }

    @Test("functions lists names, arguments and places")
    func list() throws {
        let ren = try Ren(["functions.py": Flows.functions])
        let list = try ren("functions", "-f", "functions.py", "-o", "json").json
        let half = try #require(list.arrayValue?.first { $0["name"] == "functions.half" })
        #expect(half["file"]?.stringValue?.hasSuffix("functions.py") == true)
        #expect(half["line"]?.integerValue != nil)
        #expect(half["parameters"]?["properties"]?["n"]?["type"] == "integer")
        let text = try ren("functions", "-f", "functions.py").output
        #expect(text.contains("functions.numbers(count)"))
        #expect(text.contains("The first numbers."))
    }

    @Test("functions check exits 2 for a file that cannot be loaded, and when none is named")
    func check() throws {
        let ren = try Ren(["broken.py": "import nonsense_that_is_not_there\n", "functions.py": Flows.functions])
        #expect(try ren("functions", "check", "-f", "functions.py").code == 0)
        let broken = try ren("functions", "check", "-f", "broken.py", "-o", "json")
        #expect(broken.code == 2)
        #expect(broken.errorCode == "function.broken")
        let missing = try ren("functions", "check", "-f", "nowhere.py", "-o", "json")
        #expect(missing.code == 2)
        #expect(missing.errorCode == "function.file_missing")
        #expect(try ren("functions", "check").code == 2)
    }

    @Test(
        "All problems of ren.yaml are told, with 78",
        arguments: [
            ("funktions: [a.py]\nflows: 3\nworkers: {processes: 0, slots: x}\n", 4), ("functions: [a.py\n", 1),
            ("disk_budget: 5\n", 1), ("disk_budget: 5GiB\n", 1), ("disk_budget: 20MB\n", 1),
        ])
    func everyProblem(_ text: String, _ count: Int) throws {
        let ren = try Ren(["halves.yaml": Flows.halves, "ren.yaml": text])
        for command in [["run"], ["flow", "check"]] {
            let result = try ren.run(command + ["halves.yaml", "-o", "json"])
            #expect(result.code == 78, "\(result.output)\(result.errors)")
            #expect(result.errorCode == "config.invalid")
            let errors = try JSON(parsing: result.errors)["error"]?["errors"]?.arrayValue
            #expect((errors?.count ?? 1) == count, "\(result.errors)")
        }
    }

    @Test("Without function files, the hint says how to name them")
    func noFiles() throws {
        let ren = try Ren(["halves.yaml": Flows.halves])
        #expect(try ren("run", "halves.yaml").errors.contains("-f FILE.py"))
        #expect(try ren("flow", "check", "halves.yaml").output.contains("-f FILE.py"))
    }

    @Test("Problems of ren.yaml exit 78")
    func project() throws {
        let ren = try Ren(["halves.yaml": Flows.halves, "ren.yaml": "funktions: [a.py]\n"])
        let result = try ren("flow", "check", "halves.yaml", "-o", "json")
        #expect(result.code == 78)
        #expect(result.errorCode == "config.invalid")
        #expect(try JSON(parsing: result.errors)["error"]?["line"] == 1)
    }
}
