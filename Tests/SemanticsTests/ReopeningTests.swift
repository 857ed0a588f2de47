import RenCore
import RenJSON
import RenJournal
import RenWorkers
import Testing

@testable import RenEngine

/// SEMANTICS.md 7, as runs go through it: what runs again, and what keeps its result.
@Suite("Reopening a run")
struct ReopeningTests {
    private static func list(_ numbers: [Int]) -> JSON {
        ["list": .array(numbers.map { ["id": .string("k\($0)"), "n": .integer(Int64($0))] })]
    }

    /// A list that a function gives, a map over it, and a function that reads the map's items.
    private static let chain = """
        list: {function: f, with: {}}
        m: {function: f, each: {var: nodes.list.output}, key: {var: item.id}, after: [list]}
        sum: {function: f, after: [m], with: {all: {var: nodes.m.items}}}
        """

    private func retry(_ stage: Stage, _ nodes: [String] = [], allowed: [String] = []) throws {
        var choice = RetryChoice()
        choice.nodes = try nodes.map { try stage.number($0) }
        choice.allowed = try allowed.map { try stage.number($0) }
        try stage.ask(.retry(choice))
    }

    @Test(
        "A node that failed runs again, with the next number, and those behind it begin",
        arguments: JournalKind.allCases)
    func failedNode(_ kind: JournalKind) throws {
        let stage = try Stage("a: {function: f}\nb: {function: f, after: [a]}", on: kind)
        try stage.fail("a")
        #expect(stage.runStatus == "failed")
        try retry(stage)
        #expect(stage.functions.call(of: "a")?.attempt == 2)
        try stage.succeed("a", 1)
        try stage.succeed("b", 2)
        #expect(stage.runStatus == "succeeded")
        #expect(try stage.count("run.failed") == 1)
        #expect(try stage.count("run.succeeded") == 1)
    }

