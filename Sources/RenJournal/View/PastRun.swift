package import RenCore

/// A run as it was after one of its events: the rows as they were shown then, made again from the newest snapshot, the
/// events behind it, and the chain of each node's own events.
package struct PastRun: Sendable {
    package let state: RunState
    package let row: RunRow
    /// By node number; nil for a node without any event.
    package let nodes: [NodeRow?]
    /// The groups of failures, the largest first.
    package let problems: [ProblemRow]
    /// The event that was asked for, which may be one of another run.
    package let asOf: JournalHead

    /// About what it takes in memory.
    package var byteCount: Int {
        let items = state.nodes.reduce(0) { $0 + ($1.map.map { $0.next / 3 + $0.open.count * 300 } ?? 0) }
        return nodes.count * 1_500 + problems.count * 800 + items
    }
}

extension RenError.Code {
    package static let eventNotFound = Self("event.not_found")
}

extension JournalReading {
    /// The run as of the event at `sequence`.
    ///
    /// - Parameter plans: of the flow that the run was created with, and of those that its forks changed to.
    /// - Throws: `run.not_found`; `event.not_found` before the run's first event and behind the journal's last.
    /// - Complexity: what a snapshot holds, at most `SnapshotWriter.interval` events and a batch, and up to 1,000 events
    ///   of each node.
    package func past(
        of run: RunNumber, at sequence: JournalSequence, plans: [Plan]
    ) throws(RenError) -> PastRun {
        let start = try read { view throws(RenError) in try view.pastStart(of: run, at: sequence, plans) }
        var state = start.state
        var groups = start.groups
        try state.fold(run, upTo: start.version, from: self) { groups.add($0) }
        var nodes: [NodeRow?] = []
        for node in state.nodes {
            let chain = try chain(of: run, from: node.work.last)
            nodes.append(NodeRow(chain, node))
        }
        return PastRun(
            state: state, row: RunRow(start, state, nodes), nodes: nodes, problems: groups.sorted, asOf: start.asOf)
    }

    /// Events of one node or item back from `last`, in order; the last 1,000 of them.
    func chain(of run: RunNumber, from last: RunVersion) throws(RenError) -> [RecordedEvent] {
        var found: [RecordedEvent] = []
        var next = last
        while next > .none, found.count < 1_000 {
            let page = try read { [next] view throws(RenError) in try view.chain(of: run, from: next, limit: 100) }
            guard let first = page.last else { break }
            found += page
            next = first.event.previous
        }
        return found.reversed()
    }
}

extension JournalView {
    /// What a past run is folded from.
    struct PastStart {
        var row: RunRow
        var version: RunVersion
        /// R at that version.
        var hash: Digest
        var state: RunState
        var groups: ProblemGroups
        var asOf: JournalHead
    }

    fileprivate func pastStart(
        of run: RunNumber, at sequence: JournalSequence, _ plans: [Plan]
    ) throws(RenError) -> PastStart {
        guard let row = try self.run(run) else {
            throw RenError(.runNotFound, "there is no run number \(run)")
        }
        guard let event = try record(at: sequence) else {
            throw RenError(
                .eventNotFound, "there is no event #\(sequence)",
                hint: "the journal has #1 to #\(try head().sequence)")
        }
        let version = try version(of: run, at: sequence)
        guard version > .none, let last = try recorded(run, version) else {
            throw RenError(
                .eventNotFound, "run \(row.id) has no event at or before #\(sequence)",
                hint: "it begins with #\(row.first)")
        }
        let newest = try snapshot(of: run, upTo: version, plans: plans)
        return PastStart(
            row: row, version: version, hash: last.runHash,
            state: newest?.state ?? RunState(plan: plans[0], then: Array(plans.dropFirst())),
            groups: ProblemGroups(newest?.problems ?? []),
            asOf: JournalHead(sequence: sequence, hash: event.journalHash, time: event.event.time))
    }

    /// At most `limit` events of one node or item, back from `last`.
    fileprivate func chain(
        of run: RunNumber, from last: RunVersion, limit: Int
    ) throws(RenError) -> [RecordedEvent] {
        var found: [RecordedEvent] = []
        var next = last
        while next > .none, found.count < limit, let event = try recorded(run, next) {
            found.append(event)
            // `previous` is always an earlier version: `Record` sees to it.
            next = event.event.previous
        }
        return found
    }
}

