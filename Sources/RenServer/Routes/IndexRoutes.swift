import HTTPTypes
import Ren
import RenAPI
import RenCore
import RenEngine
import RenJSON
import RenJournal

/// Paths that other parts name.
enum IndexPaths {
    static let stream = "/api/v1/stream"
    static let links = "/api/v1/links"
    static let session = "/api/v1/session"
    static let openAPI = "/openapi.json"
    static let docs = "/docs"
}

extension Backend {
    var indexRoutes: [Route] {
        [
            indexRoute, openAPIRoute, docsRoute, problemRoute, linkRoute, sessionRoute, streamRoute,
        ]
    }

    static let baseSchemas: [String: JSON] = [
        "Problem": .answer(
            [
                "type": .text("a page about the code"), "title": .text("the status in words"),
                "status": ["type": "integer", "minimum": 400, "maximum": 599],
                "code": .text("stable; the command line shows the same"), "detail": .text("what is wrong"),
            ],
            sometimes: [
                "hint": .text("what to do"), "instance": .text("the path that was asked for"),
                "request": .text("names the request in the log"),
                "errors": .list(
                    of: .answer(
                        ["code": .text("as above"), "message": .text("what is wrong")],
                        sometimes: [
                            "hint": .text("what to do"), "file": .text("where, as it was named"), "line": .count,
                            "column": .count,
                        ])),
            ]),
        "Index": .answer([
            "version": .text("of ren"), "sequence": .count, "time": .timeOrNull,
            "verified": [
                "anyOf": [.answer(["time": .time, "findings": .count]), ["type": "null"]],
                "description": "when this service verified the journal last",
            ], "links": .map(of: .text("a path")),
        ]),
    ]

    private var indexRoute: Route {
        Route(
            .get, "/api/v1", "What is here",
            answers: [.json("links, version and the last event's number", .ref("Index"))]
        ) { [self] _ in
            let head = try journal.read { view throws(RenError) in try view.head() }
            let links: JSONObject = [
                "runs": "/api/v1/runs", "flows": "/api/v1/flows", "functions": "/api/v1/functions",
                "workers": "/api/v1/workers", "events": "/api/v1/events", "stream": .string(IndexPaths.stream),
                "ready": "/health/ready", "metrics": "/metrics", "openapi": .string(IndexPaths.openAPI),
                "docs": .string(IndexPaths.docs),
            ]
            return .json([
                "version": .string(renVersion), "sequence": .integer(Int64(head.sequence.rawValue)),
                "time": head.sequence.rawValue == 0 ? .null : .string(head.time.iso8601),
                "verified": inspection?.verified.map { ["time": JSON($0.at), "findings": JSON($0.findings)] } ?? .null,
                "links": .object(links),
            ])
        }
    }

    private var openAPIRoute: Route {
        Route(
            .get, IndexPaths.openAPI, "This description, as OpenAPI 3.1",
            answers: [.json("an OpenAPI document", ["type": "object"])]
        ) { [self] _ in .json(OpenAPI.document(routes, schemas: Self.schemas)) }
    }

    private var docsRoute: Route {
        Route(
            .get, IndexPaths.docs, "The routes, for people", access: .open,
            answers: [.bytes("a page", type: "text/html; charset=utf-8")]
        ) { [self] _ in .page("ren: the API", OpenAPI.page(routes)) }
    }

    private var problemRoute: Route {
        Route(
            .get, "/problems/{code}", "What a problem's code means", access: .open,
            answers: [.bytes("a text", type: "text/plain; charset=utf-8")], problems: [404]
        ) { call in
            let code = call.capture("code")
            guard let text = Problem.explanation(of: RenError.Code(code)) else {
                throw RenError(.notFound, "no problem has this code")
            }
            return .text(text)
        }
    }

    // MARK: The console's way in

    private var linkRoute: Route {
        Route(
            .post, IndexPaths.links, "A link that opens the console once, within a minute",
            answers: [
                .json(
                    .created, "the code and the link",
                    .answer(["code": .text("good once"), "url": .textOrNull("null without TCP")]))
            ]
        ) { [self] _ in
            let code = gate.links.make()
            let url = gate.url.map { JSON.string("\($0)/#code=\(code)") } ?? .null
            return .json(["code": .string(code), "url": url], status: .created)
        }
    }

    private var sessionRoute: Route {
        Route(
            .post, IndexPaths.session, "The token for the code of a link", access: .open,
            body: Route.Body(
                schema: .request(["code": ["type": "string", "maxLength": 100]], required: ["code"])),
            answers: [.json("the token", .answer(["token": .text("for Authorization: Bearer")]))]
        ) { [self] call in
            guard gate.links.redeem(call.json["code"]?.stringValue ?? "") else {
                throw RenError(
                    RenError.Code("link.invalid"), "the code was used, is older than a minute, or was never given",
                    hint: "`ren open` makes a new link")
            }
            return .json(["token": .string(gate.token)])
        }
    }

    private var streamRoute: Route {
        Route(
            .get, IndexPaths.stream, "Live events over a WebSocket (sub-protocol \(Gate.subprotocol))",
            answers: [.empty(.switchingProtocols, "the socket is open")], problems: [426]
        ) { _ in
            var problem = Problem(
                RenError(
                    RenError.Code("upgrade.required"), "this is for WebSockets alone",
                    hint: "GET /api/v1/events gives the same as server-sent events"))
            problem.headers = ["Upgrade": "websocket"]
            throw problem
        }
    }
}

extension Reply {
    /// A page without scripts.
    ///
    /// - Parameter body: HTML, made of nothing that came from outside.
    fileprivate static func page(_ title: String, _ body: String) -> Reply {
        .text(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>\(title)</title><h1>\(title)</h1>\(body)</html>\n",
            type: "text/html; charset=utf-8")
    }
}
