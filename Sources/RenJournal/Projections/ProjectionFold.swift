import LMDB
import RenCore

/// Folds events into the rows of all projections, in memory, over a whole commit; `flush` puts each changed row once.
///
/// Rows of runs that go on are kept from commit to commit, as is the start of each item's running first attempt, so a
/// result usually needs no look into the tables. What is kept is what the tables hold, after `flush` and `discard`.
/// The same events in the same order give the same bytes, however they are cut into commits.
struct ProjectionFold {
    /// A run's row and those of its nodes.
    final class Entry {
        var row: RunRow
        /// As it is in the table; nil when there is no row yet.
        var storedStatus: RunStatus?
        var isChanged = false
        var nodes: [NodeNumber: NodeRow] = [:]
        var changedNodes: Set<NodeNumber> = []
        /// Rows of the history that no table has yet, in order.
        var newStretches: [HistoryIndex.Stretch] = []

        init(_ row: RunRow, storedStatus: RunStatus?) {
            self.row = row
            self.storedStatus = storedStatus
        }
    }

    struct ItemKey: Hashable, Comparable {
        let run: RunNumber
        let node: NodeNumber
        let item: ItemIndex

        static func < (left: ItemKey, right: ItemKey) -> Bool {
            (left.run, left.node, left.item) < (right.run, right.node, right.item)
        }
    }

    struct ProblemKey: Hashable {
        let run: RunNumber
        let fingerprint: UInt64
    }

    struct StartKey: Hashable {
        let run: RunNumber
        let version: RunVersion
    }

    /// Where an event stands.
    struct Place {
        var run: RunNumber
        var version: RunVersion
        var sequence: JournalSequence
        var runHash: Digest
        /// The event is an ancestor's, folded for a fork.
        var isInherited = false
        /// Of what the run was only this is left: no index leads to it.
        var isHistoryPruned = false
    }

    /// What the counts of a run know of a node.
    private struct Standing {
        let state: WorkState
        let liveness: NodeRow.Liveness

        init(_ row: NodeRow) {
            state = row.state
            liveness = row.liveness
        }
    }

    /// Above these, what is only kept for speed is let go.
    private static let runsKeptMax = 10_000
    private static let startsKeptMax = 100_000

    private var runs: [RunNumber: Entry] = [:]
    private var changedRuns: [Entry] = []
    var items: [ItemKey: ItemRow] = [:]
    private var problems: [ProblemKey: ProblemRow] = [:]
    private(set) var requests = RequestTable()
    /// Rows that are only ever added.
    private var additions: [(table: StoreTable, key: Key, value: [UInt8])] = []
    private var removals: [(table: StoreTable, key: Key)] = []
    /// Runs whose ids no table has yet.
    private var newIDs: [String: RunNumber] = [:]
    /// When first attempts of items began that have no other event yet.
    var starts: [StartKey: Timestamp] = [:]
    /// Checkpoints whose payloads are not needed any more; deleted in the commit that says so.
    var obsoletePayloads: [JournalSequence] = []

    /// The row of a run with this commit's events so far.
    mutating func run(_ number: RunNumber, in snapshot: any StoreSnapshot) throws(RenError) -> RunRow? {
        try entry(number, in: snapshot)?.row
    }

    func run(withID id: String, in snapshot: any StoreSnapshot) throws(RenError) -> RunNumber? {
        if let run = newIDs[id] { return run }
        return try snapshot.value(of: Key(utf8: id), in: .runIDs) { bytes in
            RunNumber(rawValue: bytes.load(UInt64.self, at: 0))
        }
    }

    /// Where a version of a run stands, with this commit's events.
    func sequence(
        of version: RunVersion, _ row: RunRow, in snapshot: any StoreSnapshot
    ) throws(RenError) -> JournalSequence? {
        let new = runs[row.owner(of: version).run]?.newStretches.last { $0.version <= version }
        if let new { return new.sequence(of: version) }
        return try HistoryIndex.sequence(of: version, row, in: snapshot)
    }

    private mutating func entry(_ number: RunNumber, in snapshot: any StoreSnapshot) throws(RenError) -> Entry? {
        if let entry = runs[number] { return entry }
        let row = try snapshot.value(of: Key(number), in: .runs) { bytes throws(RenError) in try RunRow(bytes) }
        guard let row else { return nil }
        let entry = Entry(row, storedStatus: row.status)
        runs[number] = entry
        return entry
    }

