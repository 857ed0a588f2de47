/// When a node starts and when it is skipped: the tables of SEMANTICS.md 2.
extension RunState {
    package enum Entry: Sendable { case yes, no, bad }

    package enum Readiness: Equatable, Sendable {
        case start
        case skip(SkipReason)
    }

    /// What an entry of `after` says, once its node is settled.
    package func entry(_ after: Node.After) -> Entry {
        let node = self[after.node]
        switch (node.phase, after.way) {
        case (.failed, .failed): return .yes
        case (_, .failed): return .no
        case (.succeeded, .success): return .yes
        case (.succeeded, .taken(let way)): return node.way == way ? .yes : .no
        case (.failed, _): return plan.handlesFailure[after.node.index] ? .no : .bad
        case (.skipped(.upstreamFailed), _): return .bad
        default: return .no
        }
    }

    /// - Precondition: all predecessors of `node` are settled (`open` holds it).
    package func readiness(of node: NodeNumber) -> Readiness {
        let after = plan.flow.nodes[node.index].after
        guard !after.isEmpty else { return .start }
        let entries = after.map(entry)
        let skip = Readiness.skip(entries.contains(.bad) ? .upstreamFailed : .notTaken)
        switch plan.flow.nodes[node.index].join {
        case .standard: return entries.contains(.bad) || !entries.contains(.yes) ? skip : .start
        case .all: return entries.allSatisfy { $0 == .yes } ? .start : skip
        case .settled: return .start
        }
    }
}
