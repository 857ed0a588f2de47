import Foundation
import RenServer
import Testing

@Suite("The console's files")
struct ConsoleTests {
    private static let pages = [
        "/", "/runs", "/runs?status=failed", "/runs/x", "/runs/x/nodes/y?state=failed", "/runs/x/items/y/a%2Fb",
        "/runs/x/timeline", "/runs/x/logs", "/runs/x/journal?seq=1", "/runs/x/replay", "/flows", "/flows/x@abc",
        "/functions", "/functions/x.y", "/workers", "/journal", "/settings",
    ]

    @Test("Every address of a page gives the same page, without data and without a token")
    func pages() async throws {
        try await withLiveService { live in
            let page = try await live.ask("GET", "/", headers: [("Authorization", "")])
            #expect(page.status == 200)
            #expect(page.headers["content-type"] == "text/html; charset=utf-8")
            #expect(page.text.contains("/console/main.js"))
            for path in Self.pages {
                let other = try await live.ask("GET", path, headers: [("Authorization", "")])
                #expect(other.status == 200 && other.body == page.body, "\(path)")
            }
        }
    }

    @Test("Nothing inline, nothing of others, and the name of the content as the tag")
    func headers() async throws {
        try await withLiveService { live in
            for (path, type) in [
                ("/", "text/html"), ("/console/main.js", "text/javascript"), ("/console/style.css", "text/css"),
                ("/console/pages/home.js", "text/javascript"), ("/console/favicon.svg", "image/svg+xml"),
            ] {
                let answer = try await live.ask("GET", path, headers: [("Authorization", "")])
                #expect(answer.status == 200, "\(path)")
                #expect(answer.headers["content-type"]?.hasPrefix(type) == true, "\(path)")
                #expect(answer.headers["x-content-type-options"] == "nosniff")
                #expect(answer.headers["cache-control"] == "no-cache")
                let policy = try #require(answer.headers["content-security-policy"])
                #expect(policy.hasPrefix("default-src 'self'; connect-src 'self' ws:;"))
                #expect(!policy.contains("unsafe"))
                let tag = try #require(answer.headers["etag"])
                let known = try await live.ask("GET", path, headers: [("If-None-Match", tag)])
                #expect(known.status == 304 && known.body.isEmpty, "\(path)")
            }
        }
    }

    @Test(
        "What is no file of the console is not found",
        arguments: [
            "/console/none.js", "/console/pages/none.js", "/console/python/ren", "/console/..%2Ffiles.h",
            "/console/%2e%2e/files.h", "/console/.", "/console/main", "/console/MAIN.js",
        ])
    func noFile(_ path: String) async throws {
        try await withLiveService { live in
            let answer = try await live.ask("GET", path)
            #expect(answer.status == 404)
        }
    }

    @Test("The page is guarded as all is: by Host and Origin")
    func gate() async throws {
        try await withLiveService { live in
            #expect(try await live.ask("GET", "/runs", headers: [("Host", "evil.test")]).status == 421)
            let foreign = try await live.ask("GET", "/console/main.js", headers: [("Origin", "http://evil.test")])
            #expect(foreign.status == 403)
        }
    }
}
