import Foundation
import RenCore
import RenJSON
import Testing

@Suite("Runs over HTTP", .timeLimit(.minutes(2)))
struct RunRoutesTests {
    @Test("The list goes on by cursor, each run once, the latest first; a cursor belongs to its query")
    func pages() async throws {
        try await ControlFixture.with { fixture in
            try await fixture.prepare()
            for number in 0..<7 {
                #expect(try await fixture.start("halves", id: "r\(number)", input: ["n": 2]).status == 201)
            }
            for number in 0..<7 { try await fixture.wait(for: "succeeded", of: "r\(number)") }
            var seen: [String] = []
            var cursor = ""
            repeat {
                let page = try await fixture.get("/api/v1/runs?limit=3\(cursor)")
                #expect(page.status == 200)
                seen += page.json["items"]?.arrayValue?.compactMap { $0["run"]?.stringValue } ?? []
                let next = page.json["next"]?.stringValue
                cursor = next.map { "&cursor=\($0)" } ?? ""
                if let next {
                    let other = try await fixture.get("/api/v1/runs?limit=3&flow=asks&cursor=\(next)")
                    #expect(other.status == 400 && other.code == "page.cursor")
                }
            } while !cursor.isEmpty
            #expect(seen == (0..<7).reversed().map { "r\($0)" })
        }
    }

    @Test("A pruned run answers 410 with what is left of it, the list still has it, and payloads go before")
    func pruned() async throws {
        try await ControlFixture.with { fixture in
            try await fixture.prepare()
            #expect(try await fixture.start("halves", id: "even", input: ["n": 2]).status == 201)
            try await fixture.wait(for: "succeeded", of: "even")
            #expect(try await fixture.start("asks", id: "asked").status == 201)
            try await fixture.wait(for: "waiting", of: "asked")
            func prune(_ retention: JSON) async throws -> HTTPAnswer {
                try await fixture.ask("POST", "/api/v1/journal:prune", ["retention": retention])
            }
            #expect(try await prune([:]).code == "retention.invalid")
            #expect(try await prune(["older_than": "soon"]).status == 422)
            #expect(try await prune(["kep": 1]).status == 400)
            #expect(try await prune(["older_than": "10d", "flows": [:]]).json["items"] == [])

            let payloads = try await prune(["payloads_older_than": "1ms"])
            #expect(payloads.json["items"]?.arrayValue?.map { $0["step"] } == ["payloads"], "\(payloads.json)")
            let run = try await fixture.get("/api/v1/runs/even")
            #expect(run.status == 200 && run.json["pruned"] == "payloads")
            let events = try await fixture.get("/api/v1/runs/even/events?limit=100").json["items"]?.arrayValue ?? []
            let created = try #require(events.first?["sequence"]?.integerValue)
            let event = try await fixture.get("/api/v1/journal/events/\(created)")
            #expect(event.status == 200 && event.json["payload_json"] == nil && event.json["payload"] != nil)
            let payload = try await fixture.get("/api/v1/journal/events/\(created)/payload")
            #expect(payload.status == 410 && payload.code == "payload.pruned")

            let histories = try await prune(["flows": ["halves": ["keep": 0]]])
            #expect(histories.json["items"]?.arrayValue?.map { $0["step"] } == ["histories"])
            let gone = try await fixture.get("/api/v1/runs/even")
            #expect(gone.status == 410 && gone.code == "run.pruned")
            let summary = gone.json["summary"]
            #expect(summary?["run"] == "even" && summary?["status"] == "succeeded" && summary?["flow"] == "halves")
            for path in ["/nodes", "/events", "/result", "/timeline", "/logs"] {
                #expect(try await fixture.get("/api/v1/runs/even\(path)").code == "run.pruned", "\(path)")
            }
            #expect(try await fixture.ask("POST", "/api/v1/runs/even:pause", [:]).status == 410)
            let rows = try await fixture.get("/api/v1/runs").json["items"]?.arrayValue ?? []
            #expect(rows.map { $0["pruned"] } == [.null, "histories"])
            let journal = try await fixture.get("/api/v1/journal/events?limit=1000").json["items"]?.arrayValue ?? []
            #expect(journal.compactMap { $0["sequence"]?.integerValue } == (1...Int64(journal.count)).map(\.self))
            #expect(journal.contains { $0["type"] == "event.pruned" && $0["run"] == "even" })
        }
    }

