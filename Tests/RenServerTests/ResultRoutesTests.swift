import Foundation
import Ren
import RenCore
import RenJSON
import RenJournal
import Testing

@Suite("Results over HTTP", .timeLimit(.minutes(2)))
struct ResultRoutesTests {
    private static let path = "/api/v1/runs/r/artifacts/\(ReadingFixture.hash)"

    @Test("The output of a run, when it has one")
    func result() async throws {
        try await ReadingFixture.with { fixture in
            let result = try await fixture.get("/api/v1/runs/r/result")
            #expect(result.status == 200 && result.json["name"] == "pages.txt")
            try await fixture.prepare()
            _ = try await fixture.start("halves", id: "odd", input: ["n": 3])
            try await fixture.wait(for: "failed", of: "odd")
            let failed = try await fixture.get("/api/v1/runs/odd/result")
            #expect(failed.status == 409 && failed.code == "run.no_result")
            _ = try await fixture.start("asks", id: "asked")
            let open = try await fixture.get("/api/v1/runs/asked/result")
            #expect(open.status == 409 && open.code == "run.not_ended")
            #expect(try await fixture.get("/api/v1/runs/none/result").status == 404)
        }
    }

    @Test("The artifacts of a run are listed, and given out by their hash")
    func artifacts() async throws {
        try await ReadingFixture.with { fixture in
            let list = try await fixture.get("/api/v1/runs/r/artifacts").json
            #expect(list["items"]?.arrayValue?.map { $0["name"] } == ["pages.txt"] && list["next"] == .null)
            let file = try await fixture.get(Self.path)
            #expect(file.status == 200 && file.body == ReadingFixture.artifact)
            #expect(file.headers["content-type"] == "application/octet-stream")
            #expect(file.headers["x-content-type-options"] == "nosniff")
            #expect(file.headers["content-disposition"]?.hasPrefix("attachment") == true)
            let tag = try #require(file.headers["etag"])
            let known = try await fixture.get(Self.path, headers: ["If-None-Match": tag])
            #expect(known.status == 304 && known.body.isEmpty)
        }
    }

    @Test(
        "Ranges",
        arguments: [
            ("bytes=0-9", 0..<10), ("bytes=990-", 990..<1000), ("bytes=-10", 990..<1000), ("bytes=-5000", 0..<1000),
            ("bytes=999-99999999999999999999", 999..<1000), ("bytes=0-1,5-6", nil), ("lines=0-1", nil),
            ("bytes=9-1", nil),
            ("bytes=x-1", nil), ("bytes=-", nil),
        ])
    func ranges(_ range: String, _ bytes: Range<Int>?) async throws {
        try await ReadingFixture.with { fixture in
            let part = try await fixture.get(Self.path, headers: ["Range": range])
            #expect(part.status == (bytes == nil ? 200 : 206))
            #expect(part.body == Array(ReadingFixture.artifact[bytes ?? 0..<1000]))
            let shown = bytes.map { "bytes \($0.lowerBound)-\($0.upperBound - 1)/1000" }
            #expect(part.headers["content-range"] == shown)
            let other = try await fixture.get(Self.path, headers: ["Range": range, "If-Range": "\"other\""])
            #expect(other.status == 200)
        }
    }

    @Test("A range outside of the file", arguments: ["bytes=1000-", "bytes=5000-6000", "bytes=-0"])
    func outside(_ range: String) async throws {
        try await ReadingFixture.with { fixture in
            let answer = try await fixture.get(Self.path, headers: ["Range": range])
            #expect(answer.status == 416 && answer.code == "range.invalid")
            #expect(answer.headers["content-range"] == "bytes */1000")
        }
    }

    @Test("Only files that the run's results name are given out, and no links")
    func guarded() async throws {
        try await ReadingFixture.with { fixture in
            let folder = fixture.session.directory.artifacts
            // It is there, but of no result of this run.
            let other = Digest(hashing: [1])
            try Data([1]).write(to: URL(fileURLWithPath: "\(folder)/\(other)"))
            for hash in ["\(other)", "..%2F..%2Ftoken", String(repeating: "0", count: 64), "x"] {
                let answer = try await fixture.get("/api/v1/runs/r/artifacts/\(hash)")
                #expect(answer.status == 404 && answer.code == "artifact.not_found", "\(hash)")
            }
            let file = "\(folder)/\(ReadingFixture.hash)"
            try FileManager.default.removeItem(atPath: file)
            try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: "\(folder)/\(other)")
            #expect(try await fixture.get(Self.path).status == 404)
        }
    }
}
