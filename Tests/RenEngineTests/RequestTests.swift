import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenTestKit
import RenWorkers
import Testing

/// SEMANTICS.md 8, promise P3: once accepted, once.
@Suite("Requests with keys", .timeLimit(.minutes(2)))
struct RequestTests {
    private static let one = "a: {function: f}"
    private static let pause = Request.pause(now: false, reason: nil)
    private static let resume = Request.resume(takingUp: false, reason: nil)

    private func code<R>(_ body: () async throws -> R) async -> String {
        do {
            _ = try await body()
            return "ok"
        } catch { return (error as? RenError)?.code.rawValue ?? "\(error)" }
    }

    /// Equal but for what says that they are repetitions.
    private func plain(_ answer: Answer) -> Answer {
        var answer = answer
        answer.isNew = false
        answer.replayed = false
        return answer
    }

    @Test("The same start 50 times at once is one run and 50 equal answers", arguments: JournalKind.allCases)
    func fiftyAtOnce(_ kind: JournalKind) async throws {
        let rig = Rig(on: try kind.make())
        // Every other client names no id, so ren would make up another one each time.
        let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
            for number in 0..<50 {
                group.addTask { try await rig.answer(Self.one, id: "run-\(number)", key: "k") }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(answers.map { "\(plain($0))" }).count == 1)
        #expect(answers.count { $0.isNew } == 1 && answers.count { $0.replayed } == 49)
        #expect(try rig.journal.read { view throws(RenError) in try view.openRuns().count } == 1)
        _ = try await rig.held("a")
        #expect(rig.worker.calls.count == 1)
        #expect(rig.worker.freeSlots()[.blocking] == 15)
    }