    @Test("The list is filtered by status, flow, beginning and time")
    func filters() async throws {
        try await ControlFixture.with { fixture in
            try await fixture.prepare()
            _ = try await fixture.start("halves", id: "even", input: ["n": 2])
            _ = try await fixture.start("halves", id: "odd", input: ["n": 3])
            _ = try await fixture.start("asks", id: "asked")
            try await fixture.wait(for: "succeeded", of: "even")
            try await fixture.wait(for: "failed", of: "odd")
            let created = try await fixture.wait(for: "waiting", of: "asked")["created"]?.stringValue
            let time = try #require(created)
            let rows = [
                ("status=succeeded", ["even"]), ("status=failed", ["odd"]), ("status=waiting", ["asked"]),
                ("status=running", []), ("status=open", ["asked"]), ("flow=halves", ["even", "odd"]),
                ("q=as", ["asked"]), ("q=ev", ["even"]), ("started_before=\(time)&q=asked", []),
                ("started_after=2020-01-01T00:00:00%2B01:00&q=o", ["odd"]), ("started_after=2200-01-01T00:00:00Z", []),
            ]
            for (query, wanted) in rows {
                let answer = try await fixture.get("/api/v1/runs?\(query)")
                let found = answer.json["items"]?.arrayValue?.compactMap { $0["run"]?.stringValue }
                #expect(found?.sorted() == wanted, "\(query): \(answer.json)")
            }
        }
    }

    @Test("A snapshot tells its ETag, and nothing more to who knows it")
    func snapshot() async throws {
        try await ControlFixture.with { fixture in
            try await fixture.prepare()
            _ = try await fixture.start("asks", id: "a")
            try await fixture.wait(for: "waiting", of: "a")
            let answer = try await fixture.get("/api/v1/runs/a")
            let tag = try #require(answer.headers["etag"])
            #expect(answer.json["carried"] == true && answer.json["waiting"] == .null)
            #expect(answer.json["nodes"]?["ask"]?["signal"] == "go")
            #expect((answer.json["as_of"]?.integerValue ?? 0) > 0)
            for known in [tag, "W/\(tag)", "\"1.1\", \(tag)", "*"] {
                let same = try await fixture.get("/api/v1/runs/a", headers: ["If-None-Match": known])
                #expect(same.status == 304 && same.body.isEmpty && same.headers["etag"] == tag, "\(known)")
            }
            _ = try await fixture.ask("POST", "/api/v1/runs/a:pause", [:])
            let changed = try await fixture.get("/api/v1/runs/a", headers: ["If-None-Match": tag])
            #expect(changed.status == 200 && changed.headers["etag"] != tag)
        }
    }

    @Test(
        "Times are read as RFC 3339 says",
        arguments: [
            ("2026-11-23T03:21:07.123Z", "2026-11-23T03:21:07.123Z"),
            ("2026-11-23T04:21:07+01:00", "2026-11-23T03:21:07.000Z"),
            ("2026-11-22t22:21:07.5-05:00", "2026-11-23T03:21:07.500Z"),
            ("2024-02-29T00:00:00.1234567891Z", "2024-02-29T00:00:00.123Z"),
            ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59.000Z"),
            ("1900-02-29T00:00:00Z", nil), ("2026-13-01T00:00:00Z", nil), ("2026-11-23T24:00:00Z", nil),
            ("2026-11-23T03:21:07", nil), ("2026-11-23T03:21:07.Z", nil), ("2026-11-23", nil), ("", nil),
            ("2262-01-01T00:00:00Z", nil), ("2026-11-23T03:21:07Zx", nil),
        ] as [(String, String?)])
    func times(text: String, wanted: String?) {
        #expect(Timestamp(iso8601: text)?.iso8601 == wanted)
    }
}
