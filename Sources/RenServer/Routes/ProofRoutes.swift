import HTTPTypes
import Ren
import RenAPI
import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenWorkers

/// What a run's history proves and explains: replay, audit, differences, and why.
extension Backend {
    /// Longer histories are for the command line: a reading thread is not held for minutes.
    static let proofEventsMax: UInt64 = 200_000

    var proofRoutes: [Route] {
        [
            Route(
                .post, "/api/v1/runs/{run}:replay",
                "Decides the history of a run again, without effects, and compares; of 200,000 events at most",
                answers: [.json(.ok, "what was explained, and the first divergence", .ref("Replay"))],
                problems: [422], isLong: true
            ) { call in
                let row = try self.short(call, "replay")
                return .json(
                    try ReplayView(
                        row, in: self.journal, directory: self.session.directory, swift: self.session.swift.signatures,
                        isCancelled: { Task.isCancelled }
                    ).json)
            },
            Route(
                .post, "/api/v1/runs/{run}:audit",
                "Who asked what when, what a run was made of, and whether its records are whole; of 200,000 events at most",
                answers: [.json(.ok, "the document", .ref("Audit"))], problems: [422], isLong: true
            ) { call in
                let row = try self.short(call, "audit")
                return .json(
                    try AuditView(
                        row, in: self.journal, directory: self.session.directory, isCancelled: { Task.isCancelled }
                    ).json)
            },
            Route(
                .get, "/api/v1/runs/{run}/diff", "Where a run (a) and another one (b) differ",
                parameters: [
                    Route.Parameter(
                        name: "with", description: "The id of the other run", schema: ["type": "string"],
                        isRequired: true),
                    .query("node", "Show where its outputs differ"),
                    .query("result", "Show where the runs' outputs differ", ["type": "boolean"]),
                    .query(
                        "examples", "So many differing items of each map", .integer(from: 0, to: 10_000, default: 20)),
                ],
                answers: [.json(.ok, "the differences", .ref("Diff"))], problems: [404, 410, 422], isLong: true
            ) { call in
                let left = try self.short(call, "diff")
                let right = try self.short(self.run(call.text("with") ?? ""), "diff")
                let detail = call.text("node").map { DiffView.Detail.node($0) }
                return .json(
                    try DiffView(
                        left, right, in: self.journal, detail: detail ?? (call.flag("result") ? .output : .none),
                        examples: call.integer("examples") ?? 20, isCancelled: { Task.isCancelled }
                    ).json)
            },
            Route(
                .get, "/api/v1/runs/{run}/nodes/{node}/why",
                "Why a node ran, was skipped, waits or was tried again",
                answers: [.json(.ok, "sentences, with the events that they rest on", .ref("Why"))],
                problems: [404, 422],
                isLong: true
            ) { call in
                .json(try self.why(call, key: nil))
            },
            Route(
                .get, "/api/v1/runs/{run}/items/{node}/{key}/why",
                "Why an item ran, was skipped, waits or was tried again",
                answers: [.json(.ok, "sentences, with the events that they rest on", .ref("Why"))],
                problems: [404, 422],
                isLong: true
            ) { call in
                .json(try self.why(call, key: call.capture("key")))
            },
        ]
    }

    private func why(_ call: Call, key: String?) throws(RenError) -> JSONObject {
        let row = try short(call, "why")
        let isCarried = try journal.read { view throws(RenError) in try view.isCarried(row, engineHolds: true) }
        let asker = WhyView.Asker(
            isCarried: isCarried, unready: session.unready[row.number], swift: session.swift.signatures,
            now: engine.now())
        return try WhyView(row, node: call.capture("node"), key: key, in: journal, asker).json
    }

    private func short(_ call: Call, _ command: String) throws(RenError) -> RunRow {
        try short(try run(call.capture("run")), command)
    }

    /// - Throws: `run.too_long`.
    private func short(_ row: RunRow, _ command: String) throws(RenError) -> RunRow {
        guard row.version.rawValue > Self.proofEventsMax else { return row }
        throw RenError(
            .init("run.too_long"),
            "run \(row.id) has \(row.version) events; \(Self.proofEventsMax) are looked at over HTTP",
            hint: "ren \(command) \(row.id) does it on the command line")
    }

