import HTTPTypes
import Ren
import RenCore
import RenJSON
import RenJournal
import RenWorkers

extension Backend {
    var itemRoutes: [Route] {
        [
            Route(
                .get, "/api/v1/runs/{run}/nodes/{node}/items", "A window of the items of a map.",
                parameters: [
                    .query("state", "only items in it", .oneOf(WorkState.allCases.map(\.name))),
                    .query("q", "a part of the key; case does not count", ["type": "string", "maxLength": 200]),
                    .query("problem", "the fingerprint of a group of failures", Self.fingerprintSchema),
                    .query(
                        "sort", "the order; slowest, newest and attempts look at 100,000 items at most",
                        [
                            "type": "string", "enum": .array(ItemQuery.Order.allCases.map { .string($0.rawValue) }),
                            "default": "index",
                        ]),
                    .query("offset", "so many are left out", .integer(from: 0, to: 10_000_000, default: 0)),
                    .query("limit", "at most so many", .integer(from: 1, to: 1_000, default: 100)), Self.asOf,
                ],
                answers: [.json(.ok, "the window; empty while the map is not open", .ref("ItemWindow"))],
                problems: [404, 422], isLong: true
            ) { call in
                .json(try self.window(call))
            },
            Route(
                .get, "/api/v1/runs/{run}/items/{node}/{key}",
                "One item, by its key, also before it starts: its attempts with their events, its output.",
                answers: [.json(.ok, "the item", .ref("Item"))], problems: [404], isLong: true
            ) { call in
                .json(try self.item(call))
            },
            Route(
                .get, "/api/v1/runs/{run}/items/{node}/{key}/attempts/{attempt}", "One attempt of an item.",
                answers: [.json(.ok, "the attempt", .ref("Attempt"))], problems: [404], isLong: true
            ) { call in
                .json(try self.attempt(call).attempt.json)
            },
            Route(
                .get, "/api/v1/runs/{run}/items/{node}/{key}/attempts/{attempt}/arguments",
                "What an attempt of an item was called with, made again from recorded values.",
                answers: [.json(.ok, "the arguments", .ref("AttemptArguments"))], problems: [404, 410], isLong: true
            ) { call in
                .json(try self.arguments(call))
            },
        ] + itemRoutesByQuery
    }

    /// `.` and `..` cannot be steps of a path: whatever follows an address takes them away, also when they are encoded.
    private var itemRoutesByQuery: [Route] {
        let summary = "The same with the key in the query, where it may be . or .. too; no path can have these."
        return [
            Route(
                .get, "/api/v1/runs/{run}/items/{node}", summary, parameters: [Self.keyParameter],
                answers: [.json(.ok, "the item", .ref("Item"))], problems: [404], isLong: true
            ) { call in
                .json(try self.item(call))
            },
            Route(
                .get, "/api/v1/runs/{run}/items/{node}/attempts/{attempt}", summary, parameters: [Self.keyParameter],
                answers: [.json(.ok, "the attempt", .ref("Attempt"))], problems: [404], isLong: true
            ) { call in
                .json(try self.attempt(call).attempt.json)
            },
            Route(
                .get, "/api/v1/runs/{run}/items/{node}/attempts/{attempt}/arguments", summary,
                parameters: [Self.keyParameter],
                answers: [.json(.ok, "the arguments", .ref("AttemptArguments"))], problems: [404, 410], isLong: true
            ) { call in
                .json(try self.arguments(call))
            },
        ]
    }

    private static let keyParameter: Route.Parameter = {
        var key = Route.Parameter.query("key", "of the item", ["type": "string", "maxLength": 200])
        key.isRequired = true
        return key
    }()

    private func attempt(_ call: Call) throws(RenError) -> (run: RunRow, attempt: AttemptView) {
        let (item, attempts) = try itemAndAttempts(call)
        let number = call.capture("attempt")
        guard let attempt = attempts.first(where: { String($0.number) == number }) else {
            throw RenError(
                .init("attempt.not_found"), "the item has no attempt \(number.prefix(20))",
                hint: "it has \(attempts.count)")
        }
        return (item.run, attempt)
    }

    private func arguments(_ call: Call) throws(RenError) -> JSONObject {
        let (run, attempt) = try attempt(call)
        return try journal.arguments(
            of: attempt, in: run, swift: session.swift.signatures, artifacts: session.directory.artifacts
        ).json
    }

