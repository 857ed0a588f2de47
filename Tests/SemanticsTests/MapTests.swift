import RenCore
import RenJSON
import RenWorkers
import Testing

@testable import RenEngine

/// SEMANTICS.md 4 and the last paragraphs of 2: maps.
@Suite("Maps")
struct MapTests {
    private func map(_ more: String = "", source: String = "{var: input.list}") -> String {
        "m: {function: f, each: \(source)\(more.isEmpty ? "" : ", " + more)}"
    }

    private func list(_ count: Int) -> JSON {
        ["list": .array((0..<count).map { ["id": .string("k\($0)"), "n": .integer(Int64($0))] })]
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var more: String
        var items: Int
        /// One letter an item, in order: `+` succeeds, `-` fails for good.
        var play: String
        var status: String
        var begun: Int

        var testDescription: String { name }
    }

    static let rows = [
        Row(name: "a list of none succeeds at once", more: "", items: 0, play: "", status: "succeeded", begun: 0),
        Row(name: "all succeed", more: "", items: 3, play: "+++", status: "succeeded", begun: 3),
        Row(
            name: "tolerate is 0 unless written", more: "concurrency: 1", items: 3, play: "-", status: "failed",
            begun: 1),
        Row(name: "a count, not exceeded", more: "tolerate: 1", items: 3, play: "-++", status: "succeeded", begun: 3),
        Row(
            name: "a count, exceeded: no further item starts", more: "tolerate: 1, concurrency: 1", items: 5,
            play: "--", status: "failed", begun: 2),
        Row(
            name: "a percentage of the total, not exceeded", more: "tolerate: 50%", items: 4, play: "--++",
            status: "succeeded", begun: 4),
        Row(
            name: "a percentage, exceeded", more: "tolerate: 50%, concurrency: 1", items: 4, play: "---",
            status: "failed", begun: 3),
        Row(name: "those running finish", more: "concurrency: 2", items: 4, play: "-+", status: "failed", begun: 2),
        Row(name: "100 % tolerates all", more: "tolerate: 100%", items: 2, play: "--", status: "succeeded", begun: 2),
    ]

    @Test("Tolerance and closing", arguments: rows, JournalKind.allCases)
    func closes(_ row: Row, _ kind: JournalKind) throws {
        let stage = try Stage(map(row.more), input: list(row.items), on: kind)
        for (index, act) in row.play.enumerated() {
            if act == "+" { try stage.succeed("m[\(index)]") } else { try stage.fail("m[\(index)]") }
        }
        #expect(try stage.status("m") == row.status)
        #expect(try stage.events().count { $0.hasPrefix("item.started") } == row.begun)
        let events = try stage.events()
        #expect(events.count { $0 == "map.closed m" } == 1)
        #expect(events.last { $0.hasPrefix("node.") } == "node.\(row.status) m")
    }

    @Test("concurrency bounds what runs, in index order", arguments: JournalKind.allCases)
    func concurrency(_ kind: JournalKind) throws {
        let stage = try Stage(map("concurrency: 3"), input: list(7), on: kind)
        #expect(stage.functions.running == ["m[0]", "m[1]", "m[2]"])
        try stage.succeed("m[1]")
        #expect(stage.functions.running == ["m[0]", "m[2]", "m[3]"])
    }

