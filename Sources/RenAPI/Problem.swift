package import RenCore
package import RenJSON

/// What the service answers instead of what was asked for: RFC 9457, `application/problem+json`.
///
/// It carries the code, message and hint of a `RenError`, the same as the command line shows.
package struct Problem: Error, Sendable, Equatable {
    package static let contentType = "application/problem+json"

    package var status: Int
    /// Never empty; the first one is the problem, all of them stand in `errors` when there are several.
    package var errors: [RenError]
    /// More members of the object, such as the current version of a conflict.
    package var details: JSONObject = [:]
    /// Header fields that go with it, such as `Allow`.
    package var headers: [String: String] = [:]

    /// - Parameter status: nil: the one that belongs to the error's code.
    package init(_ error: RenError, status: Int? = nil) {
        self.init([error], status: status)
    }

    /// - Precondition: at least one error.
    package init(_ errors: [RenError], status: Int? = nil) {
        precondition(!errors.isEmpty, "a problem without an error")
        self.status = status ?? Self.status(of: errors[0].code)
        self.errors = errors
    }

    package var error: RenError { errors[0] }

    /// `{"type", "title", "status", "code", "detail", "hint"?, "instance"?, "errors"?}`
    ///
    /// - Parameters:
    ///   - instance: the path that was asked for.
    ///   - request: names the request in the server's log.
    package func json(instance: String? = nil, request: String? = nil) -> JSONObject {
        let code = error.code.rawValue
        var object: JSONObject = [
            "type": .string("/problems/\(code)"), "title": .string(Self.title(ofStatus: status)),
            "status": .integer(Int64(status)), "code": .string(code), "detail": .string(error.message),
        ]
        if let hint = error.hint { object["hint"] = .string(hint) }
        if let instance { object["instance"] = .string(instance) }
        if let request { object["request"] = .string(request) }
        if errors.count > 1 || error.place != nil { object["errors"] = .array(errors.map { .object($0.json) }) }
        for member in details { object[member.key] = member.value }
        return object
    }

    /// Reads a problem that a service sent; nil for anything else.
    package init?(json: JSON) {
        guard let status = json["status"]?.integerValue, let code = json["code"]?.stringValue else { return nil }
        let first = RenError(
            RenError.Code(code), json["detail"]?.stringValue ?? code, hint: json["hint"]?.stringValue)
        let all = json["errors"]?.arrayValue?.compactMap(RenError.init(json:)) ?? []
        self.init(all.isEmpty ? [first] : all, status: Int(status))
    }
}

extension RenError {
    /// As it stands in JSON: `{"code", "message", "hint"?, "file"?, "line"?, "column"?}`
    package var json: JSONObject {
        var object: JSONObject = ["code": .string(code.rawValue), "message": .string(message)]
        if let hint { object["hint"] = .string(hint) }
        if let file { object["file"] = .string(file) }
        if let place {
            object["line"] = .integer(Int64(place.line))
            object["column"] = .integer(Int64(place.column))
        }
        return object
    }

    init?(json: JSON) {
        guard let code = json["code"]?.stringValue, let message = json["message"]?.stringValue else { return nil }
        self.init(RenError.Code(code), message, hint: json["hint"]?.stringValue)
        if let line = json["line"]?.integerValue, let column = json["column"]?.integerValue {
            place = Place(line: Int(line), column: Int(column), offset: 0)
        }
        file = json["file"]?.stringValue
    }
}