    private func window(_ call: Call) throws(RenError) -> JSONObject {
        let row = try run(call.capture("run"))
        let node = try map(call.capture("node"), of: row)
        let query = Self.query(call)
        if let past = try past(row, call) {
            return try journal.items(of: past, node, query)?.json ?? Self.noItems(past.asOf.sequence)
        }
        let keys = try readings.itemKeys(row.number, node)
        if let window = try journal.items(of: row.number, node, query, keys: keys) { return window.json }
        return Self.noItems(try journal.read { view throws(RenError) in try view.head().sequence })
    }

    static func query(_ call: Call) -> ItemQuery {
        var query = ItemQuery()
        query.state = call.text("state").flatMap { word in WorkState.allCases.first { $0.name == word } }
        if let text = call.text("q"), !text.isEmpty { query.search = .contains(text) }
        query.problem = call.text("problem").flatMap(ProblemView.fingerprint)
        query.order = call.text("sort").flatMap(ItemQuery.Order.init) ?? .index
        query.offset = call.integer("offset") ?? 0
        query.limit = call.integer("limit") ?? 100
        return query
    }

    /// Of a map that is not open.
    static func noItems(_ asOf: JournalSequence) -> JSONObject {
        ["items": [], "total": 0, "counts": .object(StateCounts().json), "as_of": JSON(asOf.rawValue)]
    }

    private func itemAndAttempts(
        _ call: Call
    ) throws(RenError) -> (item: (run: RunRow, row: ItemWindow.Row), attempts: [AttemptView]) {
        let row = try run(call.capture("run"))
        let node = try map(call.capture("node"), of: row)
        let index = try readings.item(call.text("key") ?? call.capture("key"), of: node, in: row)
        guard let item = try journal.item(of: row.number, node, index) else {
            throw RenError(.itemNotFound, "the node has no item \(index)")
        }
        var names = EventNames(journal)
        var events: [EventView] = []
        if item.state != .pending {
            for event in try journal.events(of: row.number, .item(node, index), last: item.last) {
                events.append(try EventView(event, &names))
            }
        }
        return ((row, item), AttemptView.attempts(of: events))
    }

    private func item(_ call: Call) throws(RenError) -> JSONObject {
        let (item, attempts) = try itemAndAttempts(call)
        var object: JSONObject = ["run": .string(item.run.id), "node": .string(call.capture("node"))]
        for member in item.row.json { object[member.key] = member.value }
        // A first attempt that runs has no row: its event tells when it began.
        if item.row.begun == nil, let began = attempts.first?.events.first {
            object["begun"] = JSON(began.event.event.time)
        }
        object["input"] = attempts.last?.json["input"] ?? .null
        object["attempt_list"] = .array(attempts.map { .object($0.json) })
        try addOutput(item.row.output, of: item.run.number, to: &object)
        object["as_of"] = JSON(item.run.last.rawValue)
        return object
    }

    static let fingerprintSchema: JSON = ["type": "string", "pattern": "^[0-9a-f]{16}$"]

    static let itemSchemas: [String: JSON] = {
        let row: JSONObject = [
            "index": .count, "key": .text("names it; the index where the flow has no key"),
            "state": .oneOf(WorkState.allCases.map(\.name)), "attempts": .count, "begun": .timeOrNull,
            "ended": .timeOrNull, "milliseconds": .countOrNull, "until": .timeOrNull, "output_bytes": .countOrNull,
            "error": ["anyOf": [.ref("ErrorSummary"), ["type": "null"]]],
        ]
        var item: JSONObject = ["run": .text("its id"), "node": .text("its name")]
        for member in row { item[member.key] = member.value }
        item["input"] = .hashOrNull
        item["attempt_list"] = .list(of: .ref("Attempt"))
        for member in outputMembers { item[member.key] = member.value }
        item["as_of"] = .count
        return [
            "ItemRow": .answer(row),
            "ItemWindow": .answer([
                "items": .list(of: .ref("ItemRow")), "total": .count, "counts": .map(of: .count), "as_of": .count,
            ]),
            "Item": .answer(item),
            "AttemptArguments": .answer([
                "arguments": ["description": "without the lazy ones"],
                "bytes": .count, "lazy": .list(of: .text("a name: its items were handed over page by page")),
                "proved": [
                    "type": "boolean", "description": "they have the recorded hash; else what they read has changed",
                ],
            ]),
            "Attempt": .answer([
                "attempt": .count, "begun": .timeOrNull, "ended": .timeOrNull,
                "outcome": .textOrNull("the type of the event that ended it"), "input": .hashOrNull,
                "code": .hashOrNull, "alone": ["type": ["boolean", "null"]], "error": ["type": ["object", "null"]],
                "events": .list(of: .ref("Event")),
            ]),
        ]
    }()
}
