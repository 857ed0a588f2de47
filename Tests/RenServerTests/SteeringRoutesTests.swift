import RenAPI
import RenCore
import RenJSON
import RenJournal
import Testing

@testable import RenServer

/// What the console asks for when a person looks back: what an event changed, items as they were, where runs come from.
@Suite("Looking back over HTTP", .timeLimit(.minutes(2)))
struct SteeringRoutesTests {
    private static func events(_ fixture: ControlFixture) async throws -> [JSON] {
        try await fixture.get("/api/v1/runs/r/events?limit=1000").json["items"]?.arrayValue ?? []
    }

    private static func sequence(_ type: String, _ fixture: ControlFixture) async throws -> Int64 {
        let found = try await events(fixture).first { $0["type"]?.stringValue == type }
        return try #require(found?["sequence"]?.integerValue)
    }

    @Test("An event tells what it changed, and what it is linked to")
    func changes() async throws {
        try await ReadingFixture.with { fixture in
            let failed = try await Self.sequence("item.failed", fixture)
            let answer = try await fixture.get("/api/v1/journal/events/\(failed)/changes")
            #expect(answer.status == 200)
            let changes = answer.json["changes"]?.arrayValue ?? []
            let count = changes.first { $0["path"] == "nodes.m.failed" }
            #expect(count?["before"] == 0 && count?["after"] == 1, "\(answer.json)")
            #expect(answer.json["links"]?["previous"]?["type"] == "item.attempt_failed")
            #expect(try await fixture.get("/api/v1/journal/events/99999/changes").status == 404)
        }
    }

    @Test("The heat map as of an event has the states of that time, and only states")
    func heatmap() async throws {
        try await ReadingFixture.with { fixture in
            let path = "/api/v1/runs/r/nodes/m/heatmap"
            let opened = try await Self.sequence("map.opened", fixture)
            let before = try await fixture.get("\(path)?as_of=\(opened)")
            #expect(before.body == [UInt8](repeating: WorkState.pending.rawValue, count: 5))
            let last = try #require(try await Self.events(fixture).last?["sequence"]?.integerValue)
            #expect(try await fixture.get("\(path)?as_of=\(last)").body == fixture.get(path).body)
            #expect(try await fixture.get("\(path)?as_of=\(opened - 1)").body == [])
            let refused = try await fixture.get("\(path)?by=ms&as_of=\(last)")
            #expect(refused.status == 422 && refused.code == "items.now_only")
        }
    }

    @Test("A fork and its parent name each other")
    func lineage() async throws {
        try await ReadingFixture.with { fixture in
            let at = try await Self.sequence("map.closed", fixture)
            let none = try await fixture.get("/api/v1/runs/r/lineage").json
            #expect(none == ["parent": nil, "forks": []])
            let made = try await fixture.ask("POST", "/api/v1/runs/r:fork", ["at": .integer(at), "id": "f"])
            #expect(made.status == 201)
            let fork = try await fixture.get("/api/v1/runs/f/lineage").json
            #expect(fork["parent"]?["run"] == "r" && fork["parent"]?["sequence"] == .integer(at), "\(fork)")
            let parent = try await fixture.get("/api/v1/runs/r/lineage").json
            #expect(parent["parent"] == .null && parent["forks"]?[0]?["run"] == "f")
            #expect(parent["forks"]?[0]?["sequence"] == .integer(at))
        }
    }

    @Test("An expression gives its result and each step, or what is wrong with it")
    func expressions() async throws {
        try await ControlFixture.with { fixture in
            func eval(_ rule: JSON, _ data: JSON) async throws -> JSON {
                try await fixture.ask("POST", "/api/v1/flows:eval", ["rule": rule, "data": data]).json
            }
            let good = try await eval([">": [["var": "a"], 2]], ["a": 3])
            #expect(good["result"] == true && good["errors"] == [])
            #expect(good["steps"]?.arrayValue?.map { $0["operator"] } == ["var", ">"])
            #expect(good["operands"]?[0]?["value"] == 3)
            let failing = try await eval(["+": [["var": "a"], 1]], ["a": "x"])
            #expect(failing["errors"]?[0]?["code"] == "logic.number" && failing["result"] == .null)
            let unknown = try await eval(["nosuch": [1]], nil)
            #expect(unknown["errors"]?[0]?["code"] == "logic.operator" && unknown["steps"] == [])
            #expect(try await fixture.ask("POST", "/api/v1/flows:eval", ["data": 1]).status == 400)
        }
    }

    @Test("One looks at the whole journal at a time; without an inspector there is no such route")
    func inspection() async throws {
        struct Inspector: JournalInspector {
            let inner: @Sendable () throws(RenError) -> JSON
            func verify() throws(RenError) -> JSON { try inner() }
            func statistics() throws(RenError) -> JSON { ["events": 1] }
            func diagnosis() throws(RenError) -> JSON { ["ok": true, "checks": []] }
        }
        let inspection = Inspection(Inspector { ["findings": []] })
        func verify() throws(RenError) -> JSON {
            try inspection.run { inspector throws(RenError) in try inspector.verify() }
        }
        let first = try verify()
        #expect(first == ["findings": []])
        var refusal: RenError?
        _ = try inspection.run { _ throws(RenError) in
            do throws(RenError) { return try verify() } catch { refusal = error }
            return .null
        }
        #expect(refusal?.code == .init("journal.inspected"))
        #expect(refusal.map { Problem.status(of: $0.code) } == 409)
        let again = try verify()
        #expect(again == first)
        let damaged = Inspection(Inspector { ["finding_count": 2] })
        #expect(damaged.verified == nil)
        _ = try damaged.verify(at: Timestamp(nanoseconds: 5))
        #expect(damaged.verified?.at == Timestamp(nanoseconds: 5) && damaged.verified?.findings == 2)
        try await ControlFixture.with { fixture in
            let answer = try await fixture.get("/api/v1/journal/stats")
            #expect(answer.status == 404)
        }
    }
}
