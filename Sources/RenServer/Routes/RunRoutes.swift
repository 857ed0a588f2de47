import HTTPTypes
import Ren
import RenAPI
import RenCore
import RenEngine
import RenJSON
import RenJournal

/// Runs: the list, and what there is to say of one.
extension Backend {
    var runRoutes: [Route] {
        [
            Route(
                .get, "/api/v1/runs", "Runs, the latest started first",
                parameters: [
                    .query("status", "Only these; open are all that are not over", .oneOf(Self.statuses)),
                    .query("flow", "Only runs of this flow"),
                    .query("q", "How the id or the flow's name begins"),
                    .query("started_after", "Started at this time or later", .time),
                    .query("started_before", "Started before this time", .time), .limit, .cursor,
                ],
                answers: [
                    .json(.ok, "A page of runs; it may hold fewer than asked for and go on", .page(of: .ref("Run")))
                ],
                isLong: true, handle: runs),
            Route(
                .get, "/api/v1/runs/{run}", "A run with its nodes and problems",
                parameters: [.ifNoneMatch, Self.asOf],
                answers: [
                    .json(.ok, "The run as of the event as_of", .ref("RunSnapshot")),
                    .empty(.notModified, "It is as the ETag in If-None-Match says"),
                ], problems: [410], isLong: true, handle: snapshot),
        ]
    }

    /// As lists show them, and `open` for all that are not over.
    private static let statuses = RunStatus.allCases.map(\.name) + ["waiting", "open"]

    // MARK: List

    private func runs(_ call: Call) throws -> Reply {
        var query = RunQuery()
        query.status = call.text("status").flatMap(RunQuery.Status.init(word:))
        query.flow = call.text("flow")
        query.text = call.text("q")
        query.startedAfter = try call.time("started_after")
        query.startedBefore = try call.time("started_before")
        query.limit = call.integer("limit") ?? 50
        if let after = query.startedAfter, let before = query.startedBefore, after >= before {
            throw RenError(
                .init("time.range"), "started_after is not before started_before", hint: "exchange the two")
        }
        let words = ["status", "flow", "q", "started_after", "started_before"].map { call.text($0) }
        if let text = call.text("cursor") {
            guard let cursor = RunCursor(try PageCursor.place(in: text, of: words)) else { throw PageCursor.invalid }
            query.cursor = cursor
        }
        let page = try journal.runs(query)
        // A run that waits for a person is shown as waiting, so it is not among those that are running.
        let rows = query.status == .status(.running) ? page.runs.filter { !$0.isWaiting } : page.runs
        return .json([
            "items": .array(try rows.map { .object(try json($0)) }),
            "next": JSON(page.next.map { PageCursor.text($0.text, of: words) }), "as_of": JSON(page.asOf.rawValue),
        ])
    }

    // MARK: One run

    private func snapshot(_ call: Call) async throws -> Reply {
        let row = try unprunedRun(call.capture("run"))
        if let past = try past(row, call) { return .json(Self.json(try RunSummary(past, in: journal))) }
        if call.knows(Self.tag(row)) { return Reply(.notModified).with(.eTag, Self.tag(row)) }
        let summary = try RunSummary(row.number, in: journal, engineHolds: true)
        var object = summary.json
        for member in try json(summary.row) { object[member.key] = member.value }
        object["as_of"] = JSON(summary.head.sequence.rawValue)
        object["nodes"] = try await nodes(of: summary)
        return Reply.json(object).with(.eTag, Self.tag(summary.row))
    }

    /// - Throws: a problem with what is left of a run whose history was pruned, as `summary`.
    private func unprunedRun(_ id: String) throws -> RunRow {
        do throws(RenError) {
            return try run(id)
        } catch {
            guard error.code == .runPruned else { throw error }
            let row = try journal.read { view throws(RenError) in try view.findRun(id) }
            var problem = Problem(error)
            problem.details = ["summary": .object(try json(row))]
            throw problem
        }
    }

