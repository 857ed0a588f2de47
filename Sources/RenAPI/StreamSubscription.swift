package import RenCore
package import RenJSON

/// What one subscription wants: `{"op": "subscribe", "id", "topic", "run"?, "node"?, "key"?, "kinds"?, "since"?, "log"?}`.
package struct StreamSubscription: Sendable, Equatable {
    package enum Topic: String, Sendable, CaseIterable { case runs, run, node, item, journal, workers, logs }

    package enum Kind: String, Sendable, CaseIterable {
        /// What the journal records, complete.
        case event
        /// Counts of the nodes of a run, coalesced.
        case progress
        /// What the functions of a run say.
        case log
    }

    /// Which lines of the log.
    package struct Log: Sendable, Equatable {
        package var level = "debug"
        /// A place in the log that an earlier line gave; nil: only lines to come.
        package var after: String?
        /// A part of the text.
        package var text: String?

        package init() {}
    }

    package static let idBytesMax = 100

    /// Chosen by the client: names the subscription in all messages about it.
    package var id: String
    package var topic: Topic
    package var run: String?
    package var node: String?
    package var key: String?
    package var kinds: Set<Kind>
    /// The last event that is known; nil: only what comes.
    package var since: JournalSequence?
    package var log = Log()

    package init(
        id: String, topic: Topic, run: String? = nil, node: String? = nil, key: String? = nil,
        kinds: Set<Kind> = [.event], since: JournalSequence? = nil
    ) {
        self.id = id
        self.topic = topic
        self.run = run
        self.node = node
        self.key = key
        self.kinds = kinds
        self.since = since
    }

    /// Unknown members are ignored.
    ///
    /// - Throws: `watch.id`, `watch.topic`, `watch.kind`, `watch.bad_sequence`.
    init(_ object: JSONObject) throws(RenError) {
        id = try Self.id(of: object)
        guard let topic = object["topic"]?.stringValue.flatMap(Topic.init) else {
            throw RenError(
                .watchTopic, "there is no topic \((object["topic"] ?? .null).excerpt)",
                hint: "topics: \(Topic.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.topic = topic
        run = object["run"]?.stringValue
        node = object["node"]?.stringValue
        key = object["key"]?.stringValue
        let kinds = try Self.kinds(object["kinds"] ?? .null)
        self.kinds = topic == .logs ? [.log] : kinds
        since = try object["since"].flatMap { value throws(RenError) in try Self.sequence(value) }
        if let asked = object["log"]?.objectValue {
            log.level = asked["level"]?.stringValue ?? log.level
            log.after = asked["after"]?.stringValue
            log.text = asked["q"]?.stringValue
        }
        try checkTopic()
    }

    /// Each topic needs what names its subject.
    private func checkTopic() throws(RenError) {
        let needed: [(name: String, value: String?)] =
            switch topic {
            case .runs, .journal, .workers: []
            case .run, .logs: [("run", run)]
            case .node: [("run", run), ("node", node)]
            case .item: [("run", run), ("node", node), ("key", key)]
            }
        if let missing = needed.first(where: { $0.value == nil }) {
            throw RenError(.watchTopic, "the topic \(topic.rawValue) needs the text \"\(missing.name)\"")
        }
    }

    static func id(of object: JSONObject) throws(RenError) -> String {
        guard let id = object["id"]?.stringValue, !id.isEmpty, id.utf8.count <= idBytesMax else {
            throw RenError(.watchID, "a subscription has an \"id\": a text of 1 to \(idBytesMax) bytes")
        }
        return id
    }

    private static func kinds(_ value: JSON) throws(RenError) -> Set<Kind> {
        if value.isNull { return [.event] }
        let hint = "kinds: \(Kind.allCases.map(\.rawValue).joined(separator: ", "))"
        guard let words = value.arrayValue else {
            throw RenError(.watchKind, "\"kinds\" is a list of words, not \(value.excerpt)", hint: hint)
        }
        var kinds: Set<Kind> = []
        for word in words {
            guard let kind = word.stringValue.flatMap({ Kind(rawValue: $0) }) else {
                throw RenError(.watchKind, "there is no kind \(word.excerpt)", hint: hint)
            }
            kinds.insert(kind)
        }
        return kinds
    }

    private static func sequence(_ value: JSON) throws(RenError) -> JournalSequence? {
        if value.isNull { return nil }
        guard let number = value.integerValue, number >= 0 else {
            throw RenError(.watchBadSequence, "\"since\" is a whole number from 0, not \(value.excerpt)")
        }
        return JournalSequence(number)
    }

    package var json: JSONObject {
        var object: JSONObject = ["op": "subscribe", "id": .string(id), "topic": .string(topic.rawValue)]
        for (name, value) in [("run", run), ("node", node), ("key", key)] {
            if let value { object[name] = .string(value) }
        }
        object["kinds"] = .array(Kind.allCases.filter(kinds.contains).map { .string($0.rawValue) })
        if let since { object["since"] = .integer(Int64(clamping: since.rawValue)) }
        if kinds.contains(.log) {
            var asked: JSONObject = ["level": .string(log.level)]
            if let after = log.after { asked["after"] = .string(after) }
            if let text = log.text { asked["q"] = .string(text) }
            object["log"] = .object(asked)
        }
        return object
    }
}
