import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenTestKit
import RenWorkers
import Testing

/// What the engine does when a commit fails (RELIABILITY.md 1.8, SEMANTICS.md 1).
@Suite("A journal that fails", .timeLimit(.minutes(2)))
struct StorageTests {
    private static func returns(_ number: Int64 = 1) -> AttemptEnd {
        .returned(Payload(hashing: JSON.integer(number).compact))
    }

    @Test("A full disk loses nothing: each function runs once, and the run goes on after 5 s")
    func full() async throws {
        let rig = Rig()
        let run = try await rig.start(
            "m: {function: f, each: {var: input}, concurrency: 4}\nlast: {function: g, after: [m]}",
            input: .array((0..<8).map { .integer($0) }))
        try await eventually("four run") { (rig.worker.held.count == 4).orNil }
        rig.journal.failAll(.diskFull)
        for call in rig.worker.held { rig.worker.finish(call.id, Self.returns()) }
        try await eventually("the engine waits") { (rig.clock.nextWake == rig.clock.now() + .seconds(5)).orNil }
        // Still full: it tries again every 5 s.
        rig.clock.advance(by: .seconds(5))
        try await eventually("the engine waits again") { (rig.clock.nextWake == rig.clock.now() + .seconds(5)).orNil }
        #expect(rig.worker.calls.count == 4, "nothing begins that is not in the journal")
        rig.journal.failAll(nil)
        rig.clock.advance(by: .seconds(5))
        try await finishAll(rig, run)
        #expect(rig.worker.calls.count == 9)
        #expect(try (0..<8).allSatisfy { try rig.count("item.succeeded 0[\($0)]", of: run) == 1 })
        #expect(try rig.count("result.rejected 0", of: run) == 0)
        #expect(rig.worker.freeSlots()[.blocking] == 16, "what was reserved for calls never sent is given back")
    }

    /// Lets every call return until the run has ended.
    private func finishAll(_ rig: Rig, _ run: RunNumber) async throws {
        try await eventually("the run ends") {
            for call in rig.worker.held { rig.worker.finish(call.id, Self.returns()) }
            return (try rig.status(of: run) == "succeeded").orNil
        }
    }

    @Test("A checkpoint that found the disk full is answered when there is room")
    func checkpoint() async throws {
        let rig = Rig()
        let run = try await rig.start("a: {function: f}")
        let call = try await rig.held("a").id
        rig.journal.failNext(.diskFull)
        rig.worker.say([.checkpoint(call, request: 7, Payload(hashing: [0x31]))])
        try await eventually("the engine waits") { rig.clock.nextWake }
        #expect(!rig.worker.notes.contains(.saved(call, request: 7, refused: nil)))
        rig.clock.advance(by: .seconds(5))
        try await eventually("it is saved") {
            rig.worker.notes.contains(.saved(call, request: 7, refused: nil)).orNil
        }
        #expect(try rig.count("node.checkpointed 0", of: run) == 1)
    }

