import HTTPTypes
import Ren
import RenAPI
import RenJSON

/// `/openapi.json` and `/docs`, made from the routes.
enum OpenAPI {
    /// Every route can answer with these, besides its own.
    static let commonProblems = [400, 401, 403, 421, 431, 500, 503]
    /// Those that take a body.
    static let bodyProblems = [408, 413, 415]

    static func document(_ routes: [Route], schemas: [String: JSON]) -> JSONObject {
        var paths = JSONObject()
        for route in routes where route.access != .page {
            var resource = paths[route.path]?.objectValue ?? [:]
            resource[route.method.rawValue.lowercased()] = operation(route)
            paths[route.path] = .object(resource)
        }
        var named = JSONObject()
        for name in schemas.keys.sorted() { named[name] = schemas[name] }
        return [
            "openapi": "3.1.0",
            "info": ["title": "ren", "version": .string(renVersion), "summary": "A durable workflow engine"],
            "paths": .object(paths),
            "components": [
                "schemas": .object(named),
                "securitySchemes": [
                    "token": [
                        "type": "http", "scheme": "bearer",
                        "description": "the file `token` of the data directory; not needed on the Unix socket",
                    ]
                ],
            ],
        ]
    }

    private static func operation(_ route: Route) -> JSON {
        var object: JSONObject = [
            "summary": .string(route.summary), "operationId": .string(identifier(route)),
            "security": route.access == .token ? [["token": []]] : [],
        ]
        let parameters = PathTemplate(route.path).names.map(path(parameter:)) + route.parameters.map(parameter)
        if !parameters.isEmpty { object["parameters"] = .array(parameters) }
        if let body = route.body {
            let content = body.types.map { type in
                JSONObject.Member(key: type, value: ["schema": body.schema ?? .object([:])])
            }
            object["requestBody"] = [
                "required": .bool(body.isRequired), "content": .object(JSONObject(members: content)),
            ]
        }
        object["responses"] = .object(responses(route))
        return .object(object)
    }

    private static func identifier(_ route: Route) -> String {
        let words = route.path.split { !$0.isLetter && !$0.isNumber }.map(String.init)
        let short = words.starts(with: ["api", "v1"]) && words.count > 2 ? Array(words.dropFirst(2)) : words
        return ([route.method.rawValue.lowercased()] + short).joined(separator: "_")
    }

    private static func path(parameter name: String) -> JSON {
        ["name": .string(name), "in": "path", "required": true, "schema": ["type": "string", "minLength": 1]]
    }

    private static func parameter(_ parameter: Route.Parameter) -> JSON {
        [
            "name": .string(parameter.name), "in": .string(parameter.location.rawValue),
            "description": .string(parameter.description), "required": .bool(parameter.isRequired),
            "schema": parameter.schema,
        ]
    }

    private static func responses(_ route: Route) -> JSONObject {
        var responses = JSONObject()
        for answer in route.answers {
            let status = String(answer.status.code)
            var response =
                responses[status]?.objectValue ?? ["description": .string(answer.description)]
            if let type = answer.type {
                var content = response["content"]?.objectValue ?? [:]
                let media = String(type.prefix { $0 != ";" })
                content[media] = answer.schema.map { ["schema": $0] } ?? .object([:])
                response["content"] = .object(content)
            }
            responses[status] = .object(response)
        }
        for status in problems(of: route) {
            var response =
                responses[String(status)]?.objectValue ?? [
                    "description": .string(Problem.title(ofStatus: status))
                ]
            var content = response["content"]?.objectValue ?? [:]
            content[Problem.contentType] = ["schema": .ref("Problem")]
            response["content"] = .object(content)
            responses[String(status)] = .object(response)
        }
        return responses
    }

    private static func problems(of route: Route) -> [Int] {
        var statuses = Set(commonProblems + route.problems)
        if route.body != nil { statuses.formUnion(bodyProblems) }
        // What a path names may not be there.
        if route.path.contains("{") { statuses.insert(404) }
        // A run may have been pruned.
        if route.path.contains("{run}") { statuses.insert(410) }
        return statuses.sorted()
    }

    // MARK: For people

    /// HTML, made of the routes alone.
    static func page(_ routes: [Route]) -> String {
        let rows = routes.filter { $0.access != .page }.map { route in
            "<tr><td>\(route.method.rawValue)</td><td><code>\(escaped(route.path))</code></td>"
                + "<td>\(escaped(route.summary))</td></tr>"
        }
        return "<p>Every answer that is not what was asked for is a problem object (RFC 9457). "
            + "The whole description is <a href=\"/openapi.json\">/openapi.json</a>.</p><table>\(rows.joined())</table>"
    }

    private static func escaped(_ text: String) -> String {
        String(text.flatMap { ["<": "&lt;", ">": "&gt;", "&": "&amp;", "\"": "&quot;"][$0] ?? String($0) })
    }
}
