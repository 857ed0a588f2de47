import Ren
import RenCore
import RenJSON
import RenJournal
import Testing

@testable import RenServer

@Suite("Runs as of an event over HTTP", .timeLimit(.minutes(2)))
struct StateRoutesTests {
    /// The sequences of the run's events.
    private static func sequences(_ fixture: ControlFixture) async throws -> [Int64] {
        let events = try await fixture.get("/api/v1/runs/r/events?limit=1000").json["items"]?.arrayValue ?? []
        return events.compactMap { $0["sequence"]?.integerValue }
    }

    @Test("At the last event it is as live; at the first nothing has begun")
    func states() async throws {
        try await ReadingFixture.with { fixture in
            let sequences = try await Self.sequences(fixture)
            let first = try #require(sequences.first)
            let last = try #require(sequences.last)
            let now = try await fixture.get("/api/v1/runs/r").json
            for address in ["/api/v1/runs/r/state?at=\(last)", "/api/v1/runs/r?as_of=\(last)"] {
                let then = try await fixture.get(address)
                #expect(then.status == 200)
                for member in ["run", "status", "nodes", "problems", "version", "control", "created", "ended"] {
                    #expect(then.json[member] == now[member], "\(address): \(member)")
                }
                #expect(then.json["as_of"] == .integer(last))
            }
            // The event may be one of somebody else: the run's own newest is another one.
            #expect(try await fixture.put(ControlFixture.halves).status == 201)
            let head = Int64(try fixture.head())
            let later = try await fixture.get("/api/v1/runs/r/state?at=\(head)").json
            #expect(head > last && later["as_of"] == .integer(head) && later["last"] == .integer(last))
            let begin = try await fixture.get("/api/v1/runs/r/state?at=\(first)").json
            #expect(begin["status"] == "running" && begin["nodes"]?["m"]?["status"] == "pending")
            #expect(begin["items"] == .null && begin["problems"] == [])
            let nodes = try await fixture.get("/api/v1/runs/r/nodes?as_of=\(first)").json
            #expect(nodes["items"]?.arrayValue?.map { $0["status"] } == ["pending", "pending"])
            #expect(nodes["as_of"] == .integer(first))
        }
    }

    @Test("Items as they were, by state and by key; what only the present has is 422")
    func items() async throws {
        try await ReadingFixture.with { fixture in
            let last = try #require(try await Self.sequences(fixture).last)
            let state = try await fixture.get("/api/v1/runs/r/state?at=\(last)&node=m&state=failed").json
            #expect(state["items"]?["items"]?.arrayValue?.map { $0["key"] } == ["sku-3"])
            let now = try await fixture.get("/api/v1/runs/r/nodes/m/items?sort=key&offset=1&limit=3").json
            let then = try await fixture.get("/api/v1/runs/r/nodes/m/items?sort=key&offset=1&limit=3&as_of=\(last)")
                .json
            #expect(then["items"] == now["items"] && then["total"] == now["total"] && then["counts"] == now["counts"])
            for query in ["sort=slowest", "sort=newest", "sort=attempts", "q=sku", "problem=0123456789abcdef"] {
                let refused = try await fixture.get("/api/v1/runs/r/nodes/m/items?\(query)&as_of=\(last)")
                #expect(refused.status == 422 && refused.code == "items.now_only", "\(query)")
            }
        }
    }

    @Test(
        "What is not there",
        arguments: [
            ("r/state?at=99999", 404, "event.not_found"), ("r/state?at=1", 404, "event.not_found"),
            ("none/state?at=1", 404, "run.not_found"), ("r/state", 400, nil), ("r/state?at=0", 400, "query.invalid"),
            ("r?as_of=99999", 404, "event.not_found"), ("r/nodes/m/items?as_of=99999", 404, "event.not_found"),
        ])
    func refused(_ path: String, _ status: Int, _ code: String?) async throws {
        try await ReadingFixture.with { fixture in
            let answer = try await fixture.get("/api/v1/runs/\(path)")
            #expect(answer.status == status, "\(answer.json)")
            if let code { #expect(answer.code == code) }
        }
    }

    @Test("The shelf of past runs holds eight, the last used longest")
    func shelf() async throws {
        try await ReadingFixture.with { fixture in
            let shelf = PastRuns()
            let row = try fixture.session.journal.read { view throws(RenError) in try view.findRun("r") }
            let plans = try fixture.session.journal.plans(of: row)
            let sequences = try await Self.sequences(fixture).prefix(9).map { JournalSequence(UInt64($0)) }
            for (number, sequence) in sequences.enumerated() {
                shelf.add(try fixture.session.journal.past(of: row.number, at: sequence, plans: plans))
                // The first one is used again and again.
                if number < 8 { #expect(shelf[row.number, sequences[0]] != nil) }
            }
            #expect(shelf[row.number, sequences[0]]?.asOf.sequence == sequences[0])
            #expect(shelf[row.number, sequences[1]] == nil)
            #expect(sequences[2...].allSatisfy { shelf[row.number, $0] != nil })
        }
    }
}
