import Foundation
import RenJSON
import Testing

/// `retry`, `skip` and `fork`, alone and beside an engine.
@Suite("Opening runs again")
struct ReopeningTests {
    private static let functions = """
        import os
        import ren

        @ren.function
        def numbers(count: int) -> list:
            return list(range(count))

        @ren.function
        def needs(n: int) -> int:
            if n == 2 and not os.path.exists("there"):
                raise ren.Permanent("the file is not there")
            return n * 10

        @ren.function
        def total(values: list) -> int:
            return sum(values)
        """

    private static let flow = """
        flow: needs
        input: {type: object, properties: {count: {type: integer, default: 4}}}
        nodes:
          numbers: {function: functions.numbers, with: {count: {var: input.count}}}
          needs: {function: functions.needs, each: {var: nodes.numbers.output}, after: [numbers], with: {n: {var: item}}}
          total: {function: functions.total, after: [needs], with: {values: {var: nodes.needs.items}}}
        output: {var: nodes.total.output}
        """

    private func failed() throws -> Ren {
        let ren = try Ren(["needs.yaml": Self.flow, "functions.py": Self.functions])
        #expect(try ren("run", "needs.yaml", "-f", "functions.py", "--id", "n").code == 10)
        return ren
    }

    @Test("Without an engine, retry is the engine until the run ends again")
    func retryAlone() throws {
        let ren = try failed()
        #expect(try ren("retry", "n", "--no-progress").code == 10, "it fails again")
        let shown = try ren("show", "n", "-o", "json").json["problems"]?[0]
        let fingerprint = try #require(shown?["fingerprint"]?.stringValue)
        let dry = try ren("retry", "n", "--problem", fingerprint, "--dry-run", "-o", "json")
        #expect(try dry.json["items"]?["needs"]?["indexes"] == "2", "\(dry.output)")
        for (problem, code) in [("0123456789abcdef", "retry.nothing"), ("0", "retry.problem")] {
            #expect(try ren("retry", "n", "--problem", problem, "--dry-run", "-o", "json").errorCode == code)
        }
        try ren.write("", to: "there")
        let retried = try ren("retry", "n", "--problem", fingerprint, "-o", "json")
        #expect(retried.code == 0, "\(retried.errors)")
        #expect(try retried.json["output"] == 60)
        let again = try ren("retry", "n", "-o", "json")
        #expect(again.code == 4 && again.errorCode == "retry.nothing", "\(again.errors)")
        let started = try ren("journal", "ls", "--run", "n", "-o", "jsonl").lines.count { $0["type"] == "item.started" }
        // Three succeeded at once, or began later; the one at fault began three times.
        #expect(started == 4 + 2)
        #expect(try ren("journal", "verify").code == 0)
    }

