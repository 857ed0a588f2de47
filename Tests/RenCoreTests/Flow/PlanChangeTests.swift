import RenCore
import RenJSON
import Testing

/// Which results of a node another flow can use: SEMANTICS.md 7, by definition.
@Suite("Another flow")
struct PlanChangeTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var what: String
        var before: String
        var after: String
        /// added | redefined | moved | removed
        var gives: String

        init(_ what: String, _ before: String, _ after: String, _ gives: String) {
            (self.what, self.before, self.after, self.gives) = (what, before, after, gives)
        }

        var testDescription: String { what }
    }

    private static let base = "a: {function: f, with: {x: 1}}\nb: {function: g, after: [a]}"

    static let rows = [
        Row("the same", base, base, " |  |  | "),
        Row("another function", base, base.replacing("function: g", with: "function: h"), " | b |  | "),
        Row("another argument", base, base.replacing("x: 1", with: "x: 2"), " | a |  | "),
        Row(
            "how often and how long it is tried", base,
            base.replacing("function: g", with: "function: g, retry: {attempts: 3}, timeout: 1m"), " |  |  | "),
        Row("a new node", base, base + "\nc: {function: f}", "c |  |  | "),
        Row("a node before the others", base, "z: {function: f}\n" + base, "z |  |  | "),
        Row("a node that is gone", base + "\nc: {function: f}", base, " |  |  | c"),
        Row("a node renamed", base, base.replacing("b:", with: "c:"), "c |  |  | b"),
        Row("another order of start", base, base.replacing("after: [a]", with: "after: [a.failed]"), " |  | b | "),
        Row("another join", base, base.replacing("after: [a]", with: "after: [a], join: all"), " |  | b | "),
        Row("a when", base, base.replacing("after: [a]", with: "after: [a], when: {var: input.x}"), " |  | b | "),
        Row(
            "how a list is run", "m: {function: f, each: [1, 2], concurrency: 1}",
            "m: {function: f, each: [1, 2], concurrency: 2}", " |  |  | "),
        Row(
            "how many items may fail", "m: {function: f, each: [1, 2]}", "m: {function: f, each: [1, 2], tolerate: 1}",
            " |  | m | "),
        Row("another list", "m: {function: f, each: [1, 2]}", "m: {function: f, each: [1, 3]}", " | m |  | "),
        Row(
            "another key", "m: {function: f, each: [1, 2], key: {var: item}}",
            "m: {function: f, each: [1, 2], key: {var: index}}", " | m |  | "),
        Row(
            "another condition", "c: {condition: {var: input.a}}", "c: {condition: {var: input.b}}", " | c |  | "),
        Row("another question", "p: {pause: {message: a}}", "p: {pause: {message: b}}", " | p |  | "),
        Row("more time for it", "p: {pause: {message: a}}", "p: {pause: {message: a, timeout: 1h}}", " |  |  | "),
        Row("another end", "e: {fail: a}", "e: {succeed: a}", " | e |  | "),
    ]

    @Test("Nodes are compared by name and definition", arguments: rows)
    func change(_ row: Row) throws {
        let (before, after) = (try Story.plan(row.before), try Story.plan(row.after))
        let change = before.change(to: after)
        func names(_ nodes: [NodeNumber], of plan: Plan) -> String {
            nodes.map { plan.flow.nodes[$0.index].name }.joined(separator: " ")
        }
        let lists = [
            names(change.added, of: after), names(change.redefined, of: after), names(change.moved, of: after),
            names(change.removed, of: before),
        ]
        #expect(lists.joined(separator: " | ") == row.gives)
        for (old, new) in zip(before.flow.nodes, change.numbers) {
            if let new { #expect(after.flow.nodes[new.index].name == old.name) }
        }
    }

    struct Reading: Sendable, CustomTestStringConvertible {
        var node: String
        var gives: String
        var testDescription: String { node }
    }

    static let readings = [
        Reading(node: "x: {function: f}", gives: "input"),
        Reading(node: "x: {function: f, after: [a, b]}", gives: "a b"),
        Reading(
            node: "x: {function: f, after: [a, b], with: {p: {var: nodes.b.output}, q: [{var: input.n}]}}",
            gives: "input b"),
        Reading(node: "x: {function: f, after: [a], with: {}}", gives: ""),
        Reading(
            node: "x: {function: f, after: [a], with: {}, when: {\">\": [{var: nodes.a.output.n}, 1]}}", gives: "a"),
        Reading(node: "x: {function: f, after: [a], each: {var: nodes.a.output}}", gives: "a"),
        Reading(node: "x: {function: f, after: [a], each: {var: input.list}, key: {var: item.id}}", gives: "input"),
        Reading(node: "x: {condition: {var: nodes.a.output}, after: [a, b]}", gives: "a"),
        Reading(node: "x: {pause: {message: {cat: [\"see \", {var: nodes.b.output}]}}, after: [a, b]}", gives: "b"),
        Reading(node: "x: {succeed: {n: {var: nodes.a.output}}, after: [a]}", gives: "a"),
        Reading(node: "x: {function: f, with: {}, after: [a], on_error: {value: {var: nodes.a.output}}}", gives: "a"),
        Reading(node: "x: {function: f, with: {}, after: [a], timeout: {var: nodes.a.output}}", gives: ""),
    ]

    @Test("What a node reads", arguments: readings)
    func reads(_ row: Reading) throws {
        let plan = try Story.plan("a: {function: f}\nb: {function: f}\n\(row.node)")
        let reads = plan.reads(of: NodeNumber(2))
        let names = reads.nodes.sorted().map { plan.flow.nodes[$0.index].name }
        #expect(((reads.input ? ["input"] : []) + names).joined(separator: " ") == row.gives)
    }
}
