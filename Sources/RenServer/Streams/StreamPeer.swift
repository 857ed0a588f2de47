package import NIOCore
package import RenWebSocket

/// The other end of a stream: a WebSocket, or a stand-in of tests.
package protocol StreamPeer: Sendable {
    /// Waits for room in the peer's queue.
    func send(_ text: ByteBuffer) async throws
    /// False when the queue is full, or the peer is gone.
    func trySend(_ text: ByteBuffer) -> Bool
    var isClosed: Bool { get }
    /// It has shown who it is.
    func trust()
    func close(_ code: UInt16, reason: String) async
}

extension WebSocketConnection: StreamPeer {}
