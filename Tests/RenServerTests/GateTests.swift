import Foundation
import HTTPTypes
import Ren
import RenAPI
import RenCore
import RenJournal
import RenServer
import Testing

@Suite("Gate")
struct GateTests {
    static let token = String(repeating: "t", count: TokenFile.tokenBytes)
    static let gate = Gate(token: token, address: ListenAddress(host: "127.0.0.1", port: 7360))

    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var method = HTTPRequest.Method.get
        var path = "/api/v1/runs"
        var headers: [(String, String)]
        var access = Route.Access.token
        var isUnixSocket = false
        /// Nil: it passes.
        var code: String?
        var status = 0

        var testDescription: String { name }

        static func host(_ host: String, _ code: String? = "host.refused", _ status: Int = 421) -> Row {
            Row(name: "Host \(host)", headers: [("Host", host), bearer], code: code, status: status)
        }

        static func origin(_ origin: String, _ code: String? = "origin.refused") -> Row {
            Row(name: "Origin \(origin)", headers: [ours, bearer, ("Origin", origin)], code: code, status: 403)
        }
    }

    static let ours = ("Host", "127.0.0.1:7360")
    static let bearer = ("Authorization", "Bearer \(token)")
    static func navigation(_ site: String, mode: String = "navigate", dest: String = "document") -> [(String, String)] {
        [ours, ("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", dest)]
    }

    static let rows: [Row] = [
        .host("127.0.0.1:7360", nil), .host("localhost:7360", nil), .host("[::1]:7360", nil),
        .host("LocalHost:7360", nil), .host("Evil.test:7360"),
        .host("evil.test"), .host("evil.test:7360"), .host("127.0.0.1.evil.test:7360"),
        .host("localhost.evil.test:7360"), .host("0.0.0.0:7360"), .host("localhost"), .host("127.0.0.1"),
        .host("127.0.0.1:7361"), .host("localhost:7360:7360"), .host("127.0.0.1:07360"), .host("user@localhost:7360"),
        .host("localhost.:7360"), .host("10.0.0.1:7360"), .host("127.1:7360"), .host(" "),
        Row(name: "no Host", headers: [bearer], code: "http.malformed", status: 400),
        Row(name: "two Hosts", headers: [ours, ours, bearer], code: "http.malformed", status: 400),
        .origin("http://127.0.0.1:7360", nil), .origin("HTTP://127.0.0.1:7360", nil),
        .origin("null"), .origin("http://evil.test"), .origin("https://127.0.0.1:7360"), .origin("http://127.0.0.1"),
        .origin("http://localhost:7360"), .origin("http://127.0.0.1:73600"), .origin("http://127.0.0.1:7360/"),
        .origin(""),
        Row(
            name: "two Origins", headers: [ours, bearer, ("Origin", "http://127.0.0.1:7360"), ("Origin", "null")],
            code: "origin.refused", status: 403),
        Row(
            name: "preflight of another origin", method: .options,
            headers: [ours, ("Origin", "http://evil.test"), ("Access-Control-Request-Method", "POST")],
            code: "origin.refused", status: 403),
        Row(
            name: "another origin on an open route", path: "/health/live",
            headers: [ours, ("Origin", "http://evil.test")], access: .open, code: "origin.refused", status: 403),
        Row(
            name: "image of another site", headers: navigation("cross-site", mode: "no-cors", dest: "image") + [bearer],
            code: "origin.refused", status: 403),
        Row(
            name: "same site, other origin", headers: navigation("same-site") + [bearer], code: "origin.refused",
            status: 403),
        Row(name: "our own page", headers: navigation("same-origin", mode: "cors", dest: "empty") + [bearer]),
        Row(name: "typed address", path: "/", headers: navigation("none"), access: .page),
        Row(name: "link of another site to us", path: "/", headers: navigation("cross-site"), access: .page),
        Row(
            name: "link of another site to the docs", path: "/docs", headers: navigation("cross-site"), access: .open,
            code: "origin.refused", status: 403),
        Row(
            name: "link of another site to an event", path: "/runs/x/journal?seq=1",
            headers: navigation("cross-site"), access: .page),
        Row(
            name: "console in a frame", path: "/", headers: navigation("cross-site", dest: "iframe"), access: .page,
            code: "origin.refused", status: 403),
        Row(
            name: "form to the console", method: .post, path: "/", headers: navigation("cross-site"), access: .page,
            code: "origin.refused", status: 403),
        Row(name: "no token", headers: [ours], code: "auth.required", status: 401),
        Row(name: "token", headers: [ours, bearer]),
        Row(name: "scheme in lower case", headers: [ours, ("Authorization", "bearer \(token)")]),
        Row(name: "no token on an open route", headers: [ours], access: .open),
        Row(name: "wrong token", headers: [ours, ("Authorization", "Bearer x")], code: "auth.invalid", status: 401),
        Row(
            name: "token and more", headers: [ours, ("Authorization", "Bearer \(token)x")], code: "auth.invalid",
            status: 401),
        Row(name: "empty token", headers: [ours, ("Authorization", "Bearer")], code: "auth.invalid", status: 401),
        Row(
            name: "another scheme", headers: [ours, ("Authorization", "Basic \(token)")], code: "auth.invalid",
            status: 401),
        Row(
            name: "two tokens", headers: [ours, bearer, ("Authorization", "Bearer x")], code: "auth.invalid",
            status: 401),
        Row(
            name: "wrong token on an open route", headers: [ours, ("Authorization", "Bearer x")], access: .open,
            code: "auth.invalid", status: 401),
        Row(
            name: "token in the query", path: "/api/v1/runs?token=\(token)", headers: [ours],
            code: "auth.query_token_refused", status: 401),
        Row(
            name: "token in the query, written otherwise", path: "/api/v1/runs?limit=1&%74oken=x",
            headers: [ours, bearer], code: "auth.query_token_refused", status: 401),
        Row(
            name: "access_token in the query", path: "/?access_token=x", headers: [ours], access: .open,
            code: "auth.query_token_refused", status: 401),
        Row(
            name: "token among the sub-protocols",
            headers: [ours, ("Sec-WebSocket-Protocol", "ren.v1, ren.token.\(token)")]),
        Row(
            name: "wrong token among the sub-protocols",
            headers: [ours, ("Sec-WebSocket-Protocol", "ren.v1, ren.token.x")], access: .open, code: "auth.invalid",
            status: 401),
        Row(name: "Unix socket", headers: [("Host", "whatever")], isUnixSocket: true),
        Row(name: "Unix socket without Host", headers: [], isUnixSocket: true),
        Row(
            name: "Unix socket with an Origin", headers: [ours, ("Origin", "http://127.0.0.1:7360")],
            isUnixSocket: true, code: "origin.refused", status: 403),
    ]

    @Test("lets in whom it should", arguments: rows)
    func judges(_ row: Row) {
        var headers = HTTPFields()
        for (name, value) in row.headers { headers.append(HTTPField(name: HTTPField.Name(name)!, value: value)) }
        let verdict = Self.gate.judge(
            method: row.method, path: row.path, headers: headers, access: row.access, isUnixSocket: row.isUnixSocket)
        switch verdict {
        case .passed(let isTrusted):
            #expect(row.code == nil)
            let showsToken = row.headers.contains { $0.1.hasSuffix(Self.token) }
            #expect(isTrusted == (row.isUnixSocket || showsToken))
        case .refused(let problem):
            #expect(problem.error.code.rawValue == row.code)
            #expect(problem.status == row.status)
        }
    }

    @Test(
        "A service for others goes by its own address",
        arguments: [
            ("10.0.0.5", "10.0.0.5:7360", true), ("10.0.0.5", "10.0.0.6:7360", false),
            ("box.lan", "box.lan:7360", true), ("Box.lan", "bOX.lan:7360", true), ("0.0.0.0", "10.0.0.6:7360", true),
            ("0.0.0.0", "[fe80::1]:7360", true),
            ("0.0.0.0", "0.0.0.0:7360", false), ("0.0.0.0", "evil.test:7360", false), ("::", "[::]:7360", false),
            ("::", "::1:7360", false),
        ])
    func remoteHosts(_ listens: String, _ host: String, _ passes: Bool) {
        let gate = Gate(token: Self.token, address: ListenAddress(host: listens, port: 7360))
        let verdict = gate.judge(
            method: .get, path: "/", headers: [.host: host], access: .open, isUnixSocket: false)
        #expect((verdict == .passed(isTrusted: false)) == passes)
    }

    @Test("Port 80 is left out by browsers")
    func plainPort() {
        let gate = Gate(token: Self.token, address: ListenAddress(host: "127.0.0.1", port: 80))
        for host in ["localhost", "localhost:80"] {
            let headers: HTTPFields = [.host: host, .origin: "http://\(host)"]
            let verdict = gate.judge(method: .get, path: "/", headers: headers, access: .open, isUnixSocket: false)
            #expect(verdict == .passed(isTrusted: false))
        }
    }

    // MARK: Secrets

    @Test("A code is good once, for a minute, and sixteen are kept")
    func linkCodes() {
        let links = LinkCodes()
        let start = ContinuousClock.now
        let code = links.make(now: start)
        #expect(!links.redeem("", now: start))
        #expect(links.redeem(code, now: start))
        #expect(!links.redeem(code, now: start))

        let late = links.make(now: start)
        #expect(!links.redeem(late, now: start + LinkCodes.lifetime))

        let codes = (0...LinkCodes.codesMax).map { _ in links.make(now: start) }
        #expect(!links.redeem(codes[0], now: start))
        #expect(links.redeem(codes[1], now: start))
    }

    @Test("The token is made once, for its owner alone")
    func tokenFile() throws {
        let folder = NSTemporaryDirectory() + "ren-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let directory = DataDirectory(folder)
        try directory.prepare()
        let file = TokenFile(directory)
        #expect(try file.read() == nil)
        let token = try file.open()
        #expect(token.utf8.count == TokenFile.tokenBytes)
        #expect(try file.open() == token)
        #expect(try file.read() == token)
        let mode = try FileManager.default.attributesOfItem(atPath: directory.token)[.posixPermissions] as? Int
        #expect(mode == 0o600)

        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: directory.token)
        #expect(throws: RenError.self) { try file.open() }
        #expect(code { try file.read() } == "token.permissions")

        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: directory.token)
        try Data("short\n".utf8).write(to: URL(fileURLWithPath: directory.token))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: directory.token)
        #expect(code { try file.read() } == "token.invalid")

        try FileManager.default.removeItem(atPath: directory.token)
        try FileManager.default.createSymbolicLink(atPath: directory.token, withDestinationPath: "/dev/null")
        #expect(code { try file.open() } == "token.failed")
    }

    private func code(_ body: () throws -> some Any) -> String? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? RenError)?.code.rawValue
        }
    }
}
