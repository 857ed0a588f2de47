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
    /// The forks that led to it, in the numbers of the flow of that time.
    let forks: [(version: RunVersion, time: Timestamp, fork: Fork)]

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
    /// - Throws: `run.not_found`; `run.pruned`; `event.not_found` before the run's first event and behind the journal's
    ///   last.
    /// - Complexity: what a snapshot holds, at most `SnapshotWriter.interval` events and a batch, and up to 1,000 events
    ///   of each node.
    package func past(
        of run: RunNumber, at sequence: JournalSequence, plans: [Plan]
    ) throws(RenError) -> PastRun {
        let start = try read { view throws(RenError) in try view.pastStart(of: run, at: sequence, plans) }
        var state = start.state
        var groups = start.groups
        try state.fold(run, through: start.version, from: self) { version, event in
            if let event = start.lineage.renumbered(event, at: version) { groups.add(event) }
        }
        try remove(groups.mended, of: run, before: start.state.version, start.lineage, from: &groups)
        let forks = start.lineage.renumberedForks
        var chains: [[RecordedEvent]] = []
        for node in state.nodes { chains.append(try chain(of: run, from: node.work.last)) }
        let reopenings = try mapReopenings(of: run, chains, state, start.lineage)
        let nodes = state.nodes.indices.map { index in
            NodeRow(chains[index], state.nodes[index], NodeNumber(index), in: start.owner, forks, reopenings)
        }
        return PastRun(
            state: state, row: RunRow(start, state, nodes), nodes: nodes, problems: groups.sorted, asOf: start.asOf,
            forks: forks)
    }

    /// The reopenings behind the first end of a map that did not stay closed: what they opened again no event of the node
    /// tells. Of the first 100,000 events from there on.
    private func mapReopenings(
        of run: RunNumber, _ chains: [[RecordedEvent]], _ state: RunState, _ lineage: RunLineage
    ) throws(RenError) -> [MapReopening] {
        let firsts = zip(chains, state.nodes).compactMap { chain, node -> RunVersion? in
            let closings = chain.filter { if case .mapClosed = $0.event.fact { true } else { false } }
            return closings.count > 1 || node.isOpen ? closings.first?.version : nil
        }
        var found: [MapReopening] = []
        guard let first = firsts.min() else { return found }
        var left = Paging.scanMax
        try forEachRecord(of: run, from: first, isCancelled: { Task.isCancelled }) { lent throws(RenError) in
            guard left > 0, lent.record.version <= state.version else { return .stop }
            left -= 1
            guard lent.record.type == .runReopened,
                let event = lineage.renumbered(try lent.record.event(at: lent.sequence), at: lent.record.version),
                case .runReopened(let reopening) = event.fact
            else { return .continue }
            found.append(
                MapReopening(version: lent.record.version, time: event.time, nodes: Set(reopening.items.keys)))
            return .continue
        }
        return found
    }

    /// Takes what had failed in the snapshot out of the groups of its failures. What is not found among the last 100,000
    /// events before that stays counted.
    private func remove(
        _ mended: Set<Event.Subject>, of run: RunNumber, before end: RunVersion, _ lineage: RunLineage,
        from groups: inout ProblemGroups
    ) throws(RenError) {
        var wanted = mended
        var end = end.rawValue
        let least = end > UInt64(Paging.scanMax) ? end - UInt64(Paging.scanMax) : 0
        while !wanted.isEmpty, end > least {
            let start = max(least, end > 1_000 ? end - 1_000 : 0)
            let page = try read { view throws(RenError) in
                try view.page(of: run, after: RunVersion(rawValue: start), limit: Int(end - start))
            }
            for event in page.reversed() {
                guard let event = lineage.renumbered(event.event, at: event.version) else { continue }
                if case .resultRejected = event.fact { continue }
                // The last that happened to it before the snapshot is what made it failed.
                if wanted.remove(event.subject) != nil, let failure = event.fact.problem { groups.remove(failure) }
            }
            end = start
        }
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
        /// R at that version, and the sequence of its event.
        var hash: Digest
        var last: JournalSequence
        var state: RunState
        var groups: ProblemGroups
        var asOf: JournalHead
        /// Whose record the version is: the run itself, or the one whose past a fork shares.
        var owner: RunNumber
        /// Of `owner`: up to that version it is the run's own.
        var lineage: RunLineage
    }

    fileprivate func pastStart(
        of run: RunNumber, at sequence: JournalSequence, _ plans: [Plan]
    ) throws(RenError) -> PastStart {
        guard let row = try self.run(run) else {
            throw RenError(.runNotFound, "there is no run number \(run)")
        }
        let (version, last, asOf) = try place(of: row, at: sequence)
        let newest = try snapshot(of: run, upTo: version, plans: plans)
        let owner = row.owner(of: version).run
        let lineage = try lineage(of: owner)
        let problems = (newest?.problems ?? []).compactMap { [at = newest?.state.version ?? .none] group in
            group.renumbered { lineage.subject($0, at: at) }
        }
        let state = newest?.state ?? RunState(plans: plans)
        return PastStart(
            row: row, version: version, hash: last.runHash, last: last.sequence, state: state,
            groups: ProblemGroups(problems, state, lineage), asOf: asOf,
            owner: owner, lineage: lineage)
    }

    /// How far a run was after the event at `sequence`: the last of its own events, and the event itself.
    ///
    /// - Throws: `event.not_found` before the run's first event and behind the journal's last.
    func place(
        of row: RunRow, at sequence: JournalSequence
    ) throws(RenError) -> (version: RunVersion, last: RecordedEvent, asOf: JournalHead) {
        guard let event = try record(at: sequence) else {
            throw RenError(
                .eventNotFound, "there is no event #\(sequence)",
                hint: "the journal has #1 to #\(try head().sequence)")
        }
        let version = try version(of: row.number, at: sequence)
        guard version > .none, let last = try recorded(row.number, version) else {
            throw RenError(
                .eventNotFound, "run \(row.id) has no event at or before #\(sequence)",
                hint: "it begins with #\(row.first)")
        }
        return (version, last, JournalHead(sequence: sequence, hash: event.journalHash, time: event.event.time))
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
    /// What had failed when the groups were such, and has not changed since.
    private var failedNodes: Set<NodeNumber> = []
    private var maps: [NodeNumber: MapState] = [:]
    /// What of that is no failure any more: in which group it stood only its event tells.
    private(set) var mended: Set<Event.Subject> = []
    /// What has failed since, and its group.
    private var failed: [Event.Subject: UInt64] = [:]

    /// - Parameter state: of the event as of which the groups are `rows`.
    init(_ rows: [ProblemRow], _ state: RunState, _ lineage: RunLineage) {
        groups = Dictionary(rows.map { ($0.fingerprint, $0) }) { first, _ in first }
        for (index, node) in state.nodes.enumerated() {
            guard let number = lineage.subject(.node(NodeNumber(index)), at: state.version)?.node else { continue }
            if node.phase == .failed { failedNodes.insert(number) }
            if let map = node.map, map.counts.failed > 0 { maps[number] = map }
        }
    }

    mutating func add(_ event: Event) {
        switch event.fact {
        case .runReopened(let reopening): reopen(reopening)
        case .runForked(let fork): reopen(fork.reopening)
        // These leave a node or item that has failed as it is.
        case .resultRejected, .checkpointed, .mapClosed: return
        case .mapOpened: if let node = event.subject.node { closeMap(of: node) }
        case .overridden: if case .node(let node) = event.subject { closeMap(of: node) }
        default: break
        }
        mend(event.subject)
        guard let failure = event.fact.problem else { return }
        let fingerprint = group(of: failure)
        groups[fingerprint, default: ProblemRow(fingerprint, failure, at: event.time)].add(event)
        if event.fact.isFailure { failed[event.subject] = fingerprint }
    }

    /// A node or item of that failure has failed no more.
    mutating func remove(_ failure: Failure) { remove(group(of: failure)) }

    private func group(of failure: Failure) -> UInt64 {
        let fingerprint = failure.fingerprint
        let isFull = groups.count { $0.key != ProblemRow.otherFingerprint } >= ProblemRow.groupsMax
        return groups[fingerprint] == nil && isFull ? ProblemRow.otherFingerprint : fingerprint
    }

    private mutating func remove(_ fingerprint: UInt64) {
        guard let count = groups[fingerprint]?.failures, count > 0 else { return }
        groups[fingerprint]?.failures = count - 1
    }

    private mutating func reopen(_ reopening: Reopening) {
        for node in reopening.again + reopening.affected {
            mend(.node(node))
            closeMap(of: node)
        }
        for (node, items) in reopening.items {
            mend(.node(node))
            for item in items.items { mend(.item(node, item)) }
        }
    }

    /// What was known of its items counts no more.
    private mutating func closeMap(of node: NodeNumber) {
        for case .item(node, let item) in failed.keys { mend(.item(node, item)) }
        maps[node]?.forEachItem(in: .failed) { item in
            mended.insert(.item(node, item))
            return true
        }
        maps[node] = nil
    }

    private mutating func mend(_ subject: Event.Subject) {
        if let fingerprint = failed.removeValue(forKey: subject) { return remove(fingerprint) }
        switch subject {
        case .run: break
        case .node(let node): if failedNodes.remove(node) != nil { mended.insert(subject) }
        case .item(let node, let item): if maps[node]?.state(of: item) == .failed { mended.insert(subject) }
        }
    }

    var sorted: [ProblemRow] { groups.values.filter { !$0.isEmpty }.sorted(by: ProblemRow.isLarger) }
}

