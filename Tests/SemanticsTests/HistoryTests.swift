import Foundation
import LMDB
import RenCore
import RenJSON
import RenWorkers
import Testing

@testable import RenEngine
@testable import RenJournal

/// Histories of runs as every released version of ren wrote them, in `fixtures/histories/`: each must still fold to the
/// result that was stored with it, for ever.
///
/// A file is JSON Lines: first what came out and the flow, then the records, byte for byte. Files are never changed.
/// `REN_RECORD_HISTORIES=1 swift test --disable-xctest --filter HistoryTests` plays the scripts below and writes the
/// files that are missing.
@Suite("Golden histories")
struct HistoryTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("fixtures/histories")

    private struct Script: Sendable {
        var name: String
        var top = ""
        var nodes: String
        var input: JSON = [:]
        var play: @Sendable (Stage) throws -> Void
    }

    static let names = scripts.map(\.name)

    private static let scripts = [
        Script(
            name: "ways-and-joins", top: "output: {report: {var: nodes.report.output}, error: {var: nodes.send.error}}",
            nodes: """
                large: {condition: {">": [{var: input.total}, 10]}}
                check: {function: f, after: [large.then], with: {total: {var: input.total}}}
                skip: {function: f, after: [large.else]}
                send: {function: g, after: [check, skip], retry: {attempts: 2, every: 1s, jitter: 0.5}}
                by-hand: {function: f, after: [send.failed], on_error: {value: nobody}}
                report: {function: f, after: [send, by-hand], join: settled, when: {var: input.total}}
                """, input: ["total": 12]
        ) { stage in
            try stage.succeed("check", ["ok": true])
            try stage.fail("send", "Refused")
            try stage.pass(.seconds(2))
            try stage.fail("send", "Refused")
            try stage.fail("by-hand")
            try stage.succeed("report", "done")
        },
        Script(
            name: "map", top: "output: {all: {var: nodes.m.items}, failed: {var: nodes.m.failures}}",
            nodes: """
                m: {function: f, each: {var: input}, key: {var: item.id}, when: {var: item.id}, concurrency: 2, tolerate: 1, timeout: 1m, retry: {attempts: 2, every: 5s, jitter: 0}}
                twice: {function: g, after: [m], each: {map: [{var: nodes.m.items}, {"*": [{var: ""}, 2]}]}}
                """, input: [["id": "a"], ["id": "b"], ["id": ""], ["id": "d"], ["id": "e"]]
        ) { stage in
            try stage.succeed("m[0]", 1)
            try stage.fail("m[1]", "Gone", permanent: true)
            try stage.end("m[3]", .workerDied(alone: false, how: "signal 9"))
            try stage.pass(.seconds(60))
            try stage.pass(.seconds(5))
            // The first calls return late, the second ones in time.
            while let unit = stage.functions.running.first { try stage.succeed(unit, 4) }
        },
        Script(
            name: "control", top: "timeout: 10h",
            nodes: """
                a: {function: f}
                p: {pause: {message: "Go on?", signal: go, timeout: 1h}, after: [a]}
                b: {function: f, after: [p], with: {said: {var: nodes.p.output}}}
                late: {pause: {message: Well?, signal: well, timeout: 10m}}
                c: {function: f, after: [b]}
                """
        ) { stage in
            try stage.signal("go", ["by": "me"])
            try stage.ask(.pause(now: true, reason: "lunch"))
            try stage.pass(.seconds(1200))
            try stage.ask(.resume(takingUp: false, reason: nil))
            try stage.end("a", .interrupted)
            try stage.succeed("a")
            try stage.succeed("b", "said")
            try stage.ask(.stop(.cancel, reason: "enough"))
            try stage.pass(.seconds(10))
        },
        Script(
            name: "crashes",
            nodes: """
                long: {function: f}
                careful: {function: g, once: true}
                m: {function: f, each: {var: input}, heartbeat: 30s}
                end: {succeed: {cat: [done, " ", {var: run.id}]}, after: [long]}
                """, input: [1, 2]
        ) { stage in
            let token = try #require(stage.mailbox.state.work(of: .node(NodeNumber(0)))?.running?.token)
            try stage.ask(.checkpoint(.node(NodeNumber(0)), token: token, Payload(hashing: Array(#"{"page":7}"#.utf8))))
            try stage.crash()
            try stage.succeed("m[0]", 1)
            try stage.crash()
            try stage.pass(.seconds(30))
            try stage.succeed("long", "text")
            try stage.pass(.seconds(10))
        },
    ]

    // MARK: Replay

    @Test("folds to the stored result", arguments: names)
    func golden(_ name: String) throws {
        let file = Self.folder.appendingPathComponent("\(name).jsonl")
        if ProcessInfo.processInfo.environment["REN_RECORD_HISTORIES"] != nil { try Self.record(name, to: file) }
        let lines = try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")).map { try JSON(parsing: Array($0)) }
        let head = try #require(lines.first)
        let flow = try FlowDecoder.decode(stored: try #require(head["flow"]).compact)
        var state = RunState(plan: Stage.plan(of: flow))
        var previous = Timestamp(nanoseconds: 0)
        for line in lines.dropFirst() {
            let event = try Self.event(line)
            state.apply(event)
            #expect(event.time >= previous)
            previous = event.time
        }
        #expect(Self.facts(of: state) == head["result"])
        var slots = Slots(kinds: Array(repeating: .blocking, count: state.nodes.count), free: [.blocking: 9])
        #expect(state.decide(at: previous, slots: &slots).isEmpty == state.isEnded)
    }

    private static func event(_ line: JSON) throws -> Event {
        let text = try #require(line["record"]?.stringValue)
        let bytes = Array(try #require(Data(base64Encoded: text)))
        let number = try #require(line["sequence"]?.integerValue)
        let sequence = JournalSequence(number)
        return try bytes.withUnsafeBytes { bytes in try Record(bytes, at: sequence).event(at: sequence) }
    }

    /// What must not change: states, attempts and results, the latter by their hashes.
    private static func facts(of state: RunState) -> JSON {
        let nodes = zip(state.plan.flow.nodes, state.nodes).map { node, now -> JSON in
            var facts: JSONObject = ["node": .string(node.name), "status": .string(now.status)]
            facts["attempts"] = .integer(Int64(now.work.attempts))
            if case .payload(let payload) = now.output { facts["output"] = .string(payload.hash.description) }
            if let error = now.error { facts["error"] = error.json }
            if let map = now.map {
                facts["items"] = .string(
                    (0..<map.total).map { map.state(of: ItemIndex($0)).name }.joined(separator: " "))
            }
            return .object(facts)
        }
        var facts: JSONObject = ["version": .integer(Int64(state.version.rawValue)), "nodes": .array(nodes)]
        if case .ended(let status) = state.phase { facts["status"] = .string(status.rawValue) }
        if let output = state.output { facts["output"] = .string(output.hash.description) }
        if let failure = state.failure { facts["failure"] = failure.json }
        return .object(facts)
    }

    // MARK: Recording

    private static func record(_ name: String, to file: URL) throws {
        guard !FileManager.default.fileExists(atPath: file.path) else { return }
        let script = try #require(scripts.first { $0.name == name })
        let stage = try Stage(script.nodes, top: script.top, input: script.input, on: .memory)
        try script.play(stage)
        let head: JSON = ["flow": stage.mailbox.plan.flow.source, "result": facts(of: stage.mailbox.state)]
        let lines = try [head.compact] + records(of: stage)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(lines.joined(separator: [UInt8(ascii: "\n")]) + [UInt8(ascii: "\n")]).write(to: file)
    }

    /// The type is for people; the record says all.
    private static func records(of stage: Stage) throws -> [[UInt8]] {
        try stage.journal.read { view throws(RenError) in
            var lines: [[UInt8]] = []
            for recorded in try view.page(of: stage.mailbox.number, after: .none, limit: 10_000) {
                let bytes = try view.snapshot.value(of: Key(recorded.sequence), in: .events) { Array($0) } ?? []
                let line: JSON = [
                    "sequence": .integer(Int64(recorded.sequence.rawValue)), "type": .string(recorded.type.name),
                    "record": .string(Data(bytes).base64EncodedString()),
                ]
                lines.append(line.compact)
            }
            return lines
        }
    }
}
