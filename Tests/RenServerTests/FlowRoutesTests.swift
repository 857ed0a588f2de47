import Foundation
import RenJSON
import Testing

@Suite("Flows over HTTP", .timeLimit(.minutes(2)))
struct FlowRoutesTests {
    @Test("A flow is registered once per content, as YAML and as JSON, and found by name and version")
    func register() async throws {
        try await ControlFixture.with { fixture in
            let first = try await fixture.put(ControlFixture.halves)
            #expect(first.status == 201 && first.json["is_new"] == true, "\(first.json)")
            let again = try await fixture.put(ControlFixture.halves)
            #expect(again.status == 200 && again.json["is_new"] == false)
            #expect(again.json["hash"] == first.json["hash"])
            let changed = try await fixture.ask(
                "PUT", "/api/v1/flows", ["flow": "halves", "nodes": ["h": ["function": "half", "with": ["n": 2]]]])
            #expect(changed.status == 201, "\(changed.json)")
            let hash = try #require(first.json["hash"]?.stringValue)
            #expect(first.json["version"]?.stringValue == "halves@\(hash.prefix(7))")
            let latest = try await fixture.get("/api/v1/flows/halves")
            #expect(latest.json["hash"] == changed.json["hash"])
            let old = try await fixture.get("/api/v1/flows/halves@\(hash.prefix(8))")
            #expect(old.json["hash"]?.stringValue == hash && old.json["source"]?["output"] != nil)
            #expect(old.json["functions"] == ["half"])
            let versions = try await fixture.get("/api/v1/flows/halves/versions").json["items"]?.arrayValue
            #expect(versions?.map { $0["hash"] } == [changed.json["hash"], first.json["hash"]])
        }
    }

    @Test(
        "A flow that cannot be registered is refused with every finding and its place",
        arguments: [
            ("flow: a\nnodes:\n  x: {functoin: half}\n  y: {after: [z]}\n", 422),
            ("flow: a\nnodes: &x\n  y: 1\n", 400), ("flow: a\n\tnodes: 1\n", 400),
            ("flow: ../a\nnodes: {x: {function: half}}\n", 400),
        ])
    func refused(text: String, status: Int) async throws {
        try await ControlFixture.with { fixture in
            let head = try fixture.head()
            let answer = try await fixture.put(text)
            #expect(answer.status == status, "\(answer.json)")
            let errors = answer.json["errors"]?.arrayValue ?? []
            #expect(!errors.isEmpty && errors.allSatisfy { $0["line"] != nil }, "\(answer.json)")
            if status == 422 { #expect(errors.count > 1) }
            #expect(try fixture.head() == head)
            let check = try await fixture.ask(
                "POST", "/api/v1/flows:check", text: text, type: "application/yaml")
            #expect(check.status == 200 && check.json["valid"] == false)
            #expect(check.json["errors"]?.arrayValue?.count == errors.count)
        }
    }

    @Test("A key that registered one flow registers no other")
    func reusedKey() async throws {
        try await ControlFixture.with { fixture in
            let key = ["Idempotency-Key": "k"]
            let rows = [(ControlFixture.halves, 201), (ControlFixture.halves, 200), (ControlFixture.asks, 409)]
            for (text, status) in rows {
                let answer = try await fixture.ask(
                    "PUT", "/api/v1/flows", text: text, type: "application/yaml", headers: key)
                #expect(answer.status == status, "\(answer.json)")
            }
        }
    }

    @Test("A check looks for functions unless told not to, and stores nothing")
    func check() async throws {
        try await ControlFixture.with { fixture in
            let head = try fixture.head()
            let text = "flow: a\nnodes:\n  x: {function: hlaf}\n"
            let without = try await fixture.ask(
                "POST", "/api/v1/flows:check?functions=false", text: text, type: "text/yaml")
            #expect(without.json["valid"] == true, "\(without.json)")
            let with = try await fixture.ask("POST", "/api/v1/flows:check", text: text, type: "text/yaml")
            #expect(with.json["errors"]?[0]?["code"] == "function.unknown")
            #expect(with.json["errors"]?[0]?["line"] == 3)
            #expect(try fixture.head() == head)
        }
    }

    @Test("Flows are listed by name, page by page, and drawn")
    func list() async throws {
        try await ControlFixture.with { fixture in
            try await fixture.prepare()
            let first = try await fixture.get("/api/v1/flows?limit=2").json
            #expect(first["items"]?.arrayValue?.map { $0["flow"] } == ["asks", "halves"])
            let next = try #require(first["next"]?.stringValue)
            let second = try await fixture.get("/api/v1/flows?limit=2&cursor=\(next)").json
            #expect(second["items"]?.arrayValue?.map { $0["flow"] } == ["long"] && second["next"] == .null)
            let graph = try await fixture.get("/api/v1/flows/asks/graph").json
            #expect(graph["nodes"]?.arrayValue?.map { $0["x"] } == [0, 1])
            #expect(graph["nodes"]?.arrayValue?.map { $0["kind"] } == ["pause", "function"])
            #expect(graph["edges"] == [["from": "ask", "to": "h", "way": nil]])
            let asks = try await fixture.get("/api/v1/flows/asks").json
            #expect(asks["signals"] == [["node": "ask", "signal": "go", "form": nil]])
        }
    }
}