    // MARK: One event

    mutating func apply(
        _ event: Event, at place: Place, to state: inout JournalState, in snapshot: any StoreSnapshot
    ) throws(RenError) {
        state.nextRun = max(state.nextRun, place.run.next)
        state.time = max(state.time, event.time)
        let entry: Entry
        if let known = try self.entry(place.run, in: snapshot) {
            entry = known
        } else {
            entry = try begin(event, at: place, in: snapshot)
        }
        markChanged(entry)
        if !place.isHistoryPruned, entry.row.version == .none || entry.row.last.next != place.sequence {
            add(.history, .history(place.run, place.version)) { $0.append(bigEndian: place.sequence.rawValue) }
            entry.newStretches.append(HistoryIndex.Stretch(version: place.version, sequence: place.sequence))
        }
        entry.row.version = place.version
        entry.row.last = place.sequence
        entry.row.hash = place.runHash
        entry.row.updated = max(entry.row.updated, event.time)
        entry.row.apply(event, at: place)
        if let mark = event.request, !place.isHistoryPruned { requests.add(mark, of: event, at: place) }
        // Before the rows of a fork's past are there, its own events could not be folded into them.
        if entry.row.preparing == nil { try applyToNodes(event, at: place, of: entry, in: snapshot) }
        if event.subject == .run { addIndexRows(event, at: place, &state) }
        if case .journalPruned(let pruning) = event.fact { try prune(pruning, in: snapshot) }
    }

    private mutating func markChanged(_ entry: Entry) {
        guard !entry.isChanged else { return }
        entry.isChanged = true
        changedRuns.append(entry)
    }

    private mutating func prune(_ pruning: Pruning, in snapshot: any StoreSnapshot) throws(RenError) {
        for run in pruning.runs {
            // A run that began in this commit is in no table yet, as when the projections are made again.
            var number = changedRuns.first { $0.row.id == run.id }?.row.number
            if number == nil { number = try RunRow.number(of: run.id, in: snapshot) }
            guard let number, let entry = try entry(number, in: snapshot) else { continue }
            markChanged(entry)
            entry.row.prune(pruning.step)
        }
    }

    /// The row of a run's first event. The run `journal` begins with any event.
    private mutating func begin(
        _ event: Event, at place: Place, in snapshot: any StoreSnapshot
    ) throws(RenError) -> Entry {
        var creation = RunCreation(id: RunRow.journalID, flow: .zero, flowName: "", functions: nil, semantics: 0)
        if let given = event.creation {
            creation = given
            newIDs[given.id] = place.run
            add(.runIDs, Key(utf8: given.id)) { $0.append(bigEndian: place.run.rawValue) }
        }
        var row = RunRow(place.run, creation, at: place.sequence, time: event.time)
        if case .runForked(let fork) = event.fact {
            try inherit(fork, &row, isPruned: place.isHistoryPruned, in: snapshot)
        }
        let entry = Entry(row, storedStatus: nil)
        runs[place.run] = entry
        return entry
    }

    /// - Parameter isPruned: its rows are not made any more.
    private mutating func inherit(
        _ fork: Fork, _ row: inout RunRow, isPruned: Bool, in snapshot: any StoreSnapshot
    ) throws(RenError) {
        // The writer has made sure of it.
        guard let parent = try run(withID: fork.parent, in: snapshot),
            let segments = try run(parent, in: snapshot)?.segments(through: fork.version)
        else { return }
        row.parent = parent
        row.segments = segments
        var links: [RunNumber: ForkLink] = [:]
        for segment in segments { links[segment.run] = .records }
        links[parent, default: []].insert(.parent)
        for (run, link) in links { add(.forks, .fork(row.number, of: run)) { $0.append(link.rawValue) } }
        guard !isPruned else { return }
        row.preparing = RunVersion(0)
        add(.forks, .preparing(row.number)) { _ in }
    }

    /// What an event changes in the rows of nodes and items, and in what is counted of them.
    private mutating func applyToNodes(
        _ event: Event, at place: Place, of entry: Entry, in snapshot: any StoreSnapshot
    ) throws(RenError) {
        switch event.fact {
        case .runReopened(let reopening): try reopen(reopening, at: event.time, of: entry, in: snapshot)
        case .runForked(let fork):
            try interrupt(once: fork.once, at: event.time, of: entry, in: snapshot)
            try reopen(fork.reopening, at: event.time, of: entry, in: snapshot)
        default:
            guard let node = event.subject.node else { return }
            if case .runEnding = event.fact { entry.row.endNode = node }
            try apply(event, at: place, to: node, of: entry, in: snapshot)
        }
    }

