import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenTestKit
import RenWorkers
import Testing

/// SEMANTICS.md 10, "Disk".
@Suite("A disk that fills up", .timeLimit(.minutes(2)))
struct DiskTests {
    private static let mebibyte = 1 << 20

    private func code<R>(_ body: () async throws -> R) async -> String {
        do {
            _ = try await body()
            return "ok"
        } catch { return (error as? RenError)?.code.rawValue ?? "\(error)" }
    }

    private static func payload(_ bytes: Int) -> Payload {
        Payload(hashing: [0x22] + [UInt8](repeating: 0x78, count: bytes) + [0x22])
    }

    private func use(_ percent: Int) -> StorageUse {
        StorageUse(mapUsedBytes: percent, mapSizeBytes: 100, fileBytes: percent, diskFreeBytes: nil)
    }

    private func reach(_ level: StorageLevel, _ rig: Rig) async throws {
        try await eventually("the level is \(level)") { (await rig.engine.storage().level == level).orNil }
    }

    @Test(
        "A real map is driven to each level; results in flight still fit, and a larger map goes on",
        arguments: [1, 4, 8])
    func realMap(_ mebibytes: Int) async throws {
        let directory = try LMDBPlace()
        let rig = Rig(on: try directory.open(mapSizeBytes: mebibytes * Self.mebibyte))
        let run = try await rig.start(
            "m: {function: f, each: {var: input}, concurrency: 2}", input: .array((0..<2_000).map { .integer($0) }))
        #expect(await rig.engine.storage().level == .normal)
        // Each result is a half of a hundredth of the map.
        var levels: [StorageLevel] = [.normal]
        while levels.last != .pausing {
            let call: Call? = try await eventually("an item runs, or the run pauses") {
                if let call = rig.worker.held.first { return .some(call) }
                return await rig.engine.storage().level == .pausing ? .some(nil) : nil
            }
            guard let call else {
                levels.append(.pausing)
                break
            }
            rig.worker.finish(call.id, .returned(Self.payload(mebibytes * Self.mebibyte / 400)))
            try await eventually("it is stored") {
                try rig.journal.read { view throws(RenError) in
                    try view.item(run, NodeNumber(0), ItemIndex(call.index ?? 0))?.state == .succeeded
                }.orNil
            }
            // The measurement comes right behind the commit, on the same thread: this one is later, and the engine has
            // heard of the one before.
            try await rig.engine.append([(.journalClosed, nil)])
            let level = await rig.engine.storage().level
            if level != levels.last { levels.append(level) }
            switch level {
            case .normal, .warning: break
            case .noNewRuns, .pausing:
                #expect(await code { try await rig.start("a: {function: f}", id: "new") } == "storage.full")
            }
        }
        #expect(levels == StorageLevel.allCases, "each level is passed")
        try await eventually("it is pausing") { (await rig.engine.state(of: run)?.isHeldForDisk == true).orNil }
        #expect(
            await code { try await rig.engine.ask(run, .resume(takingUp: false, reason: nil), by: Asker(by: "test")) }
                == "storage.full")
        for call in rig.worker.held { rig.worker.finish(call.id, .returned(Self.payload(100))) }
        try await eventually("it is paused") { (try rig.status(of: run) == "paused").orNil }
        #expect(rig.worker.held.isEmpty && rig.worker.freeSlots()[.blocking] == 16)
        #expect(try rig.count("run.pause_requested", of: run) == 1)
        await rig.engine.shutDown()
        directory.journal?.giveBack()

