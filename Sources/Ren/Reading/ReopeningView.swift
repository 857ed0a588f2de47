package import RenCore
import RenEngine
package import RenJSON
package import RenJournal

/// The three sets of a reopening, by the names of the nodes: what `--dry-run` shows.
package struct ReopeningView: Sendable {
    package struct Items: Sendable {
        package var node: String
        package var items: ItemRanges
    }

    package let run: String
    package let again: [String]
    package let items: [Items]
    /// Items of maps that are open again which nobody chose: they had not begun, or not ended, and go on.
    package private(set) var further: [(node: String, count: Int)] = []
    package let affected: [String]
    /// Of the affected ones those with `once` that had succeeded: they wait for a person if their input has changed.
    package let asking: [String]
    package let kept: [String]

    /// - Parameter state: of the run as its engine has it; nil: as the journal has it.
    /// - Throws: what `admit` refuses; `journal.damaged`.
    package init(
        of row: RunRow, _ request: Request, in journal: any JournalReading, state: RunState? = nil
    ) throws(RenError) {
        let state =
            if let state { state } else {
                try RunState(folding: row.number, plans: try journal.plans(of: row), from: journal)
            }
        let (complete, earlier) = try request.completed(in: state, run: row.number, in: journal)
        var draws = Draws(seed: 0)
        let events = try state.admit(complete, at: state.time, earlier: earlier, draws: &draws)
        var sets = Reopening()
        if case .runReopened(let reopening)? = events.first?.fact { sets = reopening }
        self.init(run: row.id, sets, in: state)
        var opened = state
        for event in events { opened.apply(event) }
        for node in opened.open {
            guard state[node].isSettled || !row.status.isOpen, let map = opened[node].map,
                !map.isExceeded(opened.plan.tolerance(of: node))
            else { continue }
            let count = map.counts.pending + map.open.count - (sets.items[node]?.count ?? 0)
            if count > 0 { further.append((opened.plan.flow.nodes[node.index].name, count)) }
        }
    }

    package init(run: String, _ sets: Reopening, in state: RunState) {
        func names(_ nodes: [NodeNumber]) -> [String] { nodes.map { state.plan.flow.nodes[$0.index].name } }
        self.run = run
        again = names(sets.again)
        items = sets.items.sorted { $0.key < $1.key }.map { Items(node: names([$0.key])[0], items: $0.value) }
        affected = names(sets.affected)
        asking = names(
            sets.affected.filter { node in
                guard state.plan.once(node), !sets.allowed.contains(node) else { return false }
                // Of a fork the state is the one after the sets, where the result is one that may stand.
                return state[node].phase == .succeeded || state[node].recorded.map { $0.version > .none } == true
            })
        kept = names(sets.kept(in: state))
    }

    package var json: JSONObject {
        var items = JSONObject()
        for entry in self.items {
            items[entry.node] = ["count": JSON(entry.items.count), "indexes": .string(entry.items.description)]
        }
        func list(_ names: [String]) -> JSON { .array(names.map { .string($0) }) }
        return [
            "schema": "ren.reopening/1", "run": .string(run), "again": list(again), "items": .object(items),
            "further": .object(JSONObject(members: further.map { .init(key: $0.node, value: JSON($0.count)) })),
            "affected": list(affected), "asking": list(asking), "kept": list(kept),
        ]
    }
}
