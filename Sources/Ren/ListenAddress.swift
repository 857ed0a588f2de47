package import RenCore
package import RenJSON

/// A TCP address to listen on: `127.0.0.1:7360`, `localhost:0`, `[::1]:7360`.
package struct ListenAddress: Sendable, Equatable {
    /// A name or an address, without brackets.
    package var host: String
    /// 0: any that is free.
    package var port: Int

    static let hint = "write HOST:PORT, such as 127.0.0.1:7360"

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// - Throws: `config.invalid`.
    package init(parsing text: String, at place: Place? = nil) throws(RenError) {
        let refused = RenError(.configInvalid, "“\(text)” is no address to listen on", hint: Self.hint, at: place)
        guard let colon = text.lastIndex(of: ":") else { throw refused }
        var host = text[..<colon]
        let digits = text[text.index(after: colon)...]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw refused
        }
        guard !host.isEmpty, host.utf8.allSatisfy(Self.isAllowed), !digits.isEmpty,
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = Int(digits), port <= 65_535
        else { throw refused }
        self.init(host: String(host), port: port)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !"/[]@?#%\\\"".utf8.contains(byte)
    }
}

extension ListenAddress: CustomStringConvertible {
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
