import Foundation
import RenJSON
import Testing

/// Several processes on one data directory, and signals to the one that is its engine.
@Suite("Control")
struct ControlTests {
    private static let arguments = [
        "run", "held.yaml", "-f", "functions.py", "--id", "h", "-i", "marker=began", "-i", "gate=gate",
    ]

    /// A run whose call has begun and goes on until `open` is called.
    private struct Held {
        let ren: Ren
        let engine: Running

        init() throws {
            ren = try Ren(["held.yaml": Flows.held, "functions.py": Flows.functions])
            engine = try ren.start(ControlTests.arguments)
            try waitForCall(1)
        }

        func waitForCall(_ number: Int) throws {
            try wait(for: "call \(number)") {
                (FileManager.default.contents(atPath: ren.folder + "/began")?.count ?? 0) >= number
            }
        }

        func open() throws { try ren.write("", to: "gate") }
    }

    @Test("Beside an engine everything can be read")
    func readingBesideEngine() throws {
        let held = try Held()
        let shown = try held.ren("show", "h", "-o", "json").json
        #expect(shown["status"] == "running")
        #expect(shown["carried"] == true)
        #expect(try held.ren("runs").output.contains("running"))
        #expect(try held.ren("journal", "tail", "-n", "3", "-o", "jsonl").lines.count == 3)
        #expect(try held.ren("journal", "verify").code == 0)
        let doctor = try held.ren("doctor", "-o", "json").json
        let engine = doctor["checks"]?.arrayValue?.first { $0["name"] == "engine" }
        #expect(engine?["text"]?.stringValue?.contains("\(held.engine.process.processIdentifier)") == true)
        try held.open()
        #expect(held.engine.end().code == 0)
    }

    @Test("Another terminal pauses the run of ren run, which then exits 13")
    func pausedFromElsewhere() throws {
        let held = try Held()
        let paused = try held.ren("pause", "h", "-o", "json")
        #expect(paused.code == 0, "\(paused.errors)")
        #expect(try paused.json["status"] == "pausing")
        try held.open()
        #expect(held.engine.end().code == 13)
    }

    @Test("Another terminal stops the run of ren run, which then exits 11")
    func stoppedFromElsewhere() throws {
        let held = try Held()
        let stopped = try held.ren("stop", "h", "--now")
        #expect(stopped.code == 0, "\(stopped.errors)")
        #expect(held.engine.end().code == 11)
    }

    @Test("Ctrl-C pauses, lets the call finish, and exits 13; resume goes on", arguments: [SIGINT, SIGTERM])
    func interruptOnce(_ signal: Int32) throws {
        let held = try Held()
        held.engine.send(signal)
        try wait(for: "the pause") { held.engine.errorText.contains("pausing: 1 call") }
        try held.open()
        let ended = held.engine.end()
        #expect(ended.code == (signal == SIGINT ? 13 : 143), "\(ended.errors)")
        #expect(!ended.wasKilled)
        #expect(ended.output.contains("paused") && ended.output.contains("ren resume h"))
        let shown = try held.ren("show", "h", "-o", "json").json
        #expect(shown["status"] == "paused")
        #expect(shown["nodes"]?["held"]?["status"] == "succeeded")
        let again = try held.ren("pause", "h", "-o", "json")
        #expect(again.errorCode == "run.paused", "\(again.errors)")
        let resumed = try held.ren("resume", "h", "-o", "json")
        #expect(resumed.code == 0, "\(resumed.errors)")
        #expect(try resumed.json["output"] == "through")
    }

    @Test("Ctrl-C twice leaves at once with 130, and nothing is lost")
    func interruptTwice() throws {
        let held = try Held()
        held.engine.send(SIGINT)
        try wait(for: "the pause") { held.engine.errorText.contains("pausing") }
        held.engine.send(SIGINT)
        let ended = held.engine.end()
        #expect(ended.code == 130)
        #expect(!ended.wasKilled)
        #expect(try held.ren("journal", "verify").code == 0)
        try held.open()
        #expect(try held.ren("resume", "h", "-o", "json").json["output"] == "through")
    }

    @Test("After a kill: pause and stop are done at once by a passer-by")
    func passerBy() throws {
        let held = try Held()
        held.engine.send(SIGKILL)
        #expect(held.engine.end().wasKilled)
        let left = try held.ren("show", "h", "-o", "json").json
        #expect(left["status"] == "running")
        #expect(left["carried"] == false)
        let waited = try held.ren("wait", "h", "-o", "json")
        #expect(waited.code == 5 && waited.errorCode == "engine.gone", "\(waited.errors)")
        let patient = try held.ren("wait", "h", "--timeout", "200ms")
        #expect(patient.code == 12, "\(patient.errors)")
        #expect(patient.errors.contains("no engine is at work on run h: ren resume h"), "\(patient.errors)")
        #expect(!patient.errors.contains("goes on all the same"), "\(patient.errors)")
        let paused = try held.ren("pause", "h", "--reason", "lunch", "-o", "json")
        #expect(paused.code == 0, "\(paused.errors)")
        #expect(try paused.json["status"] == "paused")
        let events = try held.ren("journal", "ls", "--run", "h", "-o", "jsonl").lines
        #expect(
            events.suffix(3).map { $0["type"]?.stringValue } == [
                "node.interrupted", "run.pause_requested", "run.paused",
            ])
        #expect(events.first { $0["type"] == "run.pause_requested" }?["reason"] == "lunch")
        let stopped = try held.ren("stop", "h")
        #expect(stopped.code == 0 && stopped.output.contains("stopped"))
        let result = try held.ren("result", "h")
        #expect(result.code == 11)
        let again = try held.ren("stop", "h", "-o", "json")
        #expect(again.code == 4)
        #expect(again.errorCode == "run.finished")
        #expect(try held.ren("journal", "verify").code == 0)
    }

    @Test("tail -f prints what another process writes")
    func follow() throws {
        let held = try Held()
        let tail = try held.ren.start(["journal", "tail", "-f", "-n", "1", "--run", "h", "-o", "jsonl"])
        try wait(for: "the last event in the tail") { tail.outputText.contains("node.started") }
        try held.open()
        #expect(held.engine.end().code == 0)
        try wait(for: "the end in the tail") { tail.outputText.contains("run.succeeded") }
        tail.send(SIGINT)
        #expect(tail.end().wasKilled)
        let types = try tail.outputText.split(separator: "\n").map {
            try JSON(parsing: String($0))["type"]?.stringValue
        }
        #expect(types == ["node.started", "node.succeeded", "node.decided", "run.succeeded"])
    }
}
