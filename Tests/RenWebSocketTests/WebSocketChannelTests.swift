import HTTPTypes
import NIOCore
import Synchronization
import Testing

@testable import RenWebSocket

/// What the handler of a socket does in these tests.
private typealias Handler = @Sendable (WebSocketConnection) async -> Void

private func accept(_ isTrusted: Bool = true, _ handler: @escaping Handler) -> LiveServer.Upgrade {
    { request in
        guard request.path.hasPrefix("/ws") else { return .ordinary }
        return .accept(subprotocol: "ren.v1", isTrusted: isTrusted, handler: handler)
    }
}

/// Sends every text back.
private let echo: Handler = { socket in
    for await text in socket.messages {
        do { try await socket.send(ByteBuffer(string: text)) } catch { return }
    }
}

extension LiveServer {
    /// An upgraded socket; what it received begins after the head of the answer.
    fileprivate func webSocket(reads: Bool = true, path: String = "/ws?a=1") async throws -> RawClient {
        let client = try await connect(reads: true)
        client.send(
            "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Protocol: ren.v1\r\n\r\n")
        try await client.wait(for: "\r\n\r\n")
        if !reads { try await client.channel.setOption(.autoRead, value: false).get() }
        return client
    }
}

extension RawClient {
    /// Whole frames after the head: opcode and payload. Server frames are never masked or fragmented.
    fileprivate var frames: [(opcode: UInt8, payload: [UInt8])] {
        let bytes = Array(received.readableBytesView)
        guard let head = text.firstRange(of: "\r\n\r\n") else { return [] }
        var at = text[..<head.upperBound].utf8.count
        var frames: [(UInt8, [UInt8])] = []
        while at + 2 <= bytes.count {
            var (length, begin) = (Int(bytes[at + 1]), at + 2)
            if length == 126 {
                guard at + 4 <= bytes.count else { break }
                (length, begin) = (Int(bytes[at + 2]) << 8 | Int(bytes[at + 3]), at + 4)
            } else if length == 127 {
                guard at + 10 <= bytes.count else { break }
                (length, begin) = (bytes[(at + 2)..<(at + 10)].reduce(0) { $0 << 8 | Int($1) }, at + 10)
            }
            guard begin + length <= bytes.count else { break }
            frames.append((bytes[at] & 0x0f, Array(bytes[begin..<(begin + length)])))
            at = begin + length
        }
        return frames
    }

    fileprivate func send(_ frames: Frame...) { send(frames.flatMap(\.bytes)) }

    /// The code of the close frame that came, if one did.
    fileprivate var closeCode: UInt16? {
        guard let payload = frames.first(where: { $0.opcode == 8 })?.payload, payload.count >= 2 else { return nil }
        return UInt16(payload[0]) << 8 | UInt16(payload[1])
    }
}

/// Lines from several tasks.
private final class Log: Sendable {
    private let state = Mutex<[String]>([])
    var lines: [String] { state.withLock { $0 } }
    func add(_ line: String) { state.withLock { $0.append(line) } }
}

extension LiveTests {
    @Suite("WebSocket channel, over TCP")
    struct WebSocketChannelTests {
        @Test("The handshake of RFC 6455, 1.3, then an echo and an orderly close")
        func handshake() async throws {
            try await LiveServer.run(upgrade: accept(true, echo)) { server in
                let client = try await server.webSocket()
                #expect(client.text.hasPrefix("HTTP/1.1 101 "))
                #expect(client.text.lowercased().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="))
                #expect(client.text.lowercased().contains("sec-websocket-protocol: ren.v1"))
                client.send(.text("Hello"), Frame(opcode: 9, payload: [1]), .close(1000))
                try await client.wait()
                #expect(Set(client.frames.map(\.opcode)).isSuperset(of: [8, 10]))
                #expect(client.closeCode == 1000)
                try await server.expectGoodRequest()
            }
        }

        @Test("A frame sent together with the upgrade request is not lost")
        func earlyFrame() async throws {
            try await LiveServer.run(upgrade: accept(true, echo)) { server in
                let client = try await server.connect()
                client.send(
                    Array(
                        ("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").utf8)
                        + Frame.text("early").bytes)
                try await client.wait(for: "early")
                try await client.close()
            }
        }

        @Test(
            "An upgrade that is not accepted is answered by the responder",
            arguments: [
                ("another path", "/other", "13"), ("another version", "/ws", "8"),
            ])
        func notUpgraded(_ name: String, _ path: String, _ version: String) async throws {
            try await LiveServer.run(upgrade: accept(true, echo)) { server in
                let client = try await server.connect()
                client.send(
                    "GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: \(version)\r\n\r\n")
                let answer = try await client.answer()
                #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.lowercased().contains("connection: close"))
            }
        }

