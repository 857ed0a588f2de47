import HTTPTypes
import Ren
import RenCore
import RenJSON
import RenJournal

/// Runs as they were.
extension Backend {
    var stateRoute: Route {
        Route(
            .get, "/api/v1/runs/{run}/state", "A run as it was after an event, with its nodes and problems.",
            parameters: [
                Route.Parameter(
                    name: "at", description: "the event's sequence; it may be one of another run",
                    schema: .integer(from: 1, to: .max), isRequired: true),
                .query("node", "a map: its items as they were, too"),
                .query("state", "only items that were in it", .oneOf(WorkState.allCases.map(\.name))),
                .query("offset", "so many items are left out", .integer(from: 0, to: 10_000_000, default: 0)),
                .query("limit", "at most so many items", .integer(from: 1, to: 1_000, default: 100)),
            ],
            answers: [.json(.ok, "the run as of the event", .ref("RunState"))], problems: [404, 410], isLong: true
        ) { call in
            let row = try self.run(call.capture("run"))
            let past = try self.readings.past(of: row, at: JournalSequence(call.integer("at") ?? 0))
            let summary = try RunSummary(past, in: self.journal)
            var object = Self.json(summary)
            object["items"] = .null
            if let name = call.text("node") {
                let node = try Self.map(name, of: summary)
                object["items"] = .object(
                    try self.journal.items(of: past, node, Self.query(call))?.json
                        ?? Self.noItems(summary.head.sequence))
            }
            return .json(object)
        }
    }

    /// A past run as `GET /runs/{run}` shows one.
    static func json(_ summary: RunSummary) -> JSONObject {
        var object = summary.json
        object["control"] = JSON(summary.row.control.rawValue)
        object["waiting"] = .null
        object["as_of"] = JSON(summary.head.sequence.rawValue)
        return object
    }

    /// The run as of the event that the query names; nil where it names none.
    ///
    /// - Throws: `event.not_found`.
    func past(_ row: RunRow, _ call: Call) throws(RenError) -> PastRun? {
        try call.integer("as_of").map { number throws(RenError) in
            try readings.past(of: row, at: JournalSequence(number))
        }
    }

    static let asOf = Route.Parameter.query(
        "as_of", "as it was after the event of this sequence, which may be one of another run",
        .integer(from: 1, to: .max))

    static let stateSchemas: [String: JSON] = {
        var schema = runSchemas["RunSnapshot"]?.objectValue ?? [:]
        var properties = schema["properties"]?.objectValue ?? [:]
        properties["items"] = ["anyOf": [.ref("ItemWindow"), ["type": "null"]]]
        schema["properties"] = .object(properties)
        schema["required"] = .array(properties.keys.map(JSON.string))
        return ["RunState": .object(schema)]
    }()
}
