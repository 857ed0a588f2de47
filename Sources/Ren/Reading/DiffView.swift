package import RenCore
import RenEngine
import RenJSON
package import RenJournal

/// What two runs have in common, and where they differ.
package struct DiffView: Sendable {
    /// What is shown beyond hashes.
    package enum Detail: Sendable, Equatable {
        case none
        /// The outputs of a node as JSON.
        case node(String)
        /// The runs' outputs as JSON.
        case output
    }

    /// One of the two.
    package struct Side: Sendable {
        package let summary: RunSummary
        package let input: PayloadReference?
        package let output: Digest?

        package var row: RunRow { summary.row }
    }

    /// The first events that do not say the same; nil where one of the runs has ended.
    package struct Divergence: Sendable {
        package let version: RunVersion
        package let left: EventView?
        package let right: EventView?
    }

    package struct FlowChange: Sendable {
        package enum Kind: String, Sendable { case added, removed, changed }

        /// Nil for what stands beside the nodes.
        package let node: String?
        package let kind: Kind
        /// With `-`, `+` or a space before them.
        package let lines: [String]
    }

    package struct NodeChange: Sendable {
        package let node: String
        package let left: NodeOutcome?
        package let right: NodeOutcome?

        package var isSame: Bool {
            guard let left, let right else { return false }
            return left.says == right.says
        }
    }

    package struct NodeOutcome: Sendable {
        package struct Saying: Hashable, Sendable {
            var state: WorkState
            var way: String?
            var skip: SkipReason?
            var error: ErrorSummary?
            var output: Digest?
            var counts: StateCounts?
        }

        package let says: Saying
        package let attempts: Int
        package let duration: Duration?

        package var status: String { says.state.name }
        package var output: Digest? { says.output }

        /// The way that it took, why it was skipped, or its error.
        package var reason: String? { says.way.map { "→ \($0)" } ?? says.skip?.rawValue ?? says.error?.text }
    }

    package let left: Side
    package let right: Side
    /// Events that both have: of a fork and its parent.
    package let shared: RunVersion
    package let divergence: Divergence?
    package let inputChanges: [JSONChange]
    package let flowChanges: [FlowChange]
    package let nodes: [NodeChange]
    package let items: [ItemsDiff]
    /// Of what `detail` names.
    package let values: (changes: [JSONChange], count: Int)?

    /// - Parameter examples: so many differing items of each map are listed; all are counted.
    /// - Throws: `node.not_found`, `request.cancelled`, `payload.missing`, `journal.damaged`.
    package init(
        _ left: RunRow, _ right: RunRow, in journal: any JournalReading, detail: Detail = .none, examples: Int = 20,
        isCancelled: () -> Bool = { false }
    ) throws(RenError) {
        self.left = try Side(left, in: journal)
        self.right = try Side(right, in: journal)
        (shared, divergence) = try HistoryDiff(left, right, journal).find(isCancelled)
        inputChanges = try Self.inputChanges(self.left, self.right, journal)
        flowChanges = Self.flowChanges(self.left.summary.flow, self.right.summary.flow)
        nodes = try Self.nodeChanges(self.left, self.right, journal)
        items = try Self.items(self.left, self.right, journal, examples, isCancelled)
        values = try Self.values(self.left, self.right, journal, detail)
    }

    package var isSame: Bool {
        inputChanges.isEmpty && flowChanges.isEmpty && nodes.allSatisfy(\.isSame) && items.allSatisfy(\.isSame)
            && left.row.status == right.row.status && left.output == right.output
    }

    // MARK: Parts

    private static func inputChanges(
        _ left: Side, _ right: Side, _ journal: any JournalReading
    ) throws(RenError) -> [JSONChange] {
        guard left.input?.hash != right.input?.hash else { return [] }
        return JSONChange.changes(
            from: try journal.value(of: left.input, in: left.row), to: try journal.value(of: right.input, in: right.row)
        ).changes
    }

    private static func flowChanges(_ left: Flow, _ right: Flow) -> [FlowChange] {
        func nodes(_ flow: Flow) -> JSONObject { flow.source["nodes"]?.objectValue ?? [:] }
        func rest(_ flow: Flow) -> String {
            var object = flow.source.objectValue ?? [:]
            object["nodes"] = nil
            return JSON.object(object).pretty
        }
        var changes: [FlowChange] = []
        let top = LineDiff.lines(from: rest(left), to: rest(right))
        if !top.isEmpty { changes.append(FlowChange(node: nil, kind: .changed, lines: top)) }
        let (before, after) = (nodes(left), nodes(right))
        for member in before {
            guard let new = after[member.key] else {
                let lines = LineDiff.lines(from: member.value.pretty, to: "").filter { $0.hasPrefix("-") }
                changes.append(FlowChange(node: member.key, kind: .removed, lines: lines))
                continue
            }
            let lines = LineDiff.lines(from: member.value.pretty, to: new.pretty)
            if !lines.isEmpty { changes.append(FlowChange(node: member.key, kind: .changed, lines: lines)) }
        }
        for member in after where before[member.key] == nil {
            let lines = LineDiff.lines(from: "", to: member.value.pretty).filter { $0.hasPrefix("+") }
            changes.append(FlowChange(node: member.key, kind: .added, lines: lines))
        }
        return changes
    }

    private static func nodeChanges(
        _ left: Side, _ right: Side, _ journal: any JournalReading
    ) throws(RenError) -> [NodeChange] {
        let names = left.summary.flow.nodes.map(\.name)
        let added = right.summary.flow.nodes.map(\.name).filter { !names.contains($0) }
        return try (names + added).map { name throws(RenError) in
            NodeChange(
                node: name, left: try NodeOutcome(name, of: left, journal),
                right: try NodeOutcome(name, of: right, journal))
        }
    }

    private static func items(
        _ left: Side, _ right: Side, _ journal: any JournalReading, _ examples: Int, _ isCancelled: () -> Bool
    ) throws(RenError) -> [ItemsDiff] {
        var found: [ItemsDiff] = []
        for (index, node) in left.summary.flow.nodes.enumerated() where node.each != nil {
            guard let other = right.summary.flow.nodes.firstIndex(where: { $0.name == node.name && $0.each != nil }),
                left.summary.rows[index]?.map != nil, right.summary.rows[other]?.map != nil
            else { continue }
            found.append(
                try ItemsDiff(
                    node.name, (left.row.number, NodeNumber(index)), (right.row.number, NodeNumber(other)), in: journal,
                    examples: examples, isCancelled: isCancelled))
        }
        return found
    }

    private static func values(
        _ left: Side, _ right: Side, _ journal: any JournalReading, _ detail: Detail
    ) throws(RenError) -> (changes: [JSONChange], count: Int)? {
        func json(_ bytes: [UInt8]?) throws(RenError) -> JSON {
            if let bytes { try JSON(payload: bytes) } else { JSON.null }
        }
        func output(_ name: String, _ side: Side) throws(RenError) -> JSON {
            let index = try side.summary.number(of: name)
            guard let version = side.summary.rows[index]?.output?.version else { return .null }
            let run = side.row.number
            return try json(try journal.read { view throws(RenError) in try view.payload(run, version) })
        }
        switch detail {
        case .none: return nil
        case .node(let name): return JSONChange.changes(from: try output(name, left), to: try output(name, right))
        case .output:
            return JSONChange.changes(
                from: try json(try left.summary.output(in: journal)),
                to: try json(try right.summary.output(in: journal)))
        }
    }
}

