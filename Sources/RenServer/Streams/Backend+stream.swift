import Ren
import RenWebSocket

extension Backend {
    /// Serves one client of `/api/v1/stream` until it leaves or is sent away.
    ///
    /// - Parameter isTrusted: it came with the token or over the Unix socket; else `hello` must bring the token.
    func serveStream(_ connection: WebSocketConnection, isTrusted: Bool) async {
        var settings = StreamSession.Settings()
        settings.server = renVersion
        let gate = gate
        let accepts: @Sendable (String) -> Bool = { gate.isToken($0) }
        let stream = StreamSession(readings, connection, settings: settings, accepts: isTrusted ? nil : accepts)
        await stream.run(connection.messages)
    }
}
