import HTTPTypes
import NIOCore
import Ren
import RenAPI
import RenCore
import RenJSON
import RenJournal

/// Flows: what can be run, in which versions.
extension Backend {
    var flowRoutes: [Route] {
        [
            Route(
                .get, "/api/v1/flows", "The flows by name, each with its last versions",
                parameters: [.limit, .cursor],
                answers: [.json(.ok, "A page of flows", .page(of: .ref("FlowEntry")))], isLong: true, handle: flows),
            Route(
                .put, "/api/v1/flows", "Registers a flow; its version is the hash of its content",
                parameters: [.idempotencyKey], body: Self.flowBody,
                answers: [
                    .json(.created, "A version that was not known", .ref("FlowRegistered")),
                    .json(.ok, "The version was known", .ref("FlowRegistered")),
                ], problems: [409, 422, 507], handle: registerFlow),
            Route(
                .post, "/api/v1/flows:check", "Finds everything that is wrong with a flow; nothing is stored",
                parameters: [
                    .query(
                        "functions", "Look whether its functions are there", ["type": "boolean", "default": true])
                ],
                body: Self.flowBody,
                answers: [.json(.ok, "What was found", .ref("FlowCheck"))], handle: checkFlow),
            Route(
                .post, "/api/v1/flows:eval", "Evaluates an expression of flows, and tells each step",
                body: Route.Body(
                    schema: .request(
                        [
                            "rule": ["description": "JSONLogic"],
                            "data": ["description": "what it reads; null unless given"],
                        ], required: ["rule"])),
                answers: [.json(.ok, "Its result, or what is wrong with it", .ref("ExpressionTrial"))], isLong: true
            ) { call in
                .json(ExpressionTrial(call.json["rule"] ?? .null, data: call.json["data"] ?? .null).json)
            },
            Route(
                .get, "/api/v1/flows/{flow}", "A flow by name, or one version of it: products@9f3c2a1",
                answers: [.json(.ok, "The flow", .ref("Flow"))], problems: [409], isLong: true, handle: flow),
            Route(
                .get, "/api/v1/flows/{flow}/versions", "All versions of a flow, the last registered first",
                answers: [.json(.ok, "The versions", .ref("FlowVersions"))], problems: [409], isLong: true,
                handle: flowVersions),
            Route(
                .get, "/api/v1/flows/{flow}/graph", "A flow as a drawing: nodes with places, and edges",
                answers: [.json(.ok, "The drawing", .ref("FlowGraph"))], problems: [409], handle: graph),
        ]
    }

    private static let flowBody = Route.Body(types: ["application/json", "application/yaml", "text/yaml"])
    /// Versions of each flow in the list of flows.
    private static let versionsShown = 10

    // MARK: Reading

    private func flows(_ call: Call) throws -> Reply {
        let limit = call.integer("limit") ?? 50
        var after: String?
        if let cursor = call.text("cursor") { after = try PageCursor.place(in: cursor, of: ["flows"]) }
        let head = try journal.read { view throws(RenError) in try view.head().sequence }
        // One more than wanted tells whether the list goes on.
        let found = try journal.flows(after: after, limit: limit + 1)
        let shown = found.prefix(limit)
        let items = shown.map { flow in
            let last = flow.versions.first
            return JSON.object([
                "flow": .string(flow.name), "hash": JSON(last?.hash.description), "registered": JSON(last?.registered),
                "version_count": JSON(flow.versions.count),
                "versions": .array(flow.versions.prefix(Self.versionsShown).map { Self.json($0, of: flow.name) }),
            ])
        }
        let next = found.count > limit ? shown.last.map { PageCursor.text($0.name, of: ["flows"]) } : nil
        return .json(["items": .array(items), "next": JSON(next), "as_of": JSON(head.rawValue)])
    }