extension ProblemRow {
    /// The group in the numbers of another flow.
    ///
    /// - Returns: nil when no sample's node is there any more.
    fileprivate func renumbered(_ number: (Event.Subject) -> Event.Subject?) -> ProblemRow? {
        var result = self
        result.samples = samples.compactMap(number)
        return result.samples.isEmpty ? nil : result
    }
}

// MARK: Rows as they were

/// Items of these nodes' maps were opened again.
struct MapReopening {
    var version: RunVersion
    var time: Timestamp
    var nodes: Set<NodeNumber>
}

extension NodeRow {
    /// Reopenings are not among a node's own events: they are seen by what follows them.
    ///
    /// - Parameters:
    ///   - chain: the node's own events.
    ///   - run: whose record the last of the run's events is.
    /// - Returns: nil for a node without any.
    init?(
        _ chain: [RecordedEvent], _ node: NodeState, _ number: NodeNumber, in run: RunNumber,
        _ forks: [(version: RunVersion, time: Timestamp, fork: Fork)], _ reopenings: [MapReopening]
    ) {
        guard let first = chain.first else { return nil }
        self.init(begun: first.event.time)
        var forks = forks.drop { $0.version < first.version }
        var reopenings = reopenings.filter { $0.version > first.version && $0.nodes.contains(number) }[...]
        var obsolete: [JournalSequence] = []
        for event in chain {
            while let next = forks.first, next.version < event.version {
                begin(forks.removeFirst().fork, number, at: next.time)
            }
            while let next = reopenings.first, next.version < event.version, map != nil {
                reopenMap(at: reopenings.removeFirst().time)
            }
            if begins(anewWith: event.event.fact) { reopen(keeping: true) }
            apply(event.event, at: ProjectionFold.Place(event, in: run), obsolete: &obsolete)
        }
        for (_, time, fork) in forks { begin(fork, number, at: time) }
        for next in reopenings where map != nil { reopenMap(at: next.time) }
        if node.isOpen, state.isSettled || state == .unknown || map != nil && node.map == nil {
            if node.map == nil { reopen(keeping: true) } else { reopenMap(at: begun) }
        }
        map = node.map.map { MapSummary($0) }
        if node.recorded == nil { recorded = nil }
    }

