import HTTPTypes
import Ren
import RenAPI
import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenWorkers

/// What people ask of runs: to begin, to pause, to go on, to stop, and what pauses wait for.
extension Backend {
    var commandRoutes: [Route] {
        [
            Route(
                .post, "/api/v1/flows/{flow}/runs", "Starts a run of a flow",
                parameters: [.idempotencyKey], body: Route.Body(schema: Self.startBody, isRequired: false),
                answers: [
                    .json(.created, "The run", .ref("RunStarted")),
                    .json(.ok, "The id or the key was known: the run that there is", .ref("RunStarted")),
                ],
                problems: [409, 422, 429, 507], handle: start),
            command(
                "pause", "Pauses a run: what is in flight may finish, or not with now",
                ["now": ["type": "boolean", "description": "interrupt what is in flight"]]
            ) { call in .pause(now: call.json["now"] == true, reason: call.json["reason"]?.stringValue) },
            command(
                "stop", "Stops a run: what is open is cancelled; mode says what becomes of what is in flight",
                [
                    "mode": [
                        "type": "string", "enum": ["cancel", "now", "wait"], "default": "cancel",
                        "description": "cancel asks it to stop, now kills it, wait lets it finish",
                    ]
                ]
            ) { call in
                let mode = call.json["mode"]?.stringValue.flatMap(StopMode.init(rawValue:)) ?? .cancel
                return .stop(mode, reason: call.json["reason"]?.stringValue)
            },
            command(
                "signal", "Gives a run what one of its pauses waits for, also before it waits",
                [
                    "name": ["type": "string", "minLength": 1, "maxLength": 100, "description": "of the signal"],
                    "payload": ["description": "its data; null unless given"],
                ], required: ["name"]
            ) { call in
                let payload = Payload(hashing: (call.json["payload"] ?? .null).compact)
                return .signal(name: call.json["name"]?.stringValue ?? "", payload: payload)
            },
            Route(
                .post, "/api/v1/runs/{run}:resume", "Goes on with a run, and takes it up if nobody carries it",
                parameters: [.idempotencyKey, .ifMatch],
                body: Route.Body(
                    schema: .request([
                        "reason": .reason, "by": .by, "functions": Self.functionFiles, "install": Self.install,
                    ]), isRequired: false),
                answers: [Self.accepted], problems: [409, 422, 507], handle: resume),
            Route(
                .post, "/api/v1/runs/{run}:retry", "Runs again what failed of a run, or what is named",
                parameters: [.idempotencyKey, .ifMatch, Self.dryRun],
                body: Route.Body(schema: Self.retryBody, isRequired: false), answers: Self.reopeningAnswers,
                problems: [409, 422, 507], handle: retry),
            Route(
                .post, "/api/v1/runs/{run}:skip", "Gives a node or item a result instead of running it",
                parameters: [.idempotencyKey, .ifMatch, Self.dryRun], body: Route.Body(schema: Self.skipBody),
                answers: Self.reopeningAnswers, problems: [409, 413, 422, 507], handle: skip),
            Route(
                .post, "/api/v1/runs/{run}:fork", "Makes a new run that goes on from an event of this one",
                parameters: [.idempotencyKey, Self.dryRun], body: Route.Body(schema: Self.forkBody, isRequired: false),
                answers: [
                    .json(.created, "The new run", .ref("RunStarted")),
                    .json(
                        .ok, "The id or the key was known: the run that there is; with dry_run: what it would be",
                        ["anyOf": [.ref("RunStarted"), .ref("Fork")]]),
                ], problems: [409, 413, 422, 429, 507], handle: fork),
        ]
    }

    // MARK: Forks

