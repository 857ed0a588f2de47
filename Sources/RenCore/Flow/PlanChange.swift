import RenJSON

/// What is different in another flow, node by node of the same name: what a fork that changes its flow can reuse.
package struct PlanChange: Hashable, Sendable {
    /// For each node of the flow before, its number in the new one; nil for one that is gone.
    package var numbers: [NodeNumber?]
    /// Nodes of the new flow that the old one lacks.
    package var added: [NodeNumber] = []
    /// Nodes that do something else, or with other values: no recorded result is theirs.
    package var redefined: [NodeNumber] = []
    /// Nodes that do the same, but may start, be skipped or end otherwise.
    package var moved: [NodeNumber] = []

    /// Nodes of the flow before that are gone.
    package var removed: [NodeNumber] {
        numbers.indices.filter { numbers[$0] == nil }.map { NodeNumber($0) }
    }
}

extension Plan {
    /// What makes a result a node's own. How often and how long it is tried, and how much of it at once, does not.
    private static let definition = ["function", "with", "each", "key", "condition", "succeed", "fail"]
    private static let pauseDefinition = ["message", "signal", "form"]
    /// When it starts, and what becomes of its failures.
    private static let course = ["when", "tolerate", "on_error"]

    package func change(to next: Plan) -> PlanChange {
        var change = PlanChange(numbers: flow.nodes.map { next.number(of: $0.name) })
        for (index, node) in next.flow.nodes.enumerated() {
            guard let old = number(of: node.name) else {
                change.added.append(NodeNumber(index))
                continue
            }
            let (before, after) = (source(of: old), next.source(of: NodeNumber(index)))
            if !redefinitions(of: old, by: next, NodeNumber(index)).isEmpty {
                change.redefined.append(NodeNumber(index))
            } else if !Self.course.allSatisfy({ before[$0] == after[$0] }) || node.join != flow.nodes[old.index].join
                || next.entries(of: NodeNumber(index)) != entries(of: old)
            {
                change.moved.append(NodeNumber(index))
            }
        }
        return change
    }

    /// What of a node's definition is another one in `next`: names of what the flow writes of it.
    package func redefinitions(of old: NodeNumber, by next: Plan, _ new: NodeNumber) -> [String] {
        let (before, after) = (source(of: old), next.source(of: new))
        let isSamePause =
            Self.pauseDefinition.allSatisfy { before["pause"]?[$0] == after["pause"]?[$0] }
            && (before["pause"] == nil) == (after["pause"] == nil)
        return Self.definition.filter { before[$0] != after[$0] } + (isSamePause ? [] : ["pause"])
    }

    private func source(of node: NodeNumber) -> JSON { flow.source["nodes"]?[flow.nodes[node.index].name] ?? .null }

    /// `after` by names: numbers mean different nodes in different flows.
    private func entries(of node: NodeNumber) -> [Entry] {
        flow.nodes[node.index].after.map { Entry(name: flow.nodes[$0.node.index].name, way: $0.way) }
    }

    private struct Entry: Equatable {
        var name: String
        var way: Node.After.Way
    }
}
