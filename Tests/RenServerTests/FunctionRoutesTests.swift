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
}
