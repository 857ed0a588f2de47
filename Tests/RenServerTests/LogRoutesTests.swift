import Foundation
import RenJSON
import Testing

@Suite("Logs over HTTP", .timeLimit(.minutes(2)))
struct LogRoutesTests {
    /// Lines come into the file some moments after they were said.
    private func lines(_ fixture: ControlFixture, _ query: String, atLeast count: Int) async throws -> [JSON] {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            let items = try await fixture.get("/api/v1/runs/r/logs\(query)").json["items"]?.arrayValue ?? []
            if items.count >= count || .now > deadline { return items }
        }
    }

    @Test("Lines are chosen by level, key, text; the last ones; and page by page")
    func chosen() async throws {
        try await ReadingFixture.with { fixture in
            let all = try await lines(fixture, "?node=m", atLeast: 6)
            // What ren says of the failure comes beside what the functions said.
            let own = all.filter { $0["fields"] != nil }
            #expect(all.count == 6)
            #expect(Set(own.compactMap { $0["text"]?.stringValue }) == Set((1...5).map { "number \($0)" }))
            #expect(own.allSatisfy { $0["fields"]?["n"] != nil && $0["run"] == "r" })
            for (query, texts) in [
                ("?level=error&node=m&q=number%203", ["number 3"]), ("?key=sku-2", ["number 2"]),
                ("?q=NUMBER%204", ["number 4"]),
                ("?node=after", []), ("?level=error&key=sku-1", []),
            ] {
                let found = try await fixture.get("/api/v1/runs/r/logs\(query)").json["items"]?.arrayValue
                #expect(found?.compactMap { $0["text"]?.stringValue } == texts, "\(query)")
            }
            let counted = try await fixture.get("/api/v1/runs/r/logs?tail=2&level=error&node=m").json["looked"]
            #expect(counted?["levels"] == ["debug": 0, "info": 4, "warning": 0, "error": 2], "\(counted ?? nil)")
            #expect(counted?["all"] == true && counted?["lines"]?.integerValue ?? 0 >= 6)
            let tail = try await fixture.get("/api/v1/runs/r/logs?tail=2").json["items"]?.arrayValue
            let everything = try await fixture.get("/api/v1/runs/r/logs").json
            #expect(tail == everything["items"]?.arrayValue?.suffix(2).map(\.self))
            let first = try await fixture.get("/api/v1/runs/r/logs?limit=1").json
            let position = try #require(first["position"]?.stringValue)
            let rest = try await fixture.get("/api/v1/runs/r/logs?after=\(position)").json["items"]?.arrayValue
            #expect(rest == everything["items"]?.arrayValue?.dropFirst().map(\.self))
        }
    }

    @Test("Text has a line for each entry; followed, it ends with the run")
    func text() async throws {
        try await ReadingFixture.with { fixture in
            _ = try await lines(fixture, "?node=m", atLeast: 6)
            for query in ["?node=m", "?node=m&follow=true"] {
                let answer = try await fixture.get("/api/v1/runs/r/logs\(query)", headers: ["Accept": "text/plain"])
                #expect(answer.headers["content-type"] == "text/plain; charset=utf-8")
                let lines = String(decoding: answer.body, as: UTF8.self).split(separator: "\n")
                #expect(lines.count == 6)
                #expect(lines.contains { $0.contains("error m[sku-3] number 3") })
            }
        }
    }

    @Test(
        "What is refused",
        arguments: [
            ("?after=x", 400, "query.invalid"), ("?level=loud", 400, "query.invalid"),
            ("?node=x", 404, "node.not_found"),
            ("?follow=true", 400, "query.invalid"), ("?limit=0", 400, "page.invalid"),
        ])
    func refused(_ query: String, _ status: Int, _ code: String) async throws {
        try await ReadingFixture.with { fixture in
            let answer = try await fixture.get("/api/v1/runs/r/logs\(query)")
            #expect(answer.status == status && answer.code == code)
            #expect(try await fixture.get("/api/v1/runs/r/logs", headers: ["Accept": "image/png"]).status == 406)
        }
    }
}
