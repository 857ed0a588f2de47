import NIOCore
import Testing

@testable import RenWebSocket

/// What a peer sends, and what it must see.
struct RequestRow: Sendable, CustomTestStringConvertible {
    enum Wanted: Sendable, Equatable {
        /// This status and code, and the connection closed.
        case refused(Int, String)
        case answered(String)
    }

    let name: String
    let bytes: [UInt8]
    let wanted: Wanted

    init(_ name: String, _ text: String, _ wanted: Wanted) { self.init(name, Array(text.utf8), wanted) }
    init(_ name: String, _ bytes: [UInt8], _ wanted: Wanted) {
        (self.name, self.bytes, self.wanted) = (name, bytes, wanted)
    }

    /// A POST with the given fields, after which nothing follows but `body`.
    static func post(_ name: String, _ fields: String, _ body: String = "", _ wanted: Wanted) -> RequestRow {
        RequestRow(name, "POST / HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n\r\n\(body)", wanted)
    }

    var testDescription: String { name }
}

private let malformed = RequestRow.Wanted.refused(400, "http.malformed")
private let tooLarge = RequestRow.Wanted.refused(431, "headers.too_large")
private let bodyTooLarge = RequestRow.Wanted.refused(413, "body.too_large")
private let close = "Connection: close\r\n"

