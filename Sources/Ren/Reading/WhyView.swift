package import RenCore
import RenEngine
package import RenJSON
package import RenJournal

/// Why a node or an item ran, was skipped, waits or was tried again, from what was recorded.
package struct WhyView: Sendable {
    /// A sentence, and the event that it rests on.
    package struct Reason: Sendable {
        package var text: String
        package var event: RecordedEvent?
    }

    package let row: RunRow
    package let node: String
    package let index: ItemIndex?
    package let key: String?
    /// Its state in one word.
    package let status: String
    /// The first says the status in one sentence; what follows is how it came to that, in order.
    package let reasons: [Reason]
    package let asOf: JournalSequence

    /// Who asks, and what only an engine knows.
    package struct Asker: Sendable {
        /// An engine is at work on the run.
        package var isCarried: Bool
        /// Why the engine cannot go on with it.
        package var unready: RenError?
        /// Functions of this program.
        package var swift: [String: FunctionSignature]
        package var now: Timestamp

        package init(
            isCarried: Bool, unready: RenError? = nil, swift: [String: FunctionSignature] = [:], now: Timestamp
        ) {
            self.isCarried = isCarried
            self.unready = unready
            self.swift = swift
            self.now = now
        }
    }

    /// - Parameter key: of the item; nil: the node itself.
    /// - Throws: `node.not_found`, `node.no_items`, `item.not_found`, `journal.damaged`.
    package init(
        _ row: RunRow, node name: String, key: String? = nil, in journal: any JournalReading, _ asker: Asker
    ) throws(RenError) {
        let summary = try RunSummary(row.number, in: journal, engineHolds: asker.isCarried)
        let node = NodeNumber(try summary.number(of: name))
        var subject = Event.Subject.node(node)
        var index: ItemIndex?
        if let key {
            let item = try Self.item(key, of: node, named: name, summary, in: journal)
            (subject, index) = (.item(node, item), item)
        }
        let teller = WhyTeller(try journal.state(of: row, swift: asker.swift), row, journal, asker)
        status = teller.status(of: subject)
        reasons = try teller.reasons(for: subject)
        asOf = summary.head.sequence
        self.row = summary.row
        self.node = name
        self.index = index
        self.key = key
    }

    private static func item(
        _ key: String, of node: NodeNumber, named name: String, _ summary: RunSummary, in journal: any JournalReading
    ) throws(RenError) -> ItemIndex {
        guard summary.flow.nodes[node.index].each != nil else {
            throw RenError(
                .nodeNoItems, "node \"\(name)\" has no each, so it has no items", hint: "leave the key out")
        }
        let run = summary.row.number
        let found = try journal.read { view throws(RenError) in try view.itemIndex(run, node, key: key) }
        guard let found else {
            let isOpen = summary.rows[node.index]?.map != nil
            throw RenError(
                .itemNotFound, "node \"\(name)\" has no item \(key.prefix(200))",
                hint: isOpen
                    ? "ren items \(summary.row.id) \(name) lists them"
                    : "its items are known when its each has been read")
        }
        return found
    }

    /// `{"schema": "ren.why/1", "run", "node", "index", "key", "status", "why", "because": [{"text", "sequence",
    /// "version", "type"}], "as_of"}`; `why` is the first of `because`.
    package var json: JSONObject {
        [
            "schema": "ren.why/1", "run": .string(row.id), "node": .string(node), "index": JSON(index?.rawValue),
            "key": JSON(key), "status": .string(status), "why": .string(reasons.first?.text ?? ""),
            "because": .array(
                reasons.map { reason in
                    [
                        "text": .string(reason.text), "sequence": JSON(reason.event?.sequence.rawValue),
                        "version": JSON(reason.event?.version.rawValue), "type": JSON(reason.event?.type.name),
                    ]
                }),
            "as_of": JSON(asOf.rawValue),
        ]
    }
}

extension JournalReading {
    /// The state of a run after its last event, or before the first one that cannot be read.
    package func state(of row: RunRow, swift: [String: FunctionSignature] = [:]) throws(RenError) -> RunState {
        let plans = try plans(of: row, swift: swift)
        var state = try RunState.newest(of: row.number, plans: plans, in: self).state
        do {
            try state.fold(row.number, from: self)
        } catch {
            // Of a quarantined run what can be read is told all the same.
            guard error.code == .journalDamaged, row.status == .quarantined else { throw error }
        }
        return state
    }
}

extension RenError.Code {
    package static let nodeNoItems = Self("node.no_items")
}
