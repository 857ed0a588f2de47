import Foundation
import RenJSON
import Testing

/// Runs with Python functions, and the commands that look at their items and logs.
@Suite("Runs with functions")
struct FunctionRunTests {
    private static func ren() throws -> Ren {
        try Ren(["halves.yaml": Flows.halves, "functions.py": Flows.functions])
    }

    @Test("A map is run, counted, listed and explained")
    func map() throws {
        let ren = try Self.ren()
        let result = try ren("run", "halves.yaml", "-f", "functions.py", "--id", "h", "-o", "json")
        #expect(result.code == 0, "\(result.errors)")
        let nodes = try #require(try result.json["nodes"])
        #expect(try result.json["output"] == 18)
        #expect(nodes["halves"]?["total"] == 20)
        #expect(nodes["halves"]?["succeeded"] == 18)
        #expect(nodes["halves"]?["failed"] == 2)
        try items(ren)
        try logs(ren)
        try shown(ren)
    }

    private func items(_ ren: Ren) throws {
        let all = try ren("items", "h", "halves", "-o", "json").json.arrayValue ?? []
        #expect(all.count == 20)
        #expect(all.first?["key"] == "n-0" && all.first?["state"] == "succeeded" && all.first?["attempts"] == 1)
        let failed = try ren("items", "h", "halves", "--failed", "-o", "jsonl").lines
        #expect(failed.map { $0["key"]?.stringValue } == ["n-3", "n-13"])
        #expect(failed[0]["error"]?["name"] == "ValueError")
        #expect(failed[0]["index"] == 3)
        #expect(try ren("items", "h", "halves", "--state", "succeeded", "--limit", "4", "-o", "jsonl").lines.count == 4)
        for (state, count) in [("succeeded", "18"), ("failed", "2"), ("pending", "0"), ("total", "20")] {
            #expect(try ren("items", "h", "halves", "--count", state).output == count + "\n")
        }
        #expect(try ren("items", "h", "halves", "--count", "nope").code == 2)
        let csv = try ren("items", "h", "halves", "--failed", "-o", "csv").output.split(separator: "\n")
        #expect(csv[0] == "index,key,state,attempts,begun,ended,milliseconds,error")
        #expect(csv[1].hasPrefix("3,n-3,failed,1,"))
        let text = try ren("items", "h", "halves", "--failed").output
        #expect(text.contains("\\u{1b}[31m"), "control bytes are shown, not obeyed: \(text)")
        #expect(!text.contains("\u{1B}"))
        let none = try ren("items", "h", "numbers", "-o", "json")
        #expect(none.code == 3)
        #expect(none.errorCode == "node.no_items")
        let near = try ren("items", "h", "halve", "-o", "json")
        #expect(near.code == 3)
        #expect(near.errorCode == "node.not_found")
        #expect(near.errors.contains("halves"))
    }

    private func logs(_ ren: Ren) throws {
        let lines = try ren("logs", "h", "-n", "halves", "-k", "n-4", "-o", "jsonl").lines
        let said = try #require(lines.first { $0["text"] == "halving" })
        #expect(said["node"] == "halves" && said["key"] == "n-4" && said["fields"]?["n"] == 4)
        #expect(lines.allSatisfy { $0["key"] == "n-4" })
        let errors = try ren("logs", "h", "--level", "error", "-o", "json").json.arrayValue ?? []
        #expect(!errors.isEmpty && errors.allSatisfy { $0["level"] == "error" })
        let text = try ren("logs", "h").output
        let all = try ren("logs", "h", "-o", "jsonl").lines
        #expect(try ren("logs", "h", "--tail", "2", "-o", "jsonl").lines == all.suffix(2))
        #expect(try ren("logs", "h", "-f", "-o", "jsonl").lines == all, "it has ended")
        #expect(try ren("logs", "h", "-f", "-o", "json").code == 2)
        let halving = try ren("logs", "h", "--text", "HALVing", "-o", "jsonl").lines
        #expect(!halving.isEmpty && halving.allSatisfy { $0["text"] == "halving" })
        let unknown = try ren("logs", "h", "-n", "halvs", "-o", "json")
        #expect(unknown.code == 3 && unknown.errorCode == "node.not_found", "\(unknown.errors)")
        #expect(unknown.errors.contains("halves"))
        #expect(text.contains("halves[n-4]") && !text.contains("\u{1B}"))
    }

