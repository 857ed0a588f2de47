package import HTTPTypes
package import HummingbirdCore
import Logging
package import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOWebSocket

extension HTTPServerBuilder {
    /// HTTP/1 and WebSocket on one port.
    ///
    /// - Parameters:
    ///   - connections: shared by all listeners of one server.
    ///   - problem: fields and body of an answer given below the responder; length and `Connection` are added.
    ///   - upgrade: asked once per upgrade request, on an event loop: it must not block.
    package static func renHTTP(
        limits: ConnectionLimits,
        connections: ConnectionRegistry,
        isUnixSocket: Bool,
        problem: @escaping @Sendable (MalformedRequest) -> (HTTPFields, ByteBuffer),
        upgrade: @escaping @Sendable (UpgradeRequest) -> UpgradeVerdict
    ) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            WebSocketChannel(
                limits: limits, connections: connections, isUnixSocket: isUnixSocket, problem: problem,
                upgrade: upgrade, responder: responder)
        }
    }
}

/// What every accepted connection becomes: a guarded HTTP/1 connection, and a WebSocket if its first request asks
/// for one and `upgrade` accepts it.
///
/// ```
/// bytes ─ WriteWatch ─ encoder ─ RequestMeter ─ decoder ─ RequestGuard ─ upgrade ─┬─ codec ─ responder
///            └───────────────────── frame codec ─ WebSocketHandler ◀──────────────┘
/// ```
struct WebSocketChannel: HTTPChannelHandler {
    typealias Handler = @Sendable (WebSocketConnection) async -> Void

    /// What the first request made of the connection.
    enum Outcome: Sendable {
        case http(NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>)
        case webSocket(WebSocketConnection, Handler)
    }

    struct Value: ServerChildChannelValue {
        let channel: any Channel
        /// Fails when the connection ends before its first request.
        let outcome: EventLoopFuture<Outcome>
    }

    private struct Accepted {
        let subprotocol: String?
        let isTrusted: Bool
        let handler: Handler
    }

    let limits: ConnectionLimits
    let connections: ConnectionRegistry
    let isUnixSocket: Bool
    let problem: RequestGuard.Problem
    let upgrade: @Sendable (UpgradeRequest) -> UpgradeVerdict
    let responder: Responder

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        guard let connection = connections.admit(channel, isUnixSocket: isUnixSocket) else {
            channel.close(promise: nil)
            let refused: EventLoopFuture<Outcome> = channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
            return channel.eventLoop.makeSucceededFuture(Value(channel: channel, outcome: refused))
        }
        return channel.eventLoop.makeCompletedFuture {
            Value(channel: channel, outcome: try configure(channel, connection))
        }
    }

    func handle(value: Value, logger: Logger) async {
        let outcome: Outcome
        do {
            outcome = try await value.outcome.get()
        } catch {
            logger.trace("connection ended before its first request", metadata: ["error": "\(error)"])
            value.channel.close(promise: nil)  // closed already, unless the upgrade itself failed
            return
        }
        switch outcome {
        case .http(let channel):
            await handleHTTP(asyncChannel: channel, logger: logger)
        case .webSocket(let connection, let handler):
            await handler(connection)
            await connection.close(1000, reason: "")
        }
    }

    /// Builds the pipeline of HTTP. On an upgrade the guard leaves first, so that it never sees WebSocket bytes.
    private func configure(
        _ channel: any Channel, _ connection: TrackedConnection
    ) throws -> EventLoopFuture<Outcome> {
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderFieldSize = limits.headBytesMax
        decoding.maxHeaderListSize = limits.headBytesMax
        decoding.maxHeaderFieldCount = limits.headFieldsMax

        let accepted = NIOLoopBoundBox<Accepted?>(nil, eventLoop: channel.eventLoop)
        let requests = RequestGuard(limits: limits, connection: connection, problem: problem) { head in
            let upgrade = self.decide(head, connection)
            if case .success(let upgrade?) = upgrade { accepted.value = upgrade }
            return switch upgrade {
            case .success(.none): .ordinary
            case .success(.some): .accepted
            case .failure(let refused): .refused(refused.request)
            }
        }
        let meter = RequestMeter(requests)
        let encoder = HTTPResponseEncoder()
        let decoder = ByteToMessageHandler(
            HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: decoding))
        let upgrading = NIOTypedHTTPServerUpgradeHandler<Outcome>(
            httpEncoder: encoder, extraHTTPHandlers: [requests, meter, decoder],
            upgradeConfiguration: NIOTypedHTTPServerUpgradeConfiguration(
                upgraders: [upgrader(connection, accepted)],
                notUpgradingCompletionHandler: { channel in
                    channel.eventLoop.makeCompletedFuture { .http(try Self.wrap(channel)) }
                }))
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(WriteWatch(limits: limits))
        try pipeline.addHandler(encoder)
        try pipeline.addHandler(meter)
        try pipeline.addHandler(decoder)
        try pipeline.addHandler(requests)
        try pipeline.addHandler(upgrading)
        return upgrading.upgradeResultFuture
    }

    private static func wrap(
        _ channel: any Channel
    ) throws -> NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart> {
        try channel.pipeline.syncOperations.addHandler(HTTP1ToHTTPServerCodec(secure: false))
        return try NIOAsyncChannel(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }

    /// Carries out what the guard accepted before the request came here.
    private func upgrader(
        _ connection: TrackedConnection, _ accepted: NIOLoopBoundBox<Accepted?>
    ) -> NIOTypedWebSocketServerUpgrader<Outcome> {
        NIOTypedWebSocketServerUpgrader(
            maxFrameSize: limits.frameBytesMax, enableAutomaticErrorHandling: false,
            shouldUpgrade: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    accepted.value.map { accepted in
                        HTTPHeaders(accepted.subprotocol.map { [("sec-websocket-protocol", $0)] } ?? [])
                    }
                }
            },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    guard let accepted = accepted.value else { throw ChannelError.inappropriateOperationForState }
                    let socket = WebSocketConnection(
                        channel: channel, limits: self.limits, isUnixSocket: self.isUnixSocket)
                    let handler = WebSocketHandler(
                        socket: socket, tracked: connection, limits: self.limits, isTrusted: accepted.isTrusted)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    return .webSocket(socket, accepted.handler)
                }
            })
    }

    /// Asks `upgrade`, and the registry for a place. Nil: the responder answers.
    private func decide(
        _ head: HTTPRequestHead, _ connection: TrackedConnection
    ) -> Result<Accepted?, RequestRefused> {
        var headers = HTTPFields(head.headers, splitCookie: false)
        // The conversion drops Host, which HTTPTypes keeps as `authority`; whoever checks it looks here.
        if let host = head.headers.first(name: "host"), let name = HTTPField.Name("Host") {
            headers[name] = host
        }
        let request = UpgradeRequest(method: .get, path: head.uri, headers: headers, isUnixSocket: isUnixSocket)
        guard case .accept(let subprotocol, let isTrusted, let handler) = upgrade(request) else {
            return .success(nil)
        }
        guard !connection.isReserved, connection.open(isTrusted: isTrusted) else {
            return .failure(RequestRefused(request: .tooManySockets))
        }
        return .success(Accepted(subprotocol: subprotocol, isTrusted: isTrusted, handler: handler))
    }
}
