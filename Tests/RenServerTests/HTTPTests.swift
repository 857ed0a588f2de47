import Foundation
import HTTPTypes
import Ren
import RenAPI
import RenCore
import RenJSON
import RenJournal
import RenServer
import Testing

/// What a request gets before a route is asked: the rows "HTTP and WebSocket" of the threat model that belong to the
/// gate and to routing.
@Suite("HTTP", .timeLimit(.minutes(2)))
struct HTTPTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var method = "GET"
        var path: String
        var headers: [(String, String)] = []
        var body: String?
        var status: Int
        var code: String?

        var testDescription: String { "\(method) \(path.prefix(60)) \(headers) \(body?.prefix(40) ?? "")" }

        init(
            _ method: String, _ path: String, _ headers: [(String, String)] = [], _ body: String? = nil,
            is status: Int, _ code: String?
        ) {
            self.method = method
            self.path = path
            self.headers = headers
            self.body = body
            self.status = status
            self.code = code
        }
    }

    private static let session = "/api/v1/session"

    static let rows: [Row] = [
        Row("GET", "/api/v1", is: 200, nil),
        Row("GET", "/nothing", is: 404, "not_found"),
        Row("GET", "/api/v1/", is: 404, "not_found"),
        Row("DELETE", "/api/v1", is: 405, "method_not_allowed"),
        Row("PATCH", "/api/v1", is: 405, "method_not_allowed"),
        Row("OPTIONS", "/api/v1", is: 405, "method_not_allowed"),
        Row("OPTIONS", "/api/v1", [("Origin", "http://evil.test")], is: 403, "origin.refused"),
        Row("GET", "/api/v1", [("Origin", "null")], is: 403, "origin.refused"),
        Row("GET", "/api/v1", [("Sec-Fetch-Site", "cross-site")], is: 403, "origin.refused"),
        Row("GET", "/api/v1", [("Host", "evil.test")], is: 421, "host.refused"),
        Row("GET", "/api/v1", [("Host", "")], is: 400, "http.malformed"),
        Row("GET", "/api/v1", [("Authorization", "")], is: 401, "auth.required"),
        Row("GET", "/nothing", [("Authorization", "")], is: 401, "auth.required"),
        Row("GET", "/api/v1", [("Authorization", "Bearer x")], is: 401, "auth.invalid"),
        Row("GET", "/api/v1?token=x", [("Authorization", "")], is: 401, "auth.query_token_refused"),
        Row("GET", "/api/v1?x=1", is: 400, "query.unknown"),
        Row("GET", "/api/v1?%zz=1", is: 400, "query.invalid"),
        Row("GET", "/%2e%2e/etc/passwd", is: 404, "not_found"),
        Row("GET", "/..%2f", is: 404, "not_found"),
        Row("GET", "/../etc/passwd", is: 404, "not_found"),
        Row("GET", "//etc", is: 404, "not_found"),
        Row("GET", "/a\\..\\b", is: 404, "not_found"),
        Row("GET", "/problems/%00", is: 400, "http.malformed"),
        Row("GET", "/problems/%c0%af", is: 400, "http.malformed"),
        Row("GET", "/problems/%zz", is: 400, "http.malformed"),
        Row("GET", "/problems/..%2f..%2fetc%2fpasswd", is: 404, "not_found"),
        Row("GET", "/problems/run.not_found", is: 200, nil),
        Row("GET", "/problems/nothing.of_this", is: 404, "not_found"),
        Row("POST", session, [("Content-Type", "text/plain")], #"{"code":"x"}"#, is: 415, "content_type"),
        Row(
            "POST", session, [("Content-Type", "application/x-www-form-urlencoded")], "code=x", is: 415,
            "content_type"),
        Row("POST", session, [("Content-Type", "")], #"{"code":"x"}"#, is: 415, "content_type"),
        Row("POST", session, [("Content-Encoding", "gzip")], #"{"code":"x"}"#, is: 415, "content_encoding"),
        Row("POST", session, [("Content-Encoding", "identity")], #"{"code":"x"}"#, is: 401, "link.invalid"),
        Row(
            "POST", session, [("Content-Type", "application/json; charset=utf-8")], #"{"code":"x"}"#, is: 401,
            "link.invalid"),
        Row("POST", session, [], "", is: 400, "body.missing"),
        Row("POST", session, [], " ", is: 400, "json.syntax"),
        Row("POST", session, [], "null", is: 400, "json.shape"),
        Row("POST", session, [], "7", is: 400, "json.shape"),
        Row("POST", session, [], #"{"code":"x"} 1"#, is: 400, "json.syntax"),
        Row("POST", session, [], #"{"code":"x","code":"y"}"#, is: 400, "json.duplicate_key"),
        Row("POST", session, [], #"{"code":"\ud800"}"#, is: 400, "json.string"),
        Row("POST", session, [], #"{"code":1e999}"#, is: 400, "json.number"),
        Row("POST", session, [], String(repeating: "[", count: 65), is: 400, "json.too_deep"),
        Row("POST", session, [], String(repeating: "[", count: 1_000_000), is: 400, "json.too_deep"),
        Row(
            "POST", session, [], "[0" + String(repeating: ",0", count: 100_000) + "]", is: 400, "json.too_many_items"),
        Row("POST", session, [], #"{"code":"x","cod":"y"}"#, is: 400, "field.unknown"),
        Row("POST", session, [], #"{"code":7}"#, is: 400, "field.invalid"),
        Row("POST", session, [], "{}", is: 400, "field.invalid"),
        Row("POST", session, [], #"{"code":"\#(String(repeating: "x", count: 1 << 20))"}"#, is: 413, "body.too_large"),
        Row("GET", "/api/v1/stream", is: 426, "upgrade.required"),
        Row("GET", "/api/v1", [("Upgrade", "h2c")], is: 200, nil),
    ]

    @Test("Every bad request gets its answer, and the next good one is served")
    func badRequests() async throws {
        try await withLiveService { live in
            let before = try await live.ask("GET", "/api/v1").json["sequence"]
            for row in Self.rows {
                let answer = try await live.ask(row.method, row.path, headers: row.headers, body: row.body)
                #expect(answer.status == row.status, "\(row.testDescription): \(answer.text.prefix(300))")
                #expect(answer.code == row.code, "\(row.testDescription)")
                #expect(answer.body.count < 2_000, "\(row.testDescription)")
                let good = try await live.ask("GET", "/api/v1")
                #expect(good.status == 200)
                #expect(good.json["sequence"] == before, "an event was written for \(row.testDescription)")
            }
        }
    }

    @Test("Every route is guarded, as the table of routes says")
    func everyRoute() async throws {
        try await withLiveService { live in
            let routes = live.backend.routes
            #expect(routes.count > 10)
            let open = routes.filter { $0.access == .open }.map { "\($0.method) \($0.path)" }
            #expect(
                open == [
                    "GET /docs", "GET /problems/{code}", "POST /api/v1/session", "GET /health/live",
                ])
            #expect(routes.filter { $0.access == .page }.allSatisfy { $0.method == .get && !$0.path.hasPrefix("/api") })
            for route in routes {
                let path = route.path.replacing(/\{[a-z_]+\}/, with: "x")
                let name = "\(route.method) \(path)"
                for upgrade in [
                    [],
                    [
                        ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
                        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
                    ],
                ] {
                    let isStream = path == "/api/v1/stream" && !upgrade.isEmpty
                    func ask(_ header: (String, String)) async throws -> LiveService.Answer {
                        var headers = upgrade + [header]
                        if !upgrade.isEmpty { headers += [("Content-Length", route.method == .get ? "" : "0")] }
                        return try await live.ask(route.method.rawValue, path, headers: headers)
                    }
                    let foreign = try await ask(("Origin", "http://evil.test"))
                    #expect(foreign.status == 403, "\(name)")
                    #expect(!foreign.headers.keys.contains { $0.hasPrefix("access-control") })
                    #expect(try await ask(("Host", "evil.test")).status == 421, "\(name)")
                    #expect(try await ask(("Authorization", "Bearer x")).status == 401, "\(name)")
                    guard !isStream else { continue }  // opens, and waits for its first message
                    let anonymous = try await ask(("Authorization", ""))
                    if route.access == .token {
                        #expect(anonymous.status == 401, "\(name)")
                        #expect(anonymous.headers["www-authenticate"] == "Bearer realm=\"ren\"")
                    } else {
                        #expect(anonymous.code?.hasPrefix("auth.") != true, "\(name)")
                    }
                }
            }
        }
    }

    @Test("Answers tell browsers to do nothing with them")
    func headers() async throws {
        try await withLiveService { live in
            let rows = [
                ("GET", "/api/v1"), ("GET", "/nothing"), ("GET", "/docs"), ("GET", "/health/live"),
                ("GET", "/bad%%path"),
            ]
            for (method, path) in rows {
                let answer = try await live.ask(method, path)
                for (name, value) in Responder.safeHeaders {
                    #expect(answer.headers[name.rawName.lowercased()] == value, "\(path)")
                }
                #expect(answer.headers["x-request-id"]?.count == 16)
                #expect(answer.headers["set-cookie"] == nil)
                #expect(answer.headers["server"] == nil)
                #expect(!answer.headers.keys.contains { $0.hasPrefix("access-control") })
            }
            #expect(try await live.ask("GET", "/metrics").headers["cache-control"] == "no-store")
            let malformed = try LiveService.answer(in: try await live.send("GET no request\r\n\r\n"))
            #expect(malformed.status == 400)
            #expect(malformed.headers["x-content-type-options"] == "nosniff")
            #expect(malformed.code == "http.malformed")
        }
    }

    @Test("HEAD is GET without its body")
    func head() async throws {
        try await withLiveService { live in
            let get = try await live.ask("GET", "/health/live")
            let head = try await live.ask("HEAD", "/health/live")
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
            #expect(head.headers["content-length"] == String(get.body.count))
        }
    }

    @Test("A wrong method is told the right ones, and a problem names its request")
    func problems() async throws {
        try await withLiveService { live in
            let answer = try await live.ask("PUT", "/api/v1/links")
            #expect(answer.headers["allow"] == "POST")
            #expect(answer.headers["content-type"] == Problem.contentType)
            #expect(answer.json["instance"] == "/api/v1/links")
            #expect(answer.json["request"]?.stringValue == answer.headers["x-request-id"])
            #expect(answer.json["type"] == "/problems/method_not_allowed")
            #expect(try await live.ask("GET", "/problems/method_not_allowed").text.contains("405"))
            let long = try await live.ask("GET", "/" + String(repeating: "x", count: 4_000))
            #expect(long.json["instance"]?.stringValue?.count == 200)
        }
    }

    @Test("The Unix socket asks for no token, only its owner may open it, and no browser may use it")
    func unixSocket() async throws {
        try await withLiveService { live in
            #expect(try await live.ask("GET", "/api/v1", headers: [("Host", "any")], socket: true).status == 200)
            let foreign = try await live.ask("GET", "/api/v1", headers: [("Origin", "null")], socket: true)
            #expect(foreign.code == "origin.refused")
            let attributes = try FileManager.default.attributesOfItem(atPath: live.addresses.socket)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test("A link trades its code for the token once")
    func links() async throws {
        try await withLiveService { live in
            let link = try await live.ask("POST", "/api/v1/links", socket: true)
            #expect(link.status == 201)
            let code = try #require(link.json["code"]?.stringValue)
            #expect(link.json["url"]?.stringValue == "http://127.0.0.1:\(live.port)/#code=\(code)")
            let body = #"{"code":"\#(code)"}"#
            let noToken = [("Authorization", "")]
            let first = try await live.ask("POST", "/api/v1/session", headers: noToken, body: body)
            #expect(first.json["token"]?.stringValue == live.token)
            let second = try await live.ask("POST", "/api/v1/session", headers: noToken, body: body)
            #expect(second.code == "link.invalid")
        }
    }

    @Test("While it starts, ren can be read and not changed")
    func starting() async throws {
        try await withLiveService { live in
            live.backend.readiness.isStarting()
            let ready = try await live.ask("GET", "/health/ready")
            #expect(ready.status == 503)
            #expect(ready.json["reasons"]?[0]?["code"] == "starting")
            let change = try await live.ask("POST", "/api/v1/runs/x:stop")
            #expect(change.code == "starting")
            #expect(change.headers["retry-after"] == "1")
            #expect(try await live.ask("GET", "/api/v1").status == 200)
            #expect(try await live.ask("POST", "/api/v1/links").status == 201)
            live.backend.readiness.isReady()
            #expect(try await live.ask("GET", "/health/ready").status == 200)
            #expect(try await live.ask("POST", "/api/v1/runs/x:stop").code == "run.not_found")
        }
    }

    @Test("Metrics are what Prometheus reads, with few labels")
    func metrics() async throws {
        try await withLiveService { live in
            for number in 0..<20 { _ = try await live.ask("GET", "/problems/run.no\(number)") }
            _ = try await live.ask("PROPFIND", "/nothing")
            let answer = try await live.ask("GET", "/metrics")
            #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(
                answer.text.contains(
                    #"ren_http_requests_total{route="/problems/{code}",method="GET",status="4xx"} 20"#)
            )
            #expect(answer.text.contains(#"ren_http_requests_total{route="none",method="other",status="4xx"} 1"#))
            #expect(answer.text.contains(#"_bucket{route="/problems/{code}",le="+Inf"} 20"#))
            #expect(answer.text.contains("ren_runs{status=\"running\"} 0\n"))
            var families: Set<Substring> = []
            for line in answer.text.split(separator: "\n") {
                let words = line.split(separator: " ")
                if line.hasPrefix("# TYPE ") { #expect(families.insert(words[2]).inserted, "\(line)") }
                guard !line.hasPrefix("#") else { continue }
                let name = words[0].prefix { $0 != "{" }.replacing(/_(bucket|sum|count)$/, with: "")
                #expect(families.contains(name[...]), "\(line)")
                #expect(Double(words[words.count - 1]) != nil, "\(line)")
            }
        }
    }

    @Test("The description names every route but the console's, and is one of OpenAPI 3.1")
    func openAPI() async throws {
        try await withLiveService { live in
            let document = try await live.ask("GET", "/openapi.json").json
            #expect(document["openapi"] == "3.1.0")
            for route in live.backend.routes {
                let operation = document["paths"]?[route.path]?[route.method.rawValue.lowercased()]
                let isOfConsole = route.access == .page
                #expect((operation?["responses"] == nil) == isOfConsole, "\(route.method) \(route.path)")
            }
            #expect(try await live.ask("GET", "/docs").text.contains("/api/v1/runs"))
        }
    }
}

@Suite("Listening", .timeLimit(.minutes(1)))
struct ListeningTests {
    @Test("Others than this machine are let in only when that is meant")
    func remote() async throws {
        try await withLiveService { live in
            var options = HTTPService.Options(tcp: ListenAddress(host: "0.0.0.0", port: 0))
            let error = #expect(throws: RenError.self) { try HTTPService(live.backend, options) }
            #expect(error?.code == .listenRemote)
            options.allowsRemote = true
            #expect(throws: Never.self) { try HTTPService(live.backend, options) }
        }
    }

    @Test("A port that is taken is named")
    func portTaken() async throws {
        try await withLiveService { live in
            try await withLiveService { other in
                let options = HTTPService.Options(tcp: ListenAddress(host: "127.0.0.1", port: live.port))
                let service = try HTTPService(other.backend, options)
                let error = await #expect(throws: RenError.self) { try await service.run() }
                #expect(error?.code == .listenPortTaken)
                #expect(error?.message.contains(String(live.port)) == true)
            }
        }
    }

    @Test("The socket and the address stand in ren.lock, and the socket goes with the service")
    func announces() async throws {
        let socket = try await withLiveService { live in
            let lock = try String(contentsOfFile: live.backend.session.directory.lock, encoding: .utf8)
            #expect(lock.contains(live.addresses.socket.split(separator: "/").last!))
            #expect(lock.contains(String(live.port)))
            return live.addresses.socket
        }
        #expect(!FileManager.default.fileExists(atPath: socket))
    }
}
