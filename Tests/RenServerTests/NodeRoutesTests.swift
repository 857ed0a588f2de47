import RenCore
import RenJSON
import RenJournal
import Testing

@Suite("Nodes and items over HTTP", .timeLimit(.minutes(2)))
struct NodeRoutesTests {
    @Test("Nodes, in the order of the flow, with counts; one of them with times and output")
    func nodes() async throws {
        try await ReadingFixture.with { fixture in
            let nodes = try await fixture.get("/api/v1/runs/r/nodes")
            #expect(nodes.status == 200)
            #expect(nodes.json["items"]?.arrayValue?.map { $0["node"] } == ["m", "after"])
            let map = nodes.json["items"]?[0]
            #expect(map?["total"] == 5 && map?["succeeded"] == 4 && map?["failed"] == 1 && map?["each"] == true)
            let one = try await fixture.get("/api/v1/runs/r/nodes/m")
            #expect(one.json["times"]?["samples"] == 5)
            #expect((one.json["times"]?["p50_milliseconds"]?.integerValue ?? -1) >= 0)
            #expect(
                one.json["call"] == [
                    "function": "says", "concurrency": nil, "attempts": 1, "timeout": nil, "heartbeat": nil,
                    "once": false,
                ])
            let after = try await fixture.get("/api/v1/runs/r/nodes/after")
            #expect(after.json["output"] == 2 && after.json["times"] == .null && after.json["status"] == "succeeded")
        }
    }

    @Test(
        "Windows of items",
        arguments: [
            ("", ["sku-1", "sku-2", "sku-3", "sku-4", "sku-5"], 5), ("?state=failed", ["sku-3"], 1),
            ("?offset=1&limit=2", ["sku-2", "sku-3"], 5), ("?q=KU-4", ["sku-4"], 1), ("?q=nothing", [], 0),
            ("?sort=key&offset=4", ["sku-5"], 5), ("?offset=99", [], 5),
        ])
    func windows(_ query: String, _ keys: [String], _ total: Int64) async throws {
        try await ReadingFixture.with { fixture in
            let window = try await fixture.get("/api/v1/runs/r/nodes/m/items\(query)")
            #expect(window.status == 200)
            #expect(window.json["items"]?.arrayValue?.compactMap { $0["key"]?.stringValue } == keys)
            #expect(window.json["total"] == .integer(total))
            #expect(window.json["counts"]?["succeeded"] == 4)
        }
    }

    @Test(
        "What is not there, and what is asked wrongly",
        arguments: [
            ("runs/none/nodes", 404, "run.not_found"), ("runs/r/nodes/x", 404, "node.not_found"),
            ("runs/r/nodes/after/items", 404, "node.no_items"), ("runs/r/nodes/after/heatmap", 404, "node.no_items"),
            ("runs/r/nodes/m/items?limit=0", 400, "page.invalid"),
            ("runs/r/nodes/m/items?state=x", 400, "query.invalid"),
            ("runs/r/nodes/m/items?problem=12", 400, "query.invalid"),
            ("runs/r/nodes/m/heatmap?by=x", 400, "query.invalid"),
            ("runs/r/items/m/sku-9", 404, "item.not_found"), ("runs/r/items/m/3", 404, "item.not_found"),
            ("runs/r/items/m/sku-3/attempts/2", 404, "attempt.not_found"),
            ("runs/r/items/m/sku-3/attempts/01", 404, "attempt.not_found"),
            ("runs/r/items/m/sku-3/attempts/2/arguments", 404, "attempt.not_found"),
            ("runs/r/timeline?as_of=99999", 404, "event.not_found"), ("runs/r/timeline?from=yesterday", 400, nil),
            ("runs/r/timeline?buckets=501", 400, "query.invalid"),
            ("runs/r/timeline?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", 400, "time.range"),
            ("runs/r/nodes/m/items?colour=red", 400, "query.unknown"),
        ])
    func refused(_ path: String, _ status: Int, _ code: String?) async throws {
        try await ReadingFixture.with { fixture in
            let answer = try await fixture.get("/api/v1/\(path)")
            #expect(answer.status == status)
            if let code { #expect(answer.code == code) }
        }
    }

    @Test("An item has its attempts with their events, its error or its output; a long one is referred to")
    func items() async throws {
        try await ReadingFixture.with { fixture in
            let good = try await fixture.get("/api/v1/runs/r/items/m/sku-2").json
            #expect(good["state"] == "succeeded" && good["output"] == "xx" && good["index"] == 1)
            let attempts = good["attempt_list"]?.arrayValue ?? []
            #expect(attempts.count == 1 && attempts[0]["outcome"] == "succeeded")
            #expect(attempts[0]["events"]?.arrayValue?.map { $0["type"] } == ["item.started", "item.succeeded"])
            #expect(attempts[0]["events"]?[0]?["key"] == "sku-2")
            #expect(good["input"] == attempts[0]["input"] && good["input"]?.stringValue?.count == 64)
            let failed = try await fixture.get("/api/v1/runs/r/items/m/sku-3").json
            #expect(failed["state"] == "failed" && failed["error"]?["name"] == "OddNumber")
            let attempt = try await fixture.get("/api/v1/runs/r/items/m/sku-3/attempts/1").json
            #expect(attempt["error"]?["name"] == "OddNumber")
            let given = try await fixture.get("/api/v1/runs/r/items/m/sku-3/attempts/1/arguments").json
            #expect(given == ["arguments": ["n": 3], "bytes": 7, "lazy": [], "proved": true])
            let long = try await fixture.get("/api/v1/runs/r/items/m/sku-5").json
            #expect(long["output"] == .null && long["output_reference"]?["length"] == 70_002)
            let href = try #require(long["output_reference"]?["href"]?.stringValue)
            #expect(try await fixture.get(href).body.count == 70_002)
        }
    }

    @Test("An attempt that failed has ended then, whatever a person says of the item later")
    func overriddenAttempt() async throws {
        try await ReadingFixture.with { fixture in
            let path = "/api/v1/runs/r/items/m/sku-3"
            let failed = try await fixture.get(path).json["attempt_list"]?[0]
            let said: JSON = ["node": "m", "key": "sku-3", "value": "given"]
            #expect(try await fixture.ask("POST", "/api/v1/runs/r:skip", said).status == 202)
            let item = try await fixture.get(path).json
            #expect(item["output"] == "given", "\(item)")
            let attempt = item["attempt_list"]?[0]
            #expect(attempt?["events"]?.arrayValue?.last?["type"] == "item.overridden")
            #expect(attempt?["outcome"] == "failed" && attempt?["ended"] == failed?["ended"], "\(item)")
        }
    }

    @Test("An item can be asked for while it runs and before it begins")
    func early() async throws {
        try await ControlFixture.with { fixture in
            let flow =
                "flow: slow\nnodes:\n  m: {function: waits, each: {var: input}, concurrency: 1, key: {var: item}}\n"
            #expect(try await fixture.put(flow).status == 201)
            #expect(try await fixture.start("slow", id: "r", input: ["a", "b"]).status == 201)
            var first = JSON.null
            while first["state"] != "running" {
                first = try await fixture.get("/api/v1/runs/r/items/m/a").json
            }
            #expect(first["attempts"] == 1 && first["begun"]?.stringValue != nil)
            #expect(first["attempt_list"]?[0]?["events"]?[0]?["type"] == "item.started")
            let second = try await fixture.get("/api/v1/runs/r/items/m/b").json
            #expect(second["state"] == "pending" && second["attempt_list"] == [] && second["input"] == .null)
            let heatmap = try await fixture.get("/api/v1/runs/r/nodes/m/heatmap")
            #expect(heatmap.body == [WorkState.running.rawValue, 0])
            _ = try await fixture.ask("POST", "/api/v1/runs/r:stop", [:])
            try await fixture.wait(for: "stopped", of: "r")
        }
    }

    @Test("The heat map has one byte for each item")
    func heatmap() async throws {
        try await ReadingFixture.with { fixture in
            let states = try await fixture.get("/api/v1/runs/r/nodes/m/heatmap")
            #expect(states.status == 200 && states.headers["content-type"] == "application/octet-stream")
            #expect(states.body == [5, 5, 6, 5, 5])
            #expect(states.headers["ren-as-of"] != nil)
            #expect(try await fixture.get("/api/v1/runs/r/nodes/m/heatmap?by=attempts").body == [1, 1, 1, 1, 1])
            #expect(try await fixture.get("/api/v1/runs/r/nodes/m/heatmap?by=ms").body.allSatisfy { $0 > 0 })
        }
    }

    @Test("Failures are grouped; the group leads to its items")
    func problems() async throws {
        try await ReadingFixture.with { fixture in
            let groups = try await fixture.get("/api/v1/runs/r/problems").json["items"]?.arrayValue ?? []
            #expect(groups.count == 1)
            #expect(groups[0]["name"] == "OddNumber" && groups[0]["failures"] == 1)
            #expect(groups[0]["samples"] == [["node": "m", "key": "sku-3"]])
            let fingerprint = try #require(groups[0]["fingerprint"]?.stringValue)
            let items = try await fixture.get("/api/v1/runs/r/nodes/m/items?problem=\(fingerprint)").json
            #expect(items["items"]?.arrayValue?.map { $0["key"] } == ["sku-3"])
            let none = try await fixture.get("/api/v1/runs/r/nodes/m/items?problem=0123456789abcdef").json
            #expect(none["total"] == 0)
        }
    }

    @Test("All failures of one group run again by one command; a group is empty when they have begun, or have a value")
    func retryOfGroup() async throws {
        try await ReadingFixture.with { fixture in
            func group() async throws -> JSON? {
                try await fixture.get("/api/v1/runs/r/problems").json["items"]?[0]
            }
            func retry(_ body: JSON, _ query: String = "") async throws -> HTTPAnswer {
                try await fixture.ask("POST", "/api/v1/runs/r:retry\(query)", body)
            }
            let fingerprint = try #require(try await group()?["fingerprint"])
            #expect(try await fixture.get("/api/v1/runs/r").json["problems"]?[0]?["fingerprint"] == fingerprint)
            let dry = try await retry(["problem": fingerprint], "?dry_run=true")
            #expect(dry.json["items"]?["m"] == ["count": 1, "indexes": "2"], "\(dry.json)")
            #expect(dry.json["further"] == [:], "all others have ended")
            for (body, status, code) in [
                (["problem": "0123456789abcdef"], 409, "retry.nothing"),
                (["problem": fingerprint, "nodes": ["after"]], 409, "retry.nothing"),
                (["problem": fingerprint, "nodes": ["m"], "keys": ["sku-3"]], 422, "retry.keys"),
                (["problem": "12"], 400, "field.invalid"),
            ] as [(JSON, Int, String)] {
                let refused = try await retry(body, "?dry_run=true")
                #expect(refused.status == status && refused.code == code, "\(refused.json)")
            }
            let done = try await retry(["problem": fingerprint])
            #expect(done.status == 202, "\(done.json)")
            try await fixture.wait(for: "succeeded", of: "r")
            #expect(try fixture.types("r").filter { $0 == "item.started" }.count == 6)
            var counts = try await group()
            #expect(counts?["failures"] == 1 && counts?["attempts"] == 2)
            let said: JSON = ["node": "m", "key": "sku-3", "value": "given"]
            #expect(try await fixture.ask("POST", "/api/v1/runs/r:skip", said).status == 202)
            try await fixture.wait(for: "succeeded", of: "r")
            counts = try await group()
            #expect(counts?["failures"] == 0 && counts?["attempts"] == 2)
            #expect(try await retry(["problem": fingerprint]).code == "retry.nothing")
        }
    }

    @Test("Keys that no path can have are asked for in the query")
    func keysOfDots() async throws {
        try await ControlFixture.with { fixture in
            let flow =
                "flow: dots\nnodes:\n  m: {function: half, each: {var: input}, key: {var: item.k}, with: {n: 2}}\n"
            #expect(try await fixture.put(flow).status == 201)
            #expect(try await fixture.start("dots", id: "r", input: [["k": "."], ["k": ".."]]).status == 201)
            try await fixture.wait(for: "succeeded", of: "r")
            for (index, key) in [".", ".."].enumerated() {
                let item = try await fixture.get("/api/v1/runs/r/items/m?key=\(key)").json
                #expect(item["key"] == .string(key) && item["index"] == .integer(Int64(index)), "\(item)")
                let path = "/api/v1/runs/r/items/m/attempts/1"
                #expect(try await fixture.get("\(path)?key=\(key)").json["outcome"] == "succeeded")
                #expect(try await fixture.get("\(path)/arguments?key=\(key)").json["arguments"] == ["n": 2])
            }
            #expect(try await fixture.get("/api/v1/runs/r/items/m").code == "query.invalid")
        }
    }

    @Test("An item that an open map lacks is told from one of a map whose items nobody knows yet")
    func unknownItem() async throws {
        try await ReadingFixture.with { fixture in
            let missing = try await fixture.get("/api/v1/runs/r/items/m/x")
            #expect(missing.status == 404 && missing.json["hint"]?.stringValue?.hasPrefix("it has 5") == true)
            let flow =
                "flow: late\nnodes:\n  p: {pause: {message: Go on?}}\n  m: {function: half, after: [p], each: [1]}\n"
            #expect(try await fixture.put(flow).status == 201)
            #expect(try await fixture.start("late", id: "late").status == 201)
            let unknown = try await fixture.get("/api/v1/runs/late/items/m/x")
            #expect(unknown.json["hint"]?.stringValue?.contains("has been read") == true, "\(unknown.json)")
        }
    }

    @Test("The timeline has as many buckets as were asked for, and counts each attempt once")
    func timeline() async throws {
        try await ReadingFixture.with { fixture in
            let timeline = try await fixture.get("/api/v1/runs/r/timeline?buckets=10").json
            let lane = timeline["lanes"]?[0]
            #expect(lane?["node"] == "m" && (1...10).contains(lane?["started"]?.arrayValue?.count ?? 0))
            func sum(_ name: String) -> Int64 {
                (lane?[name]?.arrayValue ?? []).reduce(0) { $0 + ($1.integerValue ?? 0) }
            }
            #expect(sum("started") == 5 && sum("succeeded") == 4 && sum("failed") == 1)
            let bars = lane?["bars"]?.arrayValue ?? []
            #expect(Set(bars.compactMap { $0["key"]?.stringValue }) == Set((1...5).map { "sku-\($0)" }))
            let third = bars.first { $0["item"] == 2 }
            #expect(third?["key"] == "sku-3" && third?["spans"]?.arrayValue?.count == 1)
            #expect(third?["spans"]?[0]?["kind"] == "attempt" && third?["spans"]?[0]?["end"] == "item.attempt_failed")
            let after = timeline["lanes"]?[1]?["bars"]?[0]
            #expect(after?["item"] == .null && after?["key"] == .null && after?["spans"]?[0]?["attempt"] == 1)
        }
    }

    @Test("As of an event, the timeline ends with it")
    func pastTimeline() async throws {
        try await ReadingFixture.with { fixture in
            let events = try await fixture.get("/api/v1/runs/r/events?limit=1000").json["items"]?.arrayValue ?? []
            let opened = try #require(events.first { $0["type"] == "map.opened" }?["sequence"]?.integerValue)
            for (sequence, started) in [(opened, 0), (opened + 1, 1)] {
                let timeline = try await fixture.get("/api/v1/runs/r/timeline?buckets=1&as_of=\(sequence)").json
                #expect(timeline["as_of"] == .integer(sequence))
                #expect(timeline["lanes"]?[0]?["started"]?[0]?.integerValue ?? 0 == started)
            }
        }
    }
}
