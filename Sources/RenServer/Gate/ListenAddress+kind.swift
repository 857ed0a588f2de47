import NIOCore
import Ren
package import RenCore

extension ListenAddress {
    /// Only this machine can reach it.
    package var isLoopback: Bool {
        host == "localhost" || host == "::1" || (Self.isNumber(host) && host.hasPrefix("127."))
    }

    /// All interfaces of this machine.
    var isWildcard: Bool { host == "0.0.0.0" || host == "::" }

    /// - Throws: `listen.remote` for an address beyond loopback that was not allowed.
    package func check(allowsRemote: Bool) throws(RenError) {
        guard !isLoopback, !allowsRemote else { return }
        throw RenError(
            .listenRemote, "\(self) can be reached from other machines, over connections without encryption",
            hint: "listen on 127.0.0.1, or say --listen-insecure if that is meant")
    }

    /// As it stands in `Host`.
    var authorityHost: String { host.contains(":") ? "[\(host)]" : host }

    static func isNumber(_ host: String) -> Bool {
        do {
            _ = try SocketAddress(ipAddress: host, port: 0)
            return true
        } catch {
            return false  // a name
        }
    }
}
