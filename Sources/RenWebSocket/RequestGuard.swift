import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Holds one HTTP connection to its limits, between the decoder and everything that answers.
///
/// One request at a time passes: what a peer pipelines waits here until the answer before it is written. A request
/// that breaks a rule is answered here, and the connection then lingers: output is shut, input is thrown away until
/// the peer closes or `lingerTimeout` has passed.
final class RequestGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart
    typealias Problem = @Sendable (MalformedRequest) -> (HTTPFields, ByteBuffer)

    /// How far the current request was read.
    private enum Reading { case idle, head, body, complete }
    /// How far its answer was written.
    private enum Answer { case none, started, complete }
    private enum Held { case part(HTTPServerRequestPart), refusal(MalformedRequest) }

    /// What becomes of a request that asks for a WebSocket.
    enum Upgrade { case accepted, ordinary, refused(MalformedRequest) }

    private let limits: ConnectionLimits
    private let connection: TrackedConnection
    private let problem: Problem
    private let upgrade: (HTTPRequestHead) -> Upgrade

    private var reading = Reading.idle
    private var answer = Answer.none
    private var head: HTTPRequestHead?
    private var bodyBytes = 0
    private var lineBytes = 0
    private var isLineComplete = false
    private var hasMethod = false
    private var held: [Held] = []
    private var isReadHeld = false
    /// Only the first request of a connection can be upgraded.
    private var isFirst = true
    private var isInputClosed = false
    private var isLastAnswer = false
    /// Done when the last answer is with the kernel.
    private var answerWritten: EventLoopFuture<Void>?
    private var isLingering = false
    private var isOutputShut = false
    private var context: ChannelHandlerContext?

    private var deadline = NIODeadline.distantFuture
    private var lifeEnd = NIODeadline.distantFuture
    private var timer: (due: NIODeadline, task: Scheduled<Void>)?

    init(
        limits: ConnectionLimits, connection: TrackedConnection, problem: @escaping Problem,
        upgrade: @escaping (HTTPRequestHead) -> Upgrade
    ) {
        self.limits = limits
        self.connection = connection
        self.problem = problem
        self.upgrade = upgrade
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if connection.isReserved {
            isLastAnswer = true
            lifeEnd = .now() + TimeAmount(limits.reservedLifetime)
        }
        expect(within: limits.idleTimeout, context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.task.cancel()
        timer = nil
        self.context = nil
    }

    // MARK: Requests

    /// Looks at bytes before they are decoded. False: they are not to be decoded.
    ///
    /// Only here the length of a request line can be told from that of the fields. A head that begins in the same
    /// bytes as the end of a body is not seen; the decoder's limit holds for it.
    func bytesArrived(_ bytes: ByteBuffer) -> Bool {
        guard !isLingering, let context else { return false }
        if reading == .idle {
            reading = .head
            (lineBytes, isLineComplete) = (0, false)
            hasMethod = RequestRules.beginWithMethod(bytes.readableBytesView)
            expect(within: limits.headTimeout, context)
        }
        guard reading == .head, !isLineComplete else { return true }
        if let end = bytes.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
            lineBytes += end - bytes.readerIndex + 1
            isLineComplete = true
        } else {
            lineBytes += bytes.readableBytes
        }
        guard lineBytes > limits.requestLineBytesMax else { return true }
        refuse(.lineTooLong(limits))
        return false
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        take(.part(unwrapInboundIn(data)), context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isLingering else { return }
        if let error = error as? HTTPParserError {
            take(.refusal(RequestRules.refusal(for: error, hasMethod: hasMethod, limits: limits)), context)
        } else if !(error is ByteToMessageDecoderError) {  // repeats while the refusal waits for an answer before it
            context.fireErrorCaught(error)
        }
    }

    private func take(_ next: Held, _ context: ChannelHandlerContext) {
        guard !isLingering else { return }
        guard reading != .complete else {
            held.append(next)
            return
        }
        switch next {
        case .refusal(let request): refuse(request)
        case .part(.head(let head)): begin(head, context)
        case .part(.body(let bytes)):
            bodyBytes += bytes.readableBytes
            if bodyBytes > limits.bodyBytesMax {
                refuse(.bodyTooLarge(limits))
            } else {
                context.fireChannelRead(wrapInboundOut(.body(bytes)))
            }
        case .part(.end(let trailers)):
            reading = .complete
            deadline = .distantFuture
            context.fireChannelRead(wrapInboundOut(.end(trailers)))
            if answer == .complete { finish(context) }
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        connection.becomeBusy()
        self.head = head
        reading = .body
        answer = .none
        bodyBytes = 0
        if let refusal = RequestRules.refusal(of: head, limits: limits) {
            refuse(refusal)
            return
        }
        isLastAnswer = isLastAnswer || !head.isKeepAlive || head.version == .http1_0
        var head = head
        if head.method == .CONNECT || head.headers.contains(name: "upgrade") {
            isLastAnswer = true  // the decoder stops after such a request, so nothing can follow it
            switch RequestRules.asksForWebSocket(head) && isFirst ? upgrade(head) : .ordinary {
            case .accepted: break
            case .ordinary:
                // NIO's upgrade handler loses the head of a request whose upgrade it does not carry out.
                head.headers.remove(name: "upgrade")
            case .refused(let refusal):
                refuse(refusal)
                return
            }
        }
        isFirst = false
        expect(within: limits.bodyTimeout, context)
        if head.headers[canonicalForm: "expect"].contains(where: { $0.lowercased() == "100-continue" }) {
            let go = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(go)), promise: nil)
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isLingering else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(var response):
            if response.status.code >= 200 { answer = .started }
            response.version = head?.version ?? .http1_1  // no chunks for a peer that does not know them
            if isLastAnswer, answer == .started { response.headers.replaceOrAdd(name: "connection", value: "close") }
            context.write(wrapOutboundOut(.head(response)), promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            answer = .complete
            let written = promise ?? context.eventLoop.makePromise(of: Void.self)
            answerWritten = written.futureResult
            context.write(data, promise: written)
            if isLastAnswer {
                linger(context)
            } else if reading == .complete {
                finish(context)
            }
        }
    }

    /// Both sides of one exchange are through: what was held back gets its turn.
    private func finish(_ context: ChannelHandlerContext) {
        (reading, answer, head) = (.idle, .none, nil)
        connection.becomeIdle()
        expect(within: limits.idleTimeout, context)
        let waiting = held
        held = []
        for next in waiting { take(next, context) }
        if !waiting.isEmpty { context.fireChannelReadComplete() }
        if isReadHeld, held.isEmpty {
            isReadHeld = false
            context.read()
        }
        if reading == .idle, isInputClosed { linger(context) }
    }

    /// Answers a request that broke a rule, unless an answer has begun, and ends the connection.
    func refuse(_ request: MalformedRequest) {
        guard !isLingering, let context else { return }
        guard answer == .none else {
            context.close(promise: nil)  // the answer is cut short, and the peer sees that it is
            return
        }
        let (fields, body) = problem(request)
        var headers = HTTPHeaders(fields)
        headers.replaceOrAdd(name: "content-length", value: String(body.readableBytes))
        headers.replaceOrAdd(name: "connection", value: "close")
        let response = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: request.status), headers: headers)
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        if head?.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        let written = context.eventLoop.makePromise(of: Void.self)
        answerWritten = written.futureResult
        context.write(wrapOutboundOut(.end(nil)), promise: written)
        linger(context)
        context.fireErrorCaught(RequestRefused(request: request))
    }

    // MARK: The end

    private func linger(_ context: ChannelHandlerContext) {
        guard !isLingering else { return }
        isLingering = true
        held = []
        deadline = .distantFuture  // until the answer is out, `WriteWatch` keeps the time
        context.flush()
        // Only now: NIO answers the closing of output with that of everything when the peer has closed its side.
        (answerWritten ?? context.eventLoop.makeSucceededVoidFuture()).assumeIsolated().whenComplete { _ in
            self.shutOutput()
        }
        context.read()
    }

    private func shutOutput() {
        guard let context else { return }
        let isShut = context.eventLoop.makePromise(of: Void.self)
        isShut.futureResult.assumeIsolated().whenComplete { _ in self.outputIsShut() }
        context.close(mode: .output, promise: isShut)
    }

    private func outputIsShut() {
        guard let context else { return }
        isOutputShut = true
        if isInputClosed {
            context.close(promise: nil)
        } else {
            expect(within: limits.lingerTimeout, context)
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .output:
            linger(context)
            promise?.succeed()
        case .all where isLingering && NIODeadline.now() < deadline && context.channel.isActive:
            context.channel.closeFuture.cascade(to: promise)
        case .all, .input:
            context.close(mode: mode, promise: promise)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            isInputClosed = true
            if isLingering ? isOutputShut : reading == .idle {
                context.close(promise: nil)
            } else {
                context.fireUserInboundEventTriggered(event)
            }
        case is ChannelShouldQuiesceEvent:
            isLastAnswer = true
            if reading == .idle { context.close(promise: nil) }
            context.fireUserInboundEventTriggered(event)
        case is CloseIfIdle:
            if reading == .idle || reading == .head {
                context.close(promise: nil)
            } else {
                connection.keep()
            }
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func read(context: ChannelHandlerContext) {
        if held.isEmpty {
            context.read()
        } else {
            isReadHeld = true
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if isLingering { context.read() }  // whoever reads behind us may have stopped
    }

    // MARK: Time

    /// Sets the time by which the next step must be done. A running timer is reused when it fires early enough.
    private func expect(within time: Duration, _ context: ChannelHandlerContext) {
        deadline = .now() + TimeAmount(time)
        schedule(context)
    }

    private func schedule(_ context: ChannelHandlerContext) {
        let due = min(deadline, lifeEnd)
        guard due < timer?.due ?? .distantFuture else { return }
        timer?.task.cancel()
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: due) { self.timeUp(context) }
        timer = (due, task)
    }

    private func timeUp(_ context: ChannelHandlerContext) {
        timer = nil
        let now = NIODeadline.now()
        guard now >= min(deadline, lifeEnd) else { return schedule(context) }
        switch reading {
        case .head where !isLingering:
            refuse(.timeout("the head did not arrive in \(limits.headTimeout)"))
        case .body where !isLingering:
            refuse(.timeout("the body did not arrive in \(limits.bodyTimeout)"))
        case .idle, .head, .body, .complete:
            context.close(promise: nil)
        }
    }
}
