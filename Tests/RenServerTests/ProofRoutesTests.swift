import Ren
import RenCore
import RenJSON
import RenJournal
import Testing

@Suite("Proof and reasons over HTTP", .timeLimit(.minutes(2)))
struct ProofRoutesTests {
    @Test("A replay explains every event, with the functions of this program")
    func replay() async throws {
        try await ReadingFixture.with { fixture in
            let answer = try await fixture.ask("POST", "/api/v1/runs/r:replay")
            #expect(answer.status == 200 && answer.json["schema"] == "ren.replay/1")
            #expect(answer.json["matches"] == true && answer.json["divergence"] == .null, "\(answer.json)")
            let version = try await fixture.get("/api/v1/runs/r").json["version"]
            #expect(answer.json["events"] == version && answer.json["not_evaluated"] == 0)
        }
    }

    @Test("An audit is one document, and all of it matches")
    func audit() async throws {
        try await ReadingFixture.with { fixture in
            let audit = try await fixture.ask("POST", "/api/v1/runs/r:audit")
            #expect(audit.status == 200 && audit.json["matches"] == true, "\(audit.json)")
            #expect(audit.json["asked"]?["first"]?[0]?["type"] == "run.created")
            #expect(audit.json["attempts"]?["begun"] == 6 && audit.json["attempts"]?["failed"] == 1)
            // The run's output names one that came with the input: no function vouches for it.
            #expect(audit.json["chain"]?["artifacts"] == 0)
            let hash = try #require(audit.json["chain"]?["run_hash"]?.stringValue)
            #expect(audit.json["chain"]?["anchors"]?[0]?.stringValue?.hasSuffix(":" + hash) == true)
        }
    }

    @Test("Two runs differ where their inputs do")
    func diff() async throws {
        try await ControlFixture.with { fixture in
            try await fixture.prepare()
            for (id, number) in [("two", 2), ("four", 4), ("again", 4)] as [(String, JSON)] {
                #expect(try await fixture.start("halves", id: id, input: ["n": number]).status == 201)
                try await fixture.wait(for: "succeeded", of: id)
            }
            let diff = try await fixture.get("/api/v1/runs/two/diff?with=four&result=true")
            #expect(diff.status == 200 && diff.json["same"] == false, "\(diff.json)")
            #expect(diff.json["input"]?["changes"] == [["pointer": "/n", "old": 2, "new": 4]])
            #expect(diff.json["values"]?["changes"] == [["pointer": "", "old": 1, "new": 2]])
            #expect(diff.json["divergence"]?["version"] == 1 && diff.json["shared"] == 0)
            let same = try await fixture.get("/api/v1/runs/four/diff?with=again")
            #expect(same.json["same"] == true && same.json["divergence"] == .null, "\(same.json)")
            #expect(try await fixture.get("/api/v1/runs/two/diff").status == 400)
            #expect(try await fixture.get("/api/v1/runs/two/diff?with=none").code == "run.not_found")
        }
    }

    @Test(
        "Why, of a node and of an item",
        arguments: [
            ("nodes/after/why", "succeeded at attempt 1", "node.succeeded"),
            ("nodes/m/why", "succeeded: its items are settled, 4 ok, 1 failed of 5", "node.succeeded"),
            ("items/m/sku-3/why", "failed: OddNumber:", "item.failed"),
        ])
    func why(_ path: String, _ text: String, _ type: String) async throws {
        try await ReadingFixture.with { fixture in
            let why = try await fixture.get("/api/v1/runs/r/\(path)")
            #expect(why.status == 200 && why.json["why"]?.stringValue?.hasPrefix(text) == true, "\(why.json)")
            #expect(why.json["because"]?[0]?["type"]?.stringValue == type)
            #expect((why.json["because"]?[0]?["sequence"]?.integerValue ?? 0) > 0)
        }
    }

    @Test(
        "What is not there",
        arguments: [
            ("runs/r/nodes/x/why", "node.not_found"), ("runs/r/items/m/sku-9/why", "item.not_found"),
            ("runs/none/nodes/m/why", "run.not_found"), ("runs/r/items/after/0/why", "node.no_items"),
        ])
    func missing(_ path: String, _ code: String) async throws {
        try await ReadingFixture.with { fixture in
            let answer = try await fixture.get("/api/v1/\(path)")
            #expect(answer.status == 404 && answer.code == code)
        }
    }

    @Test("A long run is left to the command line, with the command")
    func tooLong() async throws {
        try await ControlFixture.with { fixture in
            try await fixture.prepare()
            #expect(try await fixture.start("halves", id: "long", input: ["n": 2]).status == 201)
            let time = try await fixture.wait(for: "succeeded", of: "long")
            #expect(time["version"] != nil)
            let journal = fixture.session.journal
            let number = try #require(try journal.read { view throws(RenError) in try view.runNumber(id: "long") })
            let late = Event(
                .resultRejected(.finished), .node(NodeNumber(0)), at: Timestamp(nanoseconds: 4_000_000_000_000_000_000))
            for _ in 0..<41 {
                try await journal.append(Array(repeating: late, count: 5_000), to: number, after: Batch.anyVersion)
            }
            for (method, path, command) in [
                ("POST", "long:replay", "replay"), ("POST", "long:audit", "audit"),
                ("GET", "long/diff?with=long", "diff"),
                ("GET", "long/nodes/h/why", "why"),
            ] {
                let answer = try await fixture.ask(method, "/api/v1/runs/\(path)")
                #expect(answer.status == 422 && answer.code == "run.too_long", "\(answer.json)")
                #expect(answer.json["hint"]?.stringValue?.hasPrefix("ren \(command) long") == true)
            }
        }
    }
}
