import RenCore
import RenJSON
import RenJournal
import RenWorkers
import Testing

@testable import RenEngine

/// SEMANTICS.md 3: how an attempt ends.
@Suite("Attempt ends")
struct AttemptTests {
    enum Act: Sendable {
        case returns, raises, permanent, retryAfter, timesOut, silent, diesAlone, diesWithOthers, neighbour, engineDies
        case interrupted
        case waits
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var node: String
        var acts: [Act]
        /// Events of node `a` after its first start.
        var events: [String]
        var status: String
        var language = FunctionSignature.Language.python

        var testDescription: String { name }
    }

    private static let plain = "a: {function: f, timeout: 1m}"
    private static let retried = "a: {function: f, timeout: 1m, retry: {attempts: 2, every: 1s, jitter: 0}}"
    private static let once = "a: {function: f, timeout: 1m, once: true}"
    private static let heard = "a: {function: f, heartbeat: 30s}"

    static let rows = [
        Row(name: "returned", node: plain, acts: [.returns], events: ["succeeded"], status: "succeeded"),
        Row(name: "raised", node: plain, acts: [.raises], events: ["attempt_failed", "failed"], status: "failed"),
        Row(
            name: "raised, retried", node: retried, acts: [.raises, .waits, .returns],
            events: ["attempt_failed", "started", "succeeded"], status: "succeeded"),
        Row(
            name: "retries used up", node: retried, acts: [.raises, .waits, .raises],
            events: ["attempt_failed", "started", "attempt_failed", "failed"], status: "failed"),
        Row(
            name: "permanent is not retried", node: retried, acts: [.permanent],
            events: ["attempt_failed", "failed"], status: "failed"),
        Row(
            name: "RetryAfter counts and waits as asked", node: retried, acts: [.retryAfter, .waits, .raises],
            events: ["attempt_failed", "started", "attempt_failed", "failed"], status: "failed"),
        Row(
            name: "past its timeout", node: plain, acts: [.timesOut], events: ["attempt_failed", "failed"],
            status: "failed"),
        Row(
            name: "timeout counts", node: retried, acts: [.timesOut, .waits, .timesOut],
            events: ["attempt_failed", "started", "attempt_failed", "failed"], status: "failed"),
        Row(
            name: "silent past its heartbeat", node: heard, acts: [.silent],
            events: ["attempt_failed", "failed"], status: "failed"),
        Row(
            name: "worker died alone, the first time", node: plain, acts: [.diesAlone, .returns],
            events: ["interrupted", "started", "succeeded"], status: "succeeded"),
        Row(
            name: "worker died alone, the second time", node: plain, acts: [.diesAlone, .diesAlone],
            events: ["interrupted", "started", "attempt_failed", "failed"], status: "failed"),
        Row(
            name: "worker died alone, counted from the second on", node: retried,
            acts: [.diesAlone, .diesAlone, .waits, .returns],
            events: ["interrupted", "started", "attempt_failed", "started", "succeeded"], status: "succeeded"),
        Row(
            name: "worker died with others: tried alone", node: plain, acts: [.diesWithOthers, .returns],
            events: ["interrupted", "started", "succeeded"], status: "succeeded"),
        Row(
            name: "killed for a neighbour", node: plain, acts: [.neighbour, .neighbour, .neighbour, .returns],
            events: ["interrupted", "started", "interrupted", "started", "interrupted", "started", "succeeded"],
            status: "succeeded"),
        Row(
            name: "the engine died, as often as it may", node: plain,
            acts: [.engineDies, .engineDies, .engineDies, .engineDies, .returns],
            events: Array(repeating: ["interrupted", "started"], count: 4).flatMap(\.self) + ["succeeded"],
            status: "succeeded"),
        Row(
            name: "the engine died, a Swift function, the third time in a row", node: plain,
            acts: [.engineDies, .engineDies, .engineDies],
            events: ["interrupted", "started", "interrupted", "started", "attempt_failed", "failed"], status: "failed",
            language: .swift),
        Row(
            name: "not in a row", node: plain, acts: [.engineDies, .engineDies, .neighbour, .engineDies, .returns],
            events: Array(repeating: ["interrupted", "started"], count: 4).flatMap(\.self) + ["succeeded"],
            status: "succeeded", language: .swift),
        Row(name: "once: returned stands", node: once, acts: [.returns], events: ["succeeded"], status: "succeeded"),
        Row(
            name: "once: raised, never retried", node: once, acts: [.raises], events: ["attempt_failed", "failed"],
            status: "failed"),
        Row(name: "once: timeout", node: once, acts: [.timesOut], events: ["unknown"], status: "unknown"),
        Row(
            name: "once: silent", node: "a: {function: f, heartbeat: 30s, once: true}", acts: [.silent],
            events: ["unknown"], status: "unknown"),
        Row(name: "once: worker died", node: once, acts: [.diesAlone], events: ["unknown"], status: "unknown"),
        Row(name: "once: the engine died", node: once, acts: [.engineDies], events: ["unknown"], status: "unknown"),
        Row(
            name: "once: stopped cleanly, runs again", node: once, acts: [.interrupted, .returns],
            events: ["interrupted", "started", "succeeded"], status: "succeeded"),
    ]

