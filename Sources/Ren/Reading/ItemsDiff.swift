package import RenCore
package import RenJSON
package import RenJournal

/// The items of a node in two runs, matched by key.
package struct ItemsDiff: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// Only the second run has it.
        case added
        /// Only the first run has it.
        case gone
        /// It succeeded in both, with other outputs.
        case output = "different_output"
        /// It came to another end, or failed otherwise.
        case outcome = "different_outcome"
    }

    package struct Change: Sendable {
        package let kind: Kind
        package let key: String
        /// Nil for one that has not begun, or runs its first attempt.
        package let left: ItemRow?
        package let right: ItemRow?
        package let outputs: (left: Digest?, right: Digest?)
    }

    /// A map of one run.
    typealias Place = (run: RunNumber, node: NodeNumber)

    private static let page = 500

    package let node: String
    package private(set) var matched = 0
    package private(set) var counts: [Kind: Int] = [:]
    /// The first ones, as many as were asked for.
    package private(set) var examples: [Change] = []

    package var isSame: Bool { counts.isEmpty }

    /// - Parameters:
    ///   - examples: so many changes are kept; all are counted.
    /// - Precondition: both maps are open.
    /// - Throws: `request.cancelled`, `journal.damaged`.
    init(
        _ node: String, _ left: Place, _ right: Place, in journal: any JournalReading, examples: Int,
        isCancelled: () -> Bool
    ) throws(RenError) {
        self.node = node
        let (one, other) = (try Map(left, journal), try Map(right, journal))
        guard var one, var other else { preconditionFailure("a map of \(node) is not open") }
        var index = 0
        while index < one.total || index < other.total {
            if isCancelled() { throw RenError(.requestCancelled, "nobody waits for the answer any more") }
            let end = min(index + Self.page, max(one.total, other.total))
            try journal.read { view throws(RenError) in
                for number in index..<end {
                    try compare(ItemIndex(number), &one, &other, view, examples)
                }
            }
            index = end
        }
    }

    private struct Map {
        let place: Place
        let total: Int
        var keys: ItemKeys

        init?(_ place: Place, _ journal: any JournalReading) throws(RenError) {
            let opened = try journal.read { view throws(RenError) in try view.node(place.run, place.node)?.map }
            guard let opened, let keys = try journal.itemKeys(place.run, place.node) else { return nil }
            self.place = place
            total = opened.total
            self.keys = keys
        }
    }

    /// The item at `index` of each map: its counterpart mostly stands at the same place.
    private mutating func compare(
        _ index: ItemIndex, _ one: inout Map, _ other: inout Map, _ view: borrowing JournalView, _ examples: Int
    ) throws(RenError) {
        let key = index.index < one.total ? one.keys.key(of: index) : nil
        let otherKey = index.index < other.total ? other.keys.key(of: index) : nil
        if let key {
            let match =
                key == otherKey ? index : try view.itemIndex(other.place.run, other.place.node, key: key)
            if let match {
                try compare(key, (index, one.place), (match, other.place), view, examples)
            } else {
                note(.gone, key, try view.item(one.place.run, one.place.node, index), nil, (nil, nil), examples)
            }
        }
        if let otherKey, otherKey != key, try view.itemIndex(one.place.run, one.place.node, key: otherKey) == nil {
            note(.added, otherKey, nil, try view.item(other.place.run, other.place.node, index), (nil, nil), examples)
        }
    }

    private mutating func compare(
        _ key: String, _ one: (index: ItemIndex, map: Place), _ other: (index: ItemIndex, map: Place),
        _ view: borrowing JournalView, _ examples: Int
    ) throws(RenError) {
        matched += 1
        let left = try view.item(one.map.run, one.map.node, one.index)
        let right = try view.item(other.map.run, other.map.node, other.index)
        guard left?.state == right?.state, left?.error == right?.error else {
            return note(.outcome, key, left, right, (nil, nil), examples)
        }
        guard let left, let right, left.state == .succeeded else { return }
        let outputs = (
            left: try view.outputHash(one.map.run, left.last), right: try view.outputHash(other.map.run, right.last)
        )
        if outputs.left != outputs.right { note(.output, key, left, right, outputs, examples) }
    }

    private mutating func note(
        _ kind: Kind, _ key: String, _ left: ItemRow?, _ right: ItemRow?, _ outputs: (left: Digest?, right: Digest?),
        _ examplesMax: Int
    ) {
        counts[kind, default: 0] += 1
        guard examples.count < examplesMax else { return }
        examples.append(Change(kind: kind, key: key, left: left, right: right, outputs: outputs))
    }

    /// `{"node", "matched", "added", "gone", "different_output", "different_outcome", "items": [{"change", "key", "a",
    /// "b"}]}`
    package var json: JSONObject {
        var object: JSONObject = ["node": .string(node), "matched": JSON(matched)]
        for kind in Kind.allCases { object[kind.rawValue] = JSON(counts[kind] ?? 0) }
        object["items"] = .array(
            examples.map { change in
                [
                    "change": .string(change.kind.rawValue), "key": .string(change.key),
                    "a": Self.json(change.left, change.outputs.left),
                    "b": Self.json(change.right, change.outputs.right),
                ]
            })
        return object
    }

    private static func json(_ row: ItemRow?, _ output: Digest?) -> JSON {
        guard let row else { return .null }
        return [
            "state": .string(row.state.name), "output": JSON(output?.description),
            "error": row.error.map { .object($0.json) } ?? .null,
        ]
    }
}

extension JournalView {
    /// The hash of an item's output; `last` is the version of the item's last event.
    fileprivate func outputHash(_ run: RunNumber, _ last: RunVersion) throws(RenError) -> Digest? {
        guard let event = try recorded(run, last)?.event else { return nil }
        guard case .kept = event.fact else { return event.payload?.hash }
        return try recorded(run, event.cause)?.event.payload?.hash
    }
}
