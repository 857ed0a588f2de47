import Foundation
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal
import Testing

@Suite("Commands over HTTP", .timeLimit(.minutes(2)))
struct CommandRoutesTests {
    // MARK: What is refused

    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var method = "POST"
        var path: String
        var body: String?
        var headers: [String: String] = [:]
        var status: Int
        var code: String

        init(
            _ what: String, _ path: String, _ body: String? = nil, _ headers: [String: String] = [:],
            is status: Int, _ code: String, method: String = "POST"
        ) {
            testDescription = what
            self.path = path
            self.body = body
            self.headers = headers
            self.status = status
            self.code = code
            self.method = method
        }
    }

    /// There are `done` (ended), `open` (waits for the signal `go`), and the key `used` of the start of `done`.
    static let refusals = [
        Refusal("unknown run", "runs/none:pause", is: 404, "run.not_found"),
        Refusal("the journal's own run", "runs/journal:stop", is: 404, "run.not_found"),
        Refusal("pause of a finished run", "runs/done:pause", is: 409, "run.finished"),
        Refusal("resume of a finished run", "runs/done:resume", is: 409, "run.finished"),
        Refusal("stop of a finished run", "runs/done:stop", is: 409, "run.finished"),
        Refusal("signal to a finished run", "runs/done:signal", #"{"name": "go"}"#, is: 409, "run.finished"),
        Refusal("signal to an unknown run", "runs/none:signal", #"{"name": "go"}"#, is: 404, "run.not_found"),
        Refusal("a signal nobody asks for", "runs/open:signal", #"{"name": "gone"}"#, is: 422, "signal.unknown"),
        Refusal("resume of a run that goes on", "runs/open:resume", is: 409, "run.not_paused"),
        Refusal("a stale version", "runs/open:pause", nil, ["If-Match": "\"777\""], is: 409, "version.conflict"),
        Refusal("a stale ETag", "runs/open:stop", nil, ["If-Match": "\"777.9\""], is: 409, "version.conflict"),
        Refusal("no ETag", "runs/open:stop", nil, ["If-Match": "abc"], is: 400, "precondition.invalid"),
        Refusal("an unknown member", "runs/open:pause", #"{"noww": true}"#, is: 400, "field.unknown"),
        Refusal("a member of another type", "runs/open:pause", #"{"now": "yes"}"#, is: 400, "field.invalid"),
        Refusal("an unknown mode", "runs/open:stop", #"{"mode": "hard"}"#, is: 400, "field.invalid"),
        Refusal("no name", "runs/open:signal", "{}", is: 400, "field.invalid"),
        Refusal(
            "a name too long", "runs/open:stop", #"{"by": "\#(String(repeating: "a", count: 101))"}"#, is: 400,
            "field.invalid"),
        Refusal("no object", "runs/open:pause", "[]", is: 400, "json.shape"),
        Refusal("no JSON", "runs/open:pause", "{", is: 400, "json.syntax"),
        Refusal("a key twice", "runs/open:pause", #"{"now": true, "now": false}"#, is: 400, "json.duplicate_key"),
        Refusal(
            "1 MiB and more", "runs/open:signal",
            #"{"name": "go", "payload": "\#(String(repeating: "a", count: 1 << 20))"}"#, is: 413, "body.too_large"),
        Refusal("an unknown flow", "flows/none/runs", "{}", is: 404, "flow.not_found"),
        Refusal(
            "input that the flow refuses", "flows/strict/runs", #"{"input": {"n": "x"}}"#, is: 422, "input.invalid"),
        Refusal("an id that no file can have", "flows/halves/runs", #"{"id": "a/b"}"#, is: 400, "field.invalid"),
        Refusal("an id that ren has", "flows/halves/runs", #"{"id": "journal"}"#, is: 400, "id.invalid"),
        Refusal(
            "an id that another run has", "flows/halves/runs", #"{"id": "done", "input": {"n": 8}}"#, is: 409,
            "run.exists"),
        Refusal(
            "a key of another request", "flows/halves/runs", #"{"input": {"n": 8}}"#, ["Idempotency-Key": "used"],
            is: 409, "request.key_reused"),
        Refusal(
            "a key used for a command", "runs/open:pause", nil, ["Idempotency-Key": "used"], is: 409,
            "request.key_reused"),
        Refusal(
            "a file that is not there", "flows/halves/runs",
            #"{"functions": [{"path": "/no/such.py", "hash": "\#(String(repeating: "0", count: 64))"}]}"#, is: 422,
            "function.file_missing"),
        Refusal("a function that is not there", "flows/lost/runs", "{}", is: 422, "function.unknown"),
        Refusal("page size 0", "runs?limit=0", is: 400, "page.invalid", method: "GET"),
        Refusal("page size -1", "runs?limit=-1", is: 400, "page.invalid", method: "GET"),
        Refusal("page size 10^9", "runs?limit=1000000000", is: 400, "page.invalid", method: "GET"),
        Refusal("a forged cursor", "runs?cursor=1-2~AAAAAAAAAAAA", is: 400, "page.cursor", method: "GET"),
        Refusal(
            "time reversed", "runs?started_after=2026-02-01T00:00:00Z&started_before=2026-01-01T00:00:00Z", is: 400,
            "time.range", method: "GET"),
        Refusal("year 9999", "runs?started_after=9999-01-01T00:00:00Z", is: 400, "time.range", method: "GET"),
        Refusal("an unknown worker", "workers/9f3c2a1b-3:restart", is: 404, "worker.not_found"),
        Refusal("a try of an unknown function", "functions/hlaf:try", is: 404, "function.not_found"),
        Refusal("a retry where nothing failed", "runs/done:retry", is: 409, "retry.nothing"),
        Refusal("a retry of what goes on", "runs/open:retry", #"{"nodes": ["ask"]}"#, is: 409, "retry.nothing"),
        Refusal("a retry of an unknown node", "runs/done:retry", #"{"nodes": ["x"]}"#, is: 404, "node.not_found"),
        Refusal(
            "keys without their node", "runs/done:retry", #"{"keys": ["k"]}"#, is: 422, "retry.keys"),
        Refusal("a skip that says nothing", "runs/open:skip", #"{"node": "ask"}"#, is: 400, "field.invalid"),
        Refusal(
            "a skip that says too much", "runs/open:skip", #"{"node": "ask", "value": 1, "fail": "x"}"#, is: 400,
            "field.invalid"),
        Refusal(
            "a skip of what has succeeded", "runs/done:skip", #"{"node": "h", "value": 1}"#, is: 409, "skip.succeeded"),
        Refusal(
            "a skip of a stale run", "runs/open:skip", #"{"node": "ask", "value": 1}"#, ["If-Match": "\"777\""],
            is: 409, "version.conflict"),
        Refusal("a fork from before the run", "runs/done:fork", #"{"at": 0}"#, is: 409, "fork.before"),
        Refusal(
            "a fork with a node that is not there", "runs/done:fork", #"{"node_outputs": {"x": 1}}"#, is: 404,
            "node.not_found"),
        Refusal("a fork to an unknown flow", "runs/done:fork", #"{"flow": "none"}"#, is: 404, "flow.not_found"),
        Refusal(
            "a fork with no place in the input", "runs/done:fork", #"{"set": {"n": 1}}"#, is: 422, "input.invalid"),
        Refusal(
            "a fork of the id of another run", "runs/done:fork", #"{"id": "open"}"#, is: 409, "run.exists"),
        Refusal("a run that is not there", "runs/none", is: 404, "run.not_found", method: "GET"),
    ]

    @Test("Refused requests name their code, write nothing, and the next good one is answered")
    func refused() async throws {
        try await ControlFixture.with { fixture in
            try await fixture.prepare()
            let strict =
                ControlFixture.halves.replacing("halves", with: "strict")
                + "input: {type: object, properties: {n: {type: integer}}, required: [n]}\n"
            #expect(try await fixture.put(strict).status == 201)
            #expect(try await fixture.put("flow: lost\nnodes:\n  x: {function: hlaf}\n").status == 201)
            let first = try await fixture.ask(
                "POST", "/api/v1/flows/halves/runs", ["id": "done", "input": ["n": 4]],
                headers: ["Idempotency-Key": "used"])
            #expect(first.status == 201)
            try await fixture.wait(for: "succeeded", of: "done")
            #expect(try await fixture.start("asks", id: "open").status == 201)
            try await fixture.wait(for: "waiting", of: "open")
            let head = try fixture.head()
            for row in Self.refusals {
                let answer = try await fixture.ask(
                    row.method, "/api/v1/\(row.path)", text: row.body, type: "application/json", headers: row.headers)
                #expect(answer.status == row.status, "\(row.testDescription): \(answer.json)")
                #expect(answer.code == row.code, "\(row.testDescription): \(answer.json)")
                #expect(answer.headers["content-type"] == "application/problem+json", "\(row.testDescription)")
                #expect(try fixture.head() == head, "\(row.testDescription) wrote an event")
                #expect(try await fixture.get("/api/v1/runs/open").status == 200, "\(row.testDescription)")
            }
            let near = try await fixture.ask("POST", "/api/v1/flows/lost/runs", [:])
            #expect(near.json["hint"]?.stringValue?.contains("half") == true, "\(near.json)")
        }
    }

    // MARK: What happens

    @Test("A run is started, waits for its signal, and is paused, resumed and stopped")
    func control() async throws {
        try await ControlFixture.with { fixture in
            try await fixture.prepare()
            let started = try await fixture.ask(
                "POST", "/api/v1/flows/asks/runs", ["id": "a", "start_paused": true, "by": "ann"])
            #expect(started.status == 201)
            #expect(started.headers["location"] == "/api/v1/runs/a")
            #expect(started.json["is_new"] == true && started.json["replayed"] == false)
            let paused = try await fixture.wait(for: "paused", of: "a")
            let control = try #require(paused["control"]?.integerValue)
            let resumed = try await fixture.ask(
                "POST", "/api/v1/runs/a:resume", [:], headers: ["If-Match": "\"\(control)\""])
            #expect(resumed.status == 202, "\(resumed.json)")
            #expect(resumed.json["run"] == "a" && resumed.json["replayed"] == false)
            try await fixture.wait(for: "waiting", of: "a")
            let conflict = try await fixture.ask(
                "POST", "/api/v1/runs/a:pause", [:], headers: ["If-Match": "\"\(control)\""])
            #expect(conflict.status == 409)
            #expect((conflict.json["control"]?.integerValue ?? 0) > control, "\(conflict.json)")
            let signalled = try await fixture.ask(
                "POST", "/api/v1/runs/a:signal", ["name": "go", "payload": ["yes": true]])
            #expect(signalled.status == 202, "\(signalled.json)")
            let ended = try await fixture.wait(for: "succeeded", of: "a")
            #expect(ended["nodes"]?["h"]?["status"] == "succeeded")
            let created = try fixture.session.journal.read { view throws(RenError) in
                let number = try view.runNumber(id: "a")!
                return try view.page(of: number, after: .none).first
            }
            #expect(created?.event.by?.hasSuffix(":ann") == true)

            #expect(try await fixture.start("long", id: "b").status == 201)
            let stopped = try await fixture.ask("POST", "/api/v1/runs/b:stop", ["mode": "now", "reason": "enough"])
            #expect(stopped.status == 202)
            try await fixture.wait(for: "stopped", of: "b")
        }
    }

    @Test("A run that failed is retried, skipped and forked; dry runs say what would happen, and write nothing")
    func reopened() async throws {
        try await ControlFixture.with { fixture in
            try await fixture.prepare()
            _ = try await fixture.start("halves", id: "odd", input: ["n": 3])
            try await fixture.wait(for: "failed", of: "odd")
            let head = try fixture.head()
            let dry = try await fixture.ask("POST", "/api/v1/runs/odd:retry?dry_run=true", [:])
            #expect(dry.status == 200 && dry.json["schema"] == "ren.reopening/1", "\(dry.json)")
            #expect(dry.json["again"] == ["h"] && dry.json["kept"] == [])
            let would = try await fixture.ask(
                "POST", "/api/v1/runs/odd:fork?dry_run=true", ["set": ["input.n": 8]])
            #expect(would.status == 200 && would.json["schema"] == "ren.fork/1", "\(would.json)")
            #expect(would.json["affected"] == ["h"] && would.json["input_changed"] == true)
            #expect(would.json["totals"] == ["nodes": ["again": 1], "items": [:]])
            for (whole, isChanged) in [(["n": 8], true), (["n": 3], false)] as [(JSON, JSON)] {
                let would = try await fixture.ask(
                    "POST", "/api/v1/runs/odd:fork?dry_run=true", ["set": ["input": whole]])
                #expect(would.status == 200 && would.json["input_changed"] == isChanged, "\(would.json)")
            }
            #expect(try fixture.head() == head)

            let key = ["Idempotency-Key": "retry-1"]
            let first = try await fixture.ask("POST", "/api/v1/runs/odd:retry", [:], headers: key)
            #expect(first.status == 202, "\(first.json)")
            try await fixture.wait(for: "failed", of: "odd")
            let again = try await fixture.ask("POST", "/api/v1/runs/odd:retry", [:], headers: key)
            #expect(again.json["replayed"] == true && again.json["sequence"] == first.json["sequence"])
            #expect(try fixture.types("odd").filter { $0 == "run.reopened" }.count == 1)
            #expect(try fixture.types("odd").filter { $0 == "run.failed" }.count == 2)

            let forked = try await fixture.ask(
                "POST", "/api/v1/runs/odd:fork", ["id": "even", "set": ["input.n": 8]])
            #expect(forked.status == 201 && forked.headers["location"] == "/api/v1/runs/even", "\(forked.json)")
            try await fixture.wait(for: "succeeded", of: "even")
            #expect(try await fixture.get("/api/v1/runs/even/result").json == 4)

            let skipped = try await fixture.ask(
                "POST", "/api/v1/runs/odd:skip", ["node": "h", "value": 1, "reason": "rounded", "by": "ann"])
            #expect(skipped.status == 202, "\(skipped.json)")
            try await fixture.wait(for: "succeeded", of: "odd")
            #expect(try await fixture.get("/api/v1/runs/odd/result").json == 1)
            #expect(try fixture.types("odd").suffix(3) == ["run.reopened", "node.overridden", "run.succeeded"])
        }
    }

    @Test("Fifty equal starts under one key are one run, with equal answers; so is every repetition later")
    func sameKey() async throws {
        try await ControlFixture.with { fixture in
            try await fixture.prepare()
            let before = try await fixture.get("/api/v1/runs").json["items"]?.arrayValue?.count
            let answers = try await withThrowingTaskGroup(of: HTTPAnswer.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await fixture.ask(
                            "POST", "/api/v1/flows/halves/runs", ["input": ["n": 6]],
                            headers: ["Idempotency-Key": "k-50"])
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(answers.map { $0.json["run"]?.stringValue }).count == 1)
            #expect(Set(answers.map { $0.json["sequence"]?.integerValue }).count == 1)
            #expect(answers.filter { $0.status == 201 && $0.json["replayed"] == false }.count == 1)
            #expect(answers.filter { $0.status == 200 && $0.json["replayed"] == true }.count == 49)
            let run = try #require(answers[0].json["run"]?.stringValue)
            try await fixture.wait(for: "succeeded", of: run)
            let later = try await fixture.ask(
                "POST", "/api/v1/flows/halves/runs", ["input": ["n": 6]], headers: ["Idempotency-Key": "k-50"])
            #expect(later.status == 200 && later.json["run"]?.stringValue == run)
            #expect(later.json["status"] == "succeeded")
            #expect(try await fixture.get("/api/v1/runs").json["items"]?.arrayValue?.count == (before ?? 0) + 1)
        }
    }

    @Test("A command under a known key has its effect once, also when members stand in another order")
    func repeatedCommand() async throws {
        try await ControlFixture.with { fixture in
            try await fixture.prepare()
            _ = try await fixture.start("asks", id: "a")
            try await fixture.wait(for: "waiting", of: "a")
            let key = ["Idempotency-Key": "pause-1"]
            let first = try await fixture.ask(
                "POST", "/api/v1/runs/a:pause", ["now": false, "reason": "lunch"], headers: key)
            let head = try fixture.head()
            let second = try await fixture.ask(
                "POST", "/api/v1/runs/a:pause", ["reason": "lunch", "now": false], headers: key)
            #expect(first.status == 202 && second.status == 202, "\(first.json) \(second.json)")
            #expect(second.json["replayed"] == true && second.json["sequence"] == first.json["sequence"])
            #expect(try fixture.head() == head)
        }
    }

    @Test("An equal id is the run that there is; one that nobody carries is taken up")
    func sameID() async throws {
        try await ControlFixture.with { fixture in
            try await fixture.prepare()
            #expect(try await fixture.start("asks", id: "a").status == 201)
            let again = try await fixture.start("asks", id: "a")
            #expect(again.status == 200 && again.json["is_new"] == false, "\(again.json)")
        }
    }

    // MARK: Runs that the engine does not carry

    @Test("An engine that carries its own runs signals, pauses and stops others as a passer-by, and resumes them")
    func notCarried() async throws {
        let folder = NSTemporaryDirectory() + "ren-\(UUID().uuidString.prefix(8))"
        // What cannot be removed is left to the system.
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await ControlFixture.with(in: folder) { fixture in
            try await fixture.prepare()
            for id in ["signalled", "paused", "stopped", "long"] {
                _ = try await fixture.start(id == "long" ? "long" : "asks", id: id)
                try await fixture.wait(for: id == "long" ? "running" : "waiting", of: id)
            }
        }
        try await ControlFixture.with(carries: .own, in: folder) { fixture in
            #expect(try await fixture.get("/api/v1/runs/paused").json["carried"] == false)
            let key = ["Idempotency-Key": "once"]
            for _ in 0..<2 {
                let paused = try await fixture.ask("POST", "/api/v1/runs/paused:pause", [:], headers: key)
                #expect(paused.status == 202 && paused.json["status"] == "paused", "\(paused.json)")
            }
            let stopped = try await fixture.ask("POST", "/api/v1/runs/stopped:stop", [:])
            #expect(stopped.status == 202 && stopped.json["status"] == "stopped", "\(stopped.json)")
            let signalled = try await fixture.ask("POST", "/api/v1/runs/signalled:signal", ["name": "go"])
            #expect(signalled.status == 202, "\(signalled.json)")
            let unknown = try await fixture.ask("POST", "/api/v1/runs/paused:signal", ["name": "x"])
            #expect(unknown.status == 422 && unknown.code == "signal.unknown")
            let long = try await fixture.ask("POST", "/api/v1/runs/long:pause", ["now": true])
            #expect(long.json["status"] == "paused", "\(long.json)")
            for id in ["paused", "signalled", "long"] {
                #expect(try await fixture.get("/api/v1/runs/\(id)").json["carried"] == false, "\(id)")
                #expect(try !fixture.types(id).contains("run.resumed"), "\(id)")
            }
            #expect(try fixture.types("paused").filter { $0 == "run.pause_requested" }.count == 1)
            let resumed = try await fixture.ask("POST", "/api/v1/runs/signalled:resume", ["reason": "on"])
            #expect(resumed.status == 202, "\(resumed.json)")
            try await fixture.wait(for: "succeeded", of: "signalled")
            #expect(try fixture.types("signalled").contains("run.resumed"))
        }
    }
}
