/// Why a request is answered before it reaches the responder. The connection is closed after the answer.
package struct MalformedRequest: Sendable, Equatable {
    package let status: Int
    /// Stable and dotted, the `code` of the problem object.
    package let code: String
    /// One sentence for people; holds nothing the peer sent.
    package let detail: String

    static func malformed(_ detail: String) -> MalformedRequest {
        MalformedRequest(status: 400, code: "http.malformed", detail: detail)
    }

    static let methodUnknown = MalformedRequest(
        status: 501, code: "http.method_unknown", detail: "the method is none that ren knows")

    static func timeout(_ detail: String) -> MalformedRequest {
        MalformedRequest(status: 408, code: "request.timeout", detail: detail)
    }

    static func bodyTooLarge(_ limits: ConnectionLimits) -> MalformedRequest {
        MalformedRequest(
            status: 413, code: "body.too_large", detail: "the body is longer than \(limits.bodyBytesMax) bytes")
    }

    static func lineTooLong(_ limits: ConnectionLimits) -> MalformedRequest {
        MalformedRequest(
            status: 414, code: "uri.too_long",
            detail: "the request line is longer than \(limits.requestLineBytesMax) bytes")
    }

    static func headTooLarge(_ limits: ConnectionLimits) -> MalformedRequest {
        MalformedRequest(
            status: 431, code: "headers.too_large",
            detail: "the head is larger than \(limits.headBytesMax) bytes or \(limits.headFieldsMax) fields")
    }

    static let tooManySockets = MalformedRequest(
        status: 503, code: "websocket.too_many", detail: "too many sockets wait for authentication; try again")
}

/// Ends the body of a request that was answered below the responder, whose own answer is thrown away.
package struct RequestRefused: Error {
    package let request: MalformedRequest
}
