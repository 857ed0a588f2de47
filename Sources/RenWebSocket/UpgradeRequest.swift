package import HTTPTypes

/// The head of a request that asks for a WebSocket, before anything is promised.
package struct UpgradeRequest: Sendable {
    package let method: HTTPRequest.Method
    /// The request target as sent, with its query.
    package let path: String
    /// All fields; `Host` is among them, and is there exactly once.
    package let headers: HTTPFields
    package let isUnixSocket: Bool
}

/// What becomes of an upgrade request.
package enum UpgradeVerdict: Sendable {
    /// The socket is opened. When `handler` returns it is closed with 1000.
    case accept(
        subprotocol: String?, isTrusted: Bool, handler: @Sendable (WebSocketConnection) async -> Void)
    /// The HTTP responder answers the request, and the connection is closed after its answer.
    case ordinary
}
