import RenCore
import RenEngine
import RenJSON
import RenTestKit
import RenWorkers
import Testing

@testable import RenJournal

@Suite("An engine and its snapshots", .timeLimit(.minutes(4)))
struct SnapshotEngineTests {
    private static let nodes =
        "m: {function: f, each: {var: input}, concurrency: 8, tolerate: 100%}\nlast: {function: g, after: [m]}"
    private static let input = JSON.array((0..<3_000).map { .integer($0) })

    /// Versions of all snapshots that read.
    private static func versions(_ run: RunNumber, _ journal: any JournalReading) throws -> [UInt64] {
        var found: [UInt64] = []
        var last = UInt64.max
        let plan = try Rig.plan(nodes)
        while true {
            let newest = try journal.read { [last] view throws(RenError) in
                try view.snapshot(of: run, upTo: RunVersion(rawValue: last), plans: [plan])?.state.version
            }
            guard let newest else { return found.reversed() }
            found.append(newest.rawValue)
            last = newest.rawValue - 1
        }
    }

    private static func end(_ call: Call) -> AttemptEnd {
        (call.index ?? 0) % 50 == 7
            ? .raised(Failure("ValueError", "no"), permanent: true, retryAfter: nil)
            : .returned(Payload(hashing: Array("1".utf8)))
    }

    @Test(
        "A long run leaves one every 2,000 events; another engine begins with the newest",
        arguments: JournalKind.allCases)
    func long(_ kind: JournalKind) async throws {
        let journal = try kind.make()
        // The first engine stops in the middle of the map.
        let first = Rig(on: journal) { call in (call.index ?? 0) >= 2_500 ? .hold : .end(Self.end(call)) }
        let run = try await first.start(Self.nodes, input: Self.input)
        try await eventually("it has come far") { (first.worker.held.count == 8).orNil }
        await first.engine.shutDown()
        let before = try Self.versions(run, journal)
        #expect(before.count == 2 && before[0] >= 2_000 && before[1] >= before[0] + 2_000)
        #expect(before.allSatisfy { $0 % 2_000 < 500 })

        let second = Rig(on: journal) { .end(Self.end($0)) }
        try await second.takeUp(run, Self.nodes)
        try await eventually("the run ends") { (try second.status(of: run) == "succeeded").orNil }
        #expect(second.worker.calls.compactMap(\.index).sorted() == Array(2_500..<3_000))
        let after = try Self.versions(run, journal)
        #expect(after.count > before.count)
        var folded = RunState(plan: try Rig.plan(Self.nodes))
        try folded.fold(run, from: journal)
        let plan = folded.plan
        for version in after.map({ RunVersion(rawValue: $0) }) + [folded.version] {
            var state = RunState(plan: plan)
            try state.fold(run, through: version, from: journal)
            #expect(try RunState(folding: run, plan: plan, through: version, from: journal) == state)
            let newest = try journal.read { view throws(RenError) in
                try view.snapshot(of: run, upTo: version, plans: [plan])?.state.version
            }
            #expect(newest == after.map { RunVersion(rawValue: $0) }.last { $0 <= version })
        }
    }
}
