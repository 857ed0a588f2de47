package import RenCore
package import RenJSON
package import RenJournal

/// What there is to say about a run: its rows, beside the flow that names its nodes.
package struct RunSummary: Sendable {
    package let row: RunRow
    package let flow: Flow
    /// By node number; nil for a node without any event.
    package let rows: [NodeRow?]
    package let problems: [Problem]
    /// An engine is at work on it.
    package let isCarried: Bool
    /// The journal's newest event when the run was read, or the event as of which it is shown.
    package let head: JournalHead
    /// It is shown as it was, not as it is.
    package let isPast: Bool

    package struct Problem: Sendable {
        package var row: ProblemRow
        package var node: String?
        /// Key of the first item that had it.
        package var key: String?
    }

    package init(_ run: RunNumber, in journal: some JournalReading, engineHolds: Bool) throws(RenError) {
        var nodes: [(number: NodeNumber, row: NodeRow)] = []
        var groups: [ProblemRow] = []
        let (row, isCarried, head) = try journal.read { view throws(RenError) in
            guard let row = try view.run(run) else {
                throw RenError(.runNotFound, "there is no run number \(run)")
            }
            guard row.pruned != .histories else { throw .pruned(row) }
            nodes = try view.nodes(of: run)
            groups = try view.problems(of: run)
            return (row, try view.isCarried(row, engineHolds: engineHolds), try view.head())
        }
        try self.init(row, nodes, groups, isCarried: isCarried, head: head, isPast: false, in: journal)
    }

    /// The run as it was.
    package init(_ past: PastRun, in journal: some JournalReading) throws(RenError) {
        var nodes: [(number: NodeNumber, row: NodeRow)] = []
        for (index, row) in past.nodes.enumerated() {
            if let row { nodes.append((NodeNumber(index), row)) }
        }
        try self.init(past.row, nodes, past.problems, isCarried: false, head: past.asOf, isPast: true, in: journal)
    }

    private init(
        _ row: RunRow, _ nodes: [(number: NodeNumber, row: NodeRow)], _ groups: [ProblemRow], isCarried: Bool,
        head: JournalHead, isPast: Bool, in journal: some JournalReading
    ) throws(RenError) {
        self.row = row
        self.isCarried = isCarried
        self.head = head
        self.isPast = isPast
        flow = try Session.recordedFlow(row.flow, in: journal)
        var rows = [NodeRow?](repeating: nil, count: flow.nodes.count)
        for (number, row) in nodes where number.index < rows.count { rows[number.index] = row }
        self.rows = rows
        var namer = SampleNamer(run: row.number, rows: rows)
        var problems: [Problem] = []
        for group in groups {
            var problem = Problem(row: group)
            if let sample = group.samples.first {
                problem.node = sample.node.map { [flow] node in flow.nodes[node.index].name }
                problem.key = try namer.key(of: sample, in: journal)
            }
            problems.append(problem)
        }
        self.problems = problems
    }

    /// The status in one word; a run that only a person can go on with is `waiting`.
    package var status: String { row.shownStatus }

    /// The state as it is shown.
    package func state(of node: Int) -> WorkState {
        rows[node]?.shownState ?? .pending
    }

    /// What the data of a pause's signal must be; nil where the flow does not say.
    package func form(of node: Int) -> JSON? {
        guard case .pause(let pause) = flow.nodes[node].kind, pause.form != nil else { return nil }
        return flow.source["nodes"]?[flow.nodes[node].name]?["pause"]?["form"]
    }

    /// Whether the node is a function, so that there may be logs of it.
    package func isFunction(_ node: Int) -> Bool { flow.nodes[node].call != nil }

    package func number(of name: String) throws(RenError) -> Int { try flow.number(of: name, run: row.id).index }

    /// The run's output as the journal keeps it; nil without one.
    package func output(in journal: some JournalReading) throws(RenError) -> [UInt8]? {
        guard row.status == .succeeded else { return nil }
        let run = row.number
        return try journal.read { view throws(RenError) in
            var end = row.version
            while let event = try view.recorded(run, end)?.event {
                if event.payload != nil { return try view.payload(run, end) }
                // What came after the end.
                guard case .resultRejected = event.fact else { break }
                end = RunVersion(rawValue: end.rawValue - 1)
            }
            // `succeed` ended the run: its value is the payload of the end node's event.
            for (node, row) in zip(flow.nodes, rows) {
                guard case .end(.succeeded, _) = node.kind, let row, row.state == .succeeded else { continue }
                return try view.payload(run, row.last)
            }
            return nil
        }
    }
}

/// Reads the keys of sample items, one payload per node at most.
private struct SampleNamer {
    let run: RunNumber
    let rows: [NodeRow?]
    private var payloads: [NodeNumber: [UInt8]] = [:]

    init(run: RunNumber, rows: [NodeRow?]) {
        self.run = run
        self.rows = rows
    }

    mutating func key(of subject: Event.Subject, in journal: some JournalReading) throws(RenError) -> String? {
        guard case .item(let node, let item) = subject, let map = rows[node.index]?.map else { return nil }
        if payloads[node] == nil {
            payloads[node] = try journal.read { [run] view throws(RenError) in try view.payload(run, map.opened) }
        }
        var keys = ItemKeys(payload: payloads[node] ?? [])
        return keys.key(of: item)
    }
}

extension NodeRow {
    /// A map of which only items with unknown outcomes are left waits for a person.
    package var shownState: WorkState {
        guard state == .running, let counts = map?.counts, counts[.unknown] > 0 else { return state }
        return counts[.running] + counts[.retrying] + counts[.ready] == 0 ? .waiting : .running
    }

    /// Calls in flight.
    package var running: Int { map?.counts[.running] ?? (state == .running ? 1 : 0) }
}

extension RunRow {
    /// The status in one word; a run that only a person can go on with is `waiting`.
    package var shownStatus: String { isWaiting ? "waiting" : status.name }
}

extension RenError.Code {
    package static let nodeNotFound = Self("node.not_found")
}
