package import HTTPTypes
import Hummingbird
package import Logging
package import NIOCore
import RenAPI
import RenCore
import RenJSON
package import RenWebSocket

extension Reply {
    /// The one place where errors become answers.
    ///
    /// - Throws: what the connection itself has answered already.
    package init(problem error: any Error, path: String, id: String, logger: Logger) throws {
        if error is RequestRefused { throw error }
        let problem = Problem(of: error)
        if problem.status >= 500 {
            let isOurs = problem.error.code == .internalError
            // What ren cannot name is told as it is; the rest has words.
            let words =
                isOurs ? String(reflecting: error) : "\(problem.error.code.rawValue): \(problem.error.message)"
            logger.log(
                level: isOurs ? .error : .warning, "a request failed",
                metadata: ["request": "\(id)", "path": "\(path.prefix(200))", "error": "\(words)"])
        }
        self.init(problem, path: path, id: id)
    }

    init(_ problem: Problem, path: String?, id: String?) {
        let object = problem.json(instance: path.map { String($0.prefix(200)) }, request: id)
        self.init(
            HTTPResponse.Status(code: problem.status), type: Problem.contentType,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: JSON.object(object).compact)))
        headers[.cacheControl] = "no-store"
        for (name, value) in problem.headers { HTTPField.Name(name).map { headers[$0] = value } }
        switch problem.status {
        case 401: headers[.wwwAuthenticate] = "Bearer realm=\"ren\""
        case 429, 503: headers[.retryAfter] = "1"
        default: break
        }
    }

    /// The answer to what never became a request, given by the connection itself.
    package static func malformed(_ request: MalformedRequest) -> (headers: HTTPFields, body: ByteBuffer) {
        let problem = Problem(RenError(RenError.Code(request.code), request.detail), status: request.status)
        var headers = Reply(problem, path: nil, id: nil).headers
        for (name, value) in Responder.safeHeaders { headers[name] = value }
        return (headers, ByteBuffer(bytes: JSON.object(problem.json()).compact))
    }
}

extension Problem {
    /// Named, since `Problem(RenError)` would mean this one, which has no default argument, and never end.
    init(of error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        // Its message is for the log: nobody outside can act on it.
        case let error as RenError where error.code == .internalError: self = .hidden
        case let error as RenError: self.init(error)
        case let errors as FlowErrors: self.init(errors.errors)
        case let error as JSONError:
            self.init(RenError(RenError.Code(error.code.rawValue), error.message, at: error.place))
        case is NIOTooManyBytesError:
            self.init(
                RenError(RenError.Code("body.too_large"), "the body is longer than \(Responder.bodyBytesMax) bytes"))
        case let error as HTTPError:
            let code = Self.code(ofStatus: error.status.code)
            self.init(RenError(code, error.body ?? error.status.reasonPhrase), status: error.status.code)
        case is CancellationError:
            self.init(RenError(RenError.Code("request.cancelled"), "ren is leaving", hint: "ask again in a moment"))
        default: self = .hidden
        }
    }

    private static var hidden: Problem {
        Problem(RenError(.internalError, "ren failed to answer", hint: "its log says why, under this request"))
    }

    private static func code(ofStatus status: Int) -> RenError.Code {
        switch status {
        case 404: .notFound
        case 405: .methodNotAllowed
        case 413: RenError.Code("body.too_large")
        case 415: .contentType
        case 500...: .internalError
        default: .httpMalformed
        }
    }
}
