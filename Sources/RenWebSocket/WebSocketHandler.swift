import NIOCore
import NIOWebSocket

/// Carries out what `WebSocketMachine` decides, on the event loop of one socket.
final class WebSocketHandler: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = Never
    typealias OutboundIn = Never
    typealias OutboundOut = WebSocketFrame

    private let socket: WebSocketConnection
    private let tracked: TrackedConnection
    private let limits: ConnectionLimits
    private var machine: WebSocketMachine
    private var context: ChannelHandlerContext?
    private var isReadHeld = false
    /// Payload of the peer's last ping, as long as the channel takes nothing.
    private var owedPong: ByteBuffer?
    private var timer: (due: NIODeadline, task: Scheduled<Void>)?
    private var grace: Scheduled<Void>?

    init(socket: WebSocketConnection, tracked: TrackedConnection, limits: ConnectionLimits, isTrusted: Bool) {
        self.socket = socket
        self.tracked = tracked
        self.limits = limits
        machine = WebSocketMachine(limits: limits, isTrusted: isTrusted, now: .now())
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        socket.attach(self)
        schedule(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.task.cancel()
        grace?.cancel()
        self.context = nil
        socket.ended(machine.closeCode)
    }

    // MARK: From the peer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        perform(machine.receive(unwrapInboundIn(data)), context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? NIOWebSocketError {
            perform(machine.decodingFailed(error), context)
        } else if !(error is ByteToMessageDecoderError) {  // that one repeats after the first, until the end
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            context.close(promise: nil)
        case is ChannelShouldQuiesceEvent:
            perform(machine.close(1001, reason: "the server is shutting down"), context)
        case is CloseIfIdle:
            tracked.keep()
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func read(context: ChannelHandlerContext) {
        isReadHeld = machine.isOpen && !socket.mayRead()
        if !isReadHeld { context.read() }
    }

    // MARK: From the handler

    func trust() {
        machine.trust()
        tracked.trust()
    }

    func resumeReading() {
        guard isReadHeld, let context else { return }
        isReadHeld = false
        context.read()
    }

    /// The queue ends with a close frame: it has `closeGrace` to get out.
    func closeRequested() {
        guard let context else { return }
        startGrace(context)
        drain()
    }

    /// Writes from the queue as long as the channel takes it.
    func drain() {
        guard let context else { return }
        var mustFlush = false
        while machine.isOpen, context.channel.isWritable, let next = socket.nextOutgoing() {
            switch next {
            case .text(let bytes):
                context.write(wrapOutboundOut(WebSocketFrame(fin: true, opcode: .text, data: bytes)), promise: nil)
                mustFlush = true
            case .close(let code, let reason):
                perform(machine.close(code, reason: reason), context)
                mustFlush = false
            }
        }
        if mustFlush { context.flush() }
        socket.wakeWriters()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            if machine.isOpen, let pong = owedPong.take() { send(.pong, pong, context) }
            drain()
        }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Actions

    private func perform(_ actions: [WebSocketMachine.Action], _ context: ChannelHandlerContext) {
        for action in actions {
            switch action {
            case .deliver(let text): socket.received(text)
            case .ping(let data): send(.ping, data, context)
            case .pong(let data): answerPing(data, context)
            case .close(let code, let reason, let next): sendClose(code, reason, next, context)
            case .end: context.close(promise: nil)
            }
        }
    }

    /// Answers at once, or only the last ping when the peer reads slower than it pings (RFC 6455, 5.5.3), so that
    /// no pongs pile up.
    private func answerPing(_ data: ByteBuffer, _ context: ChannelHandlerContext) {
        if context.channel.isWritable {
            send(.pong, data, context)
        } else {
            owedPong = data
        }
    }

    private func send(_ opcode: WebSocketOpcode, _ data: ByteBuffer, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: opcode, data: data)), promise: nil)
    }

    private func sendClose(
        _ code: UInt16?, _ reason: String, _ next: WebSocketMachine.AfterClose, _ context: ChannelHandlerContext
    ) {
        var payload = context.channel.allocator.buffer(capacity: 2 + reason.utf8.count)
        if let code { payload.writeInteger(code) }
        payload.writeString(Self.fitting(reason))
        let frame = WebSocketFrame(fin: true, opcode: .connectionClose, data: payload)
        startGrace(context)
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        switch next {
        case .awaitReply: context.read()  // the inbox may have held reading
        case .shutOutput, .end: context.close(mode: .output, promise: nil)
        }
        socket.ended(machine.closeCode)
    }

    /// The longest beginning of `reason` that a control frame takes.
    private static func fitting(_ reason: String) -> String {
        var reason = reason
        while reason.utf8.count > 123 { reason.removeLast() }
        return reason
    }

    // MARK: Time

    private func startGrace(_ context: ChannelHandlerContext) {
        guard grace == nil else { return }
        let loop = context.eventLoop.assumeIsolated()
        grace = loop.scheduleTask(in: TimeAmount(limits.closeGrace)) { context.close(promise: nil) }
    }

    private func schedule(_ context: ChannelHandlerContext) {
        let due = machine.deadline
        guard due < timer?.due ?? .distantFuture else { return }
        timer?.task.cancel()
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: due) {
            self.timer = nil
            let isFlowing = !self.isReadHeld && context.channel.isWritable
            self.perform(self.machine.tick(now: .now(), isFlowing: isFlowing), context)
            self.schedule(context)
        }
        timer = (due, task)
    }
}
