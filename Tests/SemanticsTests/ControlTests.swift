import RenCore
import RenJSON
import RenWorkers
import Testing

@testable import RenEngine

/// SEMANTICS.md 5: pause, stop, signals, clocks.
@Suite("Pause, stop, signals, clocks")
struct ControlTests {
    private static let two = "a: {function: f}\nb: {function: f, after: [a]}"

    @Test("From the request on nothing new begins; in flight 0 pauses", arguments: JournalKind.allCases)
    func pause(_ kind: JournalKind) throws {
        let stage = try Stage(Self.two, on: kind)
        try stage.ask(.pause(now: false, reason: "lunch"))
        #expect(stage.runStatus == "pausing")
        #expect(stage.functions.askedToPause == ["a"])
        try stage.succeed("a")
        #expect(stage.runStatus == "paused")
        #expect(stage.functions.running.isEmpty)
        #expect(stage.mailbox.rest == .person)
        try stage.ask(.resume(takingUp: false, reason: nil))
        #expect(stage.functions.running == ["b"])
    }

    @Test("A run that has nothing left to do pauses too, and ends after resume", arguments: JournalKind.allCases)
    func pauseAtTheEnd(_ kind: JournalKind) throws {
        let stage = try Stage("a: {function: f}", on: kind)
        try stage.ask(.pause(now: false, reason: nil))
        try stage.succeed("a")
        #expect(stage.runStatus == "paused")
        try stage.ask(.resume(takingUp: false, reason: nil))
        #expect(stage.runStatus == "succeeded")
    }

    @Test("What results settle is settled while paused", arguments: JournalKind.allCases)
    func settlesWhilePaused(_ kind: JournalKind) throws {
        let stage = try Stage(
            "a: {function: f}\nb: {function: f, after: [a]}\nm: {function: f, each: {var: input}}", input: [1], on: kind
        )
        try stage.ask(.pause(now: false, reason: nil))
        try stage.succeed("m[0]")
        #expect(try stage.status("m") == "succeeded")
        try stage.fail("a")
        #expect(stage.statuses == "a=failed b=skipped m=succeeded")
        #expect(stage.runStatus == "paused")
    }

    @Test("--now interrupts what is in flight; it runs again, not once attempts", arguments: JournalKind.allCases)
    func pauseNow(_ kind: JournalKind) throws {
        let stage = try Stage("a: {function: f}\nb: {function: f, once: true}", on: kind)
        try stage.ask(.pause(now: true, reason: nil))
        #expect(stage.functions.cancelled == ["a"])
        #expect(stage.runStatus == "pausing")
        try stage.succeed("b")
        #expect(stage.runStatus == "paused")
        try stage.ask(.resume(takingUp: false, reason: nil))
        #expect(stage.functions.running.contains("a"))
        #expect(try stage.count("node.interrupted a") == 1)
    }

    @Test("resume takes a pausing back", arguments: JournalKind.allCases)
    func resumePausing(_ kind: JournalKind) throws {
        let stage = try Stage(Self.two, on: kind)
        try stage.ask(.pause(now: false, reason: nil))
        try stage.ask(.resume(takingUp: false, reason: nil))
        #expect(stage.runStatus == "running")
        try stage.succeed("a")
        #expect(stage.functions.running == ["b"])
    }

    @Test("A crash while pausing leaves it paused; taking it up goes on", arguments: JournalKind.allCases)
    func crashWhilePausing(_ kind: JournalKind) throws {
        let stage = try Stage(Self.two, on: kind)
        try stage.ask(.pause(now: false, reason: nil))
        try stage.crash()
        #expect(stage.runStatus == "running", "crash() takes the run up again")
        #expect(try stage.count("node.interrupted a") == 1)
    }

    @Test("A signal kept before its pause is taken, oldest first", arguments: JournalKind.allCases)
    func keptSignals(_ kind: JournalKind) throws {
        let stage = try Stage(
            "a: {function: f}\np: {pause: {message: One, signal: go}, after: [a]}\nq: {pause: {message: Two, signal: go}, after: [p]}",
            on: kind)
        try stage.signal("go", 1)
        try stage.signal("go", 2)
        try stage.succeed("a")
        #expect(stage.statuses == "a=succeeded p=succeeded q=succeeded")
        #expect(try stage.output(of: "p") == 1)
        #expect(try stage.output(of: "q") == 2)
    }

    @Test("One signal goes to one pause", arguments: JournalKind.allCases)
    func oneSignal(_ kind: JournalKind) throws {
        let stage = try Stage(
            "p: {pause: {message: One, signal: go}}\nq: {pause: {message: Two, signal: go}}", on: kind)
        #expect(stage.mailbox.rest == .person)
        try stage.signal("go")
        #expect(stage.statuses == "p=succeeded q=waiting")
    }

    @Test("Refused signals", arguments: JournalKind.allCases)
    func refusedSignals(_ kind: JournalKind) throws {
        let stage = try Stage(
            "a: {function: f}\np: {pause: {message: One, signal: approve, form: {type: object, required: [by]}}}",
            on: kind)
        #expect(throws: RenError.Code.signalUnknown) { try stage.code { try stage.signal("aprove") } }
        let huge = JSON.string(String(repeating: "x", count: 1 << 20))
        #expect(throws: RenError.Code.payloadTooLarge) { try stage.code { try stage.signal("approve", huge) } }
        #expect(throws: RenError.Code.signalInvalid) { try stage.code { try stage.signal("approve", [:]) } }
        try stage.signal("approve", ["by": "me"])
        #expect(throws: RenError.Code.signalAnswered) { try stage.code { try stage.signal("approve", ["by": "me"]) } }
        try stage.succeed("a")
        #expect(throws: RenError.Code.runFinished) { try stage.code { try stage.signal("approve", ["by": "me"]) } }
    }