    @Test("Whoever asks while the disk is full is told so, and can ask again")
    func request() async throws {
        let rig = Rig()
        let run = try await rig.start("a: {function: f}")
        let call = try await rig.held("a").id
        rig.journal.failNext(.diskFull)
        await #expect(throws: RenError.self) {
            try await rig.engine.ask(run, .pause(now: false, reason: nil), by: Asker(by: "test"))
        }
        rig.clock.advance(by: .seconds(5))
        _ = try await rig.engine.ask(run, .pause(now: false, reason: nil), by: Asker(by: "test"))
        #expect(try rig.count("run.pause_requested", of: run) == 1)
        rig.worker.finish(call, Self.returns())
        #expect(await rig.engine.rest(of: run) == .person)
    }

    @Test("A start that finds the disk full writes nothing, and the next one works")
    func start() async throws {
        let rig = Rig()
        rig.journal.failNext(.diskFull)
        await #expect(throws: RenError.self) { try await rig.start("a: {function: f}") }
        #expect(rig.worker.calls.isEmpty)
        #expect(rig.worker.freeSlots()[.blocking] == 16)
        let run = try await rig.start("a: {function: f}")
        rig.clock.advance(by: .seconds(60))
        rig.worker.finish(try await rig.held("a").id, Self.returns())
        try await eventually("the run ends") { (try rig.status(of: run) == "succeeded").orNil }
    }

    @Test("A fact about no run that found the disk full does not stand in the way of the next")
    func journalRun() async throws {
        let rig = Rig()
        rig.journal.failNext(.diskFull)
        await #expect(throws: RenError.self) { try await rig.engine.append([(.journalClosed, nil)]) }
        try await rig.engine.append([(.journalClosed, nil)])
        #expect(try rig.events(of: .journal) == ["journal.closed"])
    }

    @Test(
        "When nobody knows what was written the engine stops, and says so to everyone",
        arguments: [FaultyJournal.Fault.unknownAndLost, .unknownButWritten])
    func failed(_ fault: FaultyJournal.Fault) async throws {
        let rig = Rig()
        let run = try await rig.start("a: {function: f}\nb: {function: f, after: [a]}")
        let other = try await rig.start("a: {function: f}", id: "other")
        let waiter = Task { await rig.engine.rest(of: other) }
        let call = try await rig.held("a").id
        rig.journal.failNext(fault)
        rig.worker.finish(call, Self.returns())
        guard case .storageFailed(let error) = await rig.engine.rest(of: run) else {
            Issue.record("the engine did not stop")
            return
        }
        #expect(error.code == .storageFailed)
        #expect(await waiter.value == .storageFailed(error))
        var failures = rig.engine.failures.makeAsyncIterator()
        #expect(await failures.next() == error)
        await #expect(throws: error) { try await rig.engine.ask(other, .pause(now: false, reason: nil), by: Asker()) }
        await #expect(throws: error) { try await rig.start("a: {function: f}", id: "third") }
        await #expect(throws: error) { try await rig.takeUp(other, "a: {function: f}") }
        #expect(
            !rig.worker.calls.contains { $0.node == "b" }, "nothing begins of which nobody knows that it is written")
    }

    @Test("A failed commit of no run stops the engine too")
    func journalRunFailed() async throws {
        let rig = Rig()
        let run = try await rig.start("a: {function: f}")
        rig.journal.failNext(.unknownAndLost)
        await rig.engine.record(.journalClosed)
        guard case .storageFailed? = await rig.engine.rest(of: run) else {
            Issue.record("the engine did not stop")
            return
        }
    }

    @Test("An id that is taken is refused to its asker alone", arguments: JournalKind.allCases)
    func takenID(_ kind: JournalKind) async throws {
        let rig = Rig(on: try kind.make())
        let run = try await rig.start("a: {function: f}")
        let call = try await rig.held("a").id
        await #expect(throws: RenError.self) { try await rig.start("a: {function: g}") }
        #expect(try await rig.start("a: {function: f}") == run, "the same flow and input is the same run")
        #expect(rig.worker.held.map(\.id) == [call], "it does not begin twice")
        rig.worker.finish(call, Self.returns())
        try await eventually("the run ends") { (try rig.status(of: run) == "succeeded").orNil }
        #expect(rig.worker.freeSlots()[.blocking] == 16)
    }

    @Test("Results that together are larger than a commit are all kept", arguments: JournalKind.allCases)
    func largeResults(_ kind: JournalKind) async throws {
        let rig = Rig(on: try kind.make())
        let run = try await rig.start(
            "m: {function: f, each: {var: input}}", input: .array((0..<4).map { .integer($0) }))
        try await eventually("all run") { (rig.worker.held.count == 4).orNil }
        let large = Payload(hashing: [0x22] + [UInt8](repeating: 0x78, count: 9 << 20) + [0x22])
        // The engine is busy with nothing else, so one turn of its loop takes all four.
        let calls = rig.worker.held.map(\.id)
        rig.worker.say(calls.map { .ended($0, .returned(large)) })
        try await eventually("the run ends") { (try rig.status(of: run) == "succeeded").orNil }
        let last = try rig.journal.read { view throws(RenError) in
            try view.payload(run, try view.item(run, NodeNumber(0), ItemIndex(3))!.last)
        }
        #expect(last == large.bytes)
    }

    @Test("Very many items that are skipped at once fit into commits", arguments: JournalKind.allCases)
    func manySkipped(_ kind: JournalKind) async throws {
        let rig = Rig(on: try kind.make())
        let run = try await rig.start(
            "m: {function: f, each: {var: input}, when: {\"<\": [{var: index}, 0]}}",
            input: .array((0..<60_000).map { .integer($0) }))
        #expect(await rig.engine.rest(of: run) ?? .ended(.succeeded) == .ended(.succeeded))
        let counts = try rig.journal.read { view throws(RenError) in try view.run(run)?.version }
        #expect(counts.map { $0 > RunVersion(60_000) } == true)
    }

    @Test("Keys too long for a commit fail their node, not the engine")
    func largeKeys() async throws {
        let rig = Rig()
        let key = String(repeating: "k", count: 190)
        let run = try await rig.start(
            "m: {function: f, each: {var: input}, key: {cat: [\(key), {var: index}]}}\nb: {function: f}",
            input: .array((0..<90_000).map { .integer($0) }))
        rig.worker.finish(try await rig.held("b").id, Self.returns())
        #expect(await rig.engine.rest(of: run) ?? .ended(.failed) == .ended(.failed))
        let error = try rig.journal.read { view throws(RenError) in try view.run(run)?.error?.name }
        #expect(error == "InputTooLarge")
    }
}
