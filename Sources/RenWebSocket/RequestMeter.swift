import NIOCore

/// Shows bytes to the guard before they are decoded.
final class RequestMeter: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let requests: RequestGuard

    init(_ requests: RequestGuard) {
        self.requests = requests
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard requests.bytesArrived(unwrapInboundIn(data)) else { return }
        context.fireChannelRead(data)
    }
}
