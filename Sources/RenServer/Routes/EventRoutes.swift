import Hummingbird
import NIOCore
import Ren
import RenAPI
import RenCore
import RenJSON
import RenJournal

extension Backend {
    var eventRoutes: [Route] {
        [
            Route(
                .get, "/api/v1/runs/{run}/events", "The history of a run: as a page, or live as text/event-stream.",
                parameters: Self.eventParameters + [.query("node", "only events of it and its items")],
                answers: Self.eventAnswers, problems: [404, 406], isLong: true
            ) { call in
                let row = try self.run(call.capture("run"))
                var filter = EventFilter(.run(row.number), types: try call.eventTypes())
                if let node = call.text("node") { filter.node = try self.readings.node(node, of: row) }
                return try await self.events(filter, call)
            },
            Route(
                .get, "/api/v1/journal/events",
                "All events of this data directory: as a page, or live as text/event-stream.",
                parameters: Self.eventParameters, answers: Self.eventAnswers, problems: [406], isLong: true
            ) { call in
                try await self.events(EventFilter(.journal, types: try call.eventTypes()), call)
            },
            Route(
                .get, "/api/v1/journal/events/{sequence}",
                "One event with the hashes that chain it, and its payload where that is not long.",
                answers: [.json(.ok, "the event", .ref("EventDetail"))], problems: [404, 410], isLong: true
            ) { call in
                let event = try self.event(call.capture("sequence"))
                var names = EventNames(self.journal)
                var object = try EventView(event, &names).detailed
                object["chain_problem"] = JSON(
                    try self.journal.read { view throws(RenError) in try view.chainProblem(at: event.sequence) })
                if let payload = event.event.payload, payload.length <= Self.outputBytesMax {
                    object["payload_json"] = try self.keptJSON(ofPayloadAt: event.sequence)
                }
                return .json(object)
            },
            Route(
                .get, "/api/v1/journal/events/{sequence}/changes",
                "What an event changed in what is shown of its run, and the events that it is linked to.",
                answers: [.json(.ok, "values before and after, and links", .ref("EventChanges"))],
                problems: [404, 410], isLong: true
            ) { call in
                let event = try self.event(call.capture("sequence"))
                var names = EventNames(self.journal)
                return .json(try EventChange(event, in: self.journal, &names).json)
            },
            Route(
                .get, "/api/v1/journal/events/{sequence}/payload", "The payload of an event, as it was recorded.",
                answers: [.bytes(.ok, "the bytes, mostly JSON", type: "application/octet-stream")],
                problems: [404, 410],
                isLong: true
            ) { call in
                let event = try self.event(call.capture("sequence"))
                let bytes = try self.journal.read { view throws(RenError) in try view.payload(at: event.sequence) }
                return Reply(
                    .ok, type: "application/octet-stream", body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
                ).with(.contentDisposition, "attachment")
            },
            Route(
                .get, "/api/v1/events", "All events live, as text/event-stream; for curl and EventSource.",
                parameters: [Self.afterParameter, Self.lastEventParameter],
                answers: [.bytes(.ok, "the events", type: Self.eventStream)], problems: [406]
            ) { call in
                _ = try Accept.choose([Self.eventStream], call.headers)
                return try await self.live(EventFilter(.journal), call)
            },
        ]
    }

    // MARK: Pages

    static let eventStream = "text/event-stream"
    private static let jsonLines = "application/jsonl"
    private static let scanMax = 100_000
    private static let page = 1_000

    private func events(_ filter: EventFilter, _ call: Call) async throws -> Reply {
        switch try Accept.choose(["application/json", Self.jsonLines, Self.eventStream], call.headers) {
        case Self.eventStream: return try await live(filter, call)
        case Self.jsonLines:
            let page = try page(filter, call)
            return .text(page.texts.map { String(decoding: $0, as: UTF8.self) + "\n" }.joined(), type: Self.jsonLines)
                .with(.renAsOf, String(page.head.rawValue))
        default:
            let page = try page(filter, call)
            var writer = JSONWriter()
            writer.beginObject()
            writer.key("items")
            writer.beginArray()
            for text in page.texts { writer.raw(text) }
            writer.endArray()
            writer.field("next", JSON(page.next?.rawValue))
            writer.field("as_of", JSON(page.head.rawValue))
            writer.endObject()
            return .json(bytes: writer.bytes)
        }
    }

    /// The wanted events behind `after`, at most `limit`; 100,000 are looked through at most.
    private func page(
        _ filter: EventFilter, _ call: Call
    ) throws(RenError) -> (texts: [[UInt8]], next: JournalSequence?, head: JournalSequence) {
        let limit = call.integer("limit") ?? Self.page
        var last = JournalSequence(call.integer("after") ?? 0)
        var (texts, seen, names) = ([[UInt8]](), 0, EventNames(journal))
        while seen < Self.scanMax {
            let from = last
            let (events, head) = try journal.read { view throws(RenError) in
                let number = try view.number(of: filter.source, at: from)
                return (try view.events(of: filter.source, after: number, limit: Self.page), try view.head().sequence)
            }
            for event in events {
                last = event.sequence
                guard filter.wants(event.type, event.event.subject) else { continue }
                texts.append(JSON.object(try EventView(event, &names).json).compact)
                if texts.count == limit { return (texts, last < head ? last : nil, head) }
            }
            if events.count < Self.page { return (texts, nil, head) }
            seen += events.count
            if Task.isCancelled { throw RenError(.requestCancelled, "nobody waits for the answer any more") }
        }
        return (texts, last, last)
    }

