import RenCore
package import RenJSON
import RenJournal

/// A fork as it would be made: what `--dry-run` shows.
package struct ForkView: Sendable {
    /// What becomes of a node, or of items. What has not begun there runs `again`, too: its parent may have come to it.
    package enum What: String, Sendable, CaseIterable {
        case kept, again
        /// Keeps its result if its input is the same, else it runs again, or a person is asked whether it may.
        case compared, asks
        case given, unknown
    }

    package struct Node: Sendable {
        package let name: String
        package fileprivate(set) var what: What
        /// Right after the fork.
        package let status: String
        /// Nil for what is no map, and for a map whose list is not known there.
        package fileprivate(set) var items: [What: Int]?
    }

    package let draft: ForkDraft
    package let sets: ReopeningView
    /// In the order of the flow.
    package let nodes: [Node]

    package init(_ draft: ForkDraft) {
        self.draft = draft
        sets = ReopeningView(run: draft.fork.creation.id, draft.fork.reopening, in: draft.state)
        var state = draft.state
        for event in draft.events(at: state.time).dropFirst() { state.apply(event) }
        let asking = Set(sets.asking)
        let given = Set(draft.outputs.lazy.filter { $0.key == nil }.map(\.node))
        nodes = state.nodes.indices.map { index in
            let name = state.plan.flow.nodes[index].name
            var node = Node(state.nodes[index], name: name, mayAsk: asking.contains(name))
            if given.contains(name) { node.what = .given }
            return node
        }
    }

    package var totals: (nodes: [What: Int], items: [What: Int]) {
        var (all, items): ([What: Int], [What: Int]) = ([:], [:])
        for node in nodes {
            all[node.what, default: 0] += 1
            items.merge(node.items ?? [:], uniquingKeysWith: +)
        }
        return (all, items)
    }

    /// `node`, or `node/key` of an item.
    package var given: [String] {
        draft.outputs.map { output in output.key.map { "\(output.node)/\($0)" } ?? output.node }
    }

    /// Nodes with `once` that ran where it begins, themselves or in items: a person decides what they did.
    package var unknown: [String] {
        draft.fork.once.filter { node in
            let state = draft.state[node]
            if case .unknown = state.phase { return true }
            return state.map?.counts.unknown ?? 0 > 0
        }.map { draft.state.plan.flow.nodes[$0.index].name }
    }

    package var json: JSONObject {
        var object = sets.json
        // What goes on stands with each node.
        object["further"] = nil
        object["schema"] = "ren.fork/1"
        object["run"] = sets.run.isEmpty ? .null : .string(sets.run)
        object["parent"] = .string(draft.parent.id)
        object["at"] = JSON(draft.sequence.rawValue)
        object["version"] = JSON(draft.fork.version.rawValue)
        object["flow_hash"] = .string(draft.fork.creation.flow.description)
        object["new"] = .array(draft.added.map { .string($0) })
        object["gone"] = .array(draft.removed.map { .string($0) })
        object["input_changed"] = .bool(draft.isInputChanged)
        object["given"] = .array(given.map { .string($0) })
        object["unknown"] = .array(unknown.map { .string($0) })
        object["nodes"] = .array(
            nodes.map { node in
                [
                    "node": .string(node.name), "what": .string(node.what.rawValue), "status": .string(node.status),
                    "items": node.items.map { JSON(counts: $0) } ?? .null,
                ]
            })
        object["totals"] = ["nodes": JSON(counts: totals.nodes), "items": JSON(counts: totals.items)]
        return object
    }
}

extension ForkView.Node {
    /// - Parameter state: right after the fork.
    fileprivate init(_ state: NodeState, name: String, mayAsk: Bool) {
        self.name = name
        status = state.status
        what =
            switch state.phase {
            case .unknown: .unknown
            // How it ends is decided without its function.
            case .failing, .succeeded, .failed, .skipped, .cancelled: .kept
            case .pending where state.recorded != nil: mayAsk ? .asks : .compared
            case .pending, .waiting, .mapping: .again
            }
        var parts: [(ForkView.What, Int)] = []
        if let map = state.map {
            let ended = map.counts.succeeded + map.counts.failed + map.counts.skipped + map.counts.cancelled
            let open = map.total - ended - map.counts.unknown
            // Items that a settled map has left do not begin any more.
            parts = [(.kept, ended), (state.isSettled ? .kept : .again, open), (.unknown, map.counts.unknown)]
        } else if let map = state.recorded?.map {
            parts = [(.compared, map.succeeded), (.again, map.total - map.succeeded)]
        }
        items = parts.isEmpty ? nil : Dictionary(parts.filter { $0.1 > 0 }, uniquingKeysWith: +)
    }
}
