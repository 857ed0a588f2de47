package import HTTPTypes
package import NIOCore
package import RenJSON

/// A request that passed the gate and the checks of its route.
package struct Call: Sendable {
    package var method: HTTPRequest.Method
    /// Without the query.
    package var path: String
    package var headers: HTTPFields
    /// Captures of the path by name, decoded.
    package var captures: [String: String]
    /// Declared parameters that were given or have a default, by name, checked against their schemas.
    package var parameters: JSONObject
    /// The body as JSON where the route declares a schema, checked against it; `.null` without a body.
    package var json: JSON = .null
    /// The body as it came.
    package var body = ByteBuffer()
    /// It came over the Unix socket, so from a process of the same user on this machine.
    package var isLocal: Bool
    /// Who is asking, for events: `cli`, `http`, or what the body says.
    package var by: String
    /// Names the request in problems and logs.
    package var id: String

    package func capture(_ name: String) -> String { captures[name] ?? "" }
    package func text(_ name: String) -> String? { parameters[name]?.stringValue }
    package func integer(_ name: String) -> Int? { parameters[name]?.integerValue.map { Int($0) } }
    package func flag(_ name: String) -> Bool { parameters[name] == .bool(true) }
}