    @Test("A pause past its timeout fails; its wall time runs while the run is paused", arguments: JournalKind.allCases)
    func pauseTimeout(_ kind: JournalKind) throws {
        let stage = try Stage(
            "a: {function: f}\np: {pause: {message: One, signal: go, timeout: 1h}}\nq: {function: f, after: [p.failed]}",
            on: kind)
        try stage.ask(.pause(now: false, reason: nil))
        try stage.succeed("a")
        try stage.pass(.seconds(7200))
        #expect(try stage.status("p") == "waiting", "what fell due while paused happens at resume")
        try stage.ask(.resume(takingUp: false, reason: nil))
        #expect(stage.mailbox.state[NodeNumber(1)].error?.name == "Timeout")
        #expect(stage.functions.running == ["q"])
    }

    @Test("stop: cancel, 10 s, then everything unsettled is cancelled", arguments: JournalKind.allCases)
    func stop(_ kind: JournalKind) throws {
        let stage = try Stage(
            "a: {function: f}\nb: {function: f}\nc: {function: f, after: [a]}\no: {function: f, once: true}", on: kind)
        try stage.ask(.stop(.cancel, reason: nil))
        #expect(stage.functions.askedToStop == ["a", "b"])
        try stage.succeed("b")
        #expect(stage.runStatus == "stopping")
        try stage.pass(.seconds(10))
        #expect(stage.statuses == "a=cancelled b=succeeded c=cancelled o=unknown")
        #expect(stage.runStatus == "stopped")
    }

    @Test("stop --wait lets them finish, --now does not", arguments: JournalKind.allCases)
    func stopModes(_ kind: JournalKind) throws {
        let patient = try Stage(Self.two, on: kind)
        try patient.ask(.stop(.wait, reason: nil))
        try patient.pass(.seconds(3600))
        #expect(patient.runStatus == "stopping")
        try patient.succeed("a")
        #expect(patient.statuses == "a=succeeded b=cancelled")
        let hasty = try Stage(Self.two, on: kind)
        try hasty.ask(.stop(.now, reason: nil))
        #expect(hasty.statuses == "a=cancelled b=cancelled")
        #expect(hasty.runStatus == "stopped")
        #expect(hasty.functions.cancelled == ["a"])
    }

    @Test("A running item of a stopped map is cancelled, a pending one gets no event", arguments: JournalKind.allCases)
    func stopMap(_ kind: JournalKind) throws {
        let stage = try Stage("m: {function: f, each: {var: input}, concurrency: 1}", input: [1, 2, 3], on: kind)
        try stage.succeed("m[0]")
        try stage.ask(.stop(.now, reason: nil))
        #expect(try stage.events().filter { $0.contains("cancelled") } == ["item.cancelled m[1]", "node.cancelled m"])
    }

    @Test("After stop only stop is admitted, after the end nothing", arguments: JournalKind.allCases)
    func refusals(_ kind: JournalKind) throws {
        let stage = try Stage(Self.two, on: kind)
        #expect(throws: RenError.Code.runNotPaused) {
            try stage.code { try stage.ask(.resume(takingUp: false, reason: nil)) }
        }
        try stage.ask(.stop(.wait, reason: nil))
        #expect(throws: RenError.Code.runEnding) { try stage.code { try stage.ask(.pause(now: false, reason: nil)) } }
        #expect(throws: RenError.Code.runEnding) {
            try stage.code { try stage.ask(.resume(takingUp: false, reason: nil)) }
        }
        try stage.ask(.stop(.now, reason: nil))
        #expect(throws: RenError.Code.runFinished) { try stage.code { try stage.ask(.stop(.now, reason: nil)) } }
    }

    @Test("The flow's timeout ends the run and stands still while paused", arguments: JournalKind.allCases)
    func flowTimeout(_ kind: JournalKind) throws {
        let stage = try Stage(Self.two, top: "timeout: 1h", on: kind)
        try stage.pass(.seconds(1800))
        try stage.ask(.pause(now: true, reason: nil))
        try stage.pass(.seconds(7200))
        try stage.ask(.resume(takingUp: false, reason: nil))
        try stage.pass(.seconds(1700))
        #expect(stage.runStatus == "running")
        try stage.pass(.seconds(200))
        #expect(stage.runStatus == "failed")
        #expect(stage.mailbox.state.failure?.name == "Timeout")
    }

    @Test("due is refused when early", arguments: JournalKind.allCases)
    func early(_ kind: JournalKind) throws {
        let stage = try Stage("a: {function: f, timeout: 1m}", on: kind)
        #expect(throws: RenError.Code.timerEarly) { try stage.code { try stage.ask(.due) } }
    }
}

extension RenError.Code: Error {}

extension Stage {
    /// Throws the code of the error that `body` throws.
    func code(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as RenError {
            throw error.code
        }
    }
}