extension DiffView.Side {
    fileprivate init(_ row: RunRow, in journal: some JournalReading) throws(RenError) {
        summary = try RunSummary(row.number, in: journal, engineHolds: false)
        input = try journal.input(of: row)
        do {
            output = try summary.output(in: journal).map { Digest(hashing: $0) }
        } catch {
            guard error.code == .payloadMissing else { throw error }
            output = nil
        }
    }
}

extension DiffView.NodeOutcome {
    /// Nil for a node that the flow lacks.
    fileprivate init?(_ name: String, of side: DiffView.Side, _ journal: some JournalReading) throws(RenError) {
        guard let index = side.summary.flow.nodes.firstIndex(where: { $0.name == name }) else { return nil }
        let row = side.summary.rows[index]
        var says = Saying(state: side.summary.state(of: index))
        says.way = row?.way
        says.skip = row?.skip
        says.error = row?.error
        says.counts = row?.map?.counts
        if let version = row?.output?.version {
            let run = side.row.number
            says.output = try journal.read { view throws(RenError) in
                try view.recorded(run, version)?.event.payload?.hash
            }
        }
        self.says = says
        attempts = Int(row?.attempts ?? 0)
        duration = row.flatMap { row in row.ended.map { $0 - row.begun } }
    }
}

extension JournalReading {
    /// The input that a run works with: a fork may have changed the one that its past began with.
    fileprivate func input(of row: RunRow) throws(RenError) -> PayloadReference? {
        let first = try read { view throws(RenError) in try view.recorded(row.number, RunVersion(1)) }
        guard let first, first.run == row.number else { return try state(of: row).input }
        return first.event.payload.map {
            PayloadReference(version: first.version, length: $0.length, hash: $0.hash)
        }
    }

    fileprivate func value(of payload: PayloadReference?, in row: RunRow) throws(RenError) -> JSON {
        guard let payload else { return .null }
        let run = row.number
        return try JSON(payload: try read { view throws(RenError) in try view.payload(run, payload.version) })
    }
}

extension JSON {
    /// A recorded value.
    ///
    /// - Throws: `journal.damaged`.
    fileprivate init(payload bytes: [UInt8]) throws(RenError) {
        do {
            self = try JSON(parsing: bytes, limits: .payload)
        } catch {
            throw RenError(
                .journalDamaged, "a recorded value cannot be read: \(error.message)", hint: "ren journal verify")
        }
    }
}
