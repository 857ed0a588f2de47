package import RenCore

/// The one table from codes to HTTP statuses; the command line has its own to exit codes.
extension Problem {
    package static func status(of code: RenError.Code) -> Int {
        if let status = exact[code.rawValue] { return status }
        let area = code.rawValue.prefix { $0 != "." }
        return areas[String(area)] ?? 500
    }

    private static let exact: [String: Int] = [
        "not_found": 404, "method_not_allowed": 405, "not_acceptable": 406, "internal": 500, "starting": 503,
        "http.method_unknown": 501,
        "auth.required": 401, "auth.invalid": 401, "auth.query_token_refused": 401,
        "host.refused": 421, "origin.refused": 403, "content_type": 415, "content_encoding": 415,
        "body.too_large": 413, "body.missing": 400, "headers.too_large": 431, "uri.too_long": 414,
        "request.timeout": 408, "request.key_reused": 409, "request.key_invalid": 400, "request.replayed": 409,
        "request.cancelled": 503,
        "run.not_found": 404, "run.ambiguous": 409, "run.no_result": 409, "run.not_ended": 409, "run.too_long": 422,
        "retry.nothing": 409, "signal.unknown": 422, "signal.invalid": 422, "signal.answered": 409,
        "items.too_many": 422, "items.now_only": 422,
        "input.invalid": 422, "limit.active_runs": 429, "payload.too_large": 413,
        "payload.missing": 410, "payload.pruned": 410, "run.pruned": 410, "storage.full": 507, "version.conflict": 409,
        "range.invalid": 416,
        "function.not_found": 404, "function.local_only": 403, "function.changed": 409,
        "flow.not_found": 404, "flow.ambiguous": 409, "worker.not_found": 404, "worker.failed": 503,
        "journal.inspected": 409, "integrity.damaged": 500,
        "link.invalid": 401, "upgrade.required": 426, "websocket.too_many": 503,
        "environment.missing": 409, "environment.failed": 503, "artifact.not_found": 404, "attempt.not_found": 404,
        "python.missing": 503, "python.too_old": 503, "config.invalid": 500, "precondition.invalid": 400,
    ]

    private static let areas: [String: Int] = [
        "http": 400, "header": 400, "json": 400, "yaml": 400, "id": 400, "query": 400, "page": 400, "field": 400,
        "time": 400,
        "request": 400, "watch": 400, "body": 400,
        "run": 409, "version": 409, "attempt": 409, "timer": 409, "skip": 409, "fork": 409, "node": 404, "item": 404,
        "event": 404,
        "flow": 422, "heartbeat": 422, "logic": 422, "duration": 422, "retry": 422, "function": 422, "file": 422,
        "input": 422,
        "retention": 422, "signal": 422, "environment": 503, "storage": 503, "engine": 503, "journal": 503,
        "worker": 503,
    ]

    /// What `/problems/{code}` says; nil for a code that no table knows.
    package static func explanation(of code: RenError.Code) -> String? {
        let area = String(code.rawValue.prefix { $0 != "." })
        guard exact[code.rawValue] != nil || (areas[area] != nil && code.rawValue.isCode) else { return nil }
        let status = status(of: code)
        return """
            \(code.rawValue): \(status) \(title(ofStatus: status))

            \(meaning(ofStatus: status))
            The problem's `detail` says what was wrong in this case, its `hint` what to do about it.

            """
    }

    private static func meaning(ofStatus status: Int) -> String {
        switch status {
        case 401: "The caller did not show the token of this ren, or a wrong one."
        case 403, 421: "The caller is not one that may ask: a page of another site, or one that used another name."
        case 404: "What the path names is not there."
        case 409: "What was asked for does not go with what is there now. Look again before you repeat it."
        case 410: "It was there once, and is not kept any more."
        case 422: "The request can be read, but what it asks for is not right in itself."
        case 429, 503: "Ren cannot do it now. The same request may be repeated after the time in `Retry-After`."
        case 507: "The disk or the journal's map is too full. Nothing was lost; free some space and repeat it."
        case 500: "Ren itself failed. Its log says why, under the `request` of the problem."
        default: "The request is not one that ren takes. Repeated as it is, it gets the same answer."
        }
    }

    /// RFC 9110's names, and those of the later status codes that ren uses.
    package static func title(ofStatus status: Int) -> String { titles[status] ?? "Error" }

    private static let titles: [Int: String] = [
        400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
        406: "Not Acceptable", 408: "Request Timeout", 409: "Conflict", 410: "Gone", 413: "Content Too Large",
        414: "URI Too Long", 415: "Unsupported Media Type", 416: "Range Not Satisfiable", 421: "Misdirected Request",
        422: "Unprocessable Content", 426: "Upgrade Required", 429: "Too Many Requests",
        431: "Request Header Fields Too Large",
        500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable", 507: "Insufficient Storage",
    ]
}

extension String {
    /// Lower-case words with dots between them, as codes are.
    fileprivate var isCode: Bool {
        utf8.count <= 100 && utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x2E || $0 == 0x5F }
    }
}