    @Test("Failed items run again, the others keep their results", arguments: JournalKind.allCases)
    func failedItems(_ kind: JournalKind) throws {
        let stage = try Stage(
            "m: {function: f, each: {var: input.list}, key: {var: item.id}, tolerate: 2}\n"
                + "sum: {function: f, after: [m], with: {all: {var: nodes.m.items}}}",
            input: Self.list([0, 1, 2]), on: kind, language: .swift)
        try stage.succeed("m[0]", 10)
        try stage.fail("m[1]")
        try stage.succeed("m[2]", 12)
        try stage.succeed("sum", 22)
        #expect(stage.runStatus == "succeeded")
        try retry(stage)
        #expect(stage.functions.running == ["m[1]"])
        #expect(stage.functions.call(of: "m[1]")?.attempt == 2)
        try stage.succeed("m[1]", 11)
        let arguments = try #require(stage.functions.call(of: "sum")?.arguments)
        #expect(try JSON(parsing: arguments, limits: .payload) == ["all": [10, 11, 12]])
        try stage.succeed("sum", 33)
        #expect(stage.runStatus == "succeeded")
        // The item's events are linked through the reopening.
        #expect(
            try stage.history(of: "m[1]") == [
                "item.started", "item.attempt_failed", "item.failed", "item.started", "item.succeeded",
            ])
    }

    @Test(
        "Chosen items run, and are retried, however many others stay failed; nothing else of the map begins",
        arguments: JournalKind.allCases)
    func chosenItems(_ kind: JournalKind) throws {
        let stage = try Stage(
            "m: {function: f, each: {var: input.list}, key: {var: item.id}, concurrency: 3, "
                + "retry: {attempts: 2, every: 5s, jitter: 0}}",
            input: Self.list([0, 1, 2, 3, 4]), on: kind)
        for index in 0..<3 { try stage.fail("m[\(index)]", permanent: true) }
        #expect(stage.runStatus == "failed")
        var choice = RetryChoice()
        choice.items = [try stage.number("m"): ItemRanges([ItemIndex(0), ItemIndex(2)])]
        try stage.ask(.retry(choice))
        #expect(stage.functions.running == ["m[0]", "m[2]"])
        try stage.crash()
        #expect(stage.functions.running == ["m[0]", "m[2]"])
        try stage.fail("m[0]")
        try stage.succeed("m[2]", 12)
        #expect(stage.runStatus == "running" && stage.functions.running.isEmpty)
        try stage.pass(.seconds(6))
        #expect(stage.functions.running == ["m[0]"])
        try stage.succeed("m[0]", 10)
        #expect(stage.runStatus == "failed", "m[1] is more than is tolerated, still")
        #expect(try stage.count("item.started m[3]") == 0)
        // With it all goes on.
        try retry(stage)
        #expect(stage.functions.running == ["m[1]", "m[3]", "m[4]"])
    }

    @Test("Items that fail once more leave what read the others as it is", arguments: JournalKind.allCases)
    func failedItemsAgain(_ kind: JournalKind) throws {
        let stage = try Stage(
            "m: {function: f, each: {var: input.list}, key: {var: item.id}, tolerate: 2}\n"
                + "sum: {function: f, once: true, after: [m], with: {all: {var: nodes.m.items}}}",
            input: Self.list([0, 1, 2]), on: kind)
        try stage.succeed("m[0]", 10)
        try stage.fail("m[1]")
        try stage.fail("m[2]")
        try stage.succeed("sum", 10)
        try retry(stage)
        try stage.fail("m[1]")
        try stage.fail("m[2]")
        #expect(stage.runStatus == "succeeded" && stage.statuses == "m=succeeded sum=succeeded")
        #expect(try stage.count("node.kept m") == 1)
        #expect(try stage.count("node.kept sum") == 1)
        // A result more is another input.
        try retry(stage)
        try stage.fail("m[1]")
        try stage.succeed("m[2]", 12)
        #expect(stage.statuses == "m=succeeded sum=unknown")
    }

    @Test("A node that gives the same again leaves what read it as it is", arguments: JournalKind.allCases)
    func sameAgain(_ kind: JournalKind) throws {
        let stage = try Stage(Self.chain, on: kind)
        try stage.succeed("list", Self.list([0, 1])["list"]!)
        try stage.succeed("m[0]", 10)
        try stage.succeed("m[1]", 11)
        try stage.succeed("sum", 21)
        try retry(stage, ["list"])
        #expect(stage.functions.running == ["list"])
        try stage.succeed("list", Self.list([0, 1])["list"]!)
        #expect(stage.runStatus == "succeeded")
        #expect(try stage.count("item.kept m[0]") == 1)
        #expect(try stage.count("item.kept m[1]") == 1)
        // The map has what it had, so the list of its items is what the last node had read, page by page.
        #expect(try stage.count("node.kept m") == 1)
        #expect(try stage.count("node.kept sum") == 1)
        #expect(try stage.output(of: "sum") == 21)
    }

    @Test("Of a list that has changed only new and changed items run, found by key", arguments: JournalKind.allCases)
    func otherList(_ kind: JournalKind) throws {
        let stage = try Stage(Self.chain, on: kind)
        try stage.succeed("list", Self.list([0, 1, 2])["list"]!)
        for index in 0..<3 { try stage.succeed("m[\(index)]", .integer(Int64(10 + index))) }
        try stage.succeed("sum", 33)
        try retry(stage, ["list"])
        // Another order, k1 is gone, k2 is another one, k3 is new.
        try stage.succeed(
            "list", [["id": "k2", "n": 20], ["id": "k0", "n": 0], ["id": "k3", "n": 3]])
        #expect(Set(stage.functions.running) == ["m[0]", "m[2]"])
        #expect(stage.functions.call(of: "m[0]")?.attempt == 2)
        #expect(stage.functions.call(of: "m[2]")?.attempt == 1)
        #expect(try stage.count("item.kept m[1]") == 1)
        try stage.succeed("m[0]", 120)
        try stage.succeed("m[2]", 13)
        #expect(stage.functions.running == ["sum"])
        #expect(try stage.items(of: "m") == [120, 10, 13])
        try stage.succeed("sum", 143)
        #expect(stage.runStatus == "succeeded")
        // Once more, all of it: results that were kept are found again.
        try retry(stage, ["list"])
        try stage.succeed("list", [["id": "k2", "n": 20], ["id": "k0", "n": 0], ["id": "k3", "n": 3]])
        #expect(stage.runStatus == "succeeded")
        #expect(try stage.items(of: "m") == [120, 10, 13])
    }

    @Test("A crash in the middle of it changes nothing", arguments: JournalKind.allCases)
    func crash(_ kind: JournalKind) throws {
        let stage = try Stage(Self.chain, on: kind)
        try stage.succeed("list", Self.list([0, 1])["list"]!)
        try stage.succeed("m[0]", 10)
        try stage.succeed("m[1]", 11)
        try stage.succeed("sum", 21)
        try retry(stage, ["list"])
        stage.functions.limit([.blocking: 1, .alone: 1])
        try stage.succeed("list", [["id": "k9", "n": 9], ["id": "k0", "n": 0], ["id": "k1", "n": 1]])
        #expect(stage.functions.running == ["m[0]"])
        try stage.crash()
        #expect(stage.functions.running == ["m[0]"])
        try stage.succeed("m[0]", 19)
        #expect(stage.functions.running == ["sum"])
        #expect(try stage.items(of: "m") == [19, 10, 11])
    }

    @Test("A branch that turns: what was taken is skipped, what was skipped runs", arguments: JournalKind.allCases)
    func branch(_ kind: JournalKind) throws {
        let stage = try Stage(
            """
            a: {function: f, with: {}}
            if: {condition: {">": [{var: nodes.a.output}, 5]}, after: [a]}
            yes: {function: f, after: [if.then], with: {}}
            no: {function: f, after: [if.else], with: {}}
            """, on: kind)
        try stage.succeed("a", 9)
        try stage.succeed("yes", 1)
        #expect(stage.statuses == "a=succeeded if=succeeded yes=succeeded no=skipped")
        try retry(stage, ["a"])
        try stage.succeed("a", 1)
        try stage.succeed("no", 1)
        #expect(stage.statuses == "a=succeeded if=succeeded yes=skipped no=succeeded")
        // And back: what had run before has its result still.
        try retry(stage, ["a"])
        try stage.succeed("a", 8)
        #expect(stage.runStatus == "succeeded")
        #expect(stage.statuses == "a=succeeded if=succeeded yes=succeeded no=skipped")
        #expect(try stage.count("node.started yes") == 1)
    }

    @Test("A pause that would ask the same has its answer", arguments: JournalKind.allCases)
    func pause(_ kind: JournalKind) throws {
        let nodes = """
            a: {function: f, with: {}}
            ask: {pause: {message: {cat: ["take ", {var: nodes.a.output}, "?"]}, signal: go}, after: [a]}
            b: {function: f, after: [ask]}
            """
        let stage = try Stage(nodes, on: kind)
        try stage.succeed("a", 1)
        try stage.signal("go", "yes")
        try stage.succeed("b", 1)
        try retry(stage, ["a"])
        try stage.succeed("a", 1)
        #expect(stage.runStatus == "succeeded")
        #expect(try stage.count("node.kept ask") == 1)
        try retry(stage, ["a"])
        try stage.succeed("a", 2)
        #expect(try stage.status("ask") == "waiting")
    }

    @Test(
        "A once node that had succeeded waits for a person when its input has changed", arguments: JournalKind.allCases)
    func once(_ kind: JournalKind) throws {
        func stage() throws -> Stage {
            let stage = try Stage(
                "a: {function: f, with: {}}\nb: {function: f, once: true, after: [a]}\nc: {function: f, after: [b]}",
                on: kind)
            try stage.succeed("a", 1)
            try stage.succeed("b", 2)
            try stage.succeed("c", 3)
            return stage
        }
        var again = try stage()
        try retry(again, ["a"])
        try again.succeed("a", 1)
        #expect(again.runStatus == "succeeded", "its input is the same")
        #expect(try again.count("node.started b") == 1)

        for answer in ["keep", "value", "fail", "run", "beforehand"] {
            again = try stage()
            try retry(again, ["a"], allowed: answer == "beforehand" ? ["b"] : [])
            try again.succeed("a", 7)
            let b = Event.Subject.node(try again.number("b"))
            if answer != "beforehand" {
                #expect(try again.status("b") == "unknown")
                #expect(again.functions.running == [])
            }
            switch answer {
            case "keep":
                try again.ask(.skip(b, .keep(cause: .none), reason: "checked"))
                let (run, version) = (again.mailbox.number, again.mailbox.state[NodeNumber(1)].work.last)
                let kept = try again.journal.read { view throws(RenError) in try view.recorded(run, version)?.event }
                #expect(kept?.fact == .kept(reason: "checked"), "the reason is kept with the event")
                #expect(again.statuses == "a=succeeded b=succeeded c=succeeded")
                #expect(again.runStatus == "succeeded")
            case "value":
                try again.ask(.skip(b, .value(Payload(hashing: Array("5".utf8))), reason: nil))
                #expect(again.functions.running == ["c"])
            case "fail":
                try again.ask(.skip(b, .fail("no"), reason: nil))
                #expect(again.runStatus == "failed")
                #expect(again.statuses == "a=succeeded b=failed c=skipped")
            default:
                if answer == "run" { try retry(again, ["b"]) }
                #expect(again.functions.running == ["b"])
                #expect(again.functions.call(of: "b")?.attempt == 2)
            }
        }
    }

    @Test("So does each item of a once map", arguments: JournalKind.allCases)
    func onceItems(_ kind: JournalKind) throws {
        let stage = try Stage(
            "list: {function: f, with: {}}\n"
                + "m: {function: f, once: true, each: {var: nodes.list.output}, key: {var: item.id}, after: [list]}",
            on: kind)
        try stage.succeed("list", Self.list([0, 1])["list"]!)
        try stage.succeed("m[0]", 10)
        try stage.succeed("m[1]", 11)
        try retry(stage, ["list"])
        try stage.succeed("list", [["id": "k0", "n": 0], ["id": "k1", "n": 5]])
        let m = try stage.number("m")
        #expect(stage.mailbox.state[m].map?.state(of: ItemIndex(1)) == .unknown)
        #expect(stage.functions.running == [])
        try stage.ask(.skip(.item(m, ItemIndex(1)), .keep(cause: .none), reason: nil))
        #expect(stage.runStatus == "succeeded")
        #expect(try stage.items(of: "m") == [10, 11])
    }

    @Test("A value that a person gave is read as any other, and stands", arguments: JournalKind.allCases)
    func given(_ kind: JournalKind) throws {
        let stage = try Stage(Self.chain, on: kind)
        try stage.succeed("list", Self.list([0, 1])["list"]!)
        try stage.succeed("m[0]", 10)
        try stage.fail("m[1]")
        #expect(stage.runStatus == "failed")
        let m = try stage.number("m")
        try stage.ask(.skip(.item(m, ItemIndex(1)), .value(Payload(hashing: Array("99".utf8))), reason: "known"))
        #expect(stage.functions.running == ["sum"])
        #expect(try stage.items(of: "m") == [10, 99])
        try stage.succeed("sum", 109)
        try retry(stage, ["list"])
        try stage.succeed("list", Self.list([0, 1])["list"]!)
        #expect(stage.runStatus == "succeeded")
        #expect(try stage.items(of: "m") == [10, 99])
    }
}
