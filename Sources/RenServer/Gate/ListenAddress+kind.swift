import NIOCore
import Ren

extension ListenAddress {
    /// Only this machine can reach it.
    package var isLoopback: Bool {
        host == "localhost" || host == "::1" || (Self.isNumber(host) && host.hasPrefix("127."))
    }

    /// All interfaces of this machine.
    var isWildcard: Bool { host == "0.0.0.0" || host == "::" }

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
