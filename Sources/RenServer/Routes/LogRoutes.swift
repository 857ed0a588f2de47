import HTTPTypes
import Hummingbird
import NIOCore
import Ren
import RenAPI
import RenCore
import RenJSON
import RenJournal
import RenWorkers

extension Backend {
    var logRoutes: [Route] {
        [
            Route(
                .get, "/api/v1/runs/{run}/logs",
                "What the functions of a run said: as a page, as lines of text, or live as text/event-stream.",
                parameters: [
                    .query(
                        "level", "the least grave level",
                        [
                            "type": "string", "enum": ["debug", "info", "warning", "error"], "default": "debug",
                        ]),
                    .query("node", "only lines of it"), .query("key", "only lines of the item with this key"),
                    .query("attempt", "only lines of it", .integer(from: 1, to: Int64(UInt32.max))),
                    .query("q", "a part of the text; case does not count", ["type": "string", "maxLength": 1000]),
                    .query("after", "the position of a line: those behind it", Self.positionSchema),
                    .query(
                        "tail", "so many of the last lines, instead of the first ones", .integer(from: 0, to: 10_000)),
                    .query("limit", "at most so many, of a page", .integer(from: 1, to: 10_000, default: 1_000)),
                    .query("follow", "lines of text go on until the run has ended", ["type": "boolean"]),
                    .header("Last-Event-ID", "of a live stream, what its last event had as id: where it goes on"),
                ],
                answers: [
                    .json(.ok, "a page; position is to be sent as after", Self.logPageSchema),
                    .bytes(.ok, "a line for each entry", type: "text/plain"),
                    .bytes(.ok, "the lines, and those to come, with their position as id", type: Self.eventStream),
                ], problems: [404, 406], isLong: true
            ) { call in
                try self.logs(call)
            }
        ]
    }

    private func logs(_ call: Call) throws -> Reply {
        let row = try run(call.capture("run"))
        if let node = call.text("node") { _ = try readings.node(node, of: row) }
        let type = try Accept.choose(["application/json", "text/plain", Self.eventStream], call.headers)
        let reader = LogReader(folder: session.directory.run(row.id))
        let filter = LogReader.Filter(
            level: call.text("level").flatMap(LogLine.Level.init) ?? .debug, node: call.text("node"),
            key: call.text("key"), attempt: call.integer("attempt"), text: call.text("q"))
        let page = try firstPage(reader, filter, call)
        switch type {
        case Self.eventStream:
            let log = LogText(reader: reader, filter: filter, form: .events, first: page) { true }
            return .stream(type, log)
        case "text/plain":
            let type = "text/plain; charset=utf-8"
            guard call.flag("follow") else {
                return Reply(.ok, type: type, body: ResponseBody(byteBuffer: page.plainText))
                    .with(.renLogPosition, page.position.description)
            }
            let journal = journal
            let log = LogText(reader: reader, filter: filter, form: .lines, first: page) {
                try journal.read { view throws(RenError) in try view.run(row.number)?.status.isOpen ?? false }
            }
            return .stream(type, log)
        default:
            guard !call.flag("follow") else {
                throw RenError(
                    .queryInvalid, "the parameter follow: JSON has an end",
                    hint: "send Accept: text/plain or text/event-stream")
            }
            var answer: JSONObject = [
                "items": .array(page.lines.map { .object($0.json) }), "position": .string(page.position.description),
                "at_end": .bool(page.isAtEnd), "dropped_files": JSON(page.droppedFiles),
            ]
            if call.text("after") == nil, call.integer("tail") != nil { answer["looked"] = Self.json(page.looked) }
            return .json(answer)
        }
    }

    private func firstPage(
        _ reader: LogReader, _ filter: LogReader.Filter, _ call: Call
    ) throws(RenError) -> LogReader.Page {
        let given = call.text("Last-Event-ID") ?? call.text("after")
        if given == nil, let count = call.integer("tail") {
            return try reader.tail(count, filter, looking: Self.lookedMin)
        }
        let position = given.map { LogReader.Position($0) } ?? .start
        guard let position else {
            throw RenError(.queryInvalid, "the parameter after: it is no position in a log")
        }
        return try reader.page(after: position, limit: call.integer("limit") ?? 1_000, filter)
    }

    /// The lines that a tail looks at, to say how many there are of each level.
    private static let lookedMin = 10_000

    private static func json(_ looked: LogReader.Looked) -> JSON {
        var levels: JSONObject = [:]
        for level in LogLine.Level.allCases { levels[level.rawValue] = JSON(looked.levels[level] ?? 0) }
        return ["lines": JSON(looked.lines), "levels": .object(levels), "all": .bool(looked.isAll)]
    }

    private static let positionSchema: JSON = ["type": "string", "pattern": "^[0-9]{1,15}-[0-9]{1,15}$"]

    private static let logPageSchema: JSON = .answer(
        [
            "items": .list(
                of: .answer(
                    ["position": positionSchema, "text": ["type": "string"]],
                    sometimes: [
                        "time": .time, "run": .text("its id"), "node": .textOrNull("its name"),
                        "key": .textOrNull("of the item"), "attempt": .countOrNull,
                        "level": .text("debug, info, warning or error"), "fields": .anything,
                        "event": .countOrNull,
                    ])),
            "position": positionSchema,
            "at_end": [
                "type": "boolean", "description": "there was nothing more; else the page is no sign of the end",
            ],
            "dropped_files": ["type": "integer", "minimum": 0, "description": "older files that had to make room"],
        ],
        sometimes: [
            "looked": .answer([
                "lines": .count,
                "levels": [
                    "type": "object", "additionalProperties": .count, "description": "what else is asked for holds",
                ],
                "all": ["type": "boolean", "description": "there are no lines but these"],
            ])
        ])
}

extension HTTPField.Name {
    /// Where a log goes on, in answers without JSON.
    static let renLogPosition = Self("Ren-Log-Position")!
}