    @Test("A dry run tells what goes on besides what is chosen, when a map is opened again")
    func goesOn() throws {
        let ren = try Ren(["needs.yaml": Self.flow, "functions.py": Self.functions])
        #expect(try ren("run", "needs.yaml", "-f", "functions.py", "--id", "n", "-i", "count=300").code == 10)
        let done = try ren("show", "n", "-o", "json").json["nodes"]?["needs"]?["succeeded"]?.integerValue
        let left = 299 - (try #require(done))
        #expect(left > 0, "it ended before the item that fails")
        #expect(try ren("retry", "n", "--dry-run", "-o", "json").json["further"] == ["needs": .integer(left)])
        #expect(try ren("retry", "n", "--dry-run").output.contains("goes on      needs: \(left) item"))
        try ren.write("", to: "there")
        #expect(try ren("retry", "n", "--no-progress").code == 0)
        let started = try ren("journal", "ls", "--run", "n", "-o", "jsonl").lines.count { $0["type"] == "item.started" }
        #expect(started == 301)
    }

    @Test("An engine whose own request fails stays for the runs of others")
    func innocentRun() throws {
        let ren = try failed()
        try ren.write("", to: "there")
        #expect(try ren("retry", "n", "--no-progress").code == 0)
        for number in 0..<3 {
            let nothing = try ren.start(["retry", "n", "-f", "functions.py", "-o", "json"])
            let id = "other-\(number)"
            let other = try ren.start(["run", "needs.yaml", "-f", "functions.py", "--id", id, "--no-progress"])
            let refused = nothing.end()
            #expect(refused.code == 4 && refused.errors.contains("retry.nothing"), "\(refused.errors)")
            let ended = other.end()
            #expect(ended.code == 0, "\(ended.errors)")
        }
    }

    @Test("Of a run whose payloads were pruned, all that is kept still matches")
    func prunedPayloads() throws {
        let ren = try failed()
        try ren.write("", to: "there")
        #expect(try ren("retry", "n", "--no-progress").code == 0)
        #expect(try ren("fork", "n", "--set", "input.count=2", "--id", "m", "--no-progress").code == 0)
        try ren.write("functions: [functions.py]\nretention: {payloads_older_than: 1ms}\n", to: "ren.yaml")
        #expect(try ren("journal", "prune").output.contains("pruned payloads of 1 run"))
        #expect(try ren("journal", "prune").output == "nothing to prune\n", "a fork lives on the rest")
        #expect(try ren("audit", "m").code == 0)
        let replay = try ren("replay", "m", "-o", "json")
        #expect(replay.code == 0, "\(replay.output)")
        #expect(try replay.json["not_evaluated"]?.integerValue ?? 0 > 0)
        let diff = try ren("diff", "n", "m", "-o", "json")
        #expect(diff.code == 0, "\(diff.errors)")
    }

    @Test("Beside an engine, retry and skip are its clients")
    func besideEngine() throws {
        let ren = try failed()
        let engine = try ren.serve("-f", "functions.py")
        let left = try ren("retry", "n", "--detach", "-o", "json")
        #expect(left.code == 0, "\(left.errors)")
        #expect(try ren("wait", "n").code == 10)
        let skipped = try ren("skip", "n", "needs", "2", "--value", "7", "--reason", "as last week", "-o", "json")
        #expect(skipped.code == 0, "\(skipped.errors)")
        #expect(try ren("wait", "n").code == 0)
        #expect(try ren("result", "n").output.contains("47"))
        let forked = try ren("fork", "n", "--set", "input.count=2", "--id", "m", "-o", "json")
        #expect(forked.code == 0, "\(forked.errors)")
        #expect(try forked.json["output"] == 10)
        engine.send(SIGTERM)
        #expect(engine.end().code == 0)
    }

    @Test("Without an engine, a skip of a run that has ended goes on with it")
    func skipAlone() throws {
        let ren = try failed()
        let skipped = try ren("skip", "n", "needs", "2", "--value", "5", "-o", "json")
        #expect(skipped.code == 0, "\(skipped.errors)")
        #expect(try skipped.json["output"] == 45)
        let wrong = try ren("skip", "n", "needs", "2")
        #expect(wrong.code == 2)
    }

    @Test("A fork leaves its parent as it is, and a dry run says what it would be")
    func fork() throws {
        let ren = try failed()
        let events = try ren("journal", "ls", "--run", "n", "-o", "jsonl").lines
        let opened = try #require(events.first { $0["type"] == "map.opened" }?["sequence"]?.integerValue)
        let would = try ren(
            "fork", "n", "--at", "\(opened)", "--item-output", "needs/2=9", "--dry-run", "-o", "json")
        #expect(would.code == 0, "\(would.errors)")
        #expect(try would.json["given"] == ["needs/2"] && would.json["kept"] == ["numbers"])
        let told = try ren("fork", "n", "--at", "\(opened)", "--item-output", "needs/2=9", "--dry-run")
        #expect(told.output.contains("keeps part   needs: 1 item, 3 run again\n"), "\(told.output)")
        let forked = try ren("fork", "n", "--at", "\(opened)", "--item-output", "needs/2=9", "--id", "m", "-o", "json")
        #expect(forked.code == 0, "\(forked.errors)")
        #expect(try forked.json["output"] == 49)
        #expect(try ren("journal", "ls", "--run", "n", "-o", "jsonl").lines == events)
        let taken = try ren("fork", "n", "--id", "m", "-o", "json")
        #expect(taken.code == 4 && taken.errorCode == "run.exists", "\(taken.errors)")
        #expect(try ren("journal", "verify").code == 0)
    }
}