    private func flow(_ call: Call) throws -> Reply {
        let named = try session.flow(named: call.capture("flow"))
        let flow = named.flow
        let versions = try journal.flow(named: flow.name)?.versions ?? []
        let signals = Plan(flow).pauses.map { pause -> JSON in
            let node = flow.nodes[pause.node.index].name
            return [
                "node": .string(node), "signal": JSON(pause.signal),
                "form": flow.source["nodes"]?[node]?["pause"]?["form"] ?? .null,
            ]
        }
        return .json([
            "flow": .string(flow.name), "hash": .string(named.hash.description),
            "version": .string(Self.version(flow.name, named.hash)),
            "registered": JSON(versions.first { $0.hash == named.hash }?.registered),
            "source": flow.source, "input": flow.source["input"] ?? .null,
            "functions": .array(Set(flow.nodes.compactMap { $0.call?.name }).sorted().map(JSON.string)),
            "signals": .array(signals),
            "versions": .array(versions.prefix(Self.versionsShown).map { Self.json($0, of: flow.name) }),
        ])
    }

    private func flowVersions(_ call: Call) throws -> Reply {
        let name = try session.flow(named: call.capture("flow")).flow.name
        let versions = try journal.flow(named: name)?.versions ?? []
        return .json(["flow": .string(name), "items": .array(versions.map { Self.json($0, of: name) })])
    }

    private func graph(_ call: Call) throws -> Reply {
        let named = try session.flow(named: call.capture("flow"))
        let flow = named.flow
        let graph = FlowGraph(after: flow.nodes.map(\.after))
        let layout = GraphLayout(graph)
        let nodes = flow.nodes.enumerated().map { index, node -> JSON in
            [
                "name": .string(node.name), "kind": .string(node.kindName), "function": JSON(node.call?.name),
                "each": .bool(node.each != nil), "x": JSON(layout.points[index].x),
                "y": .double(layout.points[index].y),
            ]
        }
        let edges = flow.nodes.flatMap { node in
            node.after.map { entry -> JSON in
                [
                    "from": .string(flow.nodes[entry.node.index].name), "to": .string(node.name),
                    "way": JSON(entry.way.name),
                ]
            }
        }
        return .json([
            "flow": .string(flow.name), "hash": .string(named.hash.description), "layers": JSON(layout.layers.count),
            "nodes": .array(nodes), "edges": .array(edges),
        ])
    }

    /// `products@9f3c2a1`
    static func version(_ name: String, _ hash: Digest) -> String { "\(name)@\(hash.description.prefix(7))" }

    private static func json(_ version: FlowVersions.Version, of name: String) -> JSON {
        [
            "version": .string(self.version(name, version.hash)), "hash": .string(version.hash.description),
            "registered": JSON(version.registered), "sequence": JSON(version.sequence.rawValue),
        ]
    }

    // MARK: Checking and registering

    private func registerFlow(_ call: Call) async throws -> Reply {
        let check = FlowFile.check(Array(call.body.readableBytesView), as: call.flowFormat)
        guard let flow = check.flow else { throw FlowErrors(check.errors) }
        let asker = try call.asker()
        let (hash, isNew) = try await session.register(flow, by: asker)
        let answer: JSONObject = [
            "flow": .string(flow.name), "hash": .string(hash.description),
            "version": .string(Self.version(flow.name, hash)), "is_new": .bool(isNew),
            "warnings": .array(check.warnings.map { .object($0.json) }),
        ]
        let place = "/api/v1/flows/\(flow.name)@\(hash.description.prefix(12))"
        return Reply.json(answer, status: isNew ? .created : .ok).with(.location, place)
    }

    private func checkFlow(_ call: Call) async throws -> Reply {
        let check = await session.check(
            flow: Array(call.body.readableBytesView), as: call.flowFormat, withFunctions: call.flag("functions"))
        return .json([
            "valid": .bool(check.errors.isEmpty), "errors": .array(check.errors.map { .object($0.json) }),
            "warnings": .array(check.warnings.map { .object($0.json) }),
        ])
    }

    // MARK: Schemas

