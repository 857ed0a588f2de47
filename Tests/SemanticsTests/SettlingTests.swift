import RenCore
import RenJSON
import RenWorkers
import Testing

@testable import RenEngine

/// SEMANTICS.md 2: what an entry of `after` says, and what the joins make of it.
@Suite("Settling")
struct SettlingTests {
    /// How a node ends before `c` is looked at.
    enum End: String, Sendable {
        case succeeds, fails, failsHandled, valueInstead, whenNo, notTaken, upstreamFailed

        /// Whether it takes a function to end so.
        var isPlayed: Bool { self != .whenNo && self != .notTaken }

        /// The nodes that make `name` end so.
        func nodes(_ name: String) -> String {
            let function = "\(name): {function: f}"
            return switch self {
            case .succeeds, .fails: function
            case .failsHandled: "\(function)\nfor-\(name): {function: g, after: [\(name).failed]}"
            case .valueInstead: "\(name): {function: f, on_error: {value: 5}}"
            case .whenNo: "\(name): {function: f, when: {var: input.no}}"
            case .notTaken: "if-\(name): {condition: {var: input.no}}\n\(name): {function: f, after: [if-\(name).then]}"
            case .upstreamFailed: "before-\(name): {function: f}\n\(name): {function: f, after: [before-\(name)]}"
            }
        }

        func play(_ name: String, on stage: Stage) throws {
            switch self {
            case .succeeds: try stage.succeed(name)
            case .fails, .valueInstead: try stage.fail(name)
            case .failsHandled:
                try stage.fail(name)
                try stage.succeed("for-\(name)")
            case .upstreamFailed: try stage.fail("before-\(name)")
            case .whenNo, .notTaken: break
            }
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var join: String
        var a: End
        var b: End
        var after: String
        var gives: String

        init(_ join: String, _ a: End, _ b: End, _ gives: String, after: String = "[a, b]") {
            self.join = join
            self.a = a
            self.b = b
            self.after = after
            self.gives = gives
        }

        var testDescription: String { "\(join) \(after): a \(a), b \(b) → \(gives)" }
    }

    static let rows = [
        // default: all settled, none bad, at least one yes
        Row("", .succeeds, .succeeds, "running"),
        Row("", .succeeds, .whenNo, "running"),
        Row("", .succeeds, .notTaken, "running"),
        Row("", .succeeds, .failsHandled, "running"),
        Row("", .succeeds, .valueInstead, "running"),
        Row("", .valueInstead, .valueInstead, "running"),
        Row("", .whenNo, .whenNo, "skipped not_taken"),
        Row("", .notTaken, .whenNo, "skipped not_taken"),
        Row("", .failsHandled, .whenNo, "skipped not_taken"),
        Row("", .succeeds, .fails, "skipped upstream_failed"),
        Row("", .succeeds, .upstreamFailed, "skipped upstream_failed"),
        Row("", .notTaken, .fails, "skipped upstream_failed"),
        Row("", .failsHandled, .fails, "skipped upstream_failed"),
        // all: all settled, all yes
        Row("all", .succeeds, .succeeds, "running"),
        Row("all", .succeeds, .valueInstead, "running"),
        Row("all", .succeeds, .whenNo, "skipped not_taken"),
        Row("all", .succeeds, .notTaken, "skipped not_taken"),
        Row("all", .succeeds, .failsHandled, "skipped not_taken"),
        Row("all", .succeeds, .fails, "skipped upstream_failed"),
        Row("all", .whenNo, .upstreamFailed, "skipped upstream_failed"),
        // settled: whatever happened
        Row("settled", .succeeds, .succeeds, "running"),
        Row("settled", .fails, .fails, "running"),
        Row("settled", .fails, .upstreamFailed, "running"),
        Row("settled", .whenNo, .notTaken, "running"),
        // x.failed
        Row("", .fails, .succeeds, "running", after: "[a.failed]"),
        Row("", .succeeds, .succeeds, "skipped not_taken", after: "[a.failed]"),
        Row("", .whenNo, .succeeds, "skipped not_taken", after: "[a.failed]"),
        Row("", .upstreamFailed, .succeeds, "skipped not_taken", after: "[a.failed]"),
        Row("", .fails, .succeeds, "running", after: "[a.failed, b]"),
        Row("all", .fails, .succeeds, "running", after: "[a.failed, b]"),
        Row("", .succeeds, .succeeds, "running", after: "[a.failed, b]"),
    ]

    @Test("A join starts or skips its node", arguments: rows, JournalKind.allCases)
    func joins(_ row: Row, _ kind: JournalKind) throws {
        let join = row.join.isEmpty ? "" : ", join: \(row.join)"
        let stage = try Stage(
            "\(row.a.nodes("a"))\n\(row.b.nodes("b"))\nc: {function: h, after: \(row.after)\(join)}",
            input: ["no": false], on: kind)
        if row.after.contains("a") && row.a.isPlayed || row.after.contains("b") && row.b.isPlayed {
            #expect(try stage.status("c") == "pending", "c waits for all to settle")
        }
        try row.a.play("a", on: stage)
        try row.b.play("b", on: stage)
        let node = stage.mailbox.state[NodeNumber(stage.mailbox.plan.flow.nodes.count - 1)]
        var found = node.status
        if case .skipped(let reason) = node.phase { found += " \(reason.rawValue)" }
        #expect(found == row.gives)
    }

    struct EndRow: Sendable, CustomTestStringConvertible {
        var name: String
        var nodes: String
        var play: [String]
        var gives: String
        var run: String

        init(_ name: String, _ nodes: String, _ play: [String], _ gives: String, run: String) {
            self.name = name
            self.nodes = nodes
            self.play = play
            self.gives = gives
            self.run = run
        }

