/// What one connection may cost, and how many there may be. Every limit is set here and none is inherited.
package struct ConnectionLimits: Sendable {
    /// The request line with its line end, in bytes; beyond it 414.
    package var requestLineBytesMax = 8 * 1024
    /// Request target, header names and values together, in bytes; beyond it 431.
    package var headBytesMax = 16 * 1024
    /// Header fields of one request; beyond it 431.
    package var headFieldsMax = 64
    /// Body of one request in bytes, by `Content-Length` or as counted; beyond it 413.
    package var bodyBytesMax = 1024 * 1024

    /// From the first byte of a head to its end; then 408.
    package var headTimeout = Duration.seconds(30)
    /// From the end of a head to the end of its body, however steadily the bytes come; then 408.
    package var bodyTimeout = Duration.seconds(30)
    /// How long a connection may wait for the first byte of a request.
    package var idleTimeout = Duration.seconds(30)
    /// How long a peer may take no byte of what waits to be written. A stream with nothing to write is not meant.
    package var writeTimeout = Duration.seconds(30)
    /// How long bytes are read and thrown away after the last answer. A connection closed with unread bytes is
    /// reset, and a reset can destroy the answer before the peer has read it.
    package var lingerTimeout = Duration.seconds(1)

    /// TCP connections at once. Beyond it the oldest one that waits for a request is closed.
    package var connectionsMax = 128
    /// Connections admitted when all others are busy: one answer each, no upgrade.
    package var reservedConnections = 4
    /// The whole life of a reserved connection.
    package var reservedLifetime = Duration.seconds(10)

    /// Payload of one WebSocket frame, in bytes; beyond it close 1009.
    package var frameBytesMax = 64 * 1024
    /// One WebSocket message, all fragments, in bytes; beyond it close 1009.
    package var messageBytesMax = 256 * 1024
    /// Messages received and not yet taken by the handler; at the limit nothing more is read from the peer.
    package var inboxMessagesMax = 16
    /// Messages waiting to be written to one socket.
    package var queueMessagesMax = 1_000
    /// Bytes waiting to be written to one socket. A single larger message passes when nothing else waits.
    package var queueBytesMax = 1024 * 1024
    /// Between two pings of ours.
    package var pingInterval = Duration.seconds(15)
    /// From a ping to any frame of the peer; then the socket is closed.
    package var pongTimeout = Duration.seconds(30)
    /// From the wish to close to the end of the TCP connection, whatever the peer does.
    package var closeGrace = Duration.seconds(2)

    /// From the upgrade to `WebSocketConnection.trust()`; then close 4401.
    package var untrustedTimeout = Duration.seconds(5)
    /// All payload bytes of a socket before it is trusted; beyond it close 1009. Counted by whole frames, so that one
    /// frame of `frameBytesMax` may be held until its end.
    package var untrustedBytesMax = 4 * 1024
    /// Sockets not yet trusted, at once; beyond it the upgrade is answered with 503.
    package var untrustedSocketsMax = 8

    package init() {}

    /// For TCP.
    package static let standard = ConnectionLimits()

    /// For the Unix socket, whose peers run as the same user: keep-alive lasts longer.
    package static let unixSocket: ConnectionLimits = {
        var limits = ConnectionLimits()
        limits.idleTimeout = .seconds(75)
        return limits
    }()
}