    /// The nodes with what only a running engine knows: progress of calls, and how fast maps go on.
    private func nodes(of summary: RunSummary) async throws -> JSON {
        guard summary.row.status.isOpen, var nodes = summary.nodesJSON.objectValue else { return summary.nodesJSON }
        let run = summary.row.number
        let progress = await session.engine.progress(of: run)
        for (index, node) in summary.flow.nodes.enumerated() {
            guard var object = nodes[node.name]?.objectValue else { continue }
            if summary.state(of: index) == .running {
                if let progress = progress[NodeNumber(index)] { object["progress"] = progress.json }
                if summary.rows[index]?.map != nil {
                    let times = try readings.times.times(
                        of: run, NodeNumber(index), in: journal, now: session.engine.now(), atMost: .seconds(1))
                    object["rate"] = times?.rate.map { .double($0) } ?? .null
                    object["eta_milliseconds"] = JSON(times?.eta.map { $0.nanoseconds / 1_000_000 })
                }
            }
            nodes[node.name] = .object(object)
        }
        return .object(nodes)
    }

    /// A run as lists and answers show it.
    func json(_ row: RunRow) throws(RenError) -> JSONObject {
        let unready = row.status.isOpen ? session.unready[row.number] : nil
        let isOurs = try journal.read { view throws(RenError) in try view.isCarried(row, engineHolds: true) }
        let isCarried = isOurs && unready == nil
        var object = RunSummary.json(row, isCarried: isCarried)
        object["control"] = JSON(row.control.rawValue)
        object["waiting"] = .null
        if let unready {
            object["status"] = "waiting"
            var waiting = unready.json
            waiting["reason"] = "functions_missing"
            object["waiting"] = .object(waiting)
        }
        return object
    }

    /// The ETag of a run: what `If-Match` compares stands before the point.
    static func tag(_ row: RunRow) -> String { "\"\(row.control).\(row.version)\"" }

    // MARK: Schemas

    private static func nodes(_ description: String) -> JSON {
        ["type": "array", "items": .text("node"), "description": .string(description)]
    }

    private static func reopening(_ schema: String) -> JSONObject {
        [
            "schema": .oneOf([schema]), "run": .text("its id"), "again": nodes("they run again"),
            "items": [
                "type": "object",
                "additionalProperties": .answer([
                    "count": .count,
                    "indexes": ["type": "string", "description": "as 0-4,9; empty: the map only closes anew"],
                ]), "description": "by node: its items that run again",
            ],
            "further": [
                "type": "object", "additionalProperties": .count,
                "description": "by node: how many of its items go on as well, though nobody chose them",
            ],
            "affected": nodes("they are evaluated afresh, and keep their results if their inputs are the same"),
            "asking": nodes("of these those with once: they wait for a person if their inputs are not the same"),
            "kept": nodes("they stay as they are"),
        ]
    }

    private static let fork: JSONObject = {
        var fork = reopening("ren.fork/1")
        fork["further"] = nil
        fork["parent"] = .text("the run that it goes on from")
        fork["at"] = .count
        fork["version"] = .count
        fork["flow_hash"] = .hash
        fork["new"] = nodes("the flow before has no such nodes")
        fork["gone"] = nodes("the new flow has no such nodes")
        fork["input_changed"] = .flag
        fork["given"] = nodes("nodes, and items as node/key, whose output a person gives")
        fork["unknown"] = nodes("with once, they ran where it begins: a person decides what they did")
        fork["run"] = .textOrNull("its id, where one is asked for")
        let whats = ForkView.What.allCases.map(\.rawValue)
        let counts: JSON = .answer([:], sometimes: JSONObject(members: whats.map { .init(key: $0, value: .count) }))
        fork["nodes"] = .list(
            of: .answer([
                "node": .text("its name"), "what": .oneOf(whats), "status": .oneOf(WorkState.allCases.map(\.name)),
                "items": ["anyOf": [counts, ["type": "null"]]],
            ]))
        fork["totals"] = .answer(["nodes": counts, "items": counts])
        return fork
    }()