    private mutating func apply(
        _ event: Event, at place: Place, to node: NodeNumber, of entry: Entry, in snapshot: any StoreSnapshot
    ) throws(RenError) {
        let before = try nodeRow(node, of: entry, in: snapshot)
        let standing = before.map { Standing($0) }
        var row = before ?? NodeRow(begun: event.time)
        // The kept copy goes, so that the counts are changed in place.
        entry.nodes[node] = nil
        if case .item(_, let item) = event.subject {
            let key = ItemKey(run: place.run, node: node, item: item)
            try apply(event, at: place, to: key, countedIn: &row, of: entry.row, in: snapshot)
        } else {
            let before = row
            row.apply(event, at: place, obsolete: &obsoletePayloads)
            try removeProblems(of: node, before, now: row, after: event.fact, of: entry.row, in: snapshot)
        }
        change(node, of: entry, from: standing, to: row)
        try addProblem(event, at: place, of: entry, in: snapshot)
    }

    private func change(_ node: NodeNumber, of entry: Entry, from before: Standing?, to row: NodeRow) {
        entry.row.nodeCounts.move(from: before?.state, to: row.state)
        entry.row.count(before?.liveness, by: -1)
        entry.row.count(row.liveness, by: 1)
        entry.nodes[node] = row
        entry.changedNodes.insert(node)
    }

    private func nodeRow(
        _ node: NodeNumber, of entry: Entry, in snapshot: any StoreSnapshot
    ) throws(RenError) -> NodeRow? {
        if let row = entry.nodes[node] { return row }
        return try snapshot.value(of: .node(entry.row.number, node), in: .nodes) { bytes throws(RenError) in
            try NodeRow(bytes)
        }
    }

    /// What is looked up by something else than a run.
    private mutating func addIndexRows(_ event: Event, at place: Place, _ state: inout JournalState) {
        switch event.fact {
        case .journalOpened:
            state.opened = place.sequence
            requests.journalOpened(at: event.time)
        case .flowRegistered(let name):
            guard let hash = event.payload?.hash else { return }
            add(.flows, .flow(hash)) { bytes in
                bytes.append(bigEndian: place.sequence.rawValue)
                bytes.append(text: name)
            }
            add(.flows, .flowName(name).appending(place.sequence.rawValue)) { $0.append(hash) }
        case .functionsRecorded(let file):
            add(.functions, .function(file.set).appending(UInt16(truncatingIfNeeded: file.index))) {
                $0.append(bigEndian: place.sequence.rawValue)
            }
        default: break
        }
    }

    private mutating func add(_ table: StoreTable, _ key: Key, _ write: (inout [UInt8]) -> Void) {
        var value: [UInt8] = []
        write(&value)
        additions.append((table, key, value))
    }

    // MARK: Reopenings and forks

    private mutating func reopen(
        _ reopening: Reopening, at time: Timestamp, of entry: Entry, in snapshot: any StoreSnapshot
    ) throws(RenError) {
        for (nodes, keeping) in [(reopening.again, false), (reopening.affected, true)] {
            for node in nodes {
                guard let found = try nodeRow(node, of: entry, in: snapshot) else { continue }
                var row = found
                row.reopen(keeping: keeping)
                try removeProblems(of: node, found, now: row, of: entry.row, in: snapshot)
                change(node, of: entry, from: Standing(found), to: row)
            }
        }
        for (node, items) in reopening.items.sorted(by: { $0.key < $1.key }) {
            guard var row = try nodeRow(node, of: entry, in: snapshot), row.map != nil else { continue }
            let before = Standing(row)
            entry.nodes[node] = nil
            try reopen(items, of: node, &row, of: entry.row, in: snapshot)
            let closed = row
            row.reopenMap(at: time)
            try removeProblems(of: node, closed, now: row, of: entry.row, in: snapshot)
            change(node, of: entry, from: before, to: row)
        }
        entry.row.resumeEnding(reopening)
    }

