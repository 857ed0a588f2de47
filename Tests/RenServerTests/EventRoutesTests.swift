import Foundation
import RenCore
import RenJSON
import RenJournal
import Testing

@Suite("Events over HTTP", .timeLimit(.minutes(2)))
struct EventRoutesTests {
    @Test("The history of a run in pages, each event once")
    func pages() async throws {
        try await ReadingFixture.with { fixture in
            let types = try fixture.types("r")
            var seen: [String] = []
            var after: Int64 = 0
            while true {
                let page = try await fixture.get("/api/v1/runs/r/events?limit=4&after=\(after)").json
                seen += page["items"]?.arrayValue?.compactMap { $0["type"]?.stringValue } ?? []
                guard let next = page["next"]?.integerValue else { break }
                after = next
            }
            #expect(seen == types)
            let items = try await fixture.get("/api/v1/runs/r/events?type=item.failed,run.created").json["items"]
            #expect(items?.arrayValue?.map { $0["type"] } == ["run.created", "item.failed"])
            let area = try await fixture.get("/api/v1/runs/r/events?type=item").json["items"]
            #expect(area?.arrayValue?.count == types.count { $0.hasPrefix("item.") })
            let node = try await fixture.get("/api/v1/runs/r/events?node=after").json["items"]
            #expect(node?.arrayValue?.map { $0["type"] } == ["node.started", "node.succeeded"])
        }
    }

    @Test(
        "Accept chooses the form",
        arguments: [
            ("application/json", 200, "application/json"), ("*/*", 200, "application/json"),
            ("application/jsonl", 200, "application/jsonl"),
            ("text/html, application/jsonl;q=0.5", 200, "application/jsonl"),
            ("application/*;q=0.1, application/json;q=0", 200, "application/jsonl"), ("text/html", 406, nil),
            ("application/json;q=0", 406, nil), ("", 200, "application/json"),
        ])
    func forms(_ accept: String, _ status: Int, _ type: String?) async throws {
        try await ReadingFixture.with { fixture in
            let answer = try await fixture.get("/api/v1/journal/events", headers: ["Accept": accept])
            #expect(answer.status == status)
            if let type {
                #expect(answer.headers["content-type"] == type)
            } else {
                #expect(answer.code == "not_acceptable")
            }
            guard type == "application/jsonl" else { return }
            let lines = String(decoding: answer.body, as: UTF8.self).split(separator: "\n")
            #expect(UInt64(lines.count) == (try fixture.head()))
            #expect(
                try lines.map { try JSON(parsing: String($0))["sequence"]?.integerValue }
                    == (1...Int64(lines.count)).map(\.self))
        }
    }

    @Test("One event has its hashes and its payload")
    func one() async throws {
        try await ReadingFixture.with { fixture in
            let created = try await fixture.get("/api/v1/runs/r/events?type=run.created").json["items"]?[0]
            let sequence = try #require(created?["sequence"]?.integerValue)
            let event = try await fixture.get("/api/v1/journal/events/\(sequence)").json
            #expect(event["run_hash"]?.stringValue?.count == 64 && event["journal_hash"]?.stringValue?.count == 64)
            #expect(event["payload_json"]?["list"]?.arrayValue?.count == 5)
            let bytes = try await fixture.get("/api/v1/journal/events/\(sequence)/payload").body
            #expect(try JSON(parsing: bytes) == event["payload_json"])
        }
    }

    @Test(
        "What is not there",
        arguments: [
            ("journal/events/0", 404, "event.not_found"), ("journal/events/999999", 404, "event.not_found"),
            ("journal/events/x", 404, "event.not_found"), ("journal/events/01", 404, "event.not_found"),
            ("journal/events?type=item.exploded", 400, "query.invalid"),
            ("journal/events?after=-1", 400, "query.invalid"),
            ("runs/r/events?node=x", 404, "node.not_found"), ("runs/none/events", 404, "run.not_found"),
        ])
    func missing(_ path: String, _ status: Int, _ code: String) async throws {
        try await ReadingFixture.with { fixture in
            let answer = try await fixture.get("/api/v1/\(path)")
            #expect(answer.status == status && answer.code == code)
        }
    }

    @Test(
        "A live stream goes on where Last-Event-ID says, and brings what comes",
        arguments: ["runs/live/events", "events"])
    func live(_ path: String) async throws {
        try await ReadingFixture.with { fixture in
            try await fixture.prepare()
            #expect(try await fixture.start("asks", id: "live").status == 201)
            try await fixture.wait(for: "waiting", of: "live")
            let created = try await fixture.get("/api/v1/runs/live/events?limit=1").json["items"]?[0]
            let first = try #require(created?["sequence"]?.integerValue)
            let stream = try EventStream(
                fixture.socket, "/api/v1/\(path)", ["Last-Event-ID": String(first), "Accept": "text/event-stream"])
            defer { stream.close() }
            let before = try await stream.events(until: "node.waiting")
            #expect(before.first?.id == first + 1)
            let answer = try await fixture.ask("POST", "/api/v1/runs/live:signal", ["name": "go", "payload": true])
            #expect(answer.status == 202)
            let rest = try await stream.events(until: "run.succeeded")
            let ids = (before + rest).map(\.id)
            #expect(ids == ids.sorted() && Set(ids).count == ids.count)
            let types = (before + rest).filter { $0.run == "live" }.map(\.type)
            #expect(["run.created"] + types == (try fixture.types("live")))
        }
    }

    @Test(
        "A live stream does not begin behind the end",
        arguments: [
            (["Last-Event-ID": "99999"], "watch.future"), (["Last-Event-ID": "-1"], "watch.bad_sequence"),
            (["Last-Event-ID": "x"], "watch.bad_sequence"),
        ])
    func refused(_ headers: [String: String], _ code: String) async throws {
        try await ReadingFixture.with { fixture in
            let answer = try await fixture.get("/api/v1/events", headers: headers)
            #expect(answer.status == 400 && answer.code == code)
        }
    }
}
