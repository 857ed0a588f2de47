package import HTTPTypes
import NIOCore
package import Ren
package import RenAPI
import RenCore
import Synchronization

/// The one place that decides who gets in, before a route is carried out and before a socket is opened.
///
/// A page of another origin in the user's browser can reach a loopback port too, so the address alone proves nothing:
/// `Host` must name us (or a name that was rebound to this machine would do), `Origin` must be ours, and the token must
/// be known. On the Unix socket the file system has let the caller in, and only a browser's `Origin` is refused.
package final class Gate: Sendable {
    package enum Verdict: Sendable, Equatable {
        /// - Parameter isTrusted: it came with the token, or over the Unix socket.
        case passed(isTrusted: Bool)
        case refused(Problem)
    }

    /// The sub-protocol of streams, and what a token stands behind among the sub-protocols that a client offers.
    package static let subprotocol = "ren.v1"
    private static let tokenSubprotocolPrefix = "ren.token."

    package let token: String
    package let links = LinkCodes()
    private let address: Mutex<ListenAddress?>

    /// - Parameters:
    ///   - token: what `TokenFile` gave; by default one that nobody is told.
    ///   - address: the TCP address with the real port, when it is known already.
    package init(token: String = TokenFile.generate(), address: ListenAddress? = nil) {
        self.token = token
        self.address = Mutex(address)
    }

    /// From here on requests may name this address, whose port is the real one.
    package func listens(at address: ListenAddress) {
        self.address.withLock { $0 = address }
    }

    /// What a browser on this machine opens; nil without TCP.
    package var url: String? {
        address.withLock { address in
            address.map { $0.isWildcard ? "http://127.0.0.1:\($0.port)" : "http://\($0)" }
        }
    }

    /// Compares in a time that does not depend on where the difference is.
    package func isToken(_ text: some StringProtocol) -> Bool {
        let wanted = Array(token.utf8)
        let given = Array(text.utf8)
        var difference = UInt8(wanted.count == given.count ? 0 : 1)
        for index in wanted.indices {
            difference |= wanted[index] ^ (index < given.count ? given[index] : 0)
        }
        return difference == 0
    }

    /// Looks at the head of a request alone, so that nothing of the body is read for a caller who is turned away.
    ///
    /// - Parameter path: as sent, with the query.
    package func judge(
        method: HTTPRequest.Method, path: String, headers: HTTPFields, access: Route.Access, isUnixSocket: Bool
    ) -> Verdict {
        do throws(RenError) {
            if !isUnixSocket { try checkHost(headers) }
            try checkOrigin(headers, isUnixSocket: isUnixSocket)
            try checkFetchSite(method, headers, access)
            try refuseToken(inQueryOf: path)
            return .passed(isTrusted: try isTrusted(headers, access: access, isUnixSocket: isUnixSocket))
        } catch {
            return .refused(Problem(error))
        }
    }

    // MARK: Where it comes from

    private func checkHost(_ headers: HTTPFields) throws(RenError) {
        let hosts = headers[values: .host]
        guard hosts.count == 1 else {
            throw RenError(.httpMalformed, "\(hosts.count) Host headers instead of one")
        }
        guard isOurs(authority: hosts[0]) else {
            throw RenError(
                .hostRefused, "no service here is named \(excerpt(hosts[0]))",
                hint: "use the address that `ren serve` prints, such as http://127.0.0.1:7360")
        }
    }

    private func isOurs(authority: String) -> Bool {
        guard let address = address.withLock({ $0 }) else { return false }
        // Names of hosts are the same in any case (RFC 9110, 4.2.3).
        let authority = authority.lowercased()
        var hosts: Set = ["localhost", "127.0.0.1", "[::1]"]
        if !address.isLoopback, !address.isWildcard { hosts.insert(address.authorityHost.lowercased()) }
        // A browser leaves out the port that belongs to http.
        let suffixes = address.port == 80 ? [":80", ""] : [":\(address.port)"]
        for suffix in suffixes {
            if hosts.contains(where: { authority == $0 + suffix }) { return true }
            // Every interface is meant, and a number cannot be rebound as a name can.
            if address.isWildcard, authority.hasSuffix(suffix), isOtherNumber(authority.dropLast(suffix.count)) {
                return true
            }
        }
        return false
    }

    private func isOtherNumber(_ host: Substring) -> Bool {
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        let number = String(isBracketed ? host.dropFirst().dropLast() : host)
        guard number.contains(":") == isBracketed, number != "0.0.0.0", number != "::" else { return false }
        return ListenAddress.isNumber(number)
    }

    /// No header, as from a program, or the origin that the caller reached us under.
    private func checkOrigin(_ headers: HTTPFields, isUnixSocket: Bool) throws(RenError) {
        let origins = headers[values: .origin]
        guard !origins.isEmpty else { return }
        if !isUnixSocket, origins.count == 1, let host = headers[.host],
            origins[0].lowercased() == "http://" + host.lowercased()
        {
            return
        }
        throw RenError(
            .originRefused, "pages of \(excerpt(origins[0])) may not ask ren",
            hint: "only ren's own console may, from the address that it was opened with")
    }

    /// What a browser says about requests without `Origin`, such as those for images and scripts.
    private func checkFetchSite(
        _ method: HTTPRequest.Method, _ headers: HTTPFields, _ access: Route.Access
    ) throws(RenError) {
        guard let site = headers[.secFetchSite], site != "same-origin", site != "none" else { return }
        let isVisit =
            method == .get && access == .page && headers[.secFetchMode] == "navigate"
            && headers[.secFetchDest] == "document"
        guard !isVisit else { return }
        throw RenError(.originRefused, "a page of another site may not ask ren (\(excerpt(site)))")
    }

    // MARK: Who it is

    /// Queries end up in logs and histories.
    private func refuseToken(inQueryOf path: String) throws(RenError) {
        guard let query = path.firstIndex(of: "?").map({ path[path.index(after: $0)...] }) else { return }
        for pair in query.split(separator: "&") {
            let name = String(pair.prefix { $0 != "=" })
            guard ["token", "access_token"].contains(PercentCoding.decode(name)?.lowercased() ?? name) else { continue }
            throw RenError(
                .authQueryToken, "a token in the query ends up in logs",
                hint: "send it as Authorization: Bearer TOKEN, and make a new one: this one may have been seen")
        }
    }

    private func isTrusted(
        _ headers: HTTPFields, access: Route.Access, isUnixSocket: Bool
    ) throws(RenError) -> Bool {
        if isUnixSocket { return true }
        let given = headers[values: .authorization]
        guard given.isEmpty else {
            let words = given[0].split(separator: " ", maxSplits: 1)
            if given.count == 1, words.count == 2, words[0].lowercased() == "bearer", isToken(words[1]) { return true }
            throw RenError(
                .authInvalid, "the token is not the one of this ren",
                hint: "it stands in the file `token` of the data directory")
        }
        if let offered = offeredToken(headers) {
            if isToken(offered) { return true }
            throw RenError(.authInvalid, "the token among the sub-protocols is not the one of this ren")
        }
        guard access != .token else {
            throw RenError(
                .authRequired, "this needs the token",
                hint: "send Authorization: Bearer with what stands in the file `token` of the data directory")
        }
        return false
    }

    /// A browser cannot give a socket any other header than its sub-protocols.
    private func offeredToken(_ headers: HTTPFields) -> Substring? {
        subprotocols(headers).first { $0.hasPrefix(Self.tokenSubprotocolPrefix) }?
            .dropFirst(Self.tokenSubprotocolPrefix.count)
    }

    /// The sub-protocol to choose for a stream; nil when the client names none that we speak.
    package func chosenSubprotocol(_ headers: HTTPFields) -> String? {
        subprotocols(headers).contains(Substring(Self.subprotocol)) ? Self.subprotocol : nil
    }

    private func subprotocols(_ headers: HTTPFields) -> [Substring] {
        headers[values: .secWebSocketProtocol].flatMap { $0.split(separator: ",").map { $0.trimmed } }
    }

    private func excerpt(_ text: String) -> String {
        "“\(text.unicodeScalars.prefix(100).map { $0.isASCII ? String($0) : "?" }.joined())”"
    }
}

extension Substring {
    /// Without spaces and tabs at both ends.
    var trimmed: Substring {
        var rest = drop { $0 == " " || $0 == "\t" }
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return rest
    }
}

extension HTTPField.Name {
    package static let host = Self("Host")!
    static let secFetchSite = Self("Sec-Fetch-Site")!
    static let secFetchMode = Self("Sec-Fetch-Mode")!
    static let secFetchDest = Self("Sec-Fetch-Dest")!
}

extension RenError.Code {
    static let httpMalformed = Self("http.malformed")
    static let hostRefused = Self("host.refused")
    static let originRefused = Self("origin.refused")
    static let authRequired = Self("auth.required")
    static let authInvalid = Self("auth.invalid")
    static let authQueryToken = Self("auth.query_token_refused")
}
