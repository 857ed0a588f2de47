import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenTestKit
import RenWorkers
import Testing

/// How maps open whose list or keys are too long for the engine's own thread (SEMANTICS.md 4, "Opening").
@Suite("Long maps", .timeLimit(.minutes(2)))
struct MapOpeningTests {
    private static let flow = "m: {function: f, each: {var: input}, key: {var: item.id}, concurrency: 2}"

    private func input(_ count: Int, _ id: (Int) -> String = { "sku-\($0)" }) -> JSON {
        .array((0..<count).map { ["id": .string(id($0))] })
    }

    private func item(_ key: String, of run: RunNumber, in rig: Rig) throws -> Int? {
        try rig.journal.read { view throws(RenError) in try view.itemIndex(run, NodeNumber(0), key: key)?.index }
    }

    @Test(
        "Every item is found by its key before it starts", arguments: [1, 5_000, 5_001, 12_345], JournalKind.allCases)
    func opens(_ count: Int, _ kind: JournalKind) async throws {
        let rig = Rig(on: try kind.make())
        let run = try await rig.start(Self.flow, input: input(count))
        let running = min(count, 2)
        try await eventually("the first items run") { (rig.worker.held.count == running).orNil }
        #expect(rig.worker.held.allSatisfy { $0.key == "sku-\($0.index ?? -1)" })
        for index in [0, 1, 4_999, 5_000, 12_344] where index < count {
            #expect(try item("sku-\(index)", of: run, in: rig) == index)
        }
        for key in ["sku-\(count)", "0", ""] { #expect(try item(key, of: run, in: rig) == nil) }
        #expect(try rig.count("map.opened 0", of: run) == 1)
        await rig.engine.shutDown()
    }

    @Test("Equal keys fail the node, naming both places, and leave no rows", arguments: [10, 9_000])
    func duplicate(_ count: Int) async throws {
        let rig = Rig()
        let run = try await rig.start(Self.flow, input: input(count) { $0 == count - 1 ? "sku-3" : "sku-\($0)" })
        _ = await rig.engine.rest(of: run)
        #expect(try rig.status(of: run) == "failed")
        let row = try rig.journal.read { view throws(RenError) in
            #expect(try !view.hasKeys(run, NodeNumber(0)))
            return try view.node(run, NodeNumber(0))
        }
        #expect(row?.error?.name == "DuplicateKey")
        #expect(row?.error?.message.contains("“sku-3” stands twice: elements 3 and \(count - 1) of m") == true)
    }

    @Test("What a crash left of a map that never opened is gone when it opens", arguments: [3, 8_000])
    func leftovers(_ count: Int) async throws {
        let journal = MemoryJournal.make()
        let old: JSON = ["keys": .array((0..<7_000).map { .string("old-\($0)") })]
        let keys = try #require(SortedKeys(payload: old.compact))
        for start in stride(from: 0, to: keys.count, by: KeyRows.commitRows) {
            try journal.changeAndWait(keys.rows(of: RunNumber(1), NodeNumber(0), from: start))
        }
        let rig = Rig(on: journal)
        let run = try await rig.start(Self.flow, input: input(count))
        #expect(run == RunNumber(1))
        try await eventually("the first items run") { (rig.worker.held.count == 2).orNil }
        #expect(try item("old-1", of: run, in: rig) == nil)
        #expect(try item("sku-\(count - 1)", of: run, in: rig) == count - 1)
        // All that is left are the keys of the map.
        let rows = try journal.read { view throws(RenError) in try view.leftovers(run, NodeNumber(0), limit: .max).count
        }
        #expect(rows == count)
        await rig.engine.shutDown()
    }

    @Test("Keys that find the disk full are written when there is room", arguments: [1, 2, 3])
    func full(_ commit: Int) async throws {
        let rig = Rig(on: MemoryJournal.make())
        rig.journal.failNext(.diskFull, after: commit)
        let run = try await rig.start(Self.flow, input: input(12_000))
        try await eventually("the engine waits") { rig.clock.nextWake }
        #expect(rig.worker.held.isEmpty)
        #expect(try item("sku-1", of: run, in: rig) == nil, "rows without map.opened count for nothing")
        rig.clock.advance(by: .seconds(5))
        try await eventually("the first items run") { (rig.worker.held.count == 2).orNil }
        #expect(try item("sku-11999", of: run, in: rig) == 11_999)
        await rig.engine.shutDown()
    }

    @Test("A pause while the map is read holds it; resuming opens it")
    func pause() async throws {
        let rig = Rig()
        let run = try await rig.start(Self.flow, input: input(9_000))
        try await rig.engine.ask(run, .pause(now: false, reason: nil), by: Asker(by: "test"))
        // The map may have opened before: then the calls that began must end.
        try await eventually("it is paused") {
            for call in rig.worker.held { rig.worker.finish(call.id, .returned(Payload(hashing: [0x31]))) }
            return (try rig.status(of: run) == "paused").orNil
        }
        try await rig.engine.ask(run, .resume(takingUp: false, reason: nil), by: Asker(by: "test"))
        try await eventually("items run") { (rig.worker.held.count == 2).orNil }
        #expect(try rig.count("map.opened 0", of: run) == 1)
        await rig.engine.shutDown()
    }

    @Test("Other runs go on while a long map is read")
    func others() async throws {
        let rig = Rig { call in
            call.node == "a" ? .end(.returned(Payload(hashing: [0x31]))) : .hold
        }
        let long = try await rig.answer(Self.flow, id: "long", input: input(60_000), paused: true).run
        // Both set out from the same moment, whatever else keeps the machine busy.
        rig.journal.hold()
        let resumed = Task { try await rig.engine.ask(long, .resume(takingUp: false, reason: nil), by: Asker()) }
        try await eventually("it goes on") { (await rig.engine.state(of: long)?.phase == .running).orNil }
        let started = Task { try await rig.start("a: {function: f}", id: "short") }
        try await eventually("the short one is begun") { (await rig.engine.carriedRuns().count == 2).orNil }
        rig.journal.letGo()
        _ = try await resumed.value
        let short = try await started.value
        try await eventually("the long one opens") { (rig.worker.held.count == 2).orNil }
        let (end, opened) = try rig.journal.read { view throws(RenError) in
            let events = try view.page(of: long, after: .none, limit: 100)
            let opened = events.first { $0.type.name == "map.opened" }
            return (try view.run(short), opened?.sequence)
        }
        #expect(end?.status == .succeeded)
        #expect(try #require(end?.last) < #require(opened), "60,000 keys take longer than a short run")
        await rig.engine.shutDown()
    }
}
