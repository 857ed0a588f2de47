import HTTPTypes
import Hummingbird
import NIOCore
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenWorkers

extension Backend {
    var nodeRoutes: [Route] { nodeListRoutes + itemRoutes + [problemsRoute, timelineRoute] }

    static let nodeSchemas: [String: JSON] = nodeListSchemas.merging(itemSchemas) { first, _ in first }.merging([
        "ProblemGroup": problemSchema, "Timeline": timelineSchema,
    ]) { first, _ in first }

    private var nodeListRoutes: [Route] {
        [
            Route(
                .get, "/api/v1/runs/{run}/nodes", "The nodes of a run, in the order of the flow.",
                parameters: [Self.asOf],
                answers: [.json(.ok, "the nodes", .answer(["items": .list(of: .ref("Node")), "as_of": .count]))],
                problems: [404], isLong: true
            ) { call in
                let row = try self.run(call.capture("run"))
                let summary =
                    try self.past(row, call).map { past throws(RenError) in try RunSummary(past, in: self.journal) }
                    ?? RunSummary(row.number, in: self.journal, engineHolds: true)
                let nodes = summary.flow.nodes.indices.map { JSON.object(summary.nodeMembers($0)) }
                return .json(["items": .array(nodes), "as_of": JSON(summary.head.sequence.rawValue)])
            },
            Route(
                .get, "/api/v1/runs/{run}/nodes/{node}",
                "One node: its output, and of a map how long its items take and how fast they come.",
                answers: [.json(.ok, "the node", .ref("NodeDetail"))], problems: [404], isLong: true
            ) { call in
                .json(try self.nodeDetail(self.run(call.capture("run")), call.capture("node")))
            },
            Route(
                .get, "/api/v1/runs/{run}/nodes/{node}/heatmap",
                "One byte for each item of a map, in the order of the index.",
                parameters: [
                    .query(
                        "by", Self.heatmapWords,
                        [
                            "type": "string", "enum": .array(Heatmap.Quantity.allCases.map { .string($0.rawValue) }),
                            "default": "state",
                        ]), Self.asOf,
                ],
                answers: [.bytes(.ok, "the bytes; none while the map is not open", type: "application/octet-stream")],
                problems: [404, 422], isLong: true
            ) { call in
                let row = try self.run(call.capture("run"))
                let node = try self.map(call.capture("node"), of: row)
                let quantity = call.text("by").flatMap(Heatmap.Quantity.init) ?? .state
                if let past = try self.past(row, call) {
                    guard quantity == .state else {
                        throw RenError(
                            .itemsNowOnly, "as of an event, the heat map shows states only",
                            hint: "leave the event out to see times and attempts")
                    }
                    return Reply(
                        .ok, type: Self.bytes,
                        body: ResponseBody(byteBuffer: ByteBuffer(bytes: past.states(of: node) ?? []))
                    ).with(.renAsOf, String(past.asOf.sequence.rawValue))
                }
                return Self.reply(try Heatmap(self.journal, row.number, node, by: quantity))
            },
        ]
    }

    private static let bytes = "application/octet-stream"
    private static let heatmapWords =
        "state: 0 pending, 1 ready, 2 running, 3 retrying, 4 waiting, 5 succeeded, 6 failed, 7 skipped, 8 cancelled, "
        + "9 unknown; ms: 0 not ended, else 1 + 8·⌊log₂(m + 1)⌋ + the next three bits of m + 1; attempts: at most 255"

    /// The number of a node that has items.
    ///
    /// - Throws: `node.not_found`, `node.no_items`.
    func map(_ name: String, of row: RunRow) throws(RenError) -> NodeNumber {
        try Self.map(name, of: RunSummary(row.number, in: journal, engineHolds: true))
    }

    /// - Throws: `node.not_found`, `node.no_items`.
    static func map(_ name: String, of summary: RunSummary) throws(RenError) -> NodeNumber {
        let index = try summary.number(of: name)
        guard summary.flow.nodes[index].each != nil else {
            throw RenError(.nodeNoItems, "node \"\(name)\" has no each, so it has no items")
        }
        return NodeNumber(index)
    }

    private func nodeDetail(_ row: RunRow, _ name: String) throws(RenError) -> JSONObject {
        let summary = try RunSummary(row.number, in: journal, engineHolds: true)
        let index = try summary.number(of: name)
        var object = summary.nodeMembers(index)
        let times = try journal.times(of: row.number, NodeNumber(index), now: engine.now())
        object["times"] = times.map { .object($0.json) } ?? .null
        object["call"] = .null
        if summary.isFunction(index) {
            let plans = try journal.plans(of: row, swift: session.swift.signatures)
            object["call"] = plans.last.map { $0.json(ofCallOf: NodeNumber(index)) } ?? .null
        }
        try addOutput(summary.rows[index]?.output?.version, of: row.number, to: &object)
        object["as_of"] = JSON(summary.head.sequence.rawValue)
        return object
    }

