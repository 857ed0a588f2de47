package import RenCore
package import RenJSON
package import RenJournal

/// What one event of a run changed in what is shown of it, and which events it is linked to.
package struct EventChange: Sendable {
    /// One value that is not as it was, by its path: `nodes.scrape.running`.
    package struct Difference: Sendable {
        package let path: String
        /// Null where there was nothing.
        package let before: JSON
        package let after: JSON
    }

    /// Of the event.
    package let version: RunVersion
    package let differences: [Difference]
    /// The event that brought it about.
    package let cause: EventView?
    /// The one before of the same node or item.
    package let previous: EventView?
    /// Those that it brought about, and the next of the same node or item.
    package let effects: [EventView]
    /// More events follow than were looked at for effects.
    package let hasMore: Bool

    /// - Throws: what reading throws; an event of no run has changed nothing that is shown.
    package init(
        _ event: RecordedEvent, in journal: some JournalReading, _ names: inout EventNames
    ) throws(RenError) {
        version = event.version
        differences = try Self.differences(event, in: journal)
        func view(_ version: RunVersion) throws(RenError) -> EventView? {
            guard version > .none else { return nil }
            let found = try journal.read { view throws(RenError) in try view.recorded(event.run, version) }
            return try found.map { found throws(RenError) in try EventView(found, &names) }
        }
        cause = try view(event.event.cause)
        previous = try view(event.event.previous)
        let found = try journal.effects(of: event)
        var effects: [EventView] = []
        for effect in found.events { effects.append(try EventView(effect, &names)) }
        self.effects = effects
        hasMore = found.hasMore
    }

    private static func differences(
        _ event: RecordedEvent, in journal: some JournalReading
    ) throws(RenError) -> [Difference] {
        guard event.run != .journal else { return [] }
        let (row, before) = try journal.read { view throws(RenError) in
            (
                try view.run(event.run),
                try view.sequence(of: event.run, RunVersion(rawValue: event.version.rawValue - 1))
            )
        }
        guard let row else { return [] }
        let old = try before.map { before throws(RenError) in
            try shown(journal.past(of: row, at: before), event.event.subject, in: journal)
        }
        let new = try shown(journal.past(of: row, at: event.sequence), event.event.subject, in: journal)
        var found: [Difference] = []
        compare(.object(old ?? [:]), .object(new), at: "", &found)
        return found
    }

    /// The run, its nodes, and the item that the event is about.
    private static func shown(
        _ past: PastRun, _ subject: Event.Subject, in journal: some JournalReading
    ) throws(RenError) -> JSONObject {
        let summary = try RunSummary(past, in: journal)
        var object: JSONObject = ["status": .string(summary.status), "ended": JSON(summary.row.ended)]
        if let error = summary.row.error { object["error"] = .object(error.json) }
        object["nodes"] = summary.nodesJSON
        if case .item(let node, let index) = subject,
            let item = try journal.item(of: past, node, index)
        {
            object["item"] = .object(item.json)
        }
        return object
    }

    private static func compare(_ old: JSON, _ new: JSON, at path: String, _ found: inout [Difference]) {
        guard old != new else { return }
        guard old.objectValue != nil || new.objectValue != nil else {
            return found.append(Difference(path: path, before: old, after: new))
        }
        let before = old.objectValue ?? [:]
        let after = new.objectValue ?? [:]
        let keys = Array(after.keys) + before.keys.filter { after[$0] == nil }
        for key in keys {
            compare(before[key] ?? .null, after[key] ?? .null, at: path.isEmpty ? key : "\(path).\(key)", &found)
        }
    }

    /// `{"changes": [{"path", "before", "after"}], "links": {"cause", "previous", "effects", "more_effects"}}`; the events
    /// as `{"sequence", "type", "node"?, "key"?}`.
    package var json: JSONObject {
        [
            "changes": .array(
                differences.map { ["path": .string($0.path), "before": $0.before, "after": $0.after] }),
            "links": [
                "cause": cause.map(Self.link) ?? .null, "previous": previous.map(Self.link) ?? .null,
                "effects": .array(effects.map(Self.link)), "more_effects": .bool(hasMore),
            ],
        ]
    }

    private static func link(_ event: EventView) -> JSON {
        var object: JSONObject = [
            "sequence": JSON(event.event.sequence.rawValue), "type": .string(event.event.type.name),
        ]
        if let node = event.node { object["node"] = .string(node) }
        if let key = event.key { object["key"] = .string(key) }
        return .object(object)
    }
}
