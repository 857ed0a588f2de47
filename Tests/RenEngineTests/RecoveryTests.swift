import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenTestKit
import RenWorkers
import Testing

@Suite("Another engine takes up", .timeLimit(.minutes(2)))
struct RecoveryTests {
    private static let nodes =
        "m: {function: f, each: {var: input}, concurrency: 4}\nlast: {function: g, after: [m], with: {all: {merge: {var: nodes.m.items}}}}"
    private static let input = JSON.array((0..<10).map { .integer($0) })

    private static func echo(_ call: Call) -> AttemptEnd {
        .returned(Payload(hashing: JSON.integer(Int64(call.index ?? -1)).compact))
    }

    @Test("What was finished is not done again; what was in flight is", arguments: JournalKind.allCases)
    func resumes(_ kind: JournalKind) async throws {
        let journal = try kind.make()
        let first = Rig(on: journal)
        let run = try await first.start(Self.nodes, input: Self.input)
        for number in 0..<3 {
            let call = try await eventually("item \(number) runs") { first.worker.held.first { $0.index == number } }
            first.worker.finish(call.id, Self.echo(call))
            try await eventually("the next one runs") { (first.worker.calls.count == 5 + number).orNil }
        }
        let waiter = Task { await first.engine.rest(of: run) }
        await first.engine.shutDown()
        let rest = await waiter.value
        #expect(rest == .left || rest == nil)
        for call in first.worker.held { first.worker.finish(call.id, Self.echo(call)) }

        let second = Rig(on: journal) { .end(Self.echo($0)) }
        try await second.takeUp(run, Self.nodes)
        #expect(await second.engine.rest(of: run) ?? .ended(.succeeded) == .ended(.succeeded))
        let again = second.worker.calls.compactMap(\.index).sorted()
        #expect(again == [3, 4, 5, 6, 7, 8, 9])
        #expect(second.worker.calls.filter { (3...6).contains($0.index ?? -1) }.allSatisfy { $0.attempt == 2 })
        #expect(try second.events(of: run).count { $0.hasPrefix("item.interrupted") } == 4)
        let arguments = try JSON(parsing: try #require(second.worker.calls.last).arguments)
        #expect(arguments == ["all": Self.input])
    }

    @Test("Killed between a commit and its effects: nothing was sent, and it begins with the next engine")
    func betweenCommitAndEffects() async throws {
        let journal = MemoryJournal.make()
        let first = Rig(on: journal)
        let run = try await first.start("a: {function: f}\nb: {function: f, after: [a]}")
        let call = try await first.held("a")
        first.journal.failNext(.answerLost)
        first.worker.finish(call.id, Self.echo(call))
        try await eventually("it is in the journal") { (try first.count("node.started 1", of: run) == 1).orNil }
        #expect(first.worker.calls.map(\.node) == ["a"])
        let second = Rig(on: journal) { .end(Self.echo($0)) }
        try await second.takeUp(run, "a: {function: f}\nb: {function: f, after: [a]}")
        try await eventually("the run ends") { (try second.status(of: run) == "succeeded").orNil }
        #expect(second.worker.calls.map(\.node) == ["b"])
        #expect(try second.count("node.interrupted 1", of: run) == 1)
    }

    @Test("A run that has ended is not taken up")
    func ended() async throws {
        let journal = MemoryJournal.make()
        let first = Rig(on: journal) { .end(Self.echo($0)) }
        let run = try await first.start("a: {function: f}")
        try await eventually("the run ends") { (try first.status(of: run) == "succeeded").orNil }
        let second = Rig(on: journal)
        await #expect(throws: RenError.self) { try await second.takeUp(run, "a: {function: f}") }
        #expect(try second.events(of: run).last == "run.succeeded")
    }

    @Test("A late result of a settled item leaves the item's own result in place", arguments: JournalKind.allCases)
    func lateResult(_ kind: JournalKind) async throws {
        let rig = Rig(on: try kind.make())
        let run = try await rig.start(
            "m: {function: f, each: {var: input}, timeout: 1m, retry: {attempts: 2, every: 1s, jitter: 0}}\nlast: {function: g, after: [m], with: {all: {merge: {var: nodes.m.items}}}}",
            input: [1, 2])
        let calls = try await eventually("both run") { rig.worker.held.count == 2 ? rig.worker.held : nil }
        try await eventually("the timer is armed") { rig.clock.nextWake }
        rig.clock.advance(by: .seconds(60))
        try await eventually("both wait") {
            (rig.clock.nextWake == rig.clock.now() + .seconds(1)).orNil
        }
        rig.clock.advance(by: .seconds(1))
        let again = try await eventually("both run again") {
            let second = rig.worker.held.filter { $0.attempt == 2 }
            return second.count == 2 ? second : nil
        }
        rig.worker.finish(again[0].id, .returned(Payload(hashing: Array("10".utf8))))
        // The first attempt of the settled item returns now, before its map has closed.
        rig.worker.finish(calls[0].id, .returned(Payload(hashing: Array("99".utf8))))
        try await eventually("it is rejected") { (try rig.count("result.rejected 0[0]", of: run) == 1).orNil }
        rig.worker.finish(again[1].id, .returned(Payload(hashing: Array("20".utf8))))
        let last = try await rig.held("last")
        #expect(try JSON(parsing: last.arguments) == ["all": [10, 20]])
    }
}