    // MARK: Schemas

    static let proofSchemas: [String: JSON] = {
        let counted: JSON = .answer(["count": .count, "first": .list(of: .ref("Event"))])
        let eventOrNull: JSON = ["anyOf": [.ref("Event"), ["type": "null"]]]
        let object: JSON = ["type": "object"]
        let objectOrNull: JSON = ["type": ["object", "null"]]
        let change: JSON = .answer(
            ["pointer": .text("JSON Pointer")], sometimes: ["old": .anything, "new": .anything])
        let side: JSON = .answer([
            "run": .text("its id"), "flow": .text("its name"), "flow_hash": .hash, "status": .text("in one word"),
            "error": objectOrNull, "created": .time, "ended": .timeOrNull, "milliseconds": .countOrNull,
            "output": .hashOrNull,
        ])
        var schemas: [String: JSON] = [:]
        schemas["Replay"] = .answer([
            "schema": .oneOf(["ren.replay/1"]), "run": .text("its id"), "flow": .text("its name"), "flow_hash": .hash,
            "status": .text("in one word"), "matches": .flag,
            "events": ["type": "integer", "minimum": 0, "description": "explained"],
            "explained": .map(of: .count),
            "by_operands": [
                "type": "integer", "description": "decisions whose values are pruned: by recorded operands",
            ],
            "not_evaluated": ["type": "integer", "description": "taken as recorded: values are pruned"],
            "divergence": [
                "anyOf": [
                    .answer([
                        "sequence": .countOrNull, "version": .count, "why": .text("what follows instead"),
                        "expected": objectOrNull, "recorded": eventOrNull,
                    ]), ["type": "null"],
                ]
            ],
        ])
        schemas["Audit"] = .answer([
            "schema": .oneOf(["ren.audit/1"]), "run": .text("its id"), "status": .text("in one word"), "matches": .flag,
            "findings": .list(of: .answer(["what": .text("does not match"), "sequence": .countOrNull])),
            "created": .time, "ended": .timeOrNull, "semantics": .count, "flow": object, "functions": object,
            "asked": counted, "attempts": .map(of: .count), "interruptions": counted, "rejected": counted,
            "overridden": counted, "reopened": counted, "lineage": .list(of: object), "engines": counted,
            "pruned": counted, "chain": object,
        ])
        schemas["Why"] = .answer([
            "schema": .oneOf(["ren.why/1"]), "run": .text("its id"), "node": .text("its name"), "index": .countOrNull,
            "key": .textOrNull("of the item"), "status": .text("in one word"), "why": .text("one sentence"),
            "because": .list(
                of: .answer([
                    "text": .text("a sentence"), "sequence": .countOrNull, "version": .countOrNull,
                    "type": .textOrNull("of the event that it rests on"),
                ])), "as_of": .count,
        ])
        schemas["Diff"] = .answer(
            [
                "schema": .oneOf(["ren.diff/1"]), "a": side, "b": side, "same": .flag,
                "shared": ["type": "integer", "minimum": 0, "description": "leading events that are the same records"],
                "divergence": [
                    "anyOf": [.answer(["version": .count, "a": eventOrNull, "b": eventOrNull]), ["type": "null"]]
                ],
                "input": .answer(["same": .flag, "changes": .list(of: change)]),
                "flow": .answer([
                    "same": .flag,
                    "changes": .list(
                        of: .answer([
                            "node": .textOrNull("null: beside the nodes"), "change": .text("added, removed or changed"),
                            "lines": .list(of: ["type": "string"]),
                        ])),
                ]),
                "nodes": .list(
                    of: .answer(["node": .text("its name"), "same": .flag, "a": objectOrNull, "b": objectOrNull])),
                "items": .list(of: object),
            ], sometimes: ["values": .answer(["count": .count, "changes": .list(of: change)])])
        return schemas
    }()
}
