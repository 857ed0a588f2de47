import NIOCore
import NIOWebSocket

/// RFC 6455 from the server's side: frames and time in, actions out. No channel, no clock, no handler.
///
/// Length limits of single frames and the shape of control frames are checked by NIO's decoder, which sees the
/// length before the payload; its errors come in through `decodingFailed`.
struct WebSocketMachine {
    /// What is to be done, in order.
    enum Action: Equatable {
        case deliver(String)
        case ping(ByteBuffer)
        case pong(ByteBuffer)
        /// Send this close frame (no code: an empty one) and nothing after it.
        case close(UInt16?, String, AfterClose)
        /// The peer answered our close frame: end the connection.
        case end
    }

    /// What follows a close frame of ours.
    enum AfterClose: Equatable {
        /// The peer must answer it.
        case awaitReply
        /// The peer broke a rule: nothing it still says matters.
        case shutOutput
        /// It was itself the answer.
        case end
    }

    private enum State: Equatable { case open, closeSent, ended }
    /// A message whose last fragment has not come.
    private struct Partial { var bytes: ByteBuffer }

    private let limits: ConnectionLimits
    private var state = State.open
    private var partial: Partial?
    private var isTrusted: Bool
    private var untrustedBytes = 0
    private var trustBy: NIODeadline
    private var nextPing: NIODeadline
    private var unansweredPingAt: NIODeadline?
    private var pings: UInt64 = 0
    /// The code the connection ended with; 1006 as long as no close frame was exchanged.
    private(set) var closeCode: UInt16 = 1006

    init(limits: ConnectionLimits, isTrusted: Bool, now: NIODeadline) {
        self.limits = limits
        self.isTrusted = isTrusted
        trustBy = now + TimeAmount(limits.untrustedTimeout)
        nextPing = now + TimeAmount(limits.pingInterval)
    }

    var isOpen: Bool { state == .open }

    // MARK: From the peer

    mutating func receive(_ frame: WebSocketFrame) -> [Action] {
        unansweredPingAt = nil
        guard state == .open else {
            guard state == .closeSent, frame.opcode == .connectionClose else { return [] }
            state = .ended
            return [.end]
        }
        guard frame.maskKey != nil else { return fail(1002, "a client frame is not masked") }
        guard !frame.rsv1, !frame.rsv2, !frame.rsv3 else { return fail(1002, "a reserved bit is set") }
        if !isTrusted {
            untrustedBytes += frame.length
            guard untrustedBytes <= limits.untrustedBytesMax else {
                return fail(1009, "more than \(limits.untrustedBytesMax) bytes before authentication")
            }
        }
        switch frame.opcode {
        case .text:
            guard partial == nil else { return fail(1002, "a message began inside another") }
            return take(frame.unmaskedData, isLast: frame.fin)
        case .continuation:
            guard partial != nil else { return fail(1002, "a continuation of nothing") }
            return take(frame.unmaskedData, isLast: frame.fin)
        case .binary:
            return fail(1003, "only text messages are spoken here")
        case .ping:
            return controlFault(frame) ?? [.pong(frame.unmaskedData)]
        case .pong:
            return controlFault(frame) ?? []
        case .connectionClose:
            return controlFault(frame) ?? answerClose(frame.unmaskedData)
        default:
            return fail(1002, "unknown opcode")
        }
    }

    /// The decoder gave up on the bytes of the peer.
    mutating func decodingFailed(_ error: NIOWebSocketError) -> [Action] {
        guard state == .open else { return [.end] }
        return switch error {
        case .invalidFrameLength: fail(1009, "a frame is longer than \(limits.frameBytesMax) bytes")
        case .fragmentedControlFrame: fail(1002, "a control frame is fragmented")
        case .multiByteControlFrameLength: fail(1002, "a control frame is longer than 125 bytes")
        }
    }

    private mutating func take(_ bytes: ByteBuffer, isLast: Bool) -> [Action] {
        guard bytes.readableBytes <= limits.frameBytesMax else {
            return fail(1009, "a frame is longer than \(limits.frameBytesMax) bytes")
        }
        let length = (partial?.bytes.readableBytes ?? 0) + bytes.readableBytes
        guard length <= limits.messageBytesMax else {
            return fail(1009, "a message is longer than \(limits.messageBytesMax) bytes")
        }
        var message = partial?.bytes ?? ByteBuffer()
        partial = nil  // so that the buffer is appended to in place
        message.writeImmutableBuffer(bytes)
        guard isLast else {
            partial = Partial(bytes: message)
            return []
        }
        guard let text = String(validating: message.readableBytesView, as: UTF8.self) else {
            return fail(1007, "a text message is not UTF-8")
        }
        return [.deliver(text)]
    }

    private mutating func controlFault(_ frame: WebSocketFrame) -> [Action]? {
        guard frame.fin else { return decodingFailed(.fragmentedControlFrame) }
        guard frame.length <= 125 else { return decodingFailed(.multiByteControlFrameLength) }
        return nil
    }

    private mutating func answerClose(_ payload: ByteBuffer) -> [Action] {
        var payload = payload
        guard payload.readableBytes > 0 else {
            (state, closeCode) = (.ended, 1005)
            return [.close(nil, "", .end)]
        }
        guard let code = payload.readInteger(as: UInt16.self) else {
            return fail(1002, "a close frame of one byte")
        }
        guard Self.mayBeSent(code) else { return fail(1002, "a close code that must not be sent") }
        guard String(validating: payload.readableBytesView, as: UTF8.self) != nil else {
            return fail(1007, "a close reason is not UTF-8")
        }
        (state, closeCode) = (.ended, code)
        return [.close(code, "", .end)]
    }

    /// RFC 6455, 7.4, and the codes registered since.
    private static func mayBeSent(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    // MARK: From us

    /// The peer has authenticated itself.
    mutating func trust() {
        isTrusted = true
    }

    /// Begins the closing handshake. Nothing when it has begun already.
    mutating func close(_ code: UInt16, reason: String) -> [Action] {
        guard state == .open else { return [] }
        (state, closeCode) = (.closeSent, code)
        return [.close(code, reason, .awaitReply)]
    }

    private mutating func fail(_ code: UInt16, _ reason: String) -> [Action] {
        (state, closeCode, partial) = (.closeSent, code, nil)
        return [.close(code, reason, .shutOutput)]
    }

    // MARK: Time

    /// When `tick` has something to do.
    var deadline: NIODeadline {
        guard state == .open else { return .distantFuture }
        let pongBy = unansweredPingAt.map { $0 + TimeAmount(limits.pongTimeout) } ?? .distantFuture
        return min(nextPing, pongBy, isTrusted ? .distantFuture : trustBy)
    }

    /// - Parameter isFlowing: false while nothing is read from the peer, or something waits that it does not take. Our
    ///   pings are then late and its pongs unseen; `WriteWatch` knows whether it is alive.
    mutating func tick(now: NIODeadline, isFlowing: Bool) -> [Action] {
        guard state == .open else { return [] }
        if !isTrusted, now >= trustBy {
            return fail(4401, "no authentication in \(limits.untrustedTimeout)")
        }
        if !isFlowing { unansweredPingAt = nil }
        if let since = unansweredPingAt, now - since >= TimeAmount(limits.pongTimeout) {
            return fail(1001, "no pong in \(limits.pongTimeout)")
        }
        guard now >= nextPing else { return [] }
        nextPing = now + TimeAmount(limits.pingInterval)
        unansweredPingAt = unansweredPingAt ?? now
        pings += 1
        return [.ping(ByteBuffer(integer: pings))]
    }
}
