import LMDB
package import RenCore

/// The forks that a run's history has gone through, and what the numbers of nodes mean along it.
package struct RunLineage: Sendable {
    /// Each `run.forked` of the history, oldest first; of a fork the last one is its own.
    package let forks: [(version: RunVersion, time: Timestamp, fork: Fork)]
    /// The flow that the history began with.
    private let root: Digest
    /// For each fork to another flow, the numbers in the run's own flow of the nodes before it.
    private var numbers: [(fork: RunVersion, nodes: [NodeNumber?])] = []

    fileprivate init(root: Digest, forks: [(version: RunVersion, time: Timestamp, fork: Fork)]) {
        self.root = root
        self.forks = forks
        for (version, _, fork) in forks.reversed() {
            guard let nodes = fork.nodes else { continue }
            let later = numbers.first?.nodes
            let composed = later.map { later in
                nodes.map { node in node.flatMap { $0.index < later.count ? later[$0.index] : nil } }
            }
            numbers.insert((version, composed ?? nodes), at: 0)
        }
    }

    /// The first flow, then that of each fork to another one: what `RunState.init(plan:then:)` is made with.
    package var flows: [Digest] { [root] + forks.filter { $0.fork.nodes != nil }.map(\.fork.creation.flow) }

    /// As it was right after the event of that version.
    package func through(_ version: RunVersion) -> RunLineage {
        RunLineage(root: root, forks: forks.filter { $0.version <= version })
    }

    /// The flow whose nodes the event of that version numbers.
    package func flow(at version: RunVersion) -> Digest {
        forks.last { $0.version <= version }?.fork.creation.flow ?? root
    }

    /// What an event of that version is about, in the numbers of the run's own flow; nil when the node is gone.
    package func subject(_ subject: Event.Subject, at version: RunVersion) -> Event.Subject? {
        guard let nodes = nodes(before: version) else { return subject }
        switch subject {
        case .run: return .run
        case .node(let node): return Self.number(node, nodes).map { .node($0) }
        case .item(let node, let item): return Self.number(node, nodes).map { .item($0, item) }
        }
    }

    /// The event in the numbers of the run's own flow; nil when its node is gone.
    func renumbered(_ event: Event, at version: RunVersion) -> Event? {
        guard let nodes = nodes(before: version) else { return event }
        guard let subject = subject(event.subject, at: version) else { return nil }
        var event = event
        event.subject = subject
        switch event.fact {
        case .runReopened(let reopening): event.fact = .runReopened(Self.renumbered(reopening, nodes))
        case .runForked(let fork): event.fact = .runForked(Self.renumbered(fork, nodes))
        default: break
        }
        return event
    }

    /// `forks` in the numbers of the run's own flow.
    var renumberedForks: [(version: RunVersion, time: Timestamp, fork: Fork)] {
        forks.map { version, time, fork in
            (version, time, nodes(before: version).map { Self.renumbered(fork, $0) } ?? fork)
        }
    }

    /// Nil where the numbers are those of the run's own flow.
    private func nodes(before version: RunVersion) -> [NodeNumber?]? {
        numbers.first { version < $0.fork }?.nodes
    }

    private static func number(_ node: NodeNumber, _ nodes: [NodeNumber?]) -> NodeNumber? {
        node.index < nodes.count ? nodes[node.index] : nil
    }

    private static func renumbered(_ list: [NodeNumber], _ nodes: [NodeNumber?]) -> [NodeNumber] {
        list.compactMap { number($0, nodes) }
    }

    private static func renumbered(_ fork: Fork, _ nodes: [NodeNumber?]) -> Fork {
        var result = fork
        result.once = renumbered(fork.once, nodes)
        result.reopening = renumbered(fork.reopening, nodes)
        return result
    }

    /// Only what rows follow: the three sets.
    private static func renumbered(_ reopening: Reopening, _ nodes: [NodeNumber?]) -> Reopening {
        var result = reopening
        result.again = renumbered(reopening.again, nodes)
        result.affected = renumbered(reopening.affected, nodes)
        result.allowed = renumbered(reopening.allowed, nodes)
        result.items = [:]
        for (node, items) in reopening.items {
            if let node = number(node, nodes) { result.items[node] = items }
        }
        return result
    }
}

extension JournalView {
    /// The forks in a run's history; none for a run that is no fork.
    ///
    /// - Throws: `run.not_found`.
    /// - Complexity: O(*n*) in the ancestors, one record each.
    package func lineage(of run: RunNumber) throws(RenError) -> RunLineage {
        guard let row = try self.run(run) else { throw RenError(.runNotFound, "there is no run \(run)") }
        return try lineage(of: row)
    }

    func lineage(of row: RunRow) throws(RenError) -> RunLineage {
        guard !row.segments.isEmpty else { return RunLineage(root: row.flow, forks: []) }
        guard case .runCreated(let creation)? = try recorded(row.number, RunVersion(1))?.event.fact else {
            throw Self.damagedIndex(row.number, RunVersion(1))
        }
        var forks: [(version: RunVersion, time: Timestamp, fork: Fork)] = []
        for segment in row.segments {
            let version = segment.through.next
            guard let event = try recorded(row.number, version)?.event, case .runForked(let fork) = event.fact else {
                throw Self.damagedIndex(row.number, version)
            }
            forks.append((version, event.time, fork))
        }
        return RunLineage(root: creation.flow, forks: forks)
    }

    /// The forks that were made from a run, oldest first.
    package func forks(of run: RunNumber) throws(RenError) -> [RunNumber] { try linked(to: run, .parent) }

    /// The forks whose history needs records of a run, also forks of its forks; oldest first.
    package func dependents(of run: RunNumber) throws(RenError) -> [RunNumber] { try linked(to: run, .records) }

    private func linked(to run: RunNumber, _ link: ForkLink) throws(RenError) -> [RunNumber] {
        var found: [RunNumber] = []
        try snapshot.walk(.forks, prefix: .forks(of: run)) { key, value throws(RenError) in
            if ForkLink(rawValue: value.first ?? 0).contains(link) {
                found.append(RunNumber(rawValue: key.load(UInt64.self, at: 9)))
            }
            return .continue
        }
        return found
    }

    /// The forks whose rows are not complete, oldest first.
    func preparing() throws(RenError) -> [RunNumber] {
        var found: [RunNumber] = []
        try snapshot.walk(.forks, prefix: .preparing) { key, _ throws(RenError) in
            found.append(RunNumber(rawValue: key.load(UInt64.self, at: 1)))
            return .continue
        }
        return found
    }
}