    @Test("An attempt ends", arguments: rows, JournalKind.allCases)
    func attemptEnds(_ row: Row, _ kind: JournalKind) throws {
        let stage = try Stage(row.node, on: kind, language: row.language)
        for act in row.acts {
            switch act {
            case .returns: try stage.succeed("a")
            case .raises: try stage.fail("a")
            case .permanent: try stage.fail("a", permanent: true)
            case .retryAfter: try stage.fail("a", retryAfter: .seconds(30))
            case .timesOut: try stage.pass(.seconds(60))
            case .silent: try stage.pass(.seconds(30))
            case .diesAlone: try stage.end("a", .workerDied(alone: true, how: "signal 9"))
            case .diesWithOthers:
                try stage.end("a", .workerDied(alone: false, how: "signal 9"))
                #expect(stage.functions.call(of: "a")?.slot == .alone)
            case .neighbour: try stage.end("a", .neighbourKilled)
            case .engineDies: try stage.crash()
            case .interrupted: try stage.end("a", .interrupted)
            case .waits: try stage.pass(.seconds(30))
            }
        }
        let events = try stage.events().filter { $0.hasSuffix(" a") }.map { $0.dropFirst("node.".count).dropLast(2) }
        #expect(events.dropFirst().map(String.init) == row.events)
        #expect(try stage.status("a") == row.status)
    }

    @Test("A once call has a process to itself, and a dead token changes nothing", arguments: JournalKind.allCases)
    func deadToken(_ kind: JournalKind) throws {
        let stage = try Stage("a: {function: f, timeout: 1m, retry: {attempts: 2, jitter: 0}}", on: kind)
        let late = try #require(stage.functions.call(of: "a"))
        try stage.pass(.seconds(60))
        #expect(stage.functions.cancelled == ["a"], "a call past its timeout is cancelled")
        try stage.pass(.seconds(1))
        // The first call returns now, after the second attempt has begun.
        #expect(stage.functions.running == ["a", "a"])
        #expect(stage.functions.call(of: "a")?.id == late.id)
        try stage.succeed("a", "late")
        #expect(try stage.count("result.rejected a") == 1)
        #expect(try stage.status("a") == "running")
        try stage.succeed("a", "in time")
        #expect(try stage.output(of: "a") == "in time")
    }

    @Test("Attempt numbers go on, waits are recorded and not drawn again", arguments: JournalKind.allCases)
    func retryTimes(_ kind: JournalKind) throws {
        let stage = try Stage("a: {function: f, retry: {attempts: 5, every: 10s, jitter: 0.5}}", on: kind)
        try stage.fail("a")
        let due = try #require(stage.mailbox.nextDue())
        #expect(due - stage.now >= .seconds(5) && due - stage.now <= .seconds(15))
        try stage.crash()
        #expect(stage.mailbox.nextDue() == due)
        try stage.pass(.seconds(20))
        #expect(stage.functions.call(of: "a")?.attempt == 2)
    }

    @Test("retry.total ends the attempts", arguments: JournalKind.allCases)
    func total(_ kind: JournalKind) throws {
        let stage = try Stage(
            "a: {function: f, retry: {attempts: 100, every: 10s, factor: 1, jitter: 0, total: 25s}}", on: kind)
        for _ in 0..<3 where stage.runStatus == "running" {
            try stage.fail("a")
            try stage.pass(.seconds(10))
        }
        #expect(try stage.count("node.started a") == 3)
        #expect(try stage.status("a") == "failed")
    }

    @Test("A checkpoint comes back with the next attempt", arguments: JournalKind.allCases)
    func checkpoint(_ kind: JournalKind) throws {
        let stage = try Stage("a: {function: f}", on: kind)
        let token = try #require(stage.mailbox.state.work(of: .node(NodeNumber(0)))?.running?.token)
        try stage.ask(.checkpoint(.node(NodeNumber(0)), token: token, Payload(hashing: Array(#"{"page":3}"#.utf8))))
        try stage.crash()
        #expect(stage.functions.call(of: "a")?.checkpoint == Array(#"{"page":3}"#.utf8))
        #expect(throws: RenError.self) {
            try stage.ask(.checkpoint(.node(NodeNumber(0)), token: token, Payload(hashing: Array("4".utf8))))
        }
    }

    @Test("The wait grows by factor up to longest, within jitter")
    func waits() {
        let policy = RetryPolicy(attempts: 9, every: .seconds(1), factor: 2, longest: .seconds(10), jitter: 0)
        #expect(
            [1, 2, 3, 4, 5, 9].map { policy.wait(afterAttempt: $0, random: 0) }
                == [1, 2, 4, 8, 10, 10].map(Duration.seconds))
        var draws = Draws(seed: 1)
        for _ in 0..<1000 {
            let wait = RetryPolicy(attempts: 2, every: .seconds(10), jitter: 0.2).wait(
                afterAttempt: 1, random: draws.next())
            #expect(wait >= .seconds(8) && wait <= .seconds(12))
        }
    }
}
