import Ren
import RenCore
import RenJSON
import RenJournal
import RenTestKit
import Testing

@Suite("Why")
struct WhyTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var nodes: String
        var node = "x"
        var key: String?
        /// What was recorded behind `run.created`.
        var told: @Sendable (Story, inout HistoryBuilder) -> Void = { _, _ in }
        var isCarried = true
        var unready: RenError?
        var status: String
        /// The first sentence, then the others; `…` stands for a time.
        var texts: [String]
        /// Types of the events that the sentences rest on.
        var types: [String?]

        var testDescription: String { name }
    }

    private static let condition = """
        images: {function: f}
        enough: {after: [images], condition: {">=": [{var: nodes.images.output}, {"*": [{var: input.limit}, 0.9]}]}}
        x: {function: f, after: [enough.then]}
        y: {function: f, after: [enough.else]}
        """

    private static func decide(_ story: Story, _ history: inout HistoryBuilder) {
        history.start(story.node("images"))
        history.succeed(story.node("images"), Array("7200".utf8))
        history.add(
            .decided(way: "else", operands: ["nodes.images.output": 7200, "input.limit": 10000]), story.node("enough"))
    }

    static let rows: [Row] = [
        Row(
            name: "a way not taken", nodes: condition,
            told: { story, history in
                decide(story, &history)
                history.add(.skipped(.notTaken, operands: nil), story.node("x"))
            }, status: "skipped",
            texts: [
                "skipped because “enough” took the way else: nodes.images.output (7200) >= (input.limit (10000) * 0.9) is false",
                "“enough” took the way else: nodes.images.output (7200) >= (input.limit (10000) * 0.9) is false",
            ], types: ["node.skipped", "node.decided"]),
        Row(
            name: "a way taken", nodes: condition, node: "y",
            told: { story, history in
                decide(story, &history)
                history.start(story.node("y"))
                history.succeed(story.node("y"))
            }, status: "succeeded",
            texts: [
                "succeeded at attempt 1",
                "it began since “enough” took the way else: nodes.images.output (7200) >= (input.limit (10000) * 0.9) is false",
            ], types: ["node.succeeded", "node.decided"]),
        Row(
            name: "a condition", nodes: condition, node: "enough", told: decide, status: "succeeded",
            texts: [
                "took the way else: nodes.images.output (7200) >= (input.limit (10000) * 0.9) is false",
                "it began since “images” succeeded",
            ], types: ["node.decided", "node.succeeded"]),
        Row(
            name: "when said no", nodes: "x: {function: f, when: {var: input.go}}",
            told: { story, history in
                history.add(.skipped(.when, operands: ["input.go": false]), story.node("x"))
            }, status: "skipped", texts: ["skipped because when said no: input.go (false) is false"],
            types: ["node.skipped"]),
        Row(
            name: "a failure far upstream",
            nodes: "a: {function: f}\nb: {function: f, after: [a]}\nx: {function: f, after: [b]}",
            told: { story, history in
                history.start(story.node("a"))
                history.fail(story.node("a"))
                history.add(.skipped(.upstreamFailed, operands: nil), story.node("b"))
                history.add(.skipped(.upstreamFailed, operands: nil), story.node("x"))
            }, status: "skipped",
            texts: [
                "skipped because “b” was skipped, since “a” failed: Gone: no page", "“b” was skipped",
                "“a” failed: Gone: no page",
            ], types: ["node.skipped", "node.skipped", "node.failed"]),
        Row(
            name: "a failure that is handled",
            nodes: "a: {function: f}\nb: {function: f, after: [a.failed]}\nx: {function: f, after: [a]}",
            told: { story, history in
                history.start(story.node("a"))
                history.fail(story.node("a"))
                history.add(.skipped(.notTaken, operands: nil), story.node("x"))
            }, status: "skipped",
            texts: ["skipped because “a” failed (handled): Gone: no page", "“a” failed (handled): Gone: no page"],
            types: ["node.skipped", "node.failed"]),
        Row(
            name: "a failure that did not happen",
            nodes: "a: {function: f}\nx: {function: f, after: [a.failed]}",
            told: { story, history in
                history.start(story.node("a"))
                history.succeed(story.node("a"))
                history.add(.skipped(.notTaken, operands: nil), story.node("x"))
            }, status: "skipped", texts: ["skipped because “a” did not fail", "“a” did not fail"],
            types: ["node.skipped", "node.succeeded"]),
        Row(
            name: "a retry that waits", nodes: "x: {function: f, retry: {attempts: 3, every: 1h}}",
            told: { story, history in
                history.start(story.node("x"))
                history.fail(story.node("x"), retryAfter: .seconds(3600))
            }, status: "retrying",
            texts: [
                "waits for attempt 2, due at …", "it began with the run: it follows no node",
                "attempt 1 failed: Gone: no page; tried again from … on (1 of 3 attempts used)",
            ], types: ["node.attempt_failed", "run.created", "node.attempt_failed"]),
        Row(
            name: "attempts used up", nodes: "x: {function: f, retry: {attempts: 2, every: 1s}}",
            told: { story, history in
                history.start(story.node("x"))
                history.fail(story.node("x"), retryAfter: .milliseconds(1))
                history.start(story.node("x"))
                history.fail(story.node("x"))
            }, status: "failed",
            texts: [
                "failed: Gone: no page", "it began with the run: it follows no node",
                "attempt 1 failed: Gone: no page; tried again from … on (1 of 2 attempts used)",
                "attempt 2 failed: Gone: no page; 2 of 2 attempts used",
            ], types: ["node.failed", "run.created", "node.attempt_failed", "node.attempt_failed"]),
        Row(
            name: "an interruption", nodes: "x: {function: f}",
            told: { story, history in
                history.start(story.node("x"))
                history.add(.interrupted(.engine), story.node("x"))
                history.start(story.node("x"))
            }, status: "running",
            texts: [
                "runs attempt 2", "it began with the run: it follows no node",
                "attempt 1 was interrupted: the engine died; it did not count",
            ], types: ["node.started", "run.created", "node.interrupted"]),
        Row(
            name: "a signal", nodes: "x: {pause: {message: Go on?, signal: go}}",
            told: { story, history in
                history.add(.waiting(SignalWait(signal: "go", message: "Go on?", until: nil)), story.node("x"))
            }, status: "waiting",
            texts: ["waits for signal “go”: Go on?", "it began with the run: it follows no node"],
            types: ["node.waiting", "run.created"]),
        Row(
            name: "a signal that came", nodes: "x: {pause: {message: Go on?, signal: go}}",
            told: { story, history in
                history.add(.waiting(SignalWait(signal: "go", message: "Go on?", until: nil)), story.node("x"))
                let cause = history.add(.signalReceived(name: "go"), by: "anna", payload: Array("1".utf8))
                history.add(.succeeded(instead: nil), story.node("x"), cause: cause)
            }, status: "succeeded",
            texts: [
                "succeeded because its signal came by anna", "the signal", "it began with the run: it follows no node",
            ], types: ["node.succeeded", "signal.received", "run.created"]),
        Row(
            name: "predecessors", nodes: "a: {function: f}\nx: {function: f, after: [a]}",
            told: { story, history in history.start(story.node("a")) }, status: "pending",
            texts: ["has not begun: it waits for a", "“a” is running"], types: [nil, "node.started"]),
        Row(
            name: "a slot", nodes: "x: {function: f}", status: "pending",
            texts: ["has not begun: it waits for a free slot of a worker"], types: [nil]),
        Row(
            name: "an engine", nodes: "x: {function: f}", isCarried: false, status: "pending",
            texts: ["has not begun: no engine carries the run, ren resume does"], types: [nil]),
        Row(
            name: "functions", nodes: "x: {function: f}", unready: RenError(.init("function.missing"), "f is gone"),
            status: "pending", texts: ["has not begun: functions are missing: f is gone"], types: [nil]),
        Row(
            name: "a pause of the run", nodes: "x: {function: f}",
            told: { _, history in
                history.add(.runPauseRequested(now: false, reason: nil), by: "cli")
                history.add(.runPaused)
            }, status: "pending", texts: ["does not begin: the run is paused"], types: ["run.paused"]),
        Row(
            name: "the run's end", nodes: "x: {function: f, each: {var: input}, tolerate: 0}", key: "2",
            told: { story, history in
                history.open(story.node("x"), 3)
                history.start(story.item("x", 0))
                history.fail(story.item("x", 0))
                history.add(.mapClosed(MapCounts()), story.node("x"))
                history.add(.failed(Failure("TooManyFailed", "1 of 3")), story.node("x"))
                history.add(.runFailed(Failure("TooManyFailed", "1 of 3")))
            }, status: "pending", texts: ["did not begin: “x” ended first (failed)"], types: ["node.failed"]),
        Row(
            name: "a retry that the run's end forestalled",
            nodes: "x: {function: f, each: {var: input}, tolerate: 0, retry: 3}", key: "1",
            told: { story, history in
                history.open(story.node("x"), 2)
                history.start(story.item("x", 0))
                history.start(story.item("x", 1))
                history.fail(story.item("x", 1), retryAfter: .seconds(9))
                history.fail(story.item("x", 0))
                history.add(.mapClosed(MapCounts()), story.node("x"))
                history.add(.failed(Failure("TooManyFailed", "1 of 2")), story.node("x"))
                history.add(.runFailed(Failure("TooManyFailed", "1 of 2")))
            }, status: "pending",
            texts: [
                "was not tried again: “x” ended first (failed)", "it began as one of the 2 items of “x”",
                "attempt 1 failed: Gone: no page; was to be tried again from … on (1 of 3 attempts used)",
            ], types: ["node.failed", "map.opened", "item.attempt_failed"]),
        Row(
            name: "concurrency", nodes: "x: {function: f, each: {var: input}, concurrency: 1}", key: "1",
            told: { story, history in
                history.open(story.node("x"), 3, concurrency: 1)
                history.start(story.item("x", 0))
            }, status: "pending", texts: ["has not begun: 1 items run, and concurrency allows no more"],
            types: ["map.opened"]),
        Row(
            name: "too many failures", nodes: "x: {function: f, each: {var: input}, tolerate: 0}", key: "2",
            told: { story, history in
                history.open(story.node("x"), 3)
                history.start(story.item("x", 0))
                history.start(story.item("x", 1))
                history.fail(story.item("x", 0))
            }, status: "pending", texts: ["has not begun: more items failed than tolerate allows"],
            types: ["map.opened"]),
        Row(
            name: "an item", nodes: "x: {function: f, each: {var: input}}", key: "0",
            told: { story, history in
                history.open(story.node("x"), 2)
                history.start(story.item("x", 0))
                history.succeed(story.item("x", 0))
            }, status: "succeeded", texts: ["succeeded at attempt 1", "it began as one of the 2 items of “x”"],
            types: ["item.succeeded", "map.opened"]),
        Row(
            name: "a map", nodes: "x: {function: f, each: {var: input}}",
            told: { story, history in
                history.open(story.node("x"), 2)
                history.start(story.item("x", 0))
            }, status: "running",
            texts: ["runs: 0 ok, 1 running, 1 pending of 2", "it began with the run: it follows no node"],
            types: ["map.opened", "run.created"]),
        Row(
            name: "unknown", nodes: "x: {function: f, once: true}",
            told: { story, history in
                history.start(story.node("x"))
                history.add(.unknown(.engineDied), story.node("x"))
            }, status: "unknown",
            texts: [
                "the engine died while it ran; nobody knows what it did, so a person decides",
                "it began with the run: it follows no node",
            ], types: ["node.unknown", "run.created"]),
        Row(
            name: "an end", nodes: "a: {function: f}\nstop: {fail: Enough}\nx: {function: f, after: [a]}",
            told: { story, history in
                history.start(story.node("a"))
                history.add(.runEnding(.failed, Failure("Failed", "Enough")), story.node("stop"))
                history.add(.cancelled, story.node("a"))
                history.add(.cancelled, story.node("x"))
            }, status: "cancelled", texts: ["cancelled because “stop” ended the run", "“stop” was reached"],
            types: ["node.cancelled", "run.ending"]),
        Row(
            name: "a value of on_error", nodes: "x: {function: f, on_error: {value: 1}}",
            told: { story, history in
                history.start(story.node("x"))
                history.add(.attemptFailed(Failure("Gone", "no page"), retryAt: nil), story.node("x"))
                history.add(
                    .succeeded(instead: Failure("Gone", "no page")), story.node("x"), payload: Array("1".utf8))
            }, status: "succeeded",
            texts: [
                "succeeded with the value of on_error, instead of Gone: no page",
                "it began with the run: it follows no node", "attempt 1 failed: Gone: no page; 1 of 1 attempts used",
            ], types: ["node.succeeded", "run.created", "node.attempt_failed"]),
        Row(
            name: "a value that a person gave", nodes: "x: {function: f}",
            told: { story, history in
                history.add(.overridden(reason: "known"), story.node("x"), by: "anna", payload: Array("1".utf8))
            }, status: "succeeded", texts: ["succeeded with a value that a person gave by anna: known"],
            types: ["node.overridden"]),
    ]

    @Test("A sentence says why, and which events say so", arguments: rows)
    func tells(_ row: Row) throws {
        let story = try Story(row.nodes)
        var history = story.begin(input: "{\"limit\":10000}")
        row.told(story, &history)
        let run = try story.write(history)
        let why = try WhyView(
            run, node: row.node, key: row.key, in: story.journal,
            WhyView.Asker(isCarried: row.isCarried, unready: row.unready, now: history.time))
        #expect(why.status == row.status)
        #expect(why.reasons.map { Self.withoutTimes($0.text) } == row.texts)
        #expect(why.reasons.map { $0.event?.type.name } == row.types)
        #expect(why.json["why"]?.stringValue == why.reasons[0].text)
    }

    private static func withoutTimes(_ text: String) -> String {
        text.split(separator: " ", omittingEmptySubsequences: false)
            .map { $0.hasPrefix("2026-") && $0.contains("T") ? "…" : $0 }.joined(separator: " ")
    }

    @Test("What is not there is said so")
    func missing() throws {
        let story = try Story("x: {function: f}\nm: {function: f, each: {var: input}}")
        let run = try story.write(story.begin())
        for (node, key, code) in [
            ("y", nil, "node.not_found"), ("x", "1", "node.no_items"), ("m", "1", "item.not_found"),
        ] {
            #expect {
                _ = try WhyView(
                    run, node: node, key: key, in: story.journal, WhyView.Asker(isCarried: true, now: run.updated))
            } throws: { ($0 as? RenError)?.code.rawValue == code }
        }
    }
}