    private func shown(_ ren: Ren) throws {
        let text = try ren("show", "h").output
        #expect(text.contains("halves") && text.contains("18 ok, 2 failed of 20"))
        #expect(text.contains("2 × ValueError"))
        #expect(text.contains("ren logs h -n halves -k n-3"))
        #expect(text.contains("ren result h"))
        #expect(!text.contains("\u{1B}"))
        let shown = try ren("show", "h", "-o", "json").json
        #expect(shown["schema"] == "ren.run/1")
        #expect(shown["problems"]?[0]?["failures"] == 2)
        #expect(shown["problems"]?[0]?["key"] == "n-3")
        #expect(shown["next"]?.arrayValue?.isEmpty == false)
        let events = try ren("journal", "ls", "--run", "h", "-o", "jsonl").lines
        #expect(events.first?["type"] == "run.created" && events.last?["type"] == "run.succeeded")
        let finished = events.filter { $0["type"] == "item.succeeded" && $0["node"] == "halves" }
        #expect(Set(finished.compactMap { $0["item"]?.integerValue }).count == 18)
    }

    @Test("A log line stays one line; an error without a message has no colon; failures name only functions' logs")
    func odd() throws {
        let functions = """
            import ren

            @ren.function
            def forge(ctx: ren.Context):
                ctx.log.info("one\\n2026-01-01T00:00:00.000Z  error    forge  two")
                raise ValueError

            @ren.function
            def none() -> list:
                return []
            """
        let flow = """
            flow: odd
            nodes:
              forge: {function: odd.forge}
              bad: {condition: {throw: no}}
              late: {after: [forge], each: {var: nodes.forge.output}, function: odd.none}
            """
        let ren = try Ren(["odd.yaml": flow, "odd.py": functions])
        #expect(try ren("run", "odd.yaml", "-f", "odd.py", "--id", "o").code == 10)
        let log = try ren("logs", "o").output
        #expect(log.contains("one\\n2026") && !log.contains("\n2026-01-01"), "\(log)")
        let text = try ren("show", "o").output
        #expect(text.contains("ValueError") && !text.contains("ValueError:"), "\(text)")
        #expect(!text.contains("ren logs o -n bad"), "\(text)")
        #expect(try ren("items", "o", "late").output.contains("no items yet: node late is skipped"))
    }

    @Test("A map of which only unknown items are left waits, in show and in JSON")
    func unknownItems() throws {
        let functions = """
            import os

            import ren

            @ren.function(once=True)
            def die(n: int):
                os._exit(3)
            """
        let flow = """
            flow: die
            nodes:
              die: {each: [1, 2], function: die.die, with: {n: {var: item}}}
            """
        let ren = try Ren(["die.yaml": flow, "die.py": functions])
        #expect(try ren("run", "die.yaml", "-f", "die.py", "--id", "d").code == 13)
        #expect(try ren("show", "d", "-o", "json").json["nodes"]?["die"]?["status"] == "waiting")
        let text = try ren("show", "d").output
        #expect(text.contains("‖ die") && !text.contains("▶"), "\(text)")
    }

    @Test("Function files of the project are found, changed ones are told, missing ones refuse a resume")
    func project() throws {
        let ren = try Ren([
            "held.yaml": Flows.held, "functions.py": Flows.functions, "ren.yaml": "functions: [functions.py]",
        ])
        let run = try ren.start(["run", "held.yaml", "--id", "p", "-i", "marker=began", "-i", "gate=gate"])
        try wait(for: "the call") { FileManager.default.fileExists(atPath: ren.folder + "/began") }
        run.send(SIGKILL)
        #expect(run.end().wasKilled)
        try FileManager.default.moveItem(atPath: ren.folder + "/functions.py", toPath: ren.folder + "/away.py")
        let missing = try ren("resume", "p", "-o", "json")
        #expect(missing.code == 2)
        #expect(missing.errorCode == "function.file_missing")
        #expect(missing.errors.contains("put the file back, or name it again with -f"), "\(missing.errors)")
        try ren.write(Flows.functions + "\n# changed\n", to: "functions.py")
        try ren.write("", to: "gate")
        let resumed = try ren("resume", "p")
        #expect(resumed.code == 0, "\(resumed.errors)")
        #expect(resumed.errors.contains("functions.py has changed"))
    }

    @Test("A flow that calls what is not there is refused before it starts")
    func unknownFunction() throws {
        let ren = try Self.ren()
        try ren.write(Flows.halves.replacing("functions.half", with: "functions.haf"), to: "halves.yaml")
        let result = try ren("run", "halves.yaml", "-f", "functions.py")
        #expect(result.code == 2)
        #expect(result.errors.contains("[function.unknown]") && result.errors.contains("functions.half"))
        #expect(try ren("runs", "-o", "json").output == "[]\n")
    }
}
