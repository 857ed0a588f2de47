package import HTTPTypes
package import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import RenAPI
import RenCore
import RenWorkers

/// What every request goes through: the gate, the checks of its route, the handler, and the headers of the answer.
package struct Responder: HTTPResponder {
    /// Nothing of Hummingbird's context is needed.
    package struct Context: InitializableFromSource {
        package init(source: ApplicationRequestContextSource) {}
    }

    package static let bodyBytesMax = 1024 * 1024

    private let backend: Backend
    private let table: RouteTable
    private let isUnixSocket: Bool

    /// Threads for routes that are long.
    private static let longRoutes = ThreadExecutor(name: "ren-routes", threadMax: 4)

    package init(_ backend: Backend, _ table: RouteTable, isUnixSocket: Bool) {
        self.backend = backend
        self.table = table
        self.isUnixSocket = isUnixSocket
    }

    package func respond(to request: Request, context: Context) async throws -> Response {
        let start = ContinuousClock.now
        let id = requestID()
        let target = request.head.path ?? "/"
        let path = target.prefix { $0 != "?" }
        let finding = table.find(request.method, path)
        var reply: Reply
        do {
            reply = try await answer(request, target, finding, id)
        } catch {
            reply = try Reply(problem: error, path: String(path), id: id, logger: backend.logger)
        }
        var template = ""
        if case .found(let match) = finding { template = match.path }
        backend.metrics.requestEnded(
            route: template, method: request.method, status: reply.status.code, after: .now - start)
        return response(to: request, reply, id: id)
    }

    private func answer(
        _ request: Request, _ target: String, _ finding: RouteTable.Finding, _ id: String
    ) async throws -> Reply {
        // What is not there is guarded too: it tells nobody what is.
        var access = Route.Access.token
        if case .found(let match) = finding { access = match.route.route.access }
        // Hummingbird's requests carry `Host` apart from the other fields; the connection lets only one through.
        var headers = request.headers
        if let host = request.head.authority { headers[.host] = host }
        let verdict = backend.gate.judge(
            method: request.method, path: target, headers: headers, access: access, isUnixSocket: isUnixSocket)
        if case .refused(let problem) = verdict { throw problem }
        switch finding {
        case .notFound: throw RenError(.notFound, "nothing is there", hint: "GET /openapi.json lists what is")
        case .wrongMethod(let allowed):
            var problem = Problem(RenError(.methodNotAllowed, "\(request.method) is not for this resource"))
            problem.headers = ["Allow": allowed.map(\.rawValue).joined(separator: ", ")]
            throw problem
        case .found(let match): return try await carryOut(match, request, target, id)
        }
    }

    private func carryOut(
        _ match: RouteTable.Match, _ request: Request, _ target: String, _ id: String
    ) async throws -> Reply {
        let checked = match.route
        let route = checked.route
        try backend.readiness.require(route)
        var captures: [String: String] = [:]
        for (name, raw) in match.captures {
            guard let text = PercentCoding.decode(raw) else {
                throw RenError(.httpMalformed, "the path holds a bad escape", hint: "percent-encode UTF-8")
            }
            captures[name] = text
        }
        let path = target.prefix { $0 != "?" }
        let parameters = try checked.parameters(
            query: target.dropFirst(path.count + 1), headers: request.headers)
        try checked.checkHead(request.headers)
        var call = Call(
            method: request.method, path: String(path), headers: request.headers, captures: captures,
            parameters: parameters, isLocal: isUnixSocket, by: isUnixSocket ? "cli" : "http", id: id)
        if route.body != nil {
            call.body = try await request.body.collect(upTo: Self.bodyBytesMax)
            call.json = try checked.json(call.body)
        }
        guard route.isLong else { return try await route.handle(call) }
        let finished = call
        return try await withTaskExecutorPreference(Self.longRoutes) { try await route.handle(finished) }
    }

    private func response(to request: Request, _ reply: Reply, id: String) -> Response {
        var headers = reply.headers
        for (name, value) in Self.safeHeaders where headers[name] == nil { headers[name] = value }
        headers[.requestID] = id
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
        guard request.method == .head else {
            let body = reply.isStream ? watched(reply.body, request.body) : reply.body
            return Response(status: reply.status, headers: headers, body: body)
        }
        let length = headers[.contentLength] ?? reply.body.contentLength.map(String.init)
        var response = Response(status: reply.status, headers: headers)
        response.headers[.contentLength] = length
        return response
    }

    /// The same body, cut off when the client closes its side: while nothing is written nobody would find out.
    private func watched(_ body: ResponseBody, _ inbound: RequestBody) -> ResponseBody {
        ResponseBody { writer in
            let writer = writer
            try await inbound.consumeWithCancellationOnInboundClose { _ in try await body.write(writer) }
        }
    }

    /// What a browser may do with an answer: close to nothing.
    package static let safeHeaders: [(HTTPField.Name, String)] = [
        (
            .contentSecurityPolicy,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
                + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        (.xContentTypeOptions, "nosniff"),
        (HTTPField.Name("Referrer-Policy")!, "no-referrer"),
        (HTTPField.Name("Cross-Origin-Resource-Policy")!, "same-origin"),
        (HTTPField.Name("Cross-Origin-Opener-Policy")!, "same-origin"),
    ]

    /// Names a request in its answer and in the log.
    private func requestID() -> String { hex((0..<8).map { _ in UInt8.random(in: .min ... .max) }) }
}

extension HTTPRequest {
    /// The header fields as they came: HTTPTypes takes `Host` out of them.
    fileprivate var fieldsWithHost: HTTPFields {
        var fields = headerFields
        if let authority { fields[.host] = authority }
        return fields
    }
}

extension HTTPField.Name {
    static let requestID = Self("X-Request-ID")!
}

extension RenError.Code {
    static let notFound = Self("not_found")
    static let methodNotAllowed = Self("method_not_allowed")
}
