import Foundation
import RenJSON
import Testing

@testable import ren_cli

@Suite("flow eval")
struct FlowEvalTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var rule: String
        var data = "null"
        var wanted: String
        var testDescription: String { rule.count > 60 ? "\(rule.prefix(60))…" : rule }
    }

    private static func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }

    /// RELIABILITY.md 3.3, the tables "JSON and flow files" and "JSONLogic": the code, with exit 2 and never a signal.
    static let refused = [
        Row(rule: "", wanted: "json.syntax"),
        Row(rule: "{} {}", wanted: "json.syntax"),
        Row(rule: "{}x", wanted: "json.syntax"),
        Row(rule: "\u{FEFF}{}", wanted: "json.syntax"),
        Row(rule: nested(65), wanted: "json.too_deep"),
        Row(rule: nested(10_000), wanted: "json.too_deep"),
        Row(rule: #"{"a": 1, "a": 2}"#, wanted: "json.duplicate_key"),
        Row(rule: "NaN", wanted: "json.number"),
        Row(rule: "1e999", wanted: "json.number"),
        Row(rule: String(repeating: "9", count: 400), wanted: "json.number"),
        Row(rule: #""\ud800""#, wanted: "json.string"),
        Row(rule: #"{"nope": [1]}"#, wanted: "logic.operator"),
        Row(rule: #"{"+": [1], "-": [1]}"#, wanted: "logic.operator"),
        Row(rule: #"{"log": "x"}"#, wanted: "logic.operator"),
        Row(rule: (0..<40).reduce("1") { rule, _ in "{\"!\": \(rule)}" }, wanted: "logic.too_large"),
        Row(
            rule: "{\"+\": [\(Array(repeating: "{\"+\": [1, 1]}", count: 600).joined(separator: ","))]}",
            wanted: "logic.too_large"),
        Row(
            rule: #"{"reduce": [{"var": "n"}, {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "xxxxxxxx"]}"#,
            data: "{\"n\": [\((0..<40).map(String.init).joined(separator: ","))]}", wanted: "logic.budget"),
        Row(
            rule: #"{"map": [{"var": "n"}, {"map": [{"val": [[2], "n"]}, {"+": [{"var": ""}, 1]}]}]}"#,
            data: "{\"n\": [\((0..<300).map(String.init).joined(separator: ","))]}", wanted: "logic.budget"),
        Row(rule: #"{"/": [1, 0]}"#, wanted: "logic.number"),
        Row(rule: #"{"%": [1, 0]}"#, wanted: "logic.number"),
        Row(rule: #"{"throw": "mine"}"#, wanted: "logic.thrown"),
        Row(rule: "1", data: "{", wanted: "json.syntax"),
        Row(rule: "1", data: nested(65), wanted: "json.too_deep"),
        Row(rule: "1", data: "@nowhere.json", wanted: "file.not_found"),
        Row(rule: "@nowhere.json", wanted: "file.not_found"),
    ]

    @Test("Malformed rules and data exit 2 with their code", arguments: refused)
    func refuses(_ row: Row) throws {
        let result = try Ren()("flow", "eval", row.rule, "--data", row.data, "-o", "json")
        #expect(!result.wasKilled, "ended by signal \(result.code)")
        #expect(result.code == 2)
        #expect(result.errorCode == row.wanted, "\(result.errors)")
        #expect(result.output.isEmpty)
        let text = try Ren()("flow", "eval", row.rule, "--data", row.data)
        #expect(text.code == 2 && text.errors.contains("[\(row.wanted)]"), "\(text.errors)")
    }

    static let fromFiles = [
        Row(rule: nested(1_000_000), wanted: "json.too_deep"),
        Row(
            rule: "[" + Array(repeating: "0", count: 200_000).joined(separator: ",") + "]",
            wanted: "json.too_many_items"),
        Row(
            rule: "{" + (0..<120_000).map { "\"k\($0)\":1" }.joined(separator: ",") + "}", wanted: "json.too_many_items"
        ),
    ]

    @Test("Large malformed files exit 2 with their code, as rule and as data", arguments: fromFiles)
    func refusesFiles(_ row: Row) throws {
        let ren = try Ren(["input.json": row.rule])
        for arguments in [["@input.json"], ["1", "--data", "@input.json"]] {
            let result = try ren.run(["flow", "eval", "-o", "json"] + arguments)
            #expect(!result.wasKilled && result.code == 2)
            #expect(result.errorCode == row.wanted, "\(result.errors)")
        }
    }

    @Test("Invalid UTF-8 exits 2")
    func invalidText() throws {
        let ren = try Ren()
        try Data([0x22, 0xFF, 0xFE, 0x22]).write(to: URL(fileURLWithPath: ren.folder + "/bad.json"))
        let result = try ren("flow", "eval", "@bad.json", "-o", "json")
        #expect(result.code == 2)
        #expect(result.errorCode == "json.encoding")
    }

    @Test(
        "The result is printed as JSON",
        arguments: [
            Row(rule: #"{"+": [1, 2]}"#, wanted: "3"),
            Row(rule: #"{"var": "a.b"}"#, data: #"{"a": {"b": [1, {"c": null}]}}"#, wanted: #"[1,{"c":null}]"#),
            Row(rule: #"{"var": "__proto__"}"#, data: "{}", wanted: "null"),
            Row(rule: #"{"cat": ["ä", 1]}"#, wanted: #""ä1""#),
            Row(rule: "9007199254740993", wanted: "9007199254740993"),
        ])
    func evaluates(_ row: Row) throws {
        for format in ["human", "json"] {
            let result = try Ren()("flow", "eval", row.rule, "--data", row.data, "-o", format)
            #expect(result.code == 0, "\(result.errors)")
            #expect(result.output == row.wanted + "\n")
        }
    }

    @Test("A warning at the whole rule names no place", arguments: [("", ""), ("/a", " (at /a)")])
    func place(_ pointer: String, _ text: String) {
        #expect(FlowEvalCommand.place(pointer) == text)
    }

    @Test("Rule and data come from files and standard input")
    func files() throws {
        let ren = try Ren(["rule.json": #"{"var": "x"}"#])
        let result = try ren("flow", "eval", "@rule.json", "--data", "@-", input: #"{"x": 7}"#)
        #expect(result.output == "7\n")
    }

    @Test("A trace tells operators, operands and what was read")
    func trace() throws {
        let result = try Ren()(
            "flow", "eval", #"{">": [{"var": "n"}, 10]}"#, "--data", #"{"n": 12}"#, "--trace", "-o", "json")
        let trace = try result.json
        #expect(trace["result"] == true)
        #expect(trace["operands"]?[0]?["path"] == ["n"])
        #expect(trace["operands"]?[0]?["value"] == 12)
        #expect(trace["steps"]?.arrayValue?.contains { $0["operator"] == ">" && $0["result"] == true } == true)
    }

    /// `../shared/jsonlogic` is beside the package where it is developed, and not in a clone of it.
    static let suites = Ren.root.deletingLastPathComponent().appendingPathComponent("shared/jsonlogic")

    @Test(
        "The first cases of every public suite", .enabled(if: FileManager.default.fileExists(atPath: suites.path)),
        arguments: ["compatible", "coalesce", "exists", "length", "preserve", "scopes", "throw", "try", "val"])
    func publicSuites(_ name: String) throws {
        let text = try String(contentsOf: Self.suites.appendingPathComponent(name + ".json"), encoding: .utf8)
        let cases = try #require(try JSON(parsing: text).arrayValue).filter { $0.stringValue == nil }
        let ren = try Ren()
        for entry in cases.prefix(5) {
            let rule = try #require(entry["rule"] ?? entry[0])
            let data = entry["data"] ?? entry[1] ?? .null
            let result = try ren("flow", "eval", rule.text, "--data", data.text, "-o", "json")
            if let error = entry["error"] {
                #expect(result.code == 2, "\(rule)")
                #expect(try JSON(parsing: result.errors)["error"]?["type"] == error["type"], "\(rule)")
            } else {
                let wanted = try #require(entry["result"] ?? entry[2])
                #expect(try result.json == wanted, "\(rule) on \(data)")
            }
        }
    }
}