    @Test("Slots bound what runs where no concurrency is written", arguments: JournalKind.allCases)
    func slots(_ kind: JournalKind) throws {
        let stage = try Stage(
            "start: {function: f}\nm: {function: f, after: [start], each: {var: input.list}}", input: list(9), on: kind)
        stage.functions.limit([.blocking: 2, .alone: 1])
        try stage.succeed("start")
        #expect(stage.functions.running == ["m[0]", "m[1]"])
        #expect(
            try stage.events().count { $0.hasPrefix("item.started") } == 2,
            "started is never written for waiting in a queue")
    }

    @Test("Items that wait for a retry give their place to others and come back first", arguments: JournalKind.allCases)
    func retries(_ kind: JournalKind) throws {
        let stage = try Stage(
            map("concurrency: 1, retry: {attempts: 2, every: 5s, jitter: 0}"), input: list(3), on: kind)
        try stage.fail("m[0]")
        #expect(stage.functions.running == ["m[1]"])
        try stage.pass(.seconds(6))
        try stage.succeed("m[1]")
        #expect(stage.functions.running == ["m[0]"])
        #expect(stage.functions.call(of: "m[0]")?.attempt == 2)
    }

    @Test("What waits for a retry stays pending when too many failed", arguments: JournalKind.allCases)
    func exceededWithRetry(_ kind: JournalKind) throws {
        let stage = try Stage(map("retry: {attempts: 2, every: 1h, jitter: 0}"), input: list(3), on: kind)
        try stage.fail("m[0]")
        try stage.fail("m[1]", permanent: true)
        try stage.fail("m[2]")
        #expect(try stage.status("m") == "failed")
        #expect(stage.mailbox.state[NodeNumber(0)].error?.name == "TooManyFailed")
        #expect(try stage.count("item.failed m[2]") == 1, "those running finish without retry")
        #expect(try stage.count("item.failed m[0]") == 0)
    }

    @Test("when is asked per item", arguments: JournalKind.allCases)
    func when(_ kind: JournalKind) throws {
        let stage = try Stage(map(#"when: {">": [{var: item.n}, 0]}"#), input: list(3), on: kind)
        #expect(stage.functions.running == ["m[1]", "m[2]"])
        try stage.succeed("m[1]", 10)
        try stage.succeed("m[2]", 20)
        #expect(try stage.count("item.skipped m[0]") == 1)
        #expect(try stage.status("m") == "succeeded")
    }

    @Test("Keys are evaluated per item and name it", arguments: JournalKind.allCases)
    func keys(_ kind: JournalKind) throws {
        let stage = try Stage(
            map("key: {var: item.id}, with: {n: {var: item.n}, at: {var: index}, k: {var: key}}"), input: list(2),
            on: kind)
        let call = try #require(stage.functions.call(of: "m[1]"))
        #expect(call.key == "k1")
        #expect(call.idempotencyKey == "staged/m/k1")
        #expect(try JSON(parsing: call.arguments) == ["n": 1, "at": 1, "k": "k1"])
    }

    struct BadRow: Sendable, CustomTestStringConvertible {
        var name: String
        var source: String
        var more: String
        var error: String
        var testDescription: String { name }
    }

    static let bad = [
        BadRow(name: "not a list", source: "{var: input.word}", more: "", error: "NotAList"),
        BadRow(name: "missing", source: "{var: input.missing}", more: "", error: "NotAList"),
        BadRow(name: "equal keys", source: "{var: input.list}", more: ", key: {var: item.same}", error: "DuplicateKey"),
        BadRow(
            name: "a key that is no text", source: "{var: input.list}", more: ", key: {var: item}",
            error: "BadExpression"),
        BadRow(
            name: "a concurrency that is no number", source: "{var: input.list}",
            more: ", concurrency: {var: input.word}", error: "BadExpression"),
    ]

    @Test("A map that cannot open fails", arguments: bad, JournalKind.allCases)
    func badMaps(_ row: BadRow, _ kind: JournalKind) throws {
        let stage = try Stage(
            "m: {function: f, each: \(row.source)\(row.more)}\nn: {function: f, after: [m.failed]}",
            input: ["word": "x", "list": [["same": "s"], ["same": "s"]]], on: kind)
        #expect(stage.mailbox.state[NodeNumber(0)].error?.name == row.error)
        #expect(stage.functions.running == ["n"])
    }

    @Test("Items of one map are the elements of the next; failed ones are left out", arguments: JournalKind.allCases)
    func itemsOfItems(_ kind: JournalKind) throws {
        let stage = try Stage(
            "m: {function: f, each: {var: input.list}, tolerate: 1}\nn: {function: g, after: [m], each: {var: nodes.m.items}, with: {v: {var: item}}}",
            top:
                "output: {all: {var: nodes.n.items}, failed: {var: nodes.m.failed}, failures: {var: nodes.m.failures}}",
            input: list(3), on: kind)
        try stage.succeed("m[0]", "zero")
        try stage.fail("m[1]")
        try stage.succeed("m[2]", "two")
        #expect(try JSON(parsing: #require(stage.functions.call(of: "n[1]")).arguments) == ["v": "two"])
        try stage.succeed("n[1]", "TWO")
        try stage.succeed("n[0]", "ZERO")
        let failure: JSON = ["index": 1, "name": "ValueError", "message": "it broke"]
        #expect(try stage.output() == ["all": ["ZERO", "TWO"], "failed": 1, "failures": [failure]])
    }

    @Test("A long list is read block by block, also after a crash", arguments: JournalKind.allCases)
    func longList(_ kind: JournalKind) throws {
        let stage = try Stage(
            "l: {function: f}\nm: {function: f, after: [l], each: {var: nodes.l.output.rows}, concurrency: 1, with: {n: {var: item.n}}}",
            on: kind)
        let rows = JSON.array(
            (0..<300).map { ["n": .integer($0), "pad": .string(String(repeating: "x", count: 500))] })
        try stage.succeed("l", ["before": [1, 2], "rows": rows])
        for index in 0..<300 {
            if index % 70 == 69 { try stage.crash() }
            let call = try #require(stage.functions.call(of: "m[\(index)]"))
            #expect(try JSON(parsing: call.arguments) == ["n": .integer(Int64(index))])
            try stage.succeed("m[\(index)]")
        }
        #expect(stage.runStatus == "succeeded")
    }

    @Test("A computed list is kept with the opening", arguments: JournalKind.allCases)
    func computed(_ kind: JournalKind) throws {
        let stage = try Stage(
            map("with: {x: {var: item}}, concurrency: 1", source: #"{map: [{var: input.list}, {"*": [{var: n}, 2]}]}"#),
            input: list(3), on: kind)
        try stage.succeed("m[0]")
        try stage.crash()
        #expect(try JSON(parsing: #require(stage.functions.call(of: "m[1]")).arguments) == ["x": 2])
    }

    @Test("An unknown item keeps its map open until a person acts", arguments: JournalKind.allCases)
    func unknown(_ kind: JournalKind) throws {
        let stage = try Stage(map("once: true"), input: list(2), on: kind)
        try stage.end("m[0]", .workerDied(alone: true, how: "signal 9"))
        try stage.succeed("m[1]")
        #expect(stage.runStatus == "running")
        #expect(stage.mailbox.rest == .person)
        try stage.ask(.stop(.cancel, reason: nil))
        #expect(stage.runStatus == "stopped")
        #expect(stage.mailbox.state[NodeNumber(0)].map?.state(of: ItemIndex(0)) == .unknown)
    }

    @Test(
        "Too many failed and one unknown: what waits never begins, only a person goes on",
        arguments: JournalKind.allCases)
    func unknownAndExceeded(_ kind: JournalKind) throws {
        let stage = try Stage(map("once: true"), input: list(3), on: kind)
        try stage.end("m[0]", .workerDied(alone: true, how: "signal 9"))
        try stage.fail("m[1]")
        #expect(stage.mailbox.rest == nil, "one still runs")
        try stage.end("m[2]", .interrupted)
        #expect(stage.functions.running.isEmpty)
        #expect(stage.mailbox.rest == .person)
        try stage.ask(.stop(.cancel, reason: nil))
        #expect(stage.runStatus == "stopped")
    }

    @Test("With an unknown item, those that wait for a slot keep ren at work", arguments: JournalKind.allCases)
    func unknownAndHungry(_ kind: JournalKind) throws {
        let stage = try Stage(
            "a: {function: f}\n" + map("once: true, concurrency: 1, after: [a]"), input: list(2), on: kind)
        try stage.succeed("a")
        stage.functions.limit([.alone: 0])
        try stage.end("m[0]", .workerDied(alone: true, how: "signal 9"))
        #expect(stage.functions.running.isEmpty)
        #expect(stage.mailbox.rest == nil)
        stage.functions.limit([.alone: 1])
        try stage.settle()
        try stage.succeed("m[1]")
        #expect(stage.mailbox.rest == .person)
    }
}