    private func event(_ text: String) throws(RenError) -> RecordedEvent {
        let sequence = UInt64(text).flatMap { String($0) == text ? JournalSequence($0) : nil }
        let event = try sequence.flatMap { sequence throws(RenError) in
            try journal.read { view throws(RenError) in try view.record(at: sequence) }
        }
        guard let event else {
            throw RenError(.init("event.not_found"), "there is no event \(text.prefix(40))")
        }
        return event
    }

    // MARK: Live

    /// Events from a place on until the client leaves or the server does.
    private func live(_ filter: EventFilter, _ call: Call) async throws -> Reply {
        let subscription = try await Subscription(
            readings.pages, filter, since: try call.since(), batch: StreamRequest.batchDefault)
        return .stream(Self.eventStream, EventText(subscription: subscription))
    }
}

extension Call {
    /// The types that `type` names.
    ///
    /// - Throws: `query.invalid`.
    fileprivate func eventTypes() throws(RenError) -> Set<EventType>? {
        guard let text = text("type") else { return nil }
        var types: Set<EventType> = []
        for name in text.split(separator: ",") {
            let known = EventType.allCases.filter { $0.name == name || $0.name.hasPrefix("\(name).") }
            guard !known.isEmpty else {
                let near = nearest(to: String(name), in: EventType.allCases.map(\.name))
                throw RenError(
                    .queryInvalid, "the parameter type: there is no event \(JSON.string(String(name)).excerpt)",
                    hint: near.map { "did you mean \"\($0)\"?" })
            }
            types.formUnion(known)
        }
        return types
    }

    /// Where a live stream begins: what the client had last comes before what the address says.
    ///
    /// - Throws: `watch.bad_sequence`.
    fileprivate func since() throws(RenError) -> JournalSequence? {
        guard let text = text("Last-Event-ID"), !text.isEmpty else {
            return integer("after").map { JournalSequence($0) }
        }
        guard let number = Int64(text), number >= 0 else {
            throw RenError(
                .watchBadSequence, "Last-Event-ID is a whole number from 0, not \(JSON.string(text).excerpt)")
        }
        return JournalSequence(number)
    }
}

extension Backend {
    static let afterParameter = Route.Parameter.query(
        "after", "the sequence of the last event that is known", .integer(from: 0, to: .max))
    static let lastEventParameter = Route.Parameter.header(
        "Last-Event-ID", "of a live stream, what its last event had as id: where it goes on")

    private static let eventParameters: [Route.Parameter] = [
        afterParameter, lastEventParameter,
        .query("limit", "at most so many, of a page", .integer(from: 1, to: 1_000, default: 1_000)),
        .query("type", "only events of these types, with commas between them; `item` means all of items"),
    ]

    private static let eventAnswers: [Route.Answer] = [
        .json(
            .ok, "a page; next is to be sent as after",
            .answer(["items": .list(of: .ref("Event")), "next": .countOrNull, "as_of": .count])),
        .bytes(.ok, "the same, an event on each line", type: jsonLines),
        .bytes(.ok, "the events from after on, as they come, with their sequence as id", type: eventStream),
    ]

    static let eventSchemas: [String: JSON] = {
        let always: JSONObject = [
            "sequence": .count, "run": .text("its id"), "version": .count, "time": .time,
            "type": .oneOf(EventType.allCases.map(\.name)),
        ]
        let sometimes: JSONObject = [
            "node": .text("its name"), "item": .count, "key": .text("of the item"), "attempt": .count,
            "previous": .count, "cause": .count, "by": .text("who asked, or what interrupted it"),
            "request": .text("the key that the request was marked with"),
            "payload": .answer(["length": .count, "sha256": .hash]),
        ]
        var detail = always
        detail["run_hash"] = .hash
        detail["journal_hash"] = .hash
        detail["chain_problem"] = .textOrNull("why the event does not fit the chains; null: it fits")
        var more = sometimes
        more["payload_json"] = ["description": "the payload, where it has at most 64 KiB"]
        let link: JSON = .answer(
            ["sequence": .count, "type": .oneOf(EventType.allCases.map(\.name))],
            sometimes: ["node": .text("its name"), "key": .text("of the item")])
        let linkOrNull: JSON = ["anyOf": [link, ["type": "null"]]]
        let changes: JSON = .answer([
            "changes": .list(
                of: .answer([
                    "path": .text("such as nodes.scrape.running"), "before": .anything, "after": .anything,
                ])),
            "links": .answer([
                "cause": linkOrNull, "previous": linkOrNull, "effects": .list(of: link),
                "more_effects": ["type": "boolean", "description": "more events follow than were looked at"],
            ]),
        ])
        return [
            "Event": .answer(always, sometimes: sometimes), "EventDetail": .answer(detail, sometimes: more),
            "EventChanges": changes,
        ]
    }()
}
