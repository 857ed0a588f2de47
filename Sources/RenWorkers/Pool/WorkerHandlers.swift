import NIOCore
import NIOPosix

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A connection to the pool's socket: a stranger until its first frame shows a token, then a worker's.
final class WorkerSocketHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let pool: PoolLoop
    private var worker: Worker?
    private var reader = FrameReader()
    private var isOver = false
    private var peer: Int32?

    /// Connections that have not said who they are.
    private static let strangersMax = 64

    init(pool: PoolLoop) {
        self.pool = pool
    }

    func channelActive(context: ChannelHandlerContext) {
        pool.strangerCount += 1
        guard pool.strangerCount <= Self.strangersMax, !pool.isClosing else { return close(context) }
        peer = Self.peer(of: context.channel)
        let channel = context.channel
        context.eventLoop.assumeIsolated().scheduleTask(in: pool.settings.limits.hello) {
            if self.worker == nil { channel.close(promise: nil) }
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        reader.append(unwrapInboundIn(data))
        do {
            while !isOver, let frame = try reader.next() {
                let message = try frame.withUnsafeReadableBytes { bytes throws(ProtocolViolation) in
                    try WorkerMessage(parsing: bytes)
                }
                take(message, context)
            }
        } catch {
            if let worker { pool.violated(worker, error.description) }
            close(context)
        }
    }

    private func take(_ message: WorkerMessage, _ context: ChannelHandlerContext) {
        guard let worker else {
            worker = pool.identify(message, peer: peer, context.channel)
            if worker == nil { close(context) } else { pool.strangerCount -= 1 }
            return
        }
        if case .broken(let broken, _) = message, !worker.saidHello {
            pool.broken(broken, worker)
        } else {
            pool.received(message, from: worker)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        pool.settle()
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let worker { pool.hungUp(worker) } else { pool.strangerCount -= 1 }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(context)
    }

    private func close(_ context: ChannelHandlerContext) {
        isOver = true
        context.close(promise: nil)
    }

    /// `struct ucred`, which the C library hides behind _GNU_SOURCE.
    private struct Credentials {
        var pid: Int32 = 0
        var uid: UInt32 = 0
        var gid: UInt32 = 0
    }

    /// The process that connected, where the system tells.
    private static func peer(of channel: any Channel) -> Int32? {
        guard let provider = channel as? any SocketOptionProvider else { return nil }
        var found: Int32?
        #if canImport(Darwin)
        let answer: EventLoopFuture<Int32> = provider.unsafeGetSocketOption(
            level: .init(rawValue: SOL_LOCAL), name: .init(rawValue: LOCAL_PEERPID))
        answer.assumeIsolated().whenSuccess { found = $0 }
        #else
        let answer: EventLoopFuture<Credentials> = provider.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: SO_PEERCRED))
        answer.assumeIsolated().whenSuccess { found = $0.pid }
        #endif
        return found
    }
}

/// What a worker prints on descriptor 1 or 2, as lines.
final class WorkerOutputHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let pool: PoolLoop
    private let worker: Worker
    private let level: LogLine.Level
    private var cutter = LineCutter()

    init(pool: PoolLoop, worker: Worker, level: LogLine.Level) {
        self.pool = pool
        self.worker = worker
        self.level = level
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        for line in cutter.feed(unwrapInboundIn(data).readableBytesView) { pool.printed(line, level, by: worker) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        pool.settle()
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let line = cutter.finish() { pool.printed(line, level, by: worker) }
        pool.streamEnded(worker)
        pool.settle()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
