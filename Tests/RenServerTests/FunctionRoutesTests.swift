import Foundation
import RenJSON
import Testing

@Suite("Functions over HTTP", .timeLimit(.minutes(2)))
struct FunctionRoutesTests {
    @Test("Functions are listed, looked at and tried; nothing is recorded")
    func functions() async throws {
        try await ControlFixture.with { fixture in
            let head = try fixture.head()
            let all = try await fixture.get("/api/v1/functions")
            #expect(all.json["items"]?.arrayValue?.map { $0["name"] } == ["half", "waits"], "\(all.json)")
            #expect(all.json["items"]?[0]?["language"] == "swift")
            #expect(try await fixture.get("/api/v1/functions/half").json["name"] == "half")
            let unknown = try await fixture.get("/api/v1/functions/hafl")
            #expect(unknown.status == 404 && unknown.json["hint"]?.stringValue?.contains("half") == true)
            let rows: [(String, JSON, String, JSON)] = [
                ("half", ["input": ["n": 8]], "returned", 4), ("half", ["input": ["n": 7]], "raised", .null),
                ("waits", ["timeout": "50ms"], "timed_out", .null),
            ]
            for (name, body, outcome, output) in rows {
                let trial = try await fixture.ask("POST", "/api/v1/functions/\(name):try", body)
                #expect(trial.status == 200 && trial.json["outcome"]?.stringValue == outcome, "\(trial.json)")
                #expect(trial.json["output"] == output, "\(trial.json)")
                #expect((trial.json["error"] == .null) == (outcome != "raised"))
            }
            let timeout = try await fixture.ask("POST", "/api/v1/functions/half:try", ["timeout": "2h"])
            #expect(timeout.status == 422 && timeout.code == "duration.range")
            #expect(try fixture.head() == head)
            #expect(try await fixture.get("/api/v1/workers").json == ["items": [], "sets": []])
        }
    }

    @Test("What a function did of late: where it was called, how long that took and how it failed")
    func calls() async throws {
        try await ReadingFixture.with { fixture in
            let calls = try await fixture.get("/api/v1/functions/says/calls").json
            let node = try #require(calls["nodes"]?.arrayValue?.first)
            #expect(calls["nodes"]?.arrayValue?.count == 1 && calls["runs"] == 1, "\(calls)")
            #expect(node["run"] == "r" && node["node"] == "m" && node["status"] == "succeeded" && node["total"] == 5)
            #expect(node["succeeded"] == 4 && node["failed"] == 1 && node["times"]?["samples"] == 5)
            let problem = try #require(calls["problems"]?.arrayValue?.first)
            #expect(problem["run"] == "r" && problem["node"] == "m" && problem["failures"] == 1)
            let half = try await fixture.get("/api/v1/functions/half/calls").json
            #expect(half["nodes"]?[0]?["total"] == .null && half["nodes"]?[0]?["succeeded"] == 1, "\(half)")
            #expect(half["problems"] == [])
            let other = try await fixture.get("/api/v1/functions/nothing/calls").json
            #expect(other == ["nodes": [], "problems": [], "runs": 1])
        }
    }
}
