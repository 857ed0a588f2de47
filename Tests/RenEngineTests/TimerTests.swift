import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenTestKit
import RenWorkers
import Synchronization
import Testing

@Suite("Timers", .timeLimit(.minutes(2)))
struct TimerTests {
    /// The engine has armed its timer for this time from now, and for no earlier one.
    private func expectWake(_ rig: Rig, in duration: Duration) async throws {
        let due = rig.clock.now() + duration
        try await eventually("the timer is armed for \(duration)") { (rig.clock.nextWake == due).orNil }
    }

    /// Everything that was brought about so far has been done.
    private func turn(_ rig: Rig, _ run: RunNumber) async { _ = await rig.engine.state(of: run) }

    @Test("A retry begins when its wait is over, not early, and once")
    func retry() async throws {
        let rig = Rig()
        let run = try await rig.start("a: {function: f, retry: {attempts: 3, every: 10s, jitter: 0}}")
        rig.worker.finish(try await rig.held("a").id, .raised(Failure("E", "x"), permanent: false, retryAfter: nil))
        try await expectWake(rig, in: .seconds(10))
        rig.clock.advance(by: .nanoseconds(9_999_999_999))
        await turn(rig, run)
        #expect(rig.worker.calls.count == 1)
        #expect(rig.clock.nextWake == rig.clock.now() + .nanoseconds(1), "the timer still sleeps")
        rig.clock.advance(by: .nanoseconds(1))
        rig.worker.finish(try await rig.held("a", attempt: 2).id, .returned(Payload(hashing: [0x31])))
        #expect(await rig.engine.rest(of: run) ?? .ended(.succeeded) == .ended(.succeeded))
        rig.clock.advance(by: .seconds(3600))
        await turn(rig, run)
        #expect(rig.worker.calls.count == 2)
        #expect(try rig.count("node.started 0", of: run) == 2)
    }

    /// Time goes on by itself: whoever looks twice sees two times.
    private final class HurryingClock: EngineClock {
        private let time = Atomic<Int64>(1_700_000_000_000_000_000)

        func now() -> Timestamp {
            Timestamp(nanoseconds: time.add(5_000_000, ordering: .relaxed).newValue)
        }

        func sleep(until time: Timestamp) async throws {
            while now() < time { try await Task.sleep(for: .milliseconds(1)) }
        }
    }

    @Test("A retry whose wait is over while the engine still looks at the run begins all the same")
    func shortRetry() async throws {
        let journal = MemoryJournal.make()
        let engine = Engine(journal: journal, clock: HurryingClock(), logs: nil, artifacts: nil, seed: 1)
        let worker = ScriptedWorker(signatures: [], sink: { engine.receive($0) }) { call in
            .end(
                call.attempt < 3
                    ? .raised(Failure("E", "x"), permanent: false, retryAfter: nil)
                    : .returned(Payload(hashing: [0x31])))
        }
        let plan = try Rig.plan("a: {function: f, retry: {attempts: 3, every: 1ms, jitter: 0}}")
        let functions = RunFunctions(
            set: nil, signatures: ["f": FunctionSignature(name: "f", language: .python)], swift: nil, workers: worker)
        let run = try await engine.start(
            RunCreation(id: "a", flow: Digest(hashing: plan.flow.source.compact), flowName: "rig", functions: nil),
            plan: plan, input: Payload(hashing: Array("{}".utf8)), functions: functions, by: Asker(by: "test")
        ).run
        #expect(await engine.rest(of: run) ?? .ended(.succeeded) == .ended(.succeeded))
        #expect(worker.calls.count == 3)
        await engine.shutDown()
    }

    @Test("An attempt past its timeout is cancelled once, and its late result is rejected")
    func timeout() async throws {
        let rig = Rig()
        let run = try await rig.start("a: {function: f, timeout: 1m}\nb: {function: f, timeout: 2m}")
        let late = try await rig.held("a")
        let other = try await rig.held("b")
        try await expectWake(rig, in: .seconds(60))
        rig.clock.advance(by: .seconds(60))
        try await eventually("a is cancelled") {
            rig.worker.notes.contains(.cancelled(late.id, kill: false)).orNil
        }
        try await expectWake(rig, in: .seconds(60))
        rig.worker.finish(late.id, .returned(Payload(hashing: [0x31])))
        rig.worker.finish(other.id, .returned(Payload(hashing: [0x32])))
        #expect(await rig.engine.rest(of: run) ?? .ended(.failed) == .ended(.failed))
        #expect(try rig.count("node.attempt_failed 0", of: run) == 1)
        #expect(try rig.count("result.rejected 0", of: run) == 1)
        #expect(try rig.count("node.succeeded 1", of: run) == 1)
        #expect(rig.worker.notes.count { $0 == .cancelled(late.id, kill: false) } == 1)
    }

    @Test(
        "A sign of life puts the heartbeat off; silence ends the attempt",
        arguments: ["alive", "progress", "checkpoint"])
    func heartbeat(_ sign: String) async throws {
        let rig = Rig()
        let run = try await rig.start("a: {function: f, heartbeat: 30s}")
        let call = try await rig.held("a").id
        try await expectWake(rig, in: .seconds(30))
        rig.clock.advance(by: .seconds(20))
        switch sign {
        case "alive": rig.worker.say([.alive(call)])
        case "progress": rig.worker.say([.progress(call, done: 1, total: 2, text: nil)])
        default: rig.worker.say([.checkpoint(call, request: 1, Payload(hashing: [0x31]))])
        }
        await turn(rig, run)
        rig.clock.advance(by: .seconds(10))
        // The timer of the first deadline fires, finds the sign, and is armed anew.
        try await expectWake(rig, in: .seconds(20))
        #expect(try rig.count("node.attempt_failed 0", of: run) == 0)
        rig.clock.advance(by: .seconds(20))
        #expect(await rig.engine.rest(of: run) ?? .ended(.failed) == .ended(.failed))
        #expect(try rig.count("node.attempt_failed 0", of: run) == 1)
    }

    @Test("One timer serves many runs: each falls due at its own time")
    func manyRuns() async throws {
        let rig = Rig(slots: 100)
        var runs: [RunNumber] = []
        for number in 1...20 {
            runs.append(
                try await rig.start("a: {function: f, timeout: \((number * 7) % 20 + 1)s}", id: "run-\(number)"))
        }
        try await eventually("all run") { (rig.worker.held.count == 20).orNil }
        for second in 1...20 {
            rig.clock.advance(by: .seconds(1))
            try await eventually("\(second) runs have ended") {
                let ended = try runs.filter { try rig.status(of: $0) == "failed" }.count
                #expect(ended <= second)
                return (ended == second).orNil
            }
        }
    }

    @Test("A pause that no signal answers in time fails, unless it was answered")
    func pauseTimeout() async throws {
        let rig = Rig()
        let nodes = "p: {pause: {message: Well?, signal: go, timeout: 1h}}"
        let silent = try await rig.start(nodes, id: "silent")
        let answered = try await rig.start(nodes, id: "answered")
        _ = try await rig.engine.ask(
            answered, .signal(name: "go", payload: Payload(hashing: [0x31])), by: Asker(by: "test"))
        rig.clock.advance(by: .seconds(3600))
        try await eventually("the silent one has failed") { (try rig.status(of: silent) == "failed").orNil }
        #expect(try rig.status(of: answered) == "succeeded")
    }
}
