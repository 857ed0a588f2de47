package import HTTPTypes
package import RenJSON

/// One method of one resource: what it takes, what it answers, who may ask, and how it is done.
///
/// The router, the gate, the checks of parameters and body, and `/openapi.json` are all made from this, so that none of
/// them can forget a route or say something else.
package struct Route: Sendable {
    package enum Access: Sendable {
        /// With the token, or over the Unix socket.
        case token
        /// To anyone who passes Host and Origin: nothing is told but that ren is there.
        case open
        /// As `open`, and links of other sites may lead to it: what the console is made of, which holds no data. It is
        /// no part of the API, so `/openapi.json` leaves it out.
        case page
    }

    /// A parameter in the query or in the headers; those of the path stand in `path`.
    package struct Parameter: Sendable {
        package enum Location: String, Sendable { case query, header }
        package var name: String
        package var location = Location.query
        package var description: String
        /// JSON Schema of the value: integers, booleans and enumerations are read from text before the check.
        package var schema: JSON
        package var isRequired = false

        package static func query(_ name: String, _ description: String, _ schema: JSON = ["type": "string"]) -> Self {
            Parameter(name: name, description: description, schema: schema)
        }

        package static func header(_ name: String, _ description: String, _ schema: JSON = ["type": "string"]) -> Self {
            Parameter(name: name, location: .header, description: description, schema: schema)
        }
    }

    package struct Body: Sendable {
        /// Nil: bytes of one of `types` that the handler reads itself.
        package var schema: JSON?
        package var types = ["application/json"]
        package var isRequired = true
    }

    /// An answer that is no problem.
    package struct Answer: Sendable {
        package var status: HTTPResponse.Status
        package var description: String
        package var type: String?
        /// Of JSON answers; `{"$ref": "#/components/schemas/Run"}` names one of `Schemas`.
        package var schema: JSON?

        package static func json(
            _ status: HTTPResponse.Status, _ description: String, _ schema: JSON
        ) -> Self {
            Answer(status: status, description: description, type: "application/json", schema: schema)
        }

        /// With 200.
        package static func json(_ description: String, _ schema: JSON) -> Self { json(.ok, description, schema) }

        package static func bytes(
            _ status: HTTPResponse.Status, _ description: String, type: String
        ) -> Self {
            Answer(status: status, description: description, type: type, schema: nil)
        }

        /// With 200.
        package static func bytes(_ description: String, type: String) -> Self { bytes(.ok, description, type: type) }

        package static func empty(_ status: HTTPResponse.Status, _ description: String) -> Self {
            Answer(status: status, description: description, type: nil, schema: nil)
        }
    }

    package typealias Handler = @Sendable (Call) async throws -> Reply

    package var method: HTTPRequest.Method
    /// As in `/api/v1/runs/{run}:pause`.
    package var path: String
    package var summary: String
    package var access = Access.token
    package var parameters: [Parameter] = []
    package var body: Body?
    package var answers: [Answer]
    /// Statuses of the problems that it can answer besides those that every route can (400, 401, 403, 404 for unknown
    /// paths, 405, 408, 413, 414, 415, 421, 431, 500, 503).
    package var problems: [Int] = []
    /// It reads many rows or waits for files: it runs on threads of its own, never on the cooperative pool.
    package var isLong = false
    package var handle: Handler

    package init(
        _ method: HTTPRequest.Method, _ path: String, _ summary: String, access: Access = .token,
        parameters: [Parameter] = [], body: Body? = nil, answers: [Answer], problems: [Int] = [], isLong: Bool = false,
        handle: @escaping Handler
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.access = access
        self.parameters = parameters
        self.body = body
        self.answers = answers
        self.problems = problems
        self.isLong = isLong
        self.handle = handle
    }
}

/// Shorthands for schemas of parameters.
extension JSON {
    package static func ref(_ name: String) -> JSON { ["$ref": .string("#/components/schemas/\(name)")] }
    package static func integer(from minimum: Int64, to maximum: Int64, default value: Int64? = nil) -> JSON {
        var schema: JSONObject = ["type": "integer", "minimum": .integer(minimum), "maximum": .integer(maximum)]
        if let value { schema["default"] = .integer(value) }
        return .object(schema)
    }
    package static func oneOf(_ words: [String]) -> JSON {
        ["type": "string", "enum": .array(words.map(JSON.string))]
    }
}