    /// Where a fork begins, nothing of its past is in flight. All rows of it are in the tables.
    ///
    /// - Parameter once: nodes of which nobody knows what ran.
    private mutating func interrupt(
        once: [NodeNumber], at time: Timestamp, of entry: Entry, in snapshot: any StoreSnapshot
    ) throws(RenError) {
        let run = entry.row.number
        for (node, found) in try JournalView(snapshot).nodes(of: run) {
            var row = found
            let before = Standing(row)
            entry.nodes[node] = nil
            row.interrupt(once: once.contains(node), at: time)
            try interruptItems(of: node, once: once.contains(node), countedIn: &row, of: run, in: snapshot)
            change(node, of: entry, from: before, to: row)
        }
    }

    /// Folds the next page of a fork's past, and at last its own first events, into rows; see `RunRow.preparing`.
    ///
    /// - Throws: `journal.damaged` when a record of the past cannot be read.
    mutating func prepare(_ run: RunNumber, in snapshot: any StoreSnapshot) throws(RenError) {
        guard let entry = try entry(run, in: snapshot), let done = entry.row.preparing else { return }
        let view = JournalView(snapshot)
        let lineage = try view.lineage(of: entry.row)
        // A `run.forked` looks at all rows of what was before it, so it begins a page.
        let end = entry.row.owner(of: done.next).through
        let inherited = entry.row.inherited
        var page: [(event: Event, place: Place)] = []
        try view.forEachRecord(of: run, from: done.next) { record, sequence throws(RenError) in
            let place = Place(
                run: run, version: record.version, sequence: sequence, runHash: record.runHash,
                isInherited: record.version <= inherited)
            page.append((try record.event(at: sequence), place))
            return page.count < Rebuild.commitEvents && record.version < end ? .continue : .stop
        }
        guard let last = page.last?.place.version else { throw JournalView.damagedIndex(run, done.next) }
        for (event, place) in page {
            guard let event = lineage.renumbered(event, at: place.version) else { continue }
            try applyToNodes(event, at: place, of: entry, in: snapshot)
        }
        let isDone = last == entry.row.version
        entry.row.preparing = isDone ? nil : last
        if isDone { removals.append((.forks, .preparing(run))) }
        markChanged(entry)
    }

    // MARK: Problems

    private mutating func addProblem(
        _ event: Event, at place: Place, of entry: Entry, in snapshot: any StoreSnapshot
    ) throws(RenError) {
        guard let failure = event.fact.problem else { return }
        var key = ProblemKey(run: place.run, fingerprint: failure.fingerprint)
        var found = try problem(key, in: snapshot)
        if found == nil, entry.row.problemGroups >= ProblemRow.groupsMax {
            key = ProblemKey(run: place.run, fingerprint: ProblemRow.otherFingerprint)
            found = try problem(key, in: snapshot)
        } else if found == nil {
            entry.row.problemGroups += 1
        }
        var row = found ?? ProblemRow(key.fingerprint, failure, at: event.time)
        row.add(event)
        problems[key] = row
    }

    /// What of a node is no failure any more: the node itself, and the items of a map that is not open any more.
    ///
    /// - Parameter fact: of the node's own event, where there is one: it may have failed anew.
    private mutating func removeProblems(
        of node: NodeNumber, _ before: NodeRow, now row: NodeRow, after fact: Fact? = nil, of run: RunRow,
        in snapshot: any StoreSnapshot
    ) throws(RenError) {
        if before.state == .failed, row.state != .failed || fact?.isFailure == true {
            try removeProblem(nil, before.last, of: run, in: snapshot)
        }
        guard let map = before.map?.extent, map.opened != row.map?.opened, before.map?.counts[.failed] ?? 0 > 0
        else { return }
        let changed = items.filter { $0.key.run == run.number && $0.key.node == node }
        var failed = changed.values.filter { $0.state == .failed }
        try snapshot.walk(.items, prefix: .node(run.number, node)) { key, value throws(RenError) in
            let item = ItemIndex(rawValue: key.load(UInt32.self, at: 10))
            if ItemRow.state(of: value) == .failed,
                changed[ItemKey(run: run.number, node: node, item: item)] == nil
            {
                failed.append(try ItemRow(value))
            }
            return .continue
        }
        for row in failed where row.last > map.opened {
            try removeProblem(row.error, row.last, of: run, in: snapshot)
        }
    }