    static let flowSchemas: [String: JSON] = {
        let version: JSON = .answer([
            "version": .text("name and the beginning of the hash: products@9f3c2a1"), "hash": .hash,
            "registered": .time, "sequence": .count,
        ])
        let findings: JSON = .list(of: .ref("Finding"))
        return [
            "Finding": .answer(
                ["code": .text("stable"), "message": .text("what is wrong, with the values")],
                sometimes: [
                    "hint": .text("what to do"), "file": .text("where it is"), "line": .count, "column": .count,
                ]),
            "FlowVersion": version,
            "FlowEntry": .answer([
                "flow": .text("its name"), "hash": .hash, "registered": .time, "version_count": .count,
                "versions": .list(of: .ref("FlowVersion")),
            ]),
            "FlowVersions": .answer(["flow": .text("its name"), "items": .list(of: .ref("FlowVersion"))]),
            "FlowRegistered": .answer([
                "flow": .text("its name"), "hash": .hash, "version": .text("products@9f3c2a1"), "is_new": .flag,
                "warnings": findings,
            ]),
            "FlowCheck": .answer(["valid": .flag, "errors": findings, "warnings": findings]),
            "Flow": .answer([
                "flow": .text("its name"), "hash": .hash, "version": .text("products@9f3c2a1"),
                "registered": .timeOrNull, "source": ["type": "object"], "input": .anything,
                "functions": .list(of: .text("the name of a function that it calls")),
                "signals": .list(
                    of: .answer([
                        "node": .text("the pause"), "signal": .textOrNull("null: it is computed"), "form": .anything,
                    ])),
                "versions": .list(of: .ref("FlowVersion")),
            ]),
            "ExpressionTrial": .answer([
                "result": .anything,
                "errors": .list(
                    of: .answer([
                        "code": .text("stable"), "message": .text("what is wrong"), "hint": .textOrNull("what to do"),
                        "pointer": .text("where in the expression, as JSON Pointer"),
                    ])),
                "warnings": .list(
                    of: .answer(["message": .text("what may surprise"), "pointer": .text("where, as JSON Pointer")])),
                "steps_counted": .count, "cut": ["type": "boolean", "description": "there were more steps than these"],
                "operands": .list(
                    of: .answer([
                        "path": .list(of: ["type": "string"]), "value": .anything,
                    ])),
                "steps": .list(
                    of: .answer(
                        [
                            "pointer": .text("where, as JSON Pointer"), "operator": .text("its name"),
                            "operands": .list(of: .anything), "level": .count,
                        ], sometimes: ["result": .anything, "error": .text("what went wrong")])),
            ]),
            "FlowGraph": .answer([
                "flow": .text("its name"), "hash": .hash, "layers": .count,
                "nodes": .list(
                    of: .answer([
                        "name": .text("unique in the flow"),
                        "kind": .oneOf(["function", "condition", "pause", "succeed", "fail"]),
                        "function": .textOrNull("what it calls"), "each": .flag, "x": .count,
                        "y": ["type": "number", "description": "rows from the middle line; halves occur"],
                    ])),
                "edges": .list(
                    of: .answer([
                        "from": .text("a node"), "to": .text("a node"),
                        "way": .textOrNull("failed, then, else; null: when it succeeded"),
                    ])),
            ]),
        ]
    }()
}

extension Call {
    fileprivate var flowFormat: FlowFile.Format { headers[.contentType]?.contains("json") == true ? .json : .yaml }
}

extension Node {
    /// As the flow file calls it.
    var kindName: String {
        switch kind {
        case .function: "function"
        case .condition: "condition"
        case .pause: "pause"
        case .end(.succeeded, _): "succeed"
        case .end(.failed, _): "fail"
        }
    }
}

extension Node.After.Way {
    /// Nil for the way of success, which nobody writes.
    fileprivate var name: String? {
        switch self {
        case .success: nil
        case .failed: "failed"
        case .taken(let way): way
        }
    }
}