        let larger = Rig(on: try directory.open(mapSizeBytes: 64 * Self.mebibyte)) { _ in
            .end(.returned(Payload(hashing: [0x31])))
        }
        try await larger.takeUp(run, "m: {function: f, each: {var: input}, concurrency: 2}")
        try await eventually("the run ends") { (try larger.status(of: run) == "succeeded").orNil }
        #expect(await larger.engine.storage().level == .normal)
        #expect(try Verifier(larger.journal).run().isClean)
    }

    @Test("Below 88 % ren lets go on what it has paused, and nothing else")
    func goesOn() async throws {
        let rig = Rig()
        let one = "a: {function: f}\nb: {function: f, after: [a]}"
        let held = try await rig.start(one, id: "held")
        let mine = try await rig.start(one, id: "mine")
        let stopping = try await rig.start(one, id: "stopping")
        try await rig.engine.ask(mine, .pause(now: false, reason: nil), by: Asker(by: "test"))
        try await rig.engine.ask(stopping, .stop(.wait, reason: nil), by: Asker(by: "test"))
        rig.journal.measure(use(96))
        try await reach(.pausing, rig)
        #expect(await rig.engine.state(of: held)?.isHeldForDisk == true)
        for call in rig.worker.held { rig.worker.finish(call.id, .returned(Payload(hashing: [0x31]))) }
        try await eventually("both rest") {
            (try rig.status(of: held) == "paused" && rig.status(of: mine) == "paused").orNil
        }
        try await eventually("a stopping run ends") { (try rig.status(of: stopping) == "stopped").orNil }
        rig.journal.measure(use(89))
        rig.journal.measure(use(88))
        try await rig.engine.append([(.journalClosed, nil)])
        #expect(await rig.engine.storage().level == .pausing && rig.worker.held.isEmpty)
        rig.journal.measure(use(87))
        try await reach(.warning, rig)
        _ = try await rig.held("b")
        #expect(try rig.status(of: held) == "running" && rig.status(of: mine) == "paused")
        #expect(try rig.count("run.resumed", of: mine) == 0)
        #expect(rig.worker.held.count == 1)
    }

    @Test("A pause that the disk had no room for is asked for again")
    func pauseFails() async throws {
        let rig = Rig()
        let run = try await rig.start("a: {function: f}")
        let call = try await rig.held("a").id
        rig.journal.failNext(.diskFull)
        rig.journal.measure(use(99))
        try await eventually("the engine waits") { rig.clock.nextWake }
        #expect(try rig.count("run.pause_requested", of: run) == 0)
        rig.clock.advance(by: .seconds(5))
        try await eventually("it is pausing") { (try rig.count("run.pause_requested", of: run) == 1).orNil }
        rig.worker.finish(call, .returned(Payload(hashing: [0x31])))
        try await eventually("it is paused") { (try rig.status(of: run) == "paused").orNil }
    }

    @Test("A run taken up at 95 % is paused again; one taken up with room goes on")
    func takenUp() async throws {
        let journal = MemoryJournal.make()
        let first = Rig(on: journal)
        let run = try await first.start("a: {function: f}")
        await first.engine.shutDown()
        let second = Rig(on: journal)
        second.journal.measure(use(96))
        try await reach(.pausing, second)
        try await second.takeUp(run, "a: {function: f}")
        try await eventually("it is held") { (await second.engine.state(of: run)?.isHeldForDisk == true).orNil }
        await second.engine.shutDown()
        let third = Rig(on: journal)
        try await third.takeUp(run, "a: {function: f}")
        try await eventually("it goes on") { (third.worker.held.isEmpty ? nil : true) }
        #expect(try third.status(of: run) == "running")
    }

    @Test("An engine that carries all does the same with what it carries on")
    func carried() async throws {
        let journal = MemoryJournal.make()
        let first = Rig(on: journal)
        let run = try await first.start("a: {function: f}")
        await first.engine.shutDown()
        let second = Rig(on: journal)
        second.journal.measure(use(96))
        try await reach(.pausing, second)
        try await second.carry(run, "a: {function: f}")
        try await eventually("it is held") { (try second.status(of: run) == "paused").orNil }
        #expect(second.worker.calls.isEmpty, "nothing began before")
        await second.engine.shutDown()
        let third = Rig(on: journal)
        try await third.carry(run, "a: {function: f}")
        _ = try await third.held("a", attempt: 2)
        #expect(try third.status(of: run) == "running")
    }
}
