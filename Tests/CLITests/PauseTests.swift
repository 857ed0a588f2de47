import Foundation
import RenJSON
import Testing

/// What `show` and `signal` say of a pause: its form, its time, and what follows the signal.
@Suite("Pauses")
struct PauseTests {
    private static func flow(timeout: String, after: String = "") -> String {
        """
        flow: ask
        nodes:
          ask: {pause: {message: "Really?", signal: approve, timeout: \(timeout),
            form: {type: object, required: [ok, note], properties: {ok: {type: boolean}}}}\(after)}
        """
    }

    /// A run that waits with a time limit, once that is over.
    private static func late(after: String = "") throws -> Ren {
        let ren = try Ren(["ask.yaml": flow(timeout: "1s", after: after)])
        #expect(try ren("run", "ask.yaml", "--id", "a").code == 13)
        let until = try #require(try ren("show", "a", "-o", "json").json["nodes"]?["ask"]?["until"]?.stringValue)
        let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let end = try Date(until, strategy: format)
        try wait(for: "the end of the pause's time") { Date() > end }
        return ren
    }

    @Test("A pause whose time is over takes no signal: it has failed with Timeout")
    func lateSignal() throws {
        let ren = try Self.late()
        let late = try ren("signal", "a", "approve", #"{"ok": true, "note": ""}"#, "-o", "json")
        #expect(late.code == 4, "\(late.output)\(late.errors)")
        let shown = try ren("show", "a", "-o", "json").json
        #expect(shown["nodes"]?["ask"]?["status"] == "failed")
        #expect(shown["nodes"]?["ask"]?["error"]?["name"] == "Timeout")
        let types = try ren("journal", "ls", "--run", "a", "-o", "jsonl").lines.compactMap { $0["type"]?.stringValue }
        #expect(!types.contains("signal.received"))
        #expect(try ren("resume", "a").code == (shown["status"] == "failed" ? 4 : 10))
    }

    @Test("So does one with on_error, whose value the next engine computes")
    func lateSignalWithValue() throws {
        let ren = try Self.late(after: ", on_error: {value: none}")
        let late = try ren("signal", "a", "approve", #"{"ok": true, "note": ""}"#, "-o", "json")
        #expect(late.code == 4 && late.errorCode == "signal.answered", "\(late.output)\(late.errors)")
        #expect(try ren("resume", "a", "-o", "json").code == 0)
        #expect(try ren("show", "a").output.contains("instead of Timeout: no signal came in time"))
    }

    @Test("show prints signal, message, time and form, and a command that fits the form")
    func shown() throws {
        let ren = try Ren(["ask.yaml": Self.flow(timeout: "1h")])
        #expect(try ren("run", "ask.yaml", "--id", "a").code == 13)
        let text = try ren("show", "a").output
        #expect(text.contains("for signal approve until ") && text.contains(": Really?"))
        #expect(text.contains(#"form {"type":"object","required":["ok","note"]"#))
        #expect(text.contains(#"ren signal a approve '{"ok":true,"note":"…"}'"#), "\(text)")
        let node = try #require(try ren("show", "a", "-o", "json").json["nodes"]?["ask"])
        #expect(node["signal"] == "approve" && node["message"] == "Really?")
        #expect(node["until"]?.stringValue != nil)
        #expect(node["form"]?["required"] == ["ok", "note"])
    }

    @Test("signal tells where the run stands after it")
    func afterSignal() throws {
        let ren = try Ren(["ask.yaml": Self.flow(timeout: "1h")])
        #expect(try ren("run", "ask.yaml", "--id", "a").code == 13)
        #expect(try ren("pause", "a").code == 0)
        let paused = try ren("signal", "a", "approve", #"{"ok": true, "note": ""}"#)
        #expect(paused.code == 0 && paused.output.contains("recorded; the run is paused; ren resume"), "\(paused)")
    }

    @Test("A run that ends with the signal is not said to go on")
    func endsWithSignal() throws {
        let ren = try Ren(["ask.yaml": Self.flow(timeout: "1h"), "gate.yaml": Flows.gate])
        #expect(try ren("run", "ask.yaml", "--id", "a").code == 13)
        let ended = try ren("signal", "a", "approve", #"{"ok": true, "note": ""}"#)
        #expect(ended.output.contains("recorded; the run succeeded") && !ended.output.contains("resume"), "\(ended)")
        #expect(try ren("run", "gate.yaml", "--id", "g", "-i", "n=20").code == 13)
        let open = try ren("signal", "g", "approve", #"{"ok": true}"#)
        #expect(open.output.contains("recorded; ren resume goes on with it"), "\(open)")
    }

    @Test("At most four steps are offered, and the way to go on is among them")
    func steps() throws {
        let nodes = (1...9).map { "  n\($0): {pause: {message: \"m\($0)\", signal: s\($0)}}\n" }.joined()
        let ren = try Ren(["many.yaml": "flow: many\nnodes:\n" + nodes])
        #expect(try ren("run", "many.yaml", "--id", "m").code == 13)
        let next = try #require(try ren("show", "m", "-o", "json").json["next"]?.arrayValue)
        #expect(next.count <= 4 && next.contains { $0["command"] == "ren resume m" }, "\(next)")
    }
}
