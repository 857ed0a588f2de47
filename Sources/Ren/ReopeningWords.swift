package import RenCore
package import RenJSON
package import RenJournal

/// What a person names of a run to run again, in words.
package struct RetryWords: Sendable {
    package var nodes: [String] = []
    /// Of the one node that is named.
    package var keys: [String] = []
    /// Of a group of problems: only what has failed for its reasons.
    package var problem: String?
    package var onlyFailed = false
    /// Nodes with `once` that may run again although they had succeeded.
    package var again: [String] = []
    package var codeChangedRunsAgain = false
    package var reason: String?

    package init() {}

    /// - Throws: `node.not_found`, `item.not_found`, `retry.keys` for keys without their one node, or beside a problem;
    ///   `retry.nothing` for a problem that nothing has failed with.
    package func request(for row: RunRow, in journal: any JournalReading) throws(RenError) -> Request {
        let flow = try Session.recordedFlow(row.flow, in: journal)
        var choice = RetryChoice()
        choice.nodes = try nodes.map { name throws(RenError) in try flow.number(of: name, run: row.id) }
        choice.allowed = try again.map { name throws(RenError) in try flow.number(of: name, run: row.id) }
        choice.onlyFailed = onlyFailed
        choice.codeChangedRunsAgain = codeChangedRunsAgain
        choice.reason = reason
        if let problem {
            guard keys.isEmpty else {
                throw RenError(
                    .init("retry.keys"), "a problem means items by itself, and keys are given beside it",
                    hint: "leave out one of the two")
            }
            (choice.nodes, choice.items) = try failures(problem, choice.nodes, of: row, in: journal)
        }
        guard !keys.isEmpty else { return .retry(choice) }
        guard choice.nodes.count == 1 else {
            throw RenError(.init("retry.keys"), "keys are those of one node", hint: "name it with --node")
        }
        let node = choice.nodes[0]
        let items = try keys.map { key throws(RenError) in try journal.item(key, of: node, in: row) }
        choice.items[node] = ItemRanges(items)
        return .retry(choice)
    }
}

extension RetryWords {
    private func failures(
        _ problem: String, _ nodes: [NodeNumber], of row: RunRow, in journal: any JournalReading
    ) throws(RenError) -> (nodes: [NodeNumber], items: [NodeNumber: ItemRanges]) {
        guard let fingerprint = ProblemView.fingerprint(problem) else {
            throw RenError(
                .init("retry.problem"),
                "“\(problem.prefix(100))” is no fingerprint of a problem: those have 16 hexadecimal digits",
                hint: "ren show \(row.id) -o json has those of the run")
        }
        let found = try journal.failures(of: row.number, fingerprint, in: nodes)
        guard !found.nodes.isEmpty || !found.items.isEmpty else {
            throw RenError(
                .retryNothing,
                "nothing of the run has failed with the problem \(problem), or all of it began again since",
                hint: "ren show \(row.id) lists what failed")
        }
        return (found.nodes + found.items.keys.filter { !found.nodes.contains($0) }.sorted(), found.items)
    }
}

/// What a person says of a node or item instead of running it, in words.
package struct SkipWords: Sendable {
    package enum How: Sendable {
        case value(JSON)
        case keep
        case fail(String)
    }

    package var node: String
    package var key: String?
    package var how: How
    package var reason: String?

    package init(node: String, key: String?, how: How, reason: String?) {
        self.node = node
        self.key = key
        self.how = how
        self.reason = reason
    }

    /// - Throws: `node.not_found`, `item.not_found`.
    package func request(for row: RunRow, in journal: any JournalReading) throws(RenError) -> Request {
        let node = try Session.recordedFlow(row.flow, in: journal).number(of: node, run: row.id)
        var subject = Event.Subject.node(node)
        if let key { subject = .item(node, try journal.item(key, of: node, in: row)) }
        let skip: Skip =
            switch how {
            case .value(let value): .value(Payload(hashing: value.compact))
            case .keep: .keep(cause: .none)
            case .fail(let text): .fail(text)
            }
        return .skip(subject, skip, reason: reason)
    }
}

extension Flow {
    /// - Throws: `node.not_found`, with near names.
    package func number(of name: String, run: String) throws(RenError) -> NodeNumber {
        if let index = nodes.firstIndex(where: { $0.name == name }) { return NodeNumber(index) }
        let names = nodes.map(\.name)
        throw RenError(
            .nodeNotFound, "run \(run) has no node \"\(name)\"",
            hint: nearest(to: name, in: names).map { "did you mean \"\($0)\"?" }
                ?? "nodes: \(names.joined(separator: ", "))")
    }
}

extension JournalReading {
    /// The item of that key, also before it starts.
    ///
    /// - Throws: `item.not_found`: also while the map is not open.
    package func item(_ key: String, of node: NodeNumber, in row: RunRow) throws(RenError) -> ItemIndex {
        let found = try read { view throws(RenError) in try view.itemIndex(row.number, node, key: key) }
        guard let found else {
            let total = try read { view throws(RenError) in try view.node(row.number, node)?.map?.total }
            throw RenError(
                .itemNotFound, "the node has no item \(key.prefix(200))",
                hint: total.map { "it has \($0): a part of the key finds one in the list of its items" }
                    ?? "its items are known when its each has been read")
        }
        return found
    }
}

extension RenError.Code {
    package static let itemNotFound = Self("item.not_found")
}
