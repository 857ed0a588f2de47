package import RenCore

extension JournalReading {
    /// What has failed of a run for the reasons of one group of problems, and has not begun again or got a value since:
    /// as many nodes and items as the group counts.
    ///
    /// - Parameter wanted: only these nodes and their items; empty: all.
    /// - Complexity: O(*n*) in the items that have begun in maps with failures.
    package func failures(
        of run: RunNumber, _ problem: UInt64, in wanted: [NodeNumber] = [],
        isCancelled: () -> Bool = { Task.isCancelled }
    ) throws(RenError) -> (nodes: [NodeNumber], items: [NodeNumber: ItemRanges]) {
        var filter = try ProblemFilter(problem, of: run, in: self)
        var nodes: [NodeNumber] = []
        var items: [NodeNumber: ItemRanges] = [:]
        for (node, row) in try read({ view throws(RenError) in try view.nodes(of: run) })
        where wanted.isEmpty || wanted.contains(node) {
            if row.state == .failed, try filter.matches(row, in: self) { nodes.append(node) }
            guard row.map?.counts[.failed] ?? 0 > 0, let map = try mapHead(run, node) else { continue }
            var found: [ItemIndex] = []
            try forEachItem(of: map, in: 0..<map.begun, isCancelled: isCancelled) { index, row, view throws(RenError) in
                if map.state(of: index, row) == .failed, try filter.matches(row, in: view) {
                    found.append(ItemIndex(index))
                }
                return .continue
            }
            if !found.isEmpty { items[node] = ItemRanges(found) }
        }
        return (nodes, items)
    }
}

/// Tells the items whose last failure is of one group of problems.
struct ProblemFilter {
    private let fingerprint: UInt64
    private let run: RunNumber
    /// The groups of the run, which tell what belongs to "other".
    private let groups: Set<UInt64>
    /// Fingerprints of errors that were seen: many items fail alike.
    private var known: [ErrorSummary: UInt64] = [:]

    init(_ fingerprint: UInt64, of run: RunNumber, in journal: any JournalReading) throws(RenError) {
        self.fingerprint = fingerprint
        self.run = run
        groups = Set(try journal.read { view throws(RenError) in try view.problems(of: run).map(\.fingerprint) })
    }

    mutating func matches(_ row: UnsafeRawBufferPointer?, in view: borrowing JournalView) throws(RenError) -> Bool {
        guard let row, ItemRow.state(of: row) != .succeeded else { return false }
        let item = try ItemRow(row)
        guard let error = item.error else { return false }
        let found = try fingerprint(of: error, item.last, in: view)
        return isOfGroup(found)
    }

    /// A node that failed: only its event tells whether that counts in a group.
    func matches(_ node: NodeRow, in journal: any JournalReading) throws(RenError) -> Bool {
        try journal.read { view throws(RenError) in
            var version = node.last
            while version > .none, let event = try view.recorded(run, version)?.event {
                guard case .resultRejected = event.fact else {
                    return event.fact.isFailure && event.fact.problem.map { isOfGroup($0.fingerprint) } == true
                }
                version = event.previous
            }
            return false
        }
    }

    private func isOfGroup(_ found: UInt64) -> Bool {
        fingerprint == (groups.contains(found) ? found : ProblemRow.otherFingerprint)
    }

    private mutating func fingerprint(
        of error: ErrorSummary, _ last: RunVersion, in view: borrowing JournalView
    ) throws(RenError) -> UInt64 {
        // The row has the failure cut; what is not cut tells the group by itself.
        if error.isWhole {
            if let fingerprint = known[error] { return fingerprint }
            let fingerprint = Failure(error.name, error.message, frame: error.frame).fingerprint
            known[error] = fingerprint
            return fingerprint
        }
        var version = last
        while version > .none, let event = try view.recorded(run, version)?.event {
            switch event.fact {
            case .attemptFailed(let failure, _), .failed(let failure): return failure.fingerprint
            default: version = event.previous
            }
        }
        return Failure(error.name, error.message, frame: error.frame).fingerprint
    }
}