    static let runSchemas: [String: JSON] = {
        let error: JSON = .answer(
            ["name": .text("the exception's class, or ren's word"), "message": .text("what it says")],
            sometimes: ["frame": .text("the line of the user's own code")])
        let errorOrNull: JSON = ["anyOf": [error, ["type": "null"]]]
        let waiting: JSON = [
            "anyOf": [
                .answer(
                    [
                        "reason": .oneOf(["functions_missing"]), "code": .text("stable"),
                        "message": .text("what is missing"),
                    ], sometimes: ["hint": .text("what to do")]),
                ["type": "null"],
            ],
            "description": "why ren cannot go on with it, if it cannot",
        ]
        let run: JSONObject = [
            "run": .text("its id"), "flow": .text("the name of its flow"), "flow_hash": .hash,
            "status": .oneOf(RunStatus.allCases.map(\.name) + ["waiting"]),
            "carried": ["type": "boolean", "description": "this engine goes on with it"], "created": .time,
            "updated": .time, "ended": .timeOrNull, "version": .count,
            "control": ["type": "integer", "minimum": 0, "description": "what If-Match compares"], "first": .count,
            "last": .count, "error": errorOrNull, "waiting": waiting,
            "pruned": [
                "enum": ["payloads", "histories", nil],
                "description": "what retention has deleted of it; after histories only this is left",
            ],
            "preparing": [
                "type": ["integer", "null"], "minimum": 0, "maximum": 100,
                "description": "a fork whose rows are still made from its past: how far that is, in percent",
            ],
        ]
        let node: JSON = .answer(
            ["status": .oneOf(WorkState.allCases.map(\.name))],
            sometimes: ["attempts": .count, "begun": .timeOrNull, "ended": .timeOrNull])
        let problem: JSON = .answer([
            "fingerprint": fingerprintSchema, "name": .text("the exception's class"),
            "message": .text("of the first failure"),
            "frame": .textOrNull("the line of the user's own code"), "failures": failedNow, "attempts": failedEver,
            "first": .time, "last": .time, "node": .textOrNull("where it came first"),
            "key": .textOrNull("of the first item"),
        ])
        var snapshot = run
        snapshot["schema"] = .oneOf(["ren.run/1"])
        snapshot["as_of"] = .count
        snapshot["anchor"] = .text("the journal's head: sequence and hash")
        snapshot["nodes"] = .map(of: node)
        snapshot["problems"] = .list(of: problem)
        var started = run
        started["sequence"] = .count
        started["is_new"] = .flag
        started["replayed"] = .flag
        return [
            "Run": .answer(run), "RunSnapshot": .answer(snapshot), "RunStarted": .answer(started),
            "Reopening": .answer(reopening("ren.reopening/1")), "Fork": .answer(fork),
            "Accepted": .answer([
                "run": .text("its id"), "status": .oneOf(RunStatus.allCases.map(\.name) + ["waiting"]),
                "sequence": .count, "version": .count,
                "replayed": ["type": "boolean", "description": "the key was known: nothing was done again"],
            ]),
        ]
    }()
}

extension Call {
    /// A time of the query.
    ///
    /// - Throws: `time.range` for a text that is no time that ren can count.
    func time(_ name: String) throws(RenError) -> Timestamp? {
        guard let text = text(name) else { return nil }
        guard let time = Timestamp(iso8601: text) else {
            throw RenError(
                .init("time.range"), "\(name) is no time from 1678 to 2261",
                hint: "write 2026-11-23T03:21:07Z, with %2B for the + of an offset")
        }
        return time
    }
}

extension RunQuery.Status {
    fileprivate init?(word: String) {
        switch word {
        case "waiting": self = .waiting
        case "open": self = .open
        default:
            guard let status = RunStatus.allCases.first(where: { $0.name == word }) else { return nil }
            self = .status(status)
        }
    }
}

extension CallProgress {
    fileprivate var json: JSON {
        ["done": .double(done), "total": total.map { .double($0) } ?? .null, "text": JSON(text)]
    }
}
