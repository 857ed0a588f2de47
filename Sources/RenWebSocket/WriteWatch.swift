import NIOCore

/// Closes a connection whose peer takes nothing of what waits to be written.
///
/// Progress is counted in bytes handed to the kernel, so that one large buffer written slowly is progress, and a
/// stream with nothing to write is not watched at all.
final class WriteWatch: ChannelOutboundHandler {
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let timeout: TimeAmount
    private let interval: TimeAmount
    private var writtenBytes = 0
    private var takenBytes = 0
    private var progressAt = NIODeadline.now()
    private var check: Scheduled<Void>?

    init(limits: ConnectionLimits) {
        timeout = TimeAmount(limits.writeTimeout)
        interval = TimeAmount(limits.writeTimeout / 4)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        writtenBytes += unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
        guard check == nil else { return }
        progressAt = .now()
        schedule(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        check?.cancel()
    }

    private func schedule(_ context: ChannelHandlerContext) {
        check = context.eventLoop.assumeIsolated().scheduleTask(in: interval) { self.look(context) }
    }

    private func look(_ context: ChannelHandlerContext) {
        check = nil
        let waiting: Int
        do {
            waiting = try context.channel.syncOptions?.getOption(.bufferedWritableBytes) ?? 0
        } catch {
            return  // the channel is closed, and with it the watch ends
        }
        guard waiting > 0 else { return }
        let now = NIODeadline.now()
        if writtenBytes - waiting > takenBytes {
            takenBytes = writtenBytes - waiting
            progressAt = now
        } else if now - progressAt >= timeout {
            context.close(promise: nil)
            return
        }
        schedule(context)
    }
}