private let framing: [RequestRow] = [
    .post("length and chunks together", "Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n", malformed),
    .post("chunks and length together", "Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n", malformed),
    .post("chunked, identity", "Transfer-Encoding: chunked, identity", "0\r\n\r\n", malformed),
    .post("gzip, chunked", "Transfer-Encoding: gzip, chunked", "0\r\n\r\n", malformed),
    .post("identity", "Transfer-Encoding: identity", "", malformed),
    .post("two transfer encodings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n", malformed),
    .post("two different lengths", "Content-Length: 5\r\nContent-Length: 6", "hello!", malformed),
    .post("two equal lengths", "Content-Length: 5\r\nContent-Length: 5", "hello", malformed),
    .post("a list of lengths", "Content-Length: 5, 5", "hello", malformed),
    .post("a negative length", "Content-Length: -5", "hello", malformed),
    .post("a length with a sign", "Content-Length: +5", "hello", malformed),
    .post("a length in hexadecimal", "Content-Length: 0x5", "hello", malformed),
    .post("a length beyond 64 bits", "Content-Length: 99999999999999999999", "", malformed),
    .post("a chunk size that is no number", "Transfer-Encoding: chunked", "xyz\r\n", malformed),
    .post("a space before the colon", "Content-Length : 5", "hello", malformed),
    .post("a folded field", "X-A: 1\r\n 2", "", malformed),
    .post("a bare carriage return", "X-A: 1\rX-B: 2", "", malformed),
    .post("a zero byte in a field", "X-A: 1\u{0}2", "", malformed),
]
private let heads: [RequestRow] = [
    RequestRow("no Host", "GET / HTTP/1.1\r\n\r\n", malformed),
    RequestRow("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", malformed),
    RequestRow("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", malformed),
    RequestRow("HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", malformed),
    RequestRow("HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", malformed),
    RequestRow("an unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(501, "http.method_unknown")),
    RequestRow("a method in small letters", "get / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(501, "http.method_unknown")),
    RequestRow("a long word", "\(String(repeating: "A", count: 33)) / HTTP/1.1\r\nHost: a\r\n\r\n", malformed),
    RequestRow("no version", "GET /\r\n\r\n", malformed),
    RequestRow(
        "a TLS hello",
        [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03] + [UInt8](repeating: 7, count: 506),
        malformed),
    RequestRow("zero bytes", [UInt8](repeating: 0, count: 64), malformed),
    RequestRow("a target that is not ASCII", "GET /é HTTP/1.1\r\nHost: a\r\n\r\n", malformed),
    RequestRow("a target with a host", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", malformed),
    RequestRow("CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", malformed),
    RequestRow(
        "a WebSocket with a body",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nab", .answered("GET 2")),
    RequestRow(
        "a line of 64 KiB", "GET /\(String(repeating: "a", count: 65_536)) HTTP/1.1\r\nHost: a\r\n\r\n",
        .refused(414, "uri.too_long")),
    RequestRow(
        "a line of 8 KiB and one", "GET /\(String(repeating: "a", count: 8_177)) HTTP/1.1\r\nHost: a\r\n\(close)\r\n",
        .refused(414, "uri.too_long")),
    RequestRow(
        "a line of 8 KiB", "GET /\(String(repeating: "a", count: 8_176)) HTTP/1.1\r\nHost: a\r\n\(close)\r\n",
        .answered("GET 0")),
    .post("a field of 100 KiB", "X-A: \(String(repeating: "a", count: 102_400))", "", tooLarge),
    .post(
        "fields of 17 KiB",
        (0..<17).map { "X-\($0): \(String(repeating: "a", count: 1_020))" }.joined(separator: "\r\n"), "", tooLarge),
    .post("65 fields", (1..<65).map { "X-\($0): 1" }.joined(separator: "\r\n"), "", tooLarge),
    .post(
        "64 fields",
        (1..<62).map { "X-\($0): 1" }.joined(separator: "\r\n") + "\r\nContent-Length: 0\r\nConnection: close", "",
        .answered("POST 0")),
    RequestRow("HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", .answered("GET 0")),
    RequestRow("HTTP/1.0 with keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", .answered("GET 0")),
    RequestRow(
        "an upgrade that nobody accepts", "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        .answered("GET 0")),
]
private let bodies: [RequestRow] = [
    .post("a length over the limit, at once", "Content-Length: 1048577", "", bodyTooLarge),
    .post(
        "a length over the limit that waits for 100", "Content-Length: 1048577\r\nExpect: 100-continue", "",
        bodyTooLarge),
    .post(
        "chunks over the limit, at the limit", "Transfer-Encoding: chunked",
        "100001\r\n\(String(repeating: "a", count: 1_048_577))", bodyTooLarge),
    .post(
        "a body at the limit", "Content-Length: 1048576\r\nConnection: close", String(repeating: "a", count: 1_048_576),
        .answered("POST 1048576")),
    .post(
        "chunks at the limit", "Transfer-Encoding: chunked\r\nConnection: close",
        "100000\r\n\(String(repeating: "a", count: 1_048_576))\r\n0\r\n\r\n", .answered("POST 1048576")),
    .post("100 Continue", "Content-Length: 2\r\nExpect: 100-continue\r\nConnection: close", "ab", .answered("POST 2")),
]

extension LiveTests {
    @Suite("Request guard, over TCP")
    struct RequestGuardTests {
        @Test("Framing, heads and bodies", arguments: framing + heads + bodies)
        func rows(_ row: RequestRow) async throws {
            try await LiveServer.run { server in
                let client = try await server.connect()
                client.send(row.bytes)
                let answer = try await client.answer()
                switch row.wanted {
                case .refused(let status, let code):
                    #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer.prefix(200))")
                    #expect(answer.hasSuffix(#"{"code":"\#(code)"}"#), "\(answer.prefix(200))")
                    #expect(answer.lowercased().contains("connection: close"))
                    #expect(answer.components("HTTP/1.1 ") == 1)
                case .answered(let body):
                    #expect(
                        answer.contains("HTTP/1.1 200 OK\r\n") || answer.contains("HTTP/1.0 200 OK\r\n"),
                        "\(answer.prefix(200))")
                    #expect(answer.hasSuffix("\r\n\r\n\(body)"), "\(answer.prefix(200))")
                }
                try await server.expectGoodRequest()
            }
        }

        @Test("100 Continue comes before the body is sent")
        func continues() async throws {
            try await LiveServer.run { server in
                let client = try await server.connect()
                client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
                try await client.wait(for: "HTTP/1.1 100 Continue\r\n\r\n")
                client.send("ab")
                try await client.wait(for: "POST 2")
                try await client.close()
            }
        }

        @Test("Pipelined requests are answered in order on one connection")
        func pipelining() async throws {
            try await LiveServer.run { server in
                let client = try await server.connect()
                client.send(
                    "GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                        + "GET /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                let answer = try await client.answer()
                #expect(answer.components("HTTP/1.1 200 OK") == 3)
                #expect(answer.hasSuffix("GET 0") && answer.contains("POST 3"))
            }
        }

        @Test("A bad request behind a good one is refused after the answer to the good one")
        func pipelinedRefusal() async throws {
            try await LiveServer.run { server in
                let client = try await server.connect()
                client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
                let answer = try await client.answer()
                #expect(answer.hasPrefix("HTTP/1.1 200 OK") && answer.contains("GET 0HTTP/1.1 400 "))
                try await server.expectGoodRequest()
            }
        }

        @Test("A peer that ends its side still gets the whole answer")
        func halfClose() async throws {
            try await LiveServer.run { server in
                let client = try await server.connect(reads: false)
                client.send("GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                try await client.channel.close(mode: .output)
                try await client.channel.setOption(.autoRead, value: true).get()
                let answer = try await client.answer()
                #expect(answer.utf8.count > 16 * 1024 * 1024)
            }
        }

        // MARK: Deadlines

        /// A peer that stops somewhere, or goes on too slowly.
        struct SlowRow: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let first: String
            /// Sent every 20 ms.
            let drop: String
            let answer: String
        }

        @Test(
            "Deadlines hold however steadily the bytes come",
            arguments: [
                SlowRow(testDescription: "an idle connection", first: "", drop: "", answer: ""),
                SlowRow(
                    testDescription: "an unfinished head", first: "GET / HTTP/1.1\r\n", drop: "",
                    answer: "HTTP/1.1 408 "),
                SlowRow(
                    testDescription: "a head in drops", first: "GET / HTTP/1.1\r\nX: ", drop: "a",
                    answer: "HTTP/1.1 408 "),
                SlowRow(
                    testDescription: "an unfinished body",
                    first: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
                    drop: "", answer: "HTTP/1.1 408 "),
                SlowRow(
                    testDescription: "a body in drops",
                    first: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n",
                    drop: "a", answer: "HTTP/1.1 408 "),
                SlowRow(
                    testDescription: "chunks in drops",
                    first: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", drop: "1\r\na\r\n",
                    answer: "HTTP/1.1 408 "),
            ])
        func deadlines(_ row: SlowRow) async throws {
            var limits = LiveServer.limits
            (limits.idleTimeout, limits.headTimeout) = (.milliseconds(200), .milliseconds(200))
            limits.bodyTimeout = .milliseconds(200)
            try await LiveServer.run(limits) { server in
                let client = try await server.connect()
                client.send(row.first)
                let drops = client.channel.eventLoop.scheduleRepeatedTask(
                    initialDelay: .milliseconds(20), delay: .milliseconds(20)
                ) { [channel = client.channel] _ in
                    if !row.drop.isEmpty { channel.writeAndFlush(ByteBuffer(string: row.drop), promise: nil) }
                }
                defer { drops.cancel() }
                let start = ContinuousClock.now
                let answer = try await client.answer()
                #expect(answer.hasPrefix(row.answer) && answer.isEmpty == row.answer.isEmpty)
                #expect(ContinuousClock.now - start > .milliseconds(150))
                try await server.expectGoodRequest()
            }
        }

        @Test("A keep-alive connection is closed when no further request comes")
        func keepAlive() async throws {
            var limits = LiveServer.limits
            limits.idleTimeout = .milliseconds(200)
            try await LiveServer.run(limits) { server in
                let client = try await server.connect()
                client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                let answer = try await client.answer()
                #expect(answer.hasSuffix("GET 0"))
            }
        }

        @Test("A peer that stops reading its answer is closed")
        func writeDeadline() async throws {
            var limits = LiveServer.limits
            limits.writeTimeout = .milliseconds(200)
            try await LiveServer.run(limits) { server in
                let client = try await server.connect(reads: false)
                client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
                try await expectSoon { server.connections.connectionCount == 1 }
                try await expectSoon { server.connections.connectionCount == 0 }
                try await client.close()
                try await server.expectGoodRequest()
            }
        }

        @Test("A stream with nothing to write outlives every deadline, and ends when its peer leaves")
        func quietStream() async throws {
            var limits = LiveServer.limits
            (limits.writeTimeout, limits.idleTimeout) = (.milliseconds(50), .milliseconds(50))
            limits.bodyTimeout = .milliseconds(50)
            try await LiveServer.run(limits) { server in
                let client = try await server.connect()
                client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
                try await client.wait(for: "first\n")
                await #expect(throws: RawClient.TimedOut.self) { try await client.wait(limit: .milliseconds(300)) }
                #expect(client.channel.isActive && server.connections.connectionCount == 1)
                try await client.close()
            }
        }

        // MARK: Numbers

        @Test("500 idle connections: the oldest make room, and a good request is answered")
        func idleFlood() async throws {
            try await LiveServer.run { server in
                var clients: [RawClient] = []
                for _ in 0..<500 { clients.append(try await server.connect()) }
                try await expectSoon { server.connections.connectionCount <= 128 }
                try await server.expectGoodRequest()
                #expect(try await clients[0].answer().isEmpty)
                #expect(clients[499].channel.isActive)
                // or just closed by us
                for client in clients where client.channel.isActive { try? await client.close() }
            }
        }

        @Test("With all connections busy a reserved one answers once, and the rest are refused")
        func busyFlood() async throws {
            var limits = LiveServer.limits
            (limits.connectionsMax, limits.reservedConnections) = (8, 2)
            limits.reservedLifetime = .milliseconds(300)
            try await LiveServer.run(limits) { server in
                var streams: [RawClient] = []
                for _ in 0..<8 {
                    let client = try await server.connect()
                    client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
                    try await client.wait(for: "first\n")
                    streams.append(client)
                }
                let reserved = try await server.connect()
                reserved.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try await reserved.answer().lowercased().contains("connection: close"))
                try await expectSoon { server.connections.connectionCount == 8 }

                let held = [try await server.connect(), try await server.connect()]
                try await expectSoon { server.connections.connectionCount == 10 }
                #expect(try await server.connect().answer().isEmpty)
                for client in held { #expect(try await client.answer().isEmpty) }  // their short life is over
                try await expectSoon { server.connections.connectionCount == 8 }
                try await server.expectGoodRequest()
                for client in streams {
                    #expect(client.channel.isActive)
                    try await client.close()
                }
            }
        }
    }
}

/// Waits for a condition; fails after 10 s.
func expectSoon(_ isThere: () -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(20)
    while !isThere(), ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(5)) }
    #expect(isThere())
}

extension String {
    /// How often `part` occurs.
    func components(_ part: String) -> Int {
        var (count, rest) = (0, self[...])
        while let range = rest.firstRange(of: part) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