    @Test("The same key with another body is refused, whether the first is in flight or stored")
    func reused() async throws {
        let rig = Rig()
        rig.journal.hold()
        let first = Task { try await rig.answer(Self.one, key: "k") }
        try await eventually("it is in flight") {
            (await rig.engine.state(of: RunNumber(1))).map { _ in true }
        }
        #expect(await code { try await rig.answer(Self.one, input: [1], key: "k") } == "request.key_reused")
        rig.journal.letGo()
        let answer = try await first.value
        #expect(await code { try await rig.answer(Self.one, input: [1], key: "k") } == "request.key_reused")
        #expect(
            await code { try await rig.engine.ask(answer.run, Self.pause, by: Rig.asker("k")) } == "request.key_reused")
        #expect(try rig.count("run.pause_requested", of: answer.run) == 0)
    }

    @Test("A command under a known key does nothing again, even when it would be refused or the run has ended")
    func command() async throws {
        let rig = Rig()
        let run = try await rig.start("a: {function: f}")
        let call = try await rig.held("a").id
        let paused = try await rig.engine.ask(run, Self.pause, by: Rig.asker("p"))
        #expect(await code { try await rig.engine.ask(run, Self.pause, by: Rig.asker("q")) } == "run.paused")
        #expect(try rig.journal.read { view throws(RenError) in try view.request("q") } == nil, "refusals are not kept")
        let resumed = try await rig.engine.ask(run, Self.resume, by: Rig.asker("r"))
        for (request, key, first) in [(Self.pause, "p", paused), (Self.resume, "r", resumed)] {
            let again = try await rig.engine.ask(run, request, by: Rig.asker(key))
            #expect(again.replayed && plain(again) == plain(first), "\(key)")
        }
        #expect(await rig.engine.state(of: run)?.phase == .running)
        #expect(try rig.count("run.pause_requested", of: run) == 1)
        rig.worker.finish(call, .returned(Payload(hashing: [0x31])))
        try await eventually("the run ends") { (try rig.status(of: run) == "succeeded").orNil }
        try await eventually("it is not carried any more") { (await rig.engine.rest(of: run) == nil).orNil }
        #expect(plain(try await rig.engine.ask(run, Self.pause, by: Rig.asker("p"))) == plain(paused))
        #expect(await code { try await rig.engine.ask(run, Self.pause, by: Rig.asker("new")) } == "run.finished")
        #expect(await code { try await rig.engine.ask(RunNumber(99), Self.pause, by: Asker()) } == "run.not_found")
    }

    @Test("An answer names the request's own events, also behind others in the same commit")
    func ownEvents() async throws {
        let rig = Rig()
        let run = try await rig.start("a: {function: f}\nb: {function: f}")
        let calls = [try await rig.held("a").id, try await rig.held("b").id]
        rig.journal.hold()
        rig.worker.finish(calls[0], .returned(Payload(hashing: [0x31])))
        let asked = Task { try await rig.engine.ask(run, Self.pause, by: Rig.asker("p")) }
        let stopped = Task {
            try await eventually("it pauses") { (await rig.engine.state(of: run)?.phase == .pausing).orNil }
            return try await rig.engine.ask(run, .stop(.now, reason: nil), by: Rig.asker("s"))
        }
        try await eventually("it ends") { (await rig.engine.state(of: run)?.isEnded).flatMap { $0.orNil } }
        rig.journal.letGo()
        for (answer, type) in [
            (try await asked.value, "run.pause_requested"), (try await stopped.value, "run.stop_requested"),
        ] {
            let first = try rig.journal.read { view throws(RenError) in try view.record(at: answer.first) }
            let last = try rig.journal.read { view throws(RenError) in try view.record(at: answer.last) }
            #expect(first?.type.name == type && first?.run == run)
            #expect(last?.version == answer.version && last?.run == run)
        }
    }

    @Test("A key that the journal learnt behind the engine's back still has one effect")
    func race() async throws {
        let base = MemoryJournal.make()
        let rig = Rig(on: base)
        let run = try await rig.start("a: {function: f}")
        let call = try await rig.held("a").id
        rig.journal.hold()
        let asked = Task { try await rig.engine.ask(run, Self.pause, by: Rig.asker("k")) }
        try await eventually("it is admitted") { (await rig.engine.state(of: run)?.phase == .pausing).orNil }
        let behind = Task { try await rig.engine.ask(run, .stop(.wait, reason: nil), by: Rig.asker("s")) }
        try await eventually("so is what follows") {
            if case .stopping? = await rig.engine.state(of: run)?.phase { true } else { nil }
        }
        var event = Event(.journalClosed, .run, at: rig.clock.now())
        event.request = try Rig.asker("k").request
        let written = try await base.append([event], to: .journal, after: Batch.anyVersion)
        rig.journal.letGo()
        let answer = try await asked.value
        #expect(answer.replayed && answer.first == written.first && answer.run == .journal)
        #expect(await code { try await behind.value } == "request.replayed", "it was decided on what never was")
        // The working state went too far: it is folded again, and the run goes on as the journal has it.
        try await eventually("it runs") { (await rig.engine.state(of: run)?.phase == .running).orNil }
        rig.worker.finish(call, .returned(Payload(hashing: [0x31])))
        try await eventually("the run ends") { (try rig.status(of: run) == "succeeded").orNil }
        #expect(try !rig.events(of: run).contains { $0.hasSuffix("_requested") })
    }

    @Test("Killed after the commit and before the answer: the next engine gives it, and nothing is done twice")
    func killed() async throws {
        let directory = try LMDBPlace()
        let first = Rig(on: try directory.open())
        first.journal.failNext(.answerLost)
        let lost = Task { try await first.answer(Self.one, id: "mine", key: "k") }
        try await eventually("it is stored") {
            try first.journal.read { view throws(RenError) in try view.request("k") }.map { _ in true }
        }
        await first.engine.shutDown()
        directory.journal?.giveBack()

        let second = Rig(on: try directory.open()) { _ in .end(.returned(Payload(hashing: [0x31]))) }
        let answer = try await second.answer(Self.one, id: "another", key: "k")
        #expect(answer.replayed && !answer.isNew && answer.run == RunNumber(1))
        #expect(try second.journal.read { view throws(RenError) in try view.runNumber(id: "another") } == nil)
        try await second.takeUp(answer.run, Self.one)
        try await eventually("the run ends") { (try second.status(of: answer.run) == "succeeded").orNil }
        #expect(plain(try await second.answer(Self.one, id: "third", key: "k")) == plain(answer))
        #expect(try second.count("run.created", of: answer.run) == 1)
        #expect(try second.journal.read { view throws(RenError) in try view.runs(limit: 9).count } == 1)
        lost.cancel()
    }

    @Test("Taking up compares If-Match once: its repetition is not refused for what the first time changed")
    func takenUpAgain() async throws {
        let journal = MemoryJournal.make()
        let first = Rig(on: journal)
        let run = try await first.start(Self.one)
        await first.engine.shutDown()
        let second = Rig(on: journal)
        let control = try second.journal.read { view throws(RenError) in try view.run(run) }?.control
        var asker = try Rig.asker("k")
        asker.ifMatch = RunVersion(99)
        #expect(await code { try await second.takeUp(run, Self.one, by: asker) } == "version.conflict")
        #expect(await second.engine.state(of: run) == nil)
        asker.ifMatch = control
        try await second.takeUp(run, Self.one, by: asker)
        await second.engine.shutDown()
        let third = Rig(on: journal)
        try await third.takeUp(run, Self.one, by: asker)
        #expect(await third.engine.state(of: run)?.phase == .running)
        var other = try Rig.asker("other")
        other.ifMatch = control
        let fourth = Rig(on: journal)
        #expect(await code { try await fourth.takeUp(run, Self.one, by: other) } == "version.conflict")
    }

    @Test("Facts about no run have keys too")
    func facts() async throws {
        let rig = Rig()
        let mark = try Rig.asker("k")
        let fact = Fact.flowRegistered(name: "products")
        let payload = PayloadMark(Payload(hashing: [0x31]))
        let first = try await rig.engine.append([(fact, payload)], by: mark)
        let again = try await rig.engine.append([(fact, payload)], by: mark)
        #expect(again.replayed && plain(again) == plain(first) && again.run == .journal)
        #expect(try rig.events(of: .journal) == ["flow.registered"])
        #expect(try rig.engine.known(try #require(mark.request)) == again)
    }

    @Test("A start that the disk had no room for can be sent again under its key")
    func fullDisk() async throws {
        let rig = Rig()
        rig.journal.failNext(.diskFull)
        #expect(await code { try await rig.answer(Self.one, key: "k") } == "storage.full")
        let answer = try await rig.answer(Self.one, key: "k")
        #expect(answer.isNew && !answer.replayed)
    }

    @Test("A run started paused begins nothing, and its repeated start does not resume it")
    func paused() async throws {
        let rig = Rig()
        let answer = try await rig.answer(Self.one, key: "k", paused: true)
        #expect(try rig.events(of: answer.run) == ["run.created", "run.pause_requested", "run.paused"])
        #expect(answer.version == RunVersion(3))
        #expect(try await rig.answer(Self.one, key: "k", paused: true).version == RunVersion(3))
        #expect(rig.worker.calls.isEmpty)
        try await rig.engine.ask(answer.run, Self.resume, by: Asker(by: "test", ifMatch: RunVersion(3)))
        _ = try await rig.held("a")
    }

    @Test("One run more than the limit is refused, the same start again is not")
    func openRuns() async throws {
        let rig = Rig(openRunsMax: 3)
        for number in 0..<3 { try await rig.start(Self.one, id: "run-\(number)") }
        #expect(await code { try await rig.start(Self.one, id: "run-3") } == "limit.active_runs")
        #expect(await code { try await rig.start(Self.one, id: "run-1") } == "ok")
        rig.worker.finish(try await rig.held("a").id, .returned(Payload(hashing: [0x31])))
        try await eventually("there is room again") {
            (await code { try await rig.start(Self.one, id: "run-3") } == "ok").orNil
        }
    }
}
