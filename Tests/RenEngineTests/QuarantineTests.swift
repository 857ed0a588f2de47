import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenTestKit
import RenWorkers
import Testing

/// SEMANTICS.md 1: a record that cannot be folded stops its run and no other.
@Suite("Quarantine", .timeLimit(.minutes(2)))
struct QuarantineTests {
    private static let nodes = "a: {function: f}\nb: {function: f, after: [a]}"

    /// A journal with two open runs, of which the first has an event about a node that its flow lacks.
    private func poisoned(_ kind: JournalKind) async throws -> (journal: StoreJournal, bad: RunNumber, good: RunNumber)
    {
        let journal = try kind.make()
        let rig = Rig(on: journal)
        let bad = try await rig.start(Self.nodes, id: "bad")
        let good = try await rig.start(Self.nodes, id: "good")
        await rig.engine.shutDown()
        let foreign = Event(.cancelled, .node(NodeNumber(9)), at: rig.clock.now())
        try await journal.append([foreign], to: bad, after: Batch.anyVersion)
        return (journal, bad, good)
    }

    @Test("A poisoned run is quarantined once, and the others go on", arguments: JournalKind.allCases)
    func quarantine(_ kind: JournalKind) async throws {
        let (journal, bad, good) = try await poisoned(kind)
        for _ in 0..<2 {
            let rig = Rig(on: journal)
            let error = await #expect(throws: RenError.self) { try await rig.takeUp(bad, Self.nodes) }
            #expect(error?.code == .runQuarantined)
            #expect(await rig.engine.rest(of: bad) == nil, "nobody carries it")
            #expect(try rig.count("run.quarantined", of: bad) == 1)
            #expect(try rig.status(of: bad) == "quarantined")
            #expect(rig.worker.calls.isEmpty)
            await rig.engine.shutDown()
        }
        let rig = Rig(on: journal) { _ in .end(.returned(Payload(hashing: [0x31]))) }
        try await rig.takeUp(good, Self.nodes)
        try await eventually("the good run ends") { (try rig.status(of: good) == "succeeded").orNil }
        let recorded = try journal.read { view throws(RenError) in try view.page(of: bad, after: .none).last?.event.fact
        }
        guard case .runQuarantined(let at, let reason)? = recorded else {
            Issue.record("the last event is \(String(describing: recorded))")
            return
        }
        #expect(at == RunVersion(3), "run.created, node.started, and then the foreign event")
        #expect(reason.contains("node 9"))
    }

    @Test("A run whose history turns out to be poisoned while it is carried is quarantined too")
    func whileCarried() async throws {
        let journal = MemoryJournal.make()
        let rig = Rig(on: journal)
        let run = try await rig.start(Self.nodes)
        let other = try await rig.start(Self.nodes, id: "other")
        let waiter = Task { await rig.engine.rest(of: run) }
        let calls = try await eventually("both run") { rig.worker.held.count == 2 ? rig.worker.held : nil }
        try await journal.append(
            [Event(.cancelled, .node(NodeNumber(9)), at: rig.clock.now())], to: run, after: Batch.anyVersion)
        rig.journal.failNext(.diskFull)
        rig.worker.finish(try #require(calls.first { $0.run == "a" }).id, .returned(Payload(hashing: [0x31])))
        try await eventually("the engine waits for room") { rig.clock.nextWake }
        rig.clock.advance(by: .seconds(5))
        #expect(await waiter.value == .quarantined)
        #expect(try rig.count("run.quarantined", of: run) == 1)
        rig.worker.finish(try #require(calls.first { $0.run == "other" }).id, .returned(Payload(hashing: [0x31])))
        let next = try await eventually("the other goes on") { rig.worker.held.first { $0.node == "b" } }
        #expect(next.run == "other")
        #expect(try rig.status(of: other) == "running")
    }
}