    /// Whether a reopening came before an event of that kind.
    private func begins(anewWith fact: Fact) -> Bool {
        switch fact {
        case .resultRejected, .overridden: false
        case .started: state.isSettled || state == .unknown
        case .mapOpened: state.isSettled || map != nil
        default: state.isSettled
        }
    }

    /// As `ProjectionFold` has it.
    private mutating func begin(_ fork: Fork, _ number: NodeNumber, at time: Timestamp) {
        interrupt(once: fork.once.contains(number), at: time)
        if fork.reopening.again.contains(number) { reopen(keeping: false) }
        if fork.reopening.affected.contains(number) { reopen(keeping: true) }
        if fork.reopening.items[number] != nil, map != nil { reopenMap(at: time) }
    }
}

extension NodeState {
    /// It goes on, or is to begin again.
    fileprivate var isOpen: Bool {
        if case .unknown = phase { false } else { !isSettled }
    }
}

extension NodeRow.MapSummary {
    init(_ map: MapState) {
        self.init(opened: map.version, total: map.total)
        // Which items have a row is asked of the state.
        (ordered, reached) = (map.next, map.next)
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
    /// - Parameter run: which the rows are of: the event's own, or a fork.
    init(_ event: RecordedEvent, in run: RunNumber) {
        self.init(
            run: run, version: event.version, sequence: event.sequence, runHash: event.runHash,
            isInherited: event.run != run)
    }
}

extension RunRow {
    fileprivate init(_ start: JournalView.PastStart, _ state: RunState, _ nodes: [NodeRow?]) {
        let now = start.row
        self = now
        preparing = nil
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
        last = start.last
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
