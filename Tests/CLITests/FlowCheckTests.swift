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

    @Test("Problems of ren.yaml exit 78")
    func project() throws {
        let ren = try Ren(["halves.yaml": Flows.halves, "ren.yaml": "funktions: [a.py]\n"])
        let result = try ren("flow", "check", "halves.yaml", "-o", "json")
        #expect(result.code == 78)
        #expect(result.errorCode == "config.invalid")
        #expect(try JSON(parsing: result.errors)["error"]?["line"] == 1)
    }
}