        var testDescription: String { name }
    }

    static let ends = [
        EndRow(
            "all succeed", "a: {function: f}\nb: {function: f, after: [a]}", ["a", "b"], "a=succeeded b=succeeded",
            run: "succeeded"),
        EndRow(
            "a failure skips what follows and nothing else",
            "a: {function: f}\nb: {function: f, after: [a]}\nc: {function: f}\nd: {function: f, after: [c]}",
            ["-a", "c", "d"], "a=failed b=skipped c=succeeded d=succeeded", run: "failed"),
        EndRow(
            "a handled failure does not fail the run",
            "a: {function: f}\nb: {function: f, after: [a.failed]}\nc: {function: f, after: [a, b]}",
            ["-a", "b", "c"], "a=failed b=succeeded c=succeeded", run: "succeeded"),
        EndRow(
            "handled even when the handler does not run",
            "a: {function: f}\nb: {function: f, after: [a.failed], when: {var: input.no}}",
            ["-a"], "a=failed b=skipped", run: "succeeded"),
        EndRow(
            "failure travels as upstream_failed",
            "a: {function: f}\nb: {function: f, after: [a]}\nc: {function: f, after: [b]}", ["-a"],
            "a=failed b=skipped c=skipped", run: "failed"),
        EndRow(
            "a failed handler fails the run",
            "a: {function: f}\nb: {function: f, after: [a.failed]}", ["-a", "-b"], "a=failed b=failed", run: "failed"),
        EndRow(
            "join: settled does not handle a failure",
            "a: {function: f}\nb: {function: f, after: [a], join: settled}", ["-a", "b"], "a=failed b=succeeded",
            run: "failed"),
        EndRow(
            "a condition takes one way",
            "a: {condition: {var: input.yes}}\nb: {function: f, after: [a.then]}\nc: {function: f, after: [a.else]}",
            ["b"],
            "a=succeeded b=succeeded c=skipped", run: "succeeded"),
        EndRow(
            "both ways join again",
            "a: {condition: {var: input.no}}\nb: {function: f, after: [a.then]}\nc: {function: f, after: [a.else]}\nd: {function: f, after: [b, c]}",
            ["c", "d"], "a=succeeded b=skipped c=succeeded d=succeeded", run: "succeeded"),
        EndRow(
            "a condition that throws fails",
            "a: {condition: {throw: oops}}\nb: {function: f, after: [a.then]}\nc: {function: f, after: [a.failed]}",
            ["c"],
            "a=failed b=skipped c=succeeded", run: "succeeded"),
        EndRow(
            "fail ends the run and cancels what is not settled",
            "a: {condition: {var: input.no}}\nb: {fail: No luck, after: [a.else]}\nc: {pause: {message: Wait}}\nd: {function: f, after: [c]}",
            [],
            "a=succeeded b=failed c=cancelled d=cancelled", run: "failed"),
        EndRow(
            "succeed ends the run", "a: {succeed: {cat: [all, {var: input.no}]}}", [], "a=succeeded", run: "succeeded"),
        EndRow(
            "when is asked after the join, also for settled",
            "a: {function: f}\nb: {function: f, after: [a], join: settled, when: {var: input.no}}", ["-a"],
            "a=failed b=skipped", run: "failed"),
    ]

    @Test("A run ends as its nodes do", arguments: ends, JournalKind.allCases)
    func runEnds(_ row: EndRow, _ kind: JournalKind) throws {
        let stage = try Stage(row.nodes, input: ["no": false, "yes": true], on: kind)
        for step in row.play {
            if step.hasPrefix("-") { try stage.fail(String(step.dropFirst())) } else { try stage.succeed(step) }
        }
        #expect(stage.statuses == row.gives)
        #expect(stage.runStatus == row.run)
    }

    @Test("The run's error is that of the first unhandled failure", arguments: JournalKind.allCases)
    func firstFailure(_ kind: JournalKind) throws {
        let stage = try Stage("a: {function: f}\nb: {function: f}\nc: {function: f, after: [b.failed]}", on: kind)
        try stage.fail("b", "Handled")
        try stage.succeed("c")
        try stage.fail("a", "First")
        #expect(stage.mailbox.state.failure?.name == "First")
    }

    @Test("A skipped node's output is null, a value instead is the output", arguments: JournalKind.allCases)
    func outputs(_ kind: JournalKind) throws {
        let stage = try Stage(
            "a: {function: f, on_error: {value: {seen: {var: input.x}}}}\nb: {function: f, when: {var: input.no}}",
            top: "output: {a: {var: nodes.a.output.seen}, b: {var: nodes.b.output}, error: {var: nodes.a.error.name}}",
            input: ["x": 3], on: kind)
        try stage.fail("a", "Broken")
        #expect(try stage.output() == ["a": 3, "b": nil, "error": "Broken"])
    }

    @Test("The first end node wins; once attempts finish", arguments: JournalKind.allCases)
    func endNode(_ kind: JournalKind) throws {
        let stage = try Stage(
            """
            a: {function: f}
            long: {function: f}
            careful: {function: f, once: true}
            stop: {succeed: done, after: [a]}
            later: {function: f, after: [long]}
            """, on: kind)
        try stage.succeed("a")
        #expect(stage.runStatus == "ending")
        #expect(stage.functions.askedToStop == ["long"])
        try stage.pass(.seconds(11))
        #expect(try stage.status("long") == "cancelled")
        #expect(stage.runStatus == "ending", "a once attempt may finish")
        try stage.succeed("careful")
        #expect(stage.statuses == "a=succeeded long=cancelled careful=succeeded stop=succeeded later=cancelled")
        #expect(stage.runStatus == "succeeded")
        #expect(try stage.output() == "done")
    }
}
