import HTTPTypes
import NIOCore
import RenAPI
import RenCore
import RenJSON

/// A route with its schemas compiled: turns what was sent into what the handler gets, or refuses it.
struct CheckedRoute: Sendable {
    let route: Route
    private let parameters: [(parameter: Route.Parameter, schema: JSONSchema, type: String?)]
    private let body: JSONSchema?
    /// Members that the body may have; nil when it may have any.
    private let members: [String]?

    init(_ route: Route, schemas: [String: JSON]) {
        self.route = route
        let compiler = RouteSchemas(schemas)
        parameters = route.parameters.map { ($0, compiler.compile($0.schema), $0.schema["type"]?.stringValue) }
        let schema = route.body?.schema.map(compiler.resolved)
        body = schema.map(compiler.compile)
        members =
            schema?["additionalProperties"] == .bool(false)
            ? schema?["properties"]?.objectValue.map { Array($0.keys) } ?? [] : nil
    }

    // MARK: Parameters

    /// - Parameter query: as sent, without the question mark.
    func parameters(query: Substring, headers: HTTPFields) throws(RenError) -> JSONObject {
        // What the address of a page says besides is for the page.
        var given = route.access == .page ? [:] : try self.given(in: query)
        var values = JSONObject()
        for (parameter, schema, type) in parameters {
            let texts: [String]
            switch parameter.location {
            case .query: texts = given.removeValue(forKey: parameter.name) ?? []
            case .header: texts = HTTPField.Name(parameter.name).map { headers[values: $0] } ?? []
            }
            guard let first = texts.first else {
                if let value = parameter.schema["default"] { values[parameter.name] = value }
                guard !parameter.isRequired else { throw refused(parameter, "it is missing") }
                continue
            }
            guard texts.count == 1 || type == "array" else { throw refused(parameter, "it is given twice") }
            let value: JSON =
                type == "array" ? .array(texts.map(JSON.string)) : JSON(text: first, ofType: type) ?? .string(first)
            if let violation = schema.validate(value).first { throw refused(parameter, violation.description) }
            values[parameter.name] = value
        }
        if let unknown = given.keys.min() {
            let known = parameters.map(\.parameter).filter { $0.location == .query }.map(\.name)
            let near = nearest(to: unknown, in: known).map { "did you mean \"\($0)\"?" }
            throw RenError(
                .queryUnknown, "there is no parameter \(JSON.string(unknown).excerpt) here",
                hint: near ?? (known.isEmpty ? nil : "there are \(known.joined(separator: ", "))"))
        }
        return values
    }

    private func given(in query: Substring) throws(RenError) -> [String: [String]] {
        var given: [String: [String]] = [:]
        for pair in query.split(separator: "&") {
            let name = pair.prefix { $0 != "=" }
            guard let key = PercentCoding.decode(name, plusIsSpace: true),
                let value = PercentCoding.decode(pair.dropFirst(name.count + 1), plusIsSpace: true)
            else { throw RenError(.queryInvalid, "the query holds a bad escape", hint: "percent-encode UTF-8") }
            given[key, default: []].append(value)
        }
        return given
    }

    private func refused(_ parameter: Route.Parameter, _ reason: String) -> RenError {
        let isPage = ["limit", "offset", "cursor"].contains(parameter.name)
        return switch parameter.location {
        case .query:
            RenError(isPage ? .pageInvalid : .queryInvalid, "the parameter \(parameter.name): \(reason)")
        case .header: RenError(.headerInvalid, "the header \(parameter.name): \(reason)")
        }
    }

    // MARK: Body

    /// Refuses by the head alone what would be refused after the body was read.
    func checkHead(_ headers: HTTPFields) throws(RenError) {
        guard let wanted = route.body else { return }
        if let encoding = headers[.contentEncoding], encoding.lowercased() != "identity" {
            throw RenError(
                .contentEncoding, "a body cannot be taken with the encoding \(JSON.string(encoding).excerpt)",
                hint: "send it as it is")
        }
        let length = headers[.contentLength]
        guard wanted.isRequired || length ?? "0" != "0" || headers[.transferEncoding] != nil else { return }
        guard wanted.isRequired == false || length != "0" else { throw missing(wanted) }
        let type = headers[.contentType]?.prefix { $0 != ";" }.trimmed.lowercased()
        guard let type, wanted.types.contains(type) else {
            throw RenError(
                .contentType, "the body is \(type.map { JSON.string($0).excerpt } ?? "of no named type")",
                hint: "send it with Content-Type: \(wanted.types.joined(separator: " or "))")
        }
    }

    /// The body as JSON where the route has a schema for it.
    func json(_ bytes: ByteBuffer) throws -> JSON {
        guard let wanted = route.body else { return .null }
        guard bytes.readableBytes > 0 else {
            if wanted.isRequired { throw missing(wanted) }
            return .null
        }
        guard let body else { return .null }
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: bytes.readableBytesView)
        } catch {
            throw RenError(RenError.Code(error.code.rawValue), error.message, at: error.place)
        }
        guard let object = json.objectValue else {
            let start = Place(line: 1, column: 1, offset: 0)
            throw RenError(.jsonShape, "the body must be an object, not \(json.typeName)", at: start)
        }
        try refuseUnknown(object)
        let violations = body.validate(json)
        guard let first = violations.first else { return json }
        var problem = Problem(violations.map { RenError(.fieldInvalid, $0.description) })
        problem.details["field"] = .string(first.pointer.description)
        throw problem
    }

    private func refuseUnknown(_ object: JSONObject) throws {
        guard let members, let unknown = object.keys.first(where: { !members.contains($0) }) else { return }
        let near = nearest(to: unknown, in: members).map { "did you mean \"\($0)\"?" }
        let known = members.isEmpty ? "it takes no members" : "it takes \(members.joined(separator: ", "))"
        var problem = Problem(
            RenError(.fieldUnknown, "there is no member \(JSON.string(unknown).excerpt) here", hint: near ?? known))
        problem.details["field"] = .string("/" + unknown.unicodeScalars.prefix(100).map(String.init).joined())
        throw problem
    }

    private func missing(_ wanted: Route.Body) -> RenError {
        RenError(.bodyMissing, "the body is missing", hint: "send \(wanted.types.joined(separator: " or "))")
    }
}

extension JSON {
    /// What a text in a query or header stands for; nil when it is no value of that type.
    fileprivate init?(text: String, ofType type: String?) {
        switch type {
        case "integer":
            let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
            guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let value = Int64(text)
            else { return nil }
            self = .integer(value)
        case "boolean":
            guard let value = Bool(text) else { return nil }
            self = .bool(value)
        case "number":
            guard let value = Double(text), value.isFinite else { return nil }
            self = .double(value)
        default: self = .string(text)
        }
    }
}

extension RenError.Code {
    static let queryUnknown = Self("query.unknown")
    static let queryInvalid = Self("query.invalid")
    static let pageInvalid = Self("page.invalid")
    static let headerInvalid = Self("header.invalid")
    static let contentEncoding = Self("content_encoding")
    static let contentType = Self("content_type")
    static let bodyMissing = Self("body.missing")
    static let jsonShape = Self("json.shape")
    static let fieldUnknown = Self("field.unknown")
    static let fieldInvalid = Self("field.invalid")
}
