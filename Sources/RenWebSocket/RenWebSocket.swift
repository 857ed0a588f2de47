// RenWebSocket: HTTP/1 and WebSocket on one port, with limits on everything a peer can send or withhold.
//
// Knows: RFC 6455, what a connection may cost, and Hummingbird's `ServerChildChannel`. Must not know: runs, tokens,
// routes. Start at `WebSocketChannel`.
