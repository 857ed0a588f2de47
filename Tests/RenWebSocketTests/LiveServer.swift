import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import Testing

@testable import RenWebSocket

/// Tests against a listening server, one at a time: what they measure is its speed and its deadlines.
@Suite("Over TCP", .serialized)
struct LiveTests {}

/// A listening server on a free port of loopback, for the length of one test.
struct LiveServer: Sendable {
    let port: Int
    let connections: ConnectionRegistry
    /// Begins a graceful shutdown; `run` then returns.
    let shutDown: @Sendable () async -> Void

    /// Deadlines of tests: short where the row waits for them, long where it must not.
    static var limits: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.lingerTimeout = .milliseconds(200)
        limits.closeGrace = .milliseconds(200)
        return limits
    }

    typealias Upgrade = @Sendable (UpgradeRequest) -> UpgradeVerdict

    static func run(
        _ limits: ConnectionLimits = LiveServer.limits,
        upgrade: @escaping Upgrade = { _ in .ordinary },
        _ body: @escaping @Sendable (LiveServer) async throws -> Void
    ) async throws {
        let connections = ConnectionRegistry(limits: limits)
        let builder = HTTPServerBuilder.renHTTP(
            limits: limits, connections: connections, isUnixSocket: false,
            problem: { request in
                var fields = HTTPFields()
                fields[.contentType] = "application/problem+json"
                return (fields, ByteBuffer(string: #"{"code":"\#(request.code)"}"#))
            },
            upgrade: upgrade)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let server = try builder.buildServer(
            configuration: ServerConfiguration(address: .hostname("127.0.0.1", port: 0)),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger,
            responder: { @concurrent request, writer, channel in try await respond(request, writer, channel) },
            onServerRunning: { channel in
                port.yield(channel.localAddress?.port ?? 0)
                port.finish()
            })
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [ServiceGroupConfiguration.ServiceConfiguration(service: server)], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask {
                let port = try #require(await ports.first { _ in true })
                do {
                    try await body(
                        LiveServer(
                            port: port, connections: connections, shutDown: { await group.triggerGracefulShutdown() }))
                } catch {
                    await group.triggerGracefulShutdown()
                    throw error
                }
                await group.triggerGracefulShutdown()
            }
            try await tasks.waitForAll()
        }
    }

    /// `/big`: 16 MiB. `/stream`: one line, then silence until the peer leaves. Otherwise the length of the body.
    @concurrent
    private static func respond(
        _ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel
    ) async throws {
        switch request.uri.path {
        case "/big":
            var body = try await writer.writeHead(
                HTTPResponse(status: .ok, headerFields: [.contentLength: String(16 * 1024 * 1024)]))
            let piece = ByteBuffer(repeating: 0x61, count: 1024 * 1024)
            for _ in 0..<16 { try await body.write(piece) }
            try await body.finish(nil)
        case "/stream":
            var body = try await writer.writeHead(HTTPResponse(status: .ok))
            try await body.write(ByteBuffer(string: "first\n"))
            try await request.body.consumeWithCancellationOnInboundClose { _ in
                try await Task.sleep(for: .seconds(3_600))  // ends by cancellation
            }
            try await body.finish(nil)
        default:
            let length = try await request.body.collect(upTo: .max).readableBytes
            let text = ByteBuffer(string: "\(request.method.rawValue) \(length)")
            try await writer.write(
                response: HTTPResponse(
                    status: .ok, headerFields: [.contentLength: String(text.readableBytes)]),
                body: ResponseBody(byteBuffer: text))
        }
    }

    func connect(reads: Bool = true) async throws -> RawClient {
        try await RawClient.connect(port: port, reads: reads)
    }

    /// The next good request, on a new connection, is answered. How soon, the tests of the release build tell.
    func expectGoodRequest() async throws {
        let client = try await connect()
        client.send("GET /ok HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        let answer = try await client.answer()
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix("GET 0"))
    }
}

/// Bytes out, bytes in, over one TCP connection.
final class RawClient: Sendable {
    struct TimedOut: Error {
        let received: String
    }

    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let received = Mutex(ByteBuffer())
        let signal: AsyncStream<Bool>.Continuation

        init(_ signal: AsyncStream<Bool>.Continuation) { self.signal = signal }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received.withLock { _ = $0.writeImmutableBuffer(unwrapInboundIn(data)) }
            signal.yield(true)
        }
        func channelInactive(context: ChannelHandlerContext) { signal.finish() }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    let channel: any Channel
    private let collector: Collector
    private let signals: AsyncStream<Bool>

    private init(_ channel: any Channel, _ collector: Collector, _ signals: AsyncStream<Bool>) {
        (self.channel, self.collector, self.signals) = (channel, collector, signals)
    }

    static func connect(port: Int, reads: Bool) async throws -> RawClient {
        let (signals, signal) = AsyncStream.makeStream(of: Bool.self)
        let collector = Collector(signal)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { $0.pipeline.addHandler(collector) }
            .connect(host: "127.0.0.1", port: port).get()
        return RawClient(channel, collector, signals)
    }

    /// What came so far.
    var received: ByteBuffer { collector.received.withLock { $0 } }
    var text: String { String(decoding: received.readableBytesView, as: UTF8.self) }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    func close() async throws { try await channel.close() }

    /// Waits until what came is as wanted, or the connection ends.
    @discardableResult
    func wait(limit: Duration = .seconds(20), until isThere: (ByteBuffer) -> Bool = { _ in false }) async throws -> Bool
    {
        let timer = channel.eventLoop.scheduleTask(in: TimeAmount(limit)) { [collector] in
            collector.signal.yield(false)
        }
        defer { timer.cancel() }
        if isThere(received) { return true }
        for await isMore in signals {
            if isThere(received) { return true }
            if !isMore { throw TimedOut(received: text) }
        }
        return isThere(received)
    }

    /// Everything up to the end of the connection, which the server must bring about.
    func answer(limit: Duration = .seconds(20)) async throws -> String {
        try await wait(limit: limit)
        return text
    }

    func wait(for marker: String, limit: Duration = .seconds(20)) async throws {
        guard
            try await wait(
                limit: limit, until: { String(decoding: $0.readableBytesView, as: UTF8.self).contains(marker) })
        else { throw TimedOut(received: text) }
    }
}