        @Test("Host comes with the upgrade request, and two of them never do")
        func upgradeRequest() async throws {
            let seen = Mutex<[String]>([])
            let upgrade: LiveServer.Upgrade = { request in
                seen.withLock {
                    $0.append("\(request.method) \(request.path) \(request.headers[values: .init("Host")!])")
                }
                return .ordinary
            }
            try await LiveServer.run(upgrade: upgrade) { server in
                for hosts in ["Host: a\r\n", "Host: a\r\nHost: b\r\n", ""] {
                    let client = try await server.connect()
                    client.send(
                        "GET /ws?x=1 HTTP/1.1\r\n\(hosts)Connection: Upgrade\r\nUpgrade: websocket\r\n"
                            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
                    _ = try await client.answer()
                }
            }
            #expect(seen.withLock { $0 } == [#"GET /ws?x=1 ["a"]"#])
        }

        struct Violation: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let bytes: [UInt8]
            let code: UInt16
        }

        @Test(
            "A peer that breaks a rule sees the close code",
            arguments: [
                Violation(
                    testDescription: "unmasked", bytes: Frame(opcode: 1, payload: [1], isMasked: false).bytes,
                    code: 1002),
                Violation(testDescription: "reserved bits", bytes: Frame(opcode: 1, reserved: 4).bytes, code: 1002),
                Violation(testDescription: "unknown opcode", bytes: Frame(opcode: 3).bytes, code: 1002),
                Violation(testDescription: "fragmented ping", bytes: Frame(opcode: 9, fin: false).bytes, code: 1002),
                Violation(
                    testDescription: "long ping",
                    bytes: Frame(opcode: 9, payload: .init(repeating: 1, count: 126)).bytes,
                    code: 1002),
                Violation(testDescription: "binary", bytes: Frame(opcode: 2, payload: [1]).bytes, code: 1003),
                Violation(testDescription: "not UTF-8", bytes: Frame(opcode: 1, payload: [0xff]).bytes, code: 1007),
                Violation(
                    testDescription: "a frame over 64 KiB, at its header",
                    bytes: Array(Frame(opcode: 1, payload: .init(repeating: 0x61, count: 65_537)).bytes.prefix(14)),
                    code: 1009),
                Violation(
                    testDescription: "a frame of 2^63 bytes",
                    bytes: [0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
                    code: 1009),
                Violation(
                    testDescription: "a message over 256 KiB",
                    bytes: Frame(opcode: 1, fin: false).bytes
                        + (0..<5).flatMap { _ in Frame.more([UInt8](repeating: 0x61, count: 60_000), fin: false).bytes },
                    code: 1009),
                Violation(testDescription: "invalid close code", bytes: Frame.close(1005).bytes, code: 1002),
            ])
        func violations(_ row: Violation) async throws {
            try await LiveServer.run(upgrade: accept(true, echo)) { server in
                let client = try await server.webSocket()
                client.send(row.bytes)
                try await client.wait()
                #expect(client.closeCode == row.code)
                try await server.expectGoodRequest()
            }
        }

        @Test("A message of 256 KiB in frames of 64 KiB comes back")
        func largeMessage() async throws {
            try await LiveServer.run(upgrade: accept(true, echo)) { server in
                let client = try await server.webSocket()
                let quarter = [UInt8](repeating: 0x61, count: 65_536)
                client.send(
                    Frame(opcode: 1, payload: quarter, fin: false), .more(quarter, fin: false),
                    .more(quarter, fin: false), .more(quarter, fin: true))
                try await client.wait { _ in client.frames.contains { $0.payload.count == 4 * 65_536 } }
                #expect(client.frames.map(\.payload.count) == [4 * 65_536])
                try await client.close()
            }
        }

        @Test("Messages beyond the inbox wait in the peer and all arrive in order")
        func inboundBackpressure() async throws {
            let seen = Mutex<[String]>([])
            let (gate, open) = AsyncStream.makeStream(of: Void.self)
            let handler: Handler = { socket in
                for await _ in gate {}
                for await text in socket.messages { seen.withLock { $0.append(text) } }
            }
            try await LiveServer.run(upgrade: accept(true, handler)) { server in
                let client = try await server.webSocket()
                let wanted = (0..<2_000).map { "\($0)" }
                client.send(wanted.flatMap { Frame.text($0).bytes })
                open.finish()
                try await expectSoon { seen.withLock { $0.count } == wanted.count }
                #expect(seen.withLock { $0 } == wanted)
                try await client.close()
            }
        }

        @Test("A peer that never reads fills its queue and is closed; others are not held up")
        func slowReader() async throws {
            let result = Mutex<Int?>(nil)
            let handler: Handler = { socket in
                var sent = 0
                let message = ByteBuffer(repeating: 0x61, count: 10_000)
                while socket.trySend(message) { sent += 1 }
                await socket.close(1013, reason: "resume after \(sent)")
                result.withLock { $0 = sent }
            }
            try await LiveServer.run(upgrade: accept(true, handler)) { server in
                let client = try await server.webSocket(reads: false)
                try await expectSoon { result.withLock { $0 != nil } }
                #expect(try #require(result.withLock { $0 }) >= 100)
                try await expectSoon { server.connections.connectionCount == 0 }
                try await server.expectGoodRequest()
                try await client.close()
            }
        }

        @Test("The queue holds 1,000 messages and says when it is full")
        func queueLimit() async throws {
            var limits = LiveServer.limits
            limits.queueMessagesMax = 10
            let counts = Mutex<[Bool]>([])
            let handler: Handler = { socket in
                // The loop cannot drain between these: it is the one that waits.
                let loop = socket.eventLoop
                let results = try? await loop.submit {
                    (0..<12).map { socket.trySend(ByteBuffer(string: "\($0)")) }
                }.get()
                counts.withLock { $0 = results ?? [] }
                for await _ in socket.messages {}
            }
            try await LiveServer.run(limits, upgrade: accept(true, handler)) { server in
                let client = try await server.webSocket()
                try await client.wait { _ in client.frames.count == 10 }
                #expect(counts.withLock { $0 } == [Bool](repeating: true, count: 10) + [false, false])
                try await client.close()
            }
        }

        @Test("send waits for room, and every message arrives")
        func outboundBackpressure() async throws {
            var limits = LiveServer.limits
            (limits.queueMessagesMax, limits.queueBytesMax) = (4, 4_000)
            let handler: Handler = { socket in
                for number in 0..<5_000 {
                    do {
                        try await socket.send(ByteBuffer(string: "\(number) " + String(repeating: "a", count: 900)))
                    } catch {
                        return
                    }
                }
                await socket.close(1000, reason: "")
            }
            try await LiveServer.run(limits, upgrade: accept(true, handler)) { server in
                let client = try await server.webSocket()
                try await client.wait()
                let numbers = client.frames.filter { $0.opcode == 1 }.map {
                    String(decoding: $0.payload.prefix { $0 != 32 }, as: UTF8.self)
                }
                #expect(numbers == (0..<5_000).map { "\($0)" })
                #expect(client.closeCode == 1000)
            }
        }

        @Test("send ends with an error when the peer leaves or the task is cancelled")
        func sendEnds() async throws {
            let errors = Log()
            var limits = LiveServer.limits
            limits.queueMessagesMax = 2
            let handler: Handler = { socket in
                let sending = Task { () -> String in
                    do {
                        while true { try await socket.send(ByteBuffer(repeating: 0x61, count: 60_000)) }
                    } catch {
                        return "\(type(of: error))"
                    }
                }
                if await socket.messages.first(where: { _ in true }) == "cancel" { sending.cancel() }
                errors.add(await sending.value)
            }
            try await LiveServer.run(limits, upgrade: accept(true, handler)) { server in
                for word in ["cancel", nil] {
                    let client = try await server.webSocket(reads: false)
                    if let word { client.send(.text(word)) } else { try await client.close() }
                    try await expectSoon { server.connections.webSocketCount == 0 }
                    try? await client.close()  // may be closed already
                }
            }
            #expect(errors.lines == ["CancellationError", "WebSocketClosed"])
        }

        // MARK: Time and numbers

        @Test("An untrusted socket is closed with 4401; a trusted one stays")
        func untrustedTime() async throws {
            var limits = LiveServer.limits
            limits.untrustedTimeout = .milliseconds(500)
            let handler: Handler = { socket in
                for await text in socket.messages {
                    if text == "token" { socket.trust() }
                    _ = socket.trySend(ByteBuffer(string: text))
                }
            }
            try await LiveServer.run(limits, upgrade: accept(false, handler)) { server in
                let silent = try await server.webSocket()
                let known = try await server.webSocket()
                known.send(.text("token"))
                try await known.wait(for: "token")
                try await silent.wait()
                #expect(silent.closeCode == 4401)
                known.send(.text(String(repeating: "x", count: 5_000)))
                try await known.wait(for: "xxxx")
                #expect(known.channel.isActive)
                try await known.close()
            }
        }

        @Test("An untrusted socket that sends more than 4 KiB is closed with 1009")
        func untrustedBytes() async throws {
            try await LiveServer.run(upgrade: accept(false, { for await _ in $0.messages {} })) { server in
                let client = try await server.webSocket()
                client.send(.text(String(repeating: "x", count: 4_097)))
                try await client.wait()
                #expect(client.closeCode == 1009)
            }
        }

        @Test("Eight sockets may wait for authentication; trust and departure make room")
        func untrustedSockets() async throws {
            let handler: Handler = { socket in for await _ in socket.messages { socket.trust() } }
            try await LiveServer.run(upgrade: accept(false, handler)) { server in
                var clients: [RawClient] = []
                for _ in 0..<8 { clients.append(try await server.webSocket()) }
                let ninth = try await server.webSocket()
                #expect(try await ninth.answer().hasSuffix(#"{"code":"websocket.too_many"}"#))
                #expect(ninth.text.hasPrefix("HTTP/1.1 503 "))
                clients[0].send(.text("token"), Frame(opcode: 9))
                try await clients[0].wait { _ in clients[0].frames.contains { $0.opcode == 10 } }
                try await clients[1].close()
                try await expectSoon { server.connections.webSocketCount == 7 }
                for _ in 0..<2 {
                    let client = try await server.webSocket()
                    #expect(client.text.hasPrefix("HTTP/1.1 101 "))
                    clients.append(client)
                }
                for client in clients where client.channel.isActive { try await client.close() }
            }
        }

        @Test("A peer that pings while it does not read gets the answer to its last ping when it reads on")
        func owedPong() async throws {
            let (steps, step) = AsyncStream.makeStream(of: Void.self)
            let handler: Handler = { socket in
                // A queue that is full at the beginning of a turn of the loop was not drained by the turn before; the
                // kernel may still move for a while.
                var fullTurns = 0
                while fullTurns < 100 {
                    do {
                        let isMoving = try await socket.eventLoop.submit { Self.fill(socket) }.get()
                        fullTurns = isMoving ? 0 : fullTurns + 1
                    } catch { return }
                }
                step.yield()
                _ = await socket.messages.first { _ in true }
                step.yield()
                do { try await socket.send(ByteBuffer(string: "the last")) } catch { return }
                for await _ in socket.messages {}
            }
            try await LiveServer.run(upgrade: accept(true, handler)) { server in
                let client = try await server.webSocket(reads: false)
                var next = steps.makeAsyncIterator()
                await next.next()
                client.send(
                    Frame(opcode: 9, payload: [1]), Frame(opcode: 9, payload: [2]), Frame(opcode: 9, payload: [3]),
                    .text("go"))
                await next.next()
                try await client.channel.setOption(.autoRead, value: true).get()
                try await client.wait { $0.readableBytesView.suffix(8).elementsEqual("the last".utf8) }
                #expect(client.frames.last { $0.opcode == 10 }?.payload == [3])
                try await client.close()
            }
        }

        /// False when there was no room at all.
        private static func fill(_ socket: WebSocketConnection) -> Bool {
            let message = ByteBuffer(repeating: 0x61, count: 60_000)
            guard socket.trySend(message) else { return false }
            while socket.trySend(message) {}
            return true
        }

        @Test("A peer that answers no ping is closed")
        func pings() async throws {
            var limits = LiveServer.limits
            (limits.pingInterval, limits.pongTimeout) = (.milliseconds(50), .milliseconds(200))
            try await LiveServer.run(limits, upgrade: accept(true, echo)) { server in
                let client = try await server.webSocket()
                try await client.wait()
                #expect(client.frames.filter { $0.opcode == 9 }.count >= 2)
                #expect(client.closeCode == 1001)
            }
        }

        @Test("Graceful shutdown closes every socket with 1001, also one that does not answer")
        func shutdown() async throws {
            let ended = Mutex(0)
            let handler: Handler = { socket in
                for await _ in socket.messages {}
                ended.withLock { $0 += 1 }
            }
            try await LiveServer.run(upgrade: accept(true, handler)) { server in
                let clients = [try await server.webSocket(), try await server.webSocket()]
                await server.shutDown()
                for client in clients {
                    try await client.wait()
                    #expect(client.closeCode == 1001)
                }
            }
            #expect(ended.withLock { $0 } == 2)
        }
    }
}