/// The groups of failures of a run, as the projection folds them.
struct ProblemGroups {
    private var groups: [UInt64: ProblemRow]

    init(_ rows: [ProblemRow]) {
        groups = Dictionary(rows.map { ($0.fingerprint, $0) }) { first, _ in first }
    }

    mutating func add(_ event: Event) {
        guard let failure = event.fact.problem else { return }
        var fingerprint = failure.fingerprint
        let isFull = groups.count { $0.key != ProblemRow.otherFingerprint } >= ProblemRow.groupsMax
        if groups[fingerprint] == nil, isFull { fingerprint = ProblemRow.otherFingerprint }
        groups[fingerprint, default: ProblemRow(fingerprint, failure, at: event.time)].add(event)
    }

    var sorted: [ProblemRow] { groups.values.sorted(by: ProblemRow.isLarger) }
}

// MARK: Rows as they were

extension NodeRow {
    /// - Parameter chain: the node's own events.
    /// - Returns: nil for a node without any.
    init?(_ chain: [RecordedEvent], _ node: NodeState) {
        guard let first = chain.first else { return nil }
        self.init(begun: first.event.time)
        var obsolete: [JournalSequence] = []
        for event in chain { apply(event.event, at: ProjectionFold.Place(event), obsolete: &obsolete) }
        map = node.map.map { MapSummary($0) }
        // A node that was reopened begins anew: its events only tell what was.
        if !node.isSettled, state.isSettled {
            let attempts = attempts
            let last = last
            self = NodeRow(begun: begun)
            (self.attempts, self.last) = (attempts, last)
            state = map == nil ? .pending : .running
        }
    }
}

extension NodeRow.MapSummary {
    init(_ map: MapState) {
        self.init(opened: map.version, total: map.total)
        counts[.pending] = map.counts.pending
        counts[.succeeded] = map.counts.succeeded
        counts[.failed] = map.counts.failed
        counts[.skipped] = map.counts.skipped
        counts[.cancelled] = map.counts.cancelled
        counts[.unknown] = map.counts.unknown
        for work in map.open.values { counts[WorkState(work)] += 1 }
    }
}

extension WorkState {
    /// Of an item that has begun and is not settled.
    init(_ work: Work) {
        self =
            switch work.phase {
            case .ready: .ready
            case .running: .running
            case .retrying: .retrying
            }
    }
}

extension ProjectionFold.Place {
    init(_ event: RecordedEvent) {
        self.init(run: event.run, version: event.version, sequence: event.sequence, runHash: event.runHash)
    }
}

extension RunRow {
    fileprivate init(_ start: JournalView.PastStart, _ state: RunState, _ nodes: [NodeRow?]) {
        let now = start.row
        self = now
        if let creation = state.creation {
            flow = creation.flow
            flowName = creation.flowName
            functions = creation.functions
            semantics = creation.semantics
        }
        status = RunStatus(state.phase)
        created = state.created
        ended =
            switch state.phase {
            // A late result may have come since; another end since a reopening came after this one.
            case .ended: min(state.time, now.ended ?? state.time)
            default: nil
            }
        updated = state.time
        version = start.version
        control = state.control
        last = start.asOf.sequence
        hash = start.hash
        error =
            switch state.phase {
            case .ended(.failed): state.failure.map(ErrorSummary.init)
            case .ending(let ending): ending.failure.map(ErrorSummary.init)
            case .quarantined: now.error
            default: nil
            }
        nodeCounts = StateCounts()
        (activeNodes, waitingNodes) = (0, 0)
        for row in nodes {
            guard let row else { continue }
            nodeCounts[row.state] += 1
            count(row.liveness, by: 1)
        }
    }
}

extension RunStatus {
    fileprivate init(_ phase: RunState.Phase) {
        self =
            switch phase {
            case .running: .running
            case .pausing: .pausing
            case .paused: .paused
            case .stopping: .stopping
            case .ending: .ending
            case .ended(.succeeded): .succeeded
            case .ended(.failed): .failed
            case .ended(.stopped): .stopped
            case .quarantined: .quarantined
            }
    }
}