    /// Takes a node or item that had failed out of the group of its failure.
    ///
    /// - Parameters:
    ///   - error: as its row has it; nil: only the event tells.
    ///   - last: its last event.
    mutating func removeProblem(
        _ error: ErrorSummary?, _ last: RunVersion, of run: RunRow, in snapshot: any StoreSnapshot
    ) throws(RenError) {
        var failure = error.flatMap { $0.isWhole ? Failure($0.name, $0.message, frame: $0.frame) : nil }
        var version = last
        while failure == nil, version > .none {
            let event = try event(version, of: run, in: snapshot)
            // A result that came too late does not end what failed before.
            guard case .resultRejected? = event?.fact else {
                failure = event?.fact.problem
                break
            }
            version = event?.previous ?? .none
        }
        guard let fingerprint = failure?.fingerprint else { return }
        for fingerprint in [fingerprint, ProblemRow.otherFingerprint] {
            let key = ProblemKey(run: run.number, fingerprint: fingerprint)
            guard var row = try problem(key, in: snapshot) else { continue }
            row.failures = max(0, row.failures - 1)
            problems[key] = row
            return
        }
    }

    private func problem(_ key: ProblemKey, in snapshot: any StoreSnapshot) throws(RenError) -> ProblemRow? {
        if let row = problems[key] { return row }
        return try snapshot.value(of: .problem(key.run, key.fingerprint), in: .problems) { bytes throws(RenError) in
            try ProblemRow(bytes)
        }
    }

    /// The groups of a run with this commit's events so far, by fingerprint.
    func problems(of run: RunNumber, in snapshot: any StoreSnapshot) throws(RenError) -> [ProblemRow] {
        var found: [UInt64: ProblemRow] = [:]
        try snapshot.walk(.problems, prefix: Key(run)) { _, value throws(RenError) in
            let row = try ProblemRow(value)
            found[row.fingerprint] = row
            return .continue
        }
        for (key, row) in problems where key.run == run { found[key.fingerprint] = row }
        return found.values.sorted { $0.fingerprint < $1.fingerprint }
    }

    // MARK: The end of a commit

    /// Puts every changed row, once each, in the order of keys.
    mutating func flush(into transaction: any StoreTransaction) throws(RenError) {
        var bytes: [UInt8] = []
        func put(_ row: some Row, for key: Key, in table: StoreTable) throws(RenError) {
            bytes.removeAll(keepingCapacity: true)
            row.write(to: &bytes)
            try transaction.put(bytes, for: key, in: table)
        }
        for addition in additions { try transaction.put(addition.value, for: addition.key, in: addition.table) }
        for removal in removals { try transaction.delete(prefix: removal.key, in: removal.table) }
        for entry in changedRuns {
            let run = entry.row.number
            try put(entry.row, for: Key(run), in: .runs)
            for node in entry.changedNodes.sorted() {
                if let row = entry.nodes[node] { try put(row, for: .node(run, node), in: .nodes) }
            }
            if run != .journal, entry.row.status != entry.storedStatus {
                if let old = entry.storedStatus {
                    try transaction.delete(prefix: .status(old, entry.row.created, run), in: .runsByStatus)
                }
                try transaction.put([], for: .status(entry.row.status, entry.row.created, run), in: .runsByStatus)
            }
        }
        for (key, row) in items.sorted(by: { $0.key < $1.key }) {
            try put(row, for: .item(key.run, key.node, key.item), in: .items)
        }
        for (key, row) in problems { try put(row, for: .problem(key.run, key.fingerprint), in: .problems) }
        try requests.flush(into: transaction)
    }

    /// After the commit: what was flushed is stored, and what ended is not needed any more.
    mutating func committed() {
        for entry in changedRuns {
            entry.isChanged = false
            entry.storedStatus = entry.row.status
            entry.changedNodes.removeAll(keepingCapacity: true)
            entry.newStretches.removeAll(keepingCapacity: true)
            if !entry.row.status.isOpen { runs[entry.row.number] = nil }
        }
        forgetCommit()
        if runs.count > Self.runsKeptMax { runs.removeAll() }
        if starts.count > Self.startsKeptMax { starts.removeAll() }
    }

    /// After a commit that failed: everything is loaded again when it is needed.
    mutating func discard() {
        forgetCommit()
        runs.removeAll()
        starts.removeAll()
    }

    private mutating func forgetCommit() {
        changedRuns.removeAll(keepingCapacity: true)
        items.removeAll(keepingCapacity: true)
        problems.removeAll(keepingCapacity: true)
        additions.removeAll(keepingCapacity: true)
        removals.removeAll(keepingCapacity: true)
        newIDs.removeAll(keepingCapacity: true)
        requests.forget()
        obsoletePayloads.removeAll(keepingCapacity: true)
    }
}
