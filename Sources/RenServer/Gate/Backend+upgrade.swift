import HTTPTypes
import RenWebSocket

extension Backend {
    /// The one door to streams. Whoever is turned away here gets the reason from the responder, as for any request.
    ///
    /// Without a token the socket is opened, but not trusted: its first message must bring one in time.
    func upgrade(_ request: UpgradeRequest) -> UpgradeVerdict {
        guard request.method == .get, request.path.prefix(while: { $0 != "?" }) == IndexPaths.stream else {
            return .ordinary
        }
        let verdict = gate.judge(
            method: request.method, path: request.path, headers: request.headers, access: .open,
            isUnixSocket: request.isUnixSocket)
        guard case .passed(let isTrusted) = verdict else { return .ordinary }
        return .accept(subprotocol: gate.chosenSubprotocol(request.headers), isTrusted: isTrusted) { connection in
            await self.serveStream(connection, isTrusted: isTrusted)
        }
    }
}
