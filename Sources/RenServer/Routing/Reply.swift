package import HTTPTypes
package import Hummingbird
import NIOCore
package import RenJSON
import ServiceLifecycle

/// What a handler answers.
package struct Reply: Sendable {
    package var status: HTTPResponse.Status
    package var headers = HTTPFields()
    package var body: ResponseBody
    /// It goes on until the client leaves, who is watched for that.
    private(set) var isStream = false

    package init(_ status: HTTPResponse.Status = .ok, type: String? = nil, body: ResponseBody = ResponseBody()) {
        self.status = status
        self.body = body
        if let type { headers[.contentType] = type }
    }

    package static func json(_ object: JSONObject, status: HTTPResponse.Status = .ok) -> Reply {
        json(bytes: JSON.object(object).compact, status: status)
    }

    /// - Parameter bytes: JSON text.
    package static func json(bytes: [UInt8], status: HTTPResponse.Status = .ok) -> Reply {
        Reply(status, type: "application/json", body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    package static func text(_ text: String, type: String = "text/plain; charset=utf-8") -> Reply {
        Reply(.ok, type: type, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// What goes on until the client leaves, or the server, or until it has ended.
    static func stream<Texts: AsyncSequence & Sendable>(_ type: String, _ texts: Texts) -> Reply
    where Texts.Element == ByteBuffer {
        var reply = Reply(.ok, type: type, body: ResponseBody(asyncSequence: texts.cancelOnGracefulShutdown()))
        reply.isStream = true
        // Nothing else is read from a connection that is watched for its end.
        reply.headers[.connection] = "close"
        return reply
    }

    /// The same reply with one more header.
    package func with(_ name: HTTPField.Name, _ value: String) -> Reply {
        var reply = self
        reply.headers[name] = value
        return reply
    }
}
