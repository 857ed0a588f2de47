import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenTestKit
import RenWorkers
import Testing

@Suite("Many runs in one engine", .timeLimit(.minutes(2)))
struct SharingTests {
    private static let one = AttemptEnd.returned(Payload(hashing: [0x31]))

    @Test("Runs that wait for slots get them in turn: a large map starves nobody")
    func turns() async throws {
        let rig = Rig(slots: 4)
        let items = JSON.array((0..<60).map { .integer($0) })
        for name in ["large", "second", "third"] {
            try await rig.start("m: {function: f, each: {var: input}}", id: name, input: items)
        }
        try await rig.start("a: {function: f}\nb: {function: f, after: [a]}\nc: {function: f, after: [b]}", id: "chain")
        for round in 1...48 {
            let calls = try await eventually("four run, round \(round)") {
                rig.worker.held.count == 4 ? rig.worker.held : nil
            }
            rig.worker.finish(calls[0].id, Self.one)
            try await eventually("the slot is taken again") { (rig.worker.calls.count == 4 + round).orNil }
        }
        let shares = Dictionary(grouping: rig.worker.calls, by: \.run).mapValues(\.count)
        #expect(shares["chain"] == 3, "\(shares)")
        for name in ["large", "second", "third"] {
            #expect((12...20).contains(shares[name] ?? 0), "\(shares)")
        }
    }

    @Test("Hundreds of runs end, each node once", arguments: JournalKind.allCases)
    func hundreds(_ kind: JournalKind) async throws {
        let rig = Rig(on: try kind.make(), slots: 3) { _ in .end(Self.one) }
        var runs: [RunNumber] = []
        for number in 0..<200 {
            runs.append(
                try await rig.start(
                    "a: {function: f}\nb: {function: f, after: [a]}\nc: {function: f, after: [a]}", id: "run-\(number)")
            )
        }
        for run in runs {
            #expect(await rig.engine.rest(of: run) ?? .ended(.succeeded) == .ended(.succeeded))
        }
        #expect(rig.worker.calls.count == 600)
        #expect(Set(rig.worker.calls.map { "\($0.run) \($0.node)" }).count == 600)
    }

    @Test("A node that finds a slot while the values it reads are on their way begins after their commit")
    func valuesOnTheirWay() async throws {
        let rig = Rig(slots: 2)
        try await rig.start("x: {function: f}", id: "first")
        let run = try await rig.start(
            "m: {function: f, each: {var: input}}\nlast: {function: g, after: [m], with: {n: {length: {var: nodes.m.items}}}}",
            input: [1])
        // It waits for a slot before `last` does.
        try await rig.start("y: {function: f}", id: "third")
        let first = try await rig.held("x")
        let item = try await rig.held("m")
        rig.journal.hold()
        rig.worker.finish(item.id, Self.one)
        #expect(await rig.engine.state(of: run)?.nodes[0].status == "succeeded", "decided, and not in the journal yet")
        rig.worker.finish(first.id, Self.one)
        _ = await rig.engine.state(of: run)
        rig.journal.letGo()
        let last = try await rig.held("last")
        #expect(try JSON(parsing: last.arguments) == ["n": 1])
        rig.worker.finish(last.id, Self.one)
        #expect(await rig.engine.rest(of: run) ?? .ended(.succeeded) == .ended(.succeeded))
    }
}
