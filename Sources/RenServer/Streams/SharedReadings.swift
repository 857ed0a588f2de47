import Ren
import RenAPI
package import RenCore
import RenJSON
package import RenJournal
import Synchronization

/// What the readings of all callers share: events as text, progress of runs, keys of maps, names.
package final class SharedReadings: Sendable {
    package let journal: any JournalReading
    package let directory: DataDirectory
    package let pages: EventPages
    package let progress: ProgressBoard
    let times = MapTimes()
    private let pasts = PastRuns()
    /// Keys of maps never change; reading them again costs up to 16 MiB. The last one used stands last.
    private let keys = Mutex<[(run: RunNumber, node: NodeNumber, keys: ItemKeys)]>([])
    private static let mapsMax = 4

    /// - Parameter now: the engine's clock.
    package init(
        _ journal: any JournalReading, directory: DataDirectory, now: @escaping @Sendable () -> Timestamp
    ) {
        self.journal = journal
        self.directory = directory
        pages = EventPages(journal)
        progress = ProgressBoard(journal, times, now: now)
    }

    /// The run with that id.
    ///
    /// - Throws: `run.not_found`.
    package func run(_ id: String) throws(RenError) -> RunRow {
        let row = try journal.read { view throws(RenError) -> RunRow? in
            guard let number = try view.runNumber(id: id) else { return nil }
            return try view.run(number)
        }
        guard let row, row.number != .journal else {
            throw RenError(.runNotFound, "there is no run \(id.prefix(200))", hint: "GET /api/v1/runs lists them")
        }
        guard row.pruned != .histories else { throw .pruned(row) }
        return row
    }

    /// The run as of the event at `sequence`.
    ///
    /// - Throws: `event.not_found` before the run's first event and behind the journal's last.
    package func past(of row: RunRow, at sequence: JournalSequence) throws(RenError) -> PastRun {
        if let known = pasts[row.number, sequence] { return known }
        let past = try journal.past(of: row, at: sequence)
        pasts.add(past)
        return past
    }

    /// The node of that name in the flow of a run.
    ///
    /// - Throws: `node.not_found`.
    package func node(_ name: String, of row: RunRow) throws(RenError) -> NodeNumber {
        NodeNumber(try RunSummary(row.number, in: journal, engineHolds: false).number(of: name))
    }

    /// The item of that key, also before it starts.
    ///
    /// - Throws: `item.not_found`: also while the map is not open.
    package func item(_ key: String, of node: NodeNumber, in row: RunRow) throws(RenError) -> ItemIndex {
        try journal.item(key, of: node, in: row)
    }

    /// The names of a map's items; nil while the map is not open.
    package func itemKeys(_ run: RunNumber, _ node: NodeNumber) throws(RenError) -> ItemKeys? {
        let known = keys.withLock { shelf -> ItemKeys? in
            guard let index = shelf.firstIndex(where: { $0.run == run && $0.node == node }) else { return nil }
            shelf.append(shelf.remove(at: index))
            return shelf.last?.keys
        }
        if let known { return known }
        guard let read = try journal.itemKeys(run, node) else { return nil }
        keys.withLock { shelf in
            if shelf.contains(where: { $0.run == run && $0.node == node }) { return }
            if shelf.count == Self.mapsMax { shelf.removeFirst() }
            shelf.append((run, node, read))
        }
        return read
    }

    /// Names the journal of this directory: `j_` and the beginning of the hash of its first event, which holds the
    /// moment when it was made. Nil while it is empty.
    package func journalID() throws(RenError) -> String? {
        let first = try journal.read { view throws(RenError) in try view.record(at: JournalSequence(1)) }
        return first.map { "j_" + $0.journalHash.description.prefix(12) }
    }

    // MARK: Topics

    /// What a subscription follows.
    ///
    /// - Throws: `run.not_found`, `node.not_found`, `item.not_found`.
    func filter(for wanted: StreamSubscription) throws(RenError) -> (run: RunRow?, filter: EventFilter) {
        switch wanted.topic {
        case .journal: return (nil, EventFilter(.journal))
        case .runs: return (nil, EventFilter(.journal, types: EventFilter.types(in: ["run"])))
        case .workers:
            return (nil, EventFilter(.run(.journal), types: EventFilter.types(in: ["worker", "function"])))
        case .run, .logs, .node, .item: break
        }
        let row = try run(wanted.run ?? "")
        var filter = EventFilter(.run(row.number))
        if let name = wanted.node {
            let node = try node(name, of: row)
            filter.node = node
            if let key = wanted.key { filter.item = try item(key, of: node, in: row) }
        }
        return (row, filter)
    }
}