    private static let forkBody: JSON = .request([
        "at": [
            "type": "integer", "minimum": 0,
            "description": "the run's last event at or before this sequence; its last one unless given",
        ],
        "id": [
            "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", "description": "of the new run",
        ],
        "set": ["type": "object", "description": "values by their place in the input (input.limit), or a whole input"],
        "node_outputs": ["type": "object", "description": "by node: its output from here on"],
        "item_outputs": [
            "type": "object", "additionalProperties": ["type": "object"],
            "description": "by node and key: the item's output from here on",
        ],
        "flow": [
            "type": "string", "minLength": 1, "maxLength": 300, "description": "another one: name or name@version",
        ],
        "again": names("nodes with once that may run again although they had succeeded"),
        "code_changed": codeChanged, "reason": .reason, "by": .by, "functions": functionFiles, "install": install,
    ])

    private func fork(_ call: Call) async throws -> Reply {
        let parent = try run(call.capture("run"))
        let asker = try call.asker()
        let id = call.json["id"]?.stringValue
        // A repetition is answered from the journal, whatever became of the functions since.
        if let mark = asker.request, let known = try session.engine.known(mark) {
            try? await session.takeUpUnlessEnded(known.run, functions: nil, by: Asker(by: asker.by))
            return try started(row(known.run), known)
        }
        var words = ForkWords()
        words.at = call.json["at"]?.integerValue.map { JournalSequence($0) }
        words.settings = (call.json["set"]?.objectValue?.members ?? []).map {
            ForkWords.Setting(path: $0.key, value: $0.value)
        }
        words.outputs = (call.json["node_outputs"]?.objectValue?.members ?? []).map {
            ForkWords.Output(node: $0.key, key: nil, value: $0.value)
        }
        for node in call.json["item_outputs"]?.objectValue?.members ?? [] {
            for item in node.value.objectValue?.members ?? [] {
                words.outputs.append(ForkWords.Output(node: node.key, key: item.key, value: item.value))
            }
        }
        words.flow = try call.json["flow"]?.stringValue.map { name throws(RenError) in try journal.flowHash(named: name)
        }
        words.again = call.names("again")
        words.codeChangedRunsAgain = call.json["code_changed"] == "again"
        words.reason = call.json["reason"]?.stringValue
        if call.flag("dry_run") {
            let draft = try ForkDraft(
                words, of: parent, id: id ?? "", swift: session.swift.signatures, in: journal, at: session.engine.now())
            return .json(ForkView(draft).json)
        }
        let functions = try await functions(namedIn: call)
        let run = try await session.fork(words, of: parent, id: id, functions: functions, by: asker)
        return try started(try row(run.number), run.answer)
    }

    // MARK: Reopening

    private static let dryRun = Route.Parameter.query(
        "dry_run", "Only say what would be opened again; nothing is written", ["type": "boolean", "default": false])
    private static let reopeningAnswers = [
        accepted, Route.Answer.json(.ok, "With dry_run: what would be opened again", .ref("Reopening")),
    ]
    private static func names(_ description: String) -> JSON {
        [
            "type": "array", "maxItems": 1000, "items": ["type": "string", "minLength": 1, "maxLength": 200],
            "description": .string(description),
        ]
    }
    private static let codeChanged: JSON = [
        "type": "string", "enum": ["keep", "again"], "default": "keep",
        "description": "what becomes of results that other code than today's made",
    ]
    private static let fingerprint: JSON = {
        var schema = fingerprintSchema.objectValue ?? [:]
        schema["description"] = "of a group of problems: all that has failed for its reasons, of the named nodes if any"
        return .object(schema)
    }()
    private static let retryBody: JSON = .request([
        "nodes": names("only these; all that failed for good unless given"),
        "keys": names("only these items, of the one node that is named"),
        "problem": fingerprint,
        "failed": ["type": "boolean", "description": "of the named nodes, too, only what failed"],
        "again": names("nodes with once that may run again although they had succeeded"),
        "code_changed": codeChanged,
        "reason": .reason, "by": .by, "functions": functionFiles, "install": install,
    ])
    private static let skipBody: JSON = .request(
        [
            "node": ["type": "string", "minLength": 1, "maxLength": 200],
            "key": ["type": "string", "maxLength": 200, "description": "of the item; the node itself unless given"],
            "value": ["description": "its output; it counts as success"],
            "keep": ["type": "boolean", "description": "the result it had before its input changed"],
            "fail": ["type": "string", "maxLength": 2000, "description": "it failed, with these words"],
            "reason": .reason, "by": .by,
        ], required: ["node"])

