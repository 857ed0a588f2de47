import RenJSON
import Testing

@Suite("state, and what an event changed")
struct StateTests {
    /// A map of 20 items, two of which fail.
    private static func ren() throws -> Ren {
        let ren = try Ren(["halves.yaml": Flows.halves, "functions.py": Flows.functions, "gate.yaml": Flows.gate])
        #expect(try ren("run", "halves.yaml", "-f", "functions.py", "--id", "h").code == 0)
        return ren
    }

    private static func events(_ ren: Ren) throws -> [JSON] {
        try ren("journal", "ls", "--run", "h", "-o", "jsonl").lines
    }

    private static func state(_ ren: Ren, _ event: JSON, _ more: String...) throws -> JSON {
        let sequence = try #require(event["sequence"]?.integerValue)
        let result = try ren.run(["state", "h", "--at", "\(sequence)", "-o", "json"] + more)
        #expect(result.code == 0, "\(result.errors)")
        return try result.json
    }

    @Test("As of the last event it is what show shows; before, what had happened by then")
    func states() throws {
        let ren = try Self.ren()
        let events = try Self.events(ren)
        let now = try ren("show", "h", "-o", "json").json
        let last = try Self.state(ren, try #require(events.last))
        for member in ["run", "status", "nodes", "problems", "version", "created", "ended", "flow_hash", "error"] {
            #expect(last[member] == now[member], "\(member)")
        }
        let first = try Self.state(ren, events[0])
        #expect(
            first["status"] == "running" && first["version"] == 1 && first["nodes"]?["halves"] == ["status": "pending"])
        var done: Int64 = 0
        for (number, event) in events.enumerated() where event["type"] == "item.succeeded" && number % 7 == 0 {
            let before = events[...number].count { $0["type"] == "item.succeeded" }
            let state = try Self.state(ren, event, "--node", "halves", "--state", "succeeded", "--limit", "1000")
            #expect(state["nodes"]?["halves"]?["succeeded"] == .integer(Int64(before)))
            #expect(state["items"]?["total"] == .integer(Int64(before)))
            let keys = state["items"]?["items"]?.arrayValue?.compactMap { $0["key"]?.stringValue } ?? []
            #expect(keys.count == before && keys.contains(event["key"]?.stringValue ?? "–"))
            done += 1
        }
        #expect(done > 0)
        let text = try ren("state", "h", "--at", "\(events[0]["sequence"]?.integerValue ?? 0)").output
        #expect(text.contains("As of #") && text.contains("○ halves") && !text.contains("Next"))
    }

    @Test("A window of items, and what is asked wrongly")
    func items() throws {
        let ren = try Self.ren()
        let last = try #require(try Self.events(ren).last)
        let window = try Self.state(ren, last, "--node", "halves", "--offset", "2", "--limit", "2")["items"]
        #expect(window?["items"]?.arrayValue?.map { $0["key"] } == ["n-2", "n-3"] && window?["total"] == 20)
        #expect(window?["items"]?[1]?["error"]?["name"] == "ValueError")
        let at = "\(last["sequence"]?.integerValue ?? 0)"
        #expect(try ren("state", "h", "--at", at, "--node", "halves").output.contains("✗ n-3"))
        let rows: [([String], Int32, String?)] = [
            (["--at", "99999"], 3, "event.not_found"), (["--at", "1"], 3, "event.not_found"),
            (["--at", at, "--node", "nothing"], 3, "node.not_found"),
            (["--at", at, "--node", "numbers"], 3, "node.no_items"), (["--at", at, "--state", "failed"], 2, nil),
            (["--at", at, "--node", "halves", "--limit", "0"], 2, nil), ([], 2, nil),
        ]
        for (words, code, error) in rows {
            let result = try ren.run(["state", "h"] + words + ["-o", "json"])
            #expect(result.code == code, "\(words): \(result.errors)")
            if let error { #expect(result.errorCode == error, "\(words): \(result.errors)") }
        }
    }

    @Test("journal show tells what an event changed, and what it is linked to")
    func changes() throws {
        let ren = try Self.ren()
        let events = try Self.events(ren)
        let failed = try #require(events.first { $0["type"] == "item.failed" })
        let sequence = "\(failed["sequence"]?.integerValue ?? 0)"
        let shown = try ren("journal", "show", sequence, "--before", "--after", "-o", "json").json
        let changes = shown["changes"]?.arrayValue ?? []
        func change(_ path: String) -> JSON? { changes.first { $0["path"]?.stringValue == path } }
        #expect(change("item.state")?["after"] == "failed")
        #expect(change("nodes.halves.failed") == ["path": "nodes.halves.failed", "before": 0, "after": 1])
        #expect(change("nodes.numbers.status") == nil && change("status") == nil)
        let start = try #require(events.first { $0["type"] == "item.started" && $0["key"] == failed["key"] })
        let started = try ren(
            "journal", "show", "\(start["sequence"]?.integerValue ?? 0)", "--after", "-o", "json"
        ).json
        #expect(
            started["links"]?["effects"]?.arrayValue?.count == 1
                && started["links"]?["effects"]?[0]?["key"] == failed["key"])
        #expect(shown["links"]?["previous"]?["sequence"] == started["links"]?["effects"]?[0]?["sequence"])
        let text = try ren("journal", "show", sequence, "--before", "--after").output
        #expect(text.contains("nodes.halves.failed") && text.contains("→") && text.contains("follows"))
        let before = try ren("journal", "show", sequence, "--before").output
        #expect(before.contains("nodes.halves.failed") && !before.contains("→"))
        #expect(try ren("journal", "show", sequence, "-o", "json").json["changes"] == nil)
        #expect(try ren("journal", "show", "1", "--after", "-o", "json").json["changes"] == [])
    }
}