    /// The map is sent as it is read: 10,000,000 items are never in memory at once.
    private static func reply(_ heatmap: Heatmap?) -> Reply {
        guard let heatmap else { return Reply(.ok, type: bytes) }
        let body = ResponseBody(contentLength: heatmap.total) { writer in
            var heatmap = heatmap
            while true {
                let page = try await BlockingReads.run { [heatmap] in
                    var next = heatmap
                    return (try next.next(isCancelled: { false }), next)
                }
                guard let bytes = page.0 else { break }
                heatmap = page.1
                try await writer.write(ByteBuffer(bytes: bytes))
            }
            try await writer.finish(nil)
        }
        return Reply(.ok, type: bytes, body: body).with(.renAsOf, String(heatmap.asOf.rawValue))
    }
}

extension RunSummary {
    /// A node by itself: what `show -o json` has of it, and its name and kind.
    fileprivate func nodeMembers(_ index: Int) -> JSONObject {
        let node = flow.nodes[index]
        var object: JSONObject = [
            "node": .string(node.name), "kind": .string(node.kindName), "each": .bool(node.each != nil),
        ]
        for member in nodesJSON[flow.nodes[index].name]?.objectValue ?? [:] { object[member.key] = member.value }
        return object
    }
}

extension Plan {
    /// How a function node calls: what holds after the node, the decorator and the flow's `defaults` are put together.
    fileprivate func json(ofCallOf number: NodeNumber) -> JSON {
        let node = flow.nodes[number.index]
        var concurrency: Int?
        if case .fixed(let most)? = node.each?.concurrency { concurrency = most }
        return [
            "function": JSON(node.call?.name), "concurrency": JSON(concurrency),
            "attempts": JSON(retry(of: number).attempts), "timeout": JSON(timeout(of: number).map(DurationText.text)),
            "heartbeat": JSON(heartbeat(of: number).map(DurationText.text)), "once": .bool(once(number)),
        ]
    }
}

extension NodeTimes {
    var json: JSONObject {
        func milliseconds(_ duration: Duration?) -> JSON { JSON(duration.map { $0.nanoseconds / 1_000_000 }) }
        return [
            "samples": JSON(samples), "approximate": .bool(isApproximate), "p50_milliseconds": milliseconds(p50),
            "p95_milliseconds": milliseconds(p95), "p99_milliseconds": milliseconds(p99),
            "max_milliseconds": milliseconds(max),
            "rate": rate.map(JSON.double) ?? .null, "eta_milliseconds": milliseconds(eta),
        ]
    }
}

extension Backend {
    static let timesSchema: JSON = [
        "type": ["object", "null"], "required": ["samples", "approximate", "rate", "eta_milliseconds"],
        "properties": [
            "samples": .count, "approximate": .flag, "p50_milliseconds": .countOrNull, "p95_milliseconds": .countOrNull,
            "p99_milliseconds": .countOrNull, "max_milliseconds": .countOrNull, "rate": ["type": ["number", "null"]],
            "eta_milliseconds": .countOrNull,
        ],
    ]

    private static let nodeListSchemas: [String: JSON] = {
        let base: JSONObject = [
            "node": .text("its name"), "kind": .oneOf(["function", "condition", "pause", "succeed", "fail"]),
            "each": ["type": "boolean", "description": "it has items"],
            "status": .oneOf(WorkState.allCases.map(\.name)),
        ]
        var detail = base
        detail["times"] = timesSchema
        let call: JSON = .answer([
            "function": .text("its name"), "concurrency": .countOrNull, "attempts": .count,
            "timeout": .textOrNull("of an attempt, as flows write it: 2m"), "heartbeat": .textOrNull("5s"),
            "once": .flag,
        ])
        detail["call"] = [
            "anyOf": [call, ["type": "null"]],
            "description": "what it calls and how; what is computed for each call, or not limited, is null",
        ]
        for member in outputMembers { detail[member.key] = member.value }
        detail["as_of"] = .count
        var sometimes: JSONObject = [
            "attempts": .count, "begun": .timeOrNull, "ended": .timeOrNull, "total": .count, "way": .text("taken"),
            "skipped_because": .text("why"), "signal": .textOrNull("awaited"), "message": .textOrNull("to a person"),
            "until": .timeOrNull, "form": .anything, "error": .ref("ErrorSummary"),
        ]
        for state in WorkState.allCases where state != .waiting { sometimes[state.name] = .count }
        return [
            "Node": .answer(base, sometimes: sometimes), "NodeDetail": .answer(detail, sometimes: sometimes),
            "ErrorSummary": .answer(
                ["name": .text("of the exception"), "message": .text("cut to some hundred bytes")],
                sometimes: ["frame": .text("file, line and function of the topmost own frame")]),
        ]
    }()
}

extension HTTPField.Name {
    /// The journal's head when an answer without JSON was read.
    static let renAsOf = Self("Ren-As-Of")!
}
