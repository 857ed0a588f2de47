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
        /// Of what the run was only this is left: no index leads to it.
        var isHistoryPruned = false
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
    /// When first attempts of items began that have no other event yet.
    var starts: [StartKey: Timestamp] = [:]
    /// Checkpoints whose payloads are not needed any more; deleted in the commit that says so.
    var obsoletePayloads: [JournalSequence] = []

    /// The row of a run with this commit's events so far.
    mutating func run(_ number: RunNumber, in snapshot: any StoreSnapshot) throws(RenError) -> RunRow? {
        try entry(number, in: snapshot)?.row
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
        let entry = try entry(place.run, in: snapshot) ?? begin(event, at: place)
        if !entry.isChanged {
            entry.isChanged = true
            changedRuns.append(entry)
        }
        if !place.isHistoryPruned, entry.row.version == .none || entry.row.last.next != place.sequence {
            add(.history, .history(place.run, place.version)) { $0.append(bigEndian: place.sequence.rawValue) }
        }
        entry.row.version = place.version
        entry.row.last = place.sequence
        entry.row.hash = place.runHash
        entry.row.updated = max(entry.row.updated, event.time)
        entry.row.apply(event, at: place)
        if let mark = event.request, !place.isHistoryPruned { requests.add(mark, of: event, at: place) }
        if let node = event.subject.node {
            try apply(event, at: place, to: node, of: entry, in: snapshot)
        } else {
            addIndexRows(event, at: place, &state)
        }
        if case .journalPruned(let pruning) = event.fact { try prune(pruning, in: snapshot) }
    }

    private mutating func prune(_ pruning: Pruning, in snapshot: any StoreSnapshot) throws(RenError) {
        for run in pruning.runs {
            // A run that began in this commit is in no table yet, as when the projections are made again.
            var number = changedRuns.first { $0.row.id == run.id }?.row.number
            if number == nil { number = try RunRow.number(of: run.id, in: snapshot) }
            guard let number, let entry = try entry(number, in: snapshot) else { continue }
            if !entry.isChanged {
                entry.isChanged = true
                changedRuns.append(entry)
            }
            entry.row.prune(pruning.step)
        }
    }

    /// The row of a run's first event. The run `journal` begins with any event.
    private mutating func begin(_ event: Event, at place: Place) -> Entry {
        var creation = RunCreation(id: RunRow.journalID, flow: .zero, flowName: "", functions: nil, semantics: 0)
        if case .runCreated(let given) = event.fact {
            creation = given
            add(.runIDs, Key(utf8: given.id)) { $0.append(bigEndian: place.run.rawValue) }
        }
        let row = RunRow(place.run, creation, at: place.sequence, time: event.time)
        let entry = Entry(row, storedStatus: nil)
        runs[place.run] = entry
        return entry
    }

    private mutating func apply(
        _ event: Event, at place: Place, to node: NodeNumber, of entry: Entry, in snapshot: any StoreSnapshot
    ) throws(RenError) {
        let before = try nodeRow(node, of: entry, in: snapshot)
        let oldState = before?.state
        let oldLiveness = before?.liveness
        var row = before ?? NodeRow(begun: event.time)
        // The kept copy goes, so that the counts are changed in place.
        entry.nodes[node] = nil
        if case .item(_, let item) = event.subject {
            let key = ItemKey(run: place.run, node: node, item: item)
            try apply(event, at: place, to: key, countedIn: &row, in: snapshot)
        } else {
            row.apply(event, at: place, obsolete: &obsoletePayloads)
        }
        entry.row.nodeCounts.move(from: oldState, to: row.state)
        entry.row.count(oldLiveness, by: -1)
        entry.row.count(row.liveness, by: 1)
        entry.nodes[node] = row
        entry.changedNodes.insert(node)
        try addProblem(event, at: place, of: entry, in: snapshot)
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

    // MARK: Problems

    private mutating func addProblem(
        _ event: Event, at place: Place, of entry: Entry, in snapshot: any StoreSnapshot
    ) throws(RenError) {
        switch event.fact {
        case .attemptFailed(let failure, _):
            try changeProblem(failure, event, at: place, of: entry, in: snapshot) { $0.attempts += 1 }
        // The items that failed stand for a map that failed because of them.
        case .failed(let failure) where failure.name != Failure.Name.tooManyFailed:
            try changeProblem(failure, event, at: place, of: entry, in: snapshot) { $0.failures += 1 }
        default: break
        }
    }

    private mutating func changeProblem(
        _ failure: Failure, _ event: Event, at place: Place, of entry: Entry, in snapshot: any StoreSnapshot,
        _ change: (inout ProblemRow) -> Void
    ) throws(RenError) {
        var key = ProblemKey(run: place.run, fingerprint: failure.fingerprint)
        var found = try problem(key, in: snapshot)
        if found == nil, entry.row.problemGroups >= ProblemRow.groupsMax {
            key = ProblemKey(run: place.run, fingerprint: ProblemRow.otherFingerprint)
            found = try problem(key, in: snapshot)
        } else if found == nil {
            entry.row.problemGroups += 1
        }
        var row = found ?? ProblemRow(key.fingerprint, failure, at: event.time)
        row.add(event.subject, at: event.time)
        change(&row)
        problems[key] = row
    }

    private func problem(_ key: ProblemKey, in snapshot: any StoreSnapshot) throws(RenError) -> ProblemRow? {
        if let row = problems[key] { return row }
        return try snapshot.value(of: .problem(key.run, key.fingerprint), in: .problems) { bytes throws(RenError) in
            try ProblemRow(bytes)
        }
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
        requests.forget()
        obsoletePayloads.removeAll(keepingCapacity: true)
    }
}
