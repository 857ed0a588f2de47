import NIOCore
import NIOHTTP1

/// What a request head must be, beyond what the decoder checks.
///
/// The decoder (llhttp, strict) already refuses: `Content-Length` with `Transfer-Encoding`, several or non-digit
/// lengths, a transfer encoding whose last coding is not `chunked`, bad tokens, versions other than 1.x.
enum RequestRules {
    /// The reason to refuse `head`, or nil.
    static func refusal(of head: HTTPRequestHead, limits: ConnectionLimits) -> MalformedRequest? {
        guard head.version.minor <= 1 else {
            return .malformed("the version is neither HTTP/1.0 nor HTTP/1.1")
        }
        if case .RAW(let name) = head.method, name == "PRI" {
            return .malformed("HTTP/2 is not spoken here")
        }
        let hosts = head.headers[canonicalForm: "host"].count
        guard hosts == 1 || (hosts == 0 && head.version == .http1_0) else {
            return .malformed("\(hosts) Host fields instead of one")
        }
        guard head.uri.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            return .malformed("the request target holds bytes that must be percent-encoded")
        }
        // A target with a host of its own would pass for a request to the host that the field names.
        guard head.uri.hasPrefix("/") || head.uri == "*" else {
            return .malformed("the request target is not a path")
        }
        let encodings = head.headers[canonicalForm: "transfer-encoding"].map { $0.lowercased() }
        guard encodings.isEmpty || encodings == ["chunked"] else {
            return .malformed("the only transfer encoding is chunked")
        }
        if let length = head.headers.first(name: "content-length") {
            guard let bytes = Int(length) else { return .malformed("Content-Length is not a number") }
            if bytes > limits.bodyBytesMax { return .bodyTooLarge(limits) }
        }
        return nil
    }

    /// Whether `head` is a whole and valid opening handshake (RFC 6455, 4.2.1) without a body.
    static func asksForWebSocket(_ head: HTTPRequestHead) -> Bool {
        let headers = head.headers
        return head.method == .GET && head.version == .http1_1
            && headers[canonicalForm: "upgrade"].map { $0.lowercased() } == ["websocket"]
            && headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
            && headers[canonicalForm: "sec-websocket-key"].count == 1
            && headers[canonicalForm: "sec-websocket-version"] == ["13"]
            && !headers.contains(name: "transfer-encoding") && !headers.contains(name: "content-length")
    }

    /// Whether bytes begin as a request does, with a method (RFC 9110, 9.1) and a space. The preface of HTTP/2 does not.
    static func beginWithMethod(_ bytes: ByteBufferView) -> Bool {
        let word = bytes.prefix(methodBytesMax + 1).prefix { $0 != UInt8(ascii: " ") }
        return !word.isEmpty && word.count <= methodBytesMax && word.count < bytes.count
            && !word.elementsEqual("PRI".utf8)
            && word.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    private static let methodBytesMax = 32

    /// What an error of the decoder means to the peer.
    ///
    /// - Parameter hasMethod: the bytes began with one.
    static func refusal(
        for error: HTTPParserError, hasMethod: Bool, limits: ConnectionLimits
    ) -> MalformedRequest {
        switch error {
        case .headerOverflow: .headTooLarge(limits)
        case .invalidMethod where hasMethod: .methodUnknown
        default: .malformed("the bytes are not an HTTP/1.1 request")
        }
    }
}