    private func retry(_ call: Call) async throws -> Reply {
        let row = try run(call.capture("run"))
        var words = RetryWords()
        words.nodes = call.names("nodes")
        words.keys = call.names("keys")
        words.problem = call.json["problem"]?.stringValue
        words.onlyFailed = call.json["failed"] == true
        words.again = call.names("again")
        words.codeChangedRunsAgain = call.json["code_changed"] == "again"
        words.reason = call.json["reason"]?.stringValue
        let asker = try call.asker()
        if call.flag("dry_run") {
            return .json(try await session.reopening(row, words.request(for: row, in: journal)).json)
        }
        // A repetition is answered from the journal, whatever became of the functions since.
        let functions = try await functions(namedIn: call)
        return try await accept(row) {
            try await session.reopen(
                row.number, words.request(for: row, in: journal), functions: functions, by: asker)
        }
    }

    private func skip(_ call: Call) async throws -> Reply {
        let row = try run(call.capture("run"))
        let said = ["value", "keep", "fail"].filter { call.json[$0] != nil && call.json[$0] != .bool(false) }
        guard said.count == 1 else {
            throw RenError(
                .init("field.invalid"), "one of value, keep and fail says how it ended, not \(said.count)",
                hint: #"for example {"node": "x", "value": 1}"#)
        }
        let how: SkipWords.How =
            switch said[0] {
            case "keep": .keep
            case "fail": .fail(call.json["fail"]?.stringValue ?? "")
            default: .value(call.json["value"] ?? .null)
            }
        let words = SkipWords(
            node: call.json["node"]?.stringValue ?? "", key: call.json["key"]?.stringValue, how: how,
            reason: call.json["reason"]?.stringValue)
        let request = try words.request(for: row, in: journal)
        let asker = try call.asker()
        if call.flag("dry_run") { return .json(try await session.reopening(row, request).json) }
        return try await accept(row) { try await session.skip(row.number, request, by: asker) }
    }

    // MARK: Starting

    private static let startBody: JSON = .request([
        "id": [
            "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
            "description": "the run's id; equal runs of one id are one run",
        ],
        "input": ["description": "what the flow's input promises; {} unless given"],
        "start_paused": ["type": "boolean", "description": "nothing begins before it is resumed"],
        "by": .by, "functions": functionFiles, "install": install,
    ])

    private func start(_ call: Call) async throws -> Reply {
        let asker = try call.asker()
        // A repetition is answered from the journal, whatever became of the flow or its functions since.
        if let mark = asker.request, let known = try session.engine.known(mark) {
            let row = try row(known.run)
            // The run waits in `unready` when it cannot go on: its answer is the same all the same.
            try? await session.takeUpUnlessEnded(known.run, functions: nil, by: Asker(by: asker.by))
            return try started(row, known)
        }
        let flow = try session.flow(named: call.capture("flow")).flow
        let functions: LoadedFunctions
        if let named = try await self.functions(namedIn: call) {
            functions = named
        } else {
            functions = try await session.defaultFunctions()
        }
        let signatures = session.swift.signatures.merging(functions.signatures) { _, worker in worker }
        let missing = FunctionCheck.errors(of: flow, in: nil, signatures: signatures)
        guard missing.isEmpty else { throw FlowErrors(missing) }
        let run = try await session.start(
            flow, input: call.json["input"] ?? [:], id: call.json["id"]?.stringValue, functions: functions,
            paused: call.json["start_paused"] == true, by: asker)
        if !run.isNew {
            try await session.takeUpUnlessEnded(run.number, functions: functions, by: Asker(by: asker.by))
        }
        return try started(try row(run.number), run.answer)
    }

    private func started(_ row: RunRow, _ answer: Answer) throws -> Reply {
        var object = try json(row)
        object["sequence"] = JSON(answer.first.rawValue)
        object["is_new"] = .bool(answer.isNew)
        object["replayed"] = .bool(answer.replayed)
        return Reply.json(object, status: answer.isNew ? .created : .ok)
            .with(.location, "/api/v1/runs/\(row.id)").with(.eTag, Self.tag(row))
    }

    // MARK: Commands

    private static let accepted = Route.Answer.json(.accepted, "It is in the journal", .ref("Accepted"))

    private func command(
        _ word: String, _ summary: String, _ members: JSONObject, required: [String] = [],
        _ request: @escaping @Sendable (Call) -> Request
    ) -> Route {
        var members = members
        members["reason"] = .reason
        members["by"] = .by
        return Route(
            .post, "/api/v1/runs/{run}:\(word)", summary, parameters: [.idempotencyKey, .ifMatch],
            body: Route.Body(schema: .request(members, required: required), isRequired: !required.isEmpty),
            answers: [Self.accepted], problems: [409, 413, 422, 507]
        ) { call in
            let row = try self.run(call.capture("run"))
            let asker = try call.asker()
            return try await self.accept(row) { try await self.session.ask(row.number, request(call), by: asker) }
        }
    }

    private func resume(_ call: Call) async throws -> Reply {
        let row = try run(call.capture("run"))
        let asker = try call.asker()
        let functions = try await functions(namedIn: call)
        return try await accept(row) {
            try await session.resume(
                row.number, functions: functions, reason: call.json["reason"]?.stringValue, by: asker)
        }
    }

    private func accept(_ row: RunRow, _ ask: () async throws -> Answer) async throws -> Reply {
        do {
            let answer = try await ask()
            let now = try self.row(answer.run)
            return Reply.json(
                [
                    "run": .string(now.id), "status": .string(now.shownStatus),
                    "sequence": JSON(answer.last.rawValue), "version": JSON(answer.version.rawValue),
                    "replayed": .bool(answer.replayed),
                ], status: .accepted
            ).with(.eTag, Self.tag(now))
        } catch let error as RenError where error.code == .versionConflict {
            let now = try self.row(row.number)
            var problem = Problem(error)
            problem.details = ["control": JSON(now.control.rawValue), "version": JSON(now.version.rawValue)]
            throw problem
        }
    }

    private func row(_ number: RunNumber) throws(RenError) -> RunRow {
        guard let row = try journal.read({ view throws(RenError) in try view.run(number) }) else {
            throw RenError(.runNotFound, "there is no run number \(number)")
        }
        return row
    }

    // MARK: Function files of clients

    private static let functionFiles: JSON = [
        "type": "array", "maxItems": 100,
        "items": .request(
            [
                "path": ["type": "string", "minLength": 1, "maxLength": 4096, "description": "real and absolute"],
                "hash": [
                    "type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256 of what the client has seen",
                ],
            ], required: ["path", "hash"]),
        "description": "over the Unix socket only: the files to run, instead of those of the service",
    ]
    private static let install: JSON = [
        "type": "boolean", "description": "over the Unix socket only: install packages that the files ask for",
    ]

    /// The set of the files that a client on this machine names; nil when it names none.
    ///
    /// - Throws: `function.local_only`, `function.changed`, and what loading the files throws.
    private func functions(namedIn call: Call) async throws(RenError) -> LoadedFunctions? {
        let install = call.json["install"]
        guard let files = call.json["functions"]?.arrayValue else {
            guard install == nil || call.isLocal else { throw Self.localOnly }
            return nil
        }
        guard call.isLocal else { throw Self.localOnly }
        var paths: [String] = []
        var hashes: [String: Digest] = [:]
        for file in files {
            guard let path = file["path"]?.stringValue, let hash = file["hash"]?.stringValue else { continue }
            paths.append(path)
            hashes[path] = Digest(hex: hash)
        }
        return try await session.load(paths, hashes: hashes, install: install == true ? .yes : nil)
    }

    private static let localOnly = RenError(
        .init("function.local_only"), "function files can be named over the Unix socket only",
        hint: "name them when the service is started, with -f or in ren.yaml")
}

extension Call {
    fileprivate func names(_ member: String) -> [String] {
        json[member]?.arrayValue?.compactMap(\.stringValue) ?? []
    }
}
