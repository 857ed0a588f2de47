import LMDB
import RenCore

/// Compares the rows of all projections with those that the events give.
///
/// They are folded into tables of their own, and then compared in pages of 1,000 rows. Before each page what was written
/// meanwhile is folded too, so that both are of the same event while the journal goes on.
struct ProjectionCheck {
    private static let pageRows = 1_000

    private let journal: any JournalReading
    private let scratch: ScratchStore
    private var state = JournalState()
    private(set) var rows = 0

    /// - Parameter tables: an empty store.
    init(_ journal: any JournalReading, tables: any Store) {
        self.journal = journal
        scratch = ScratchStore(journal, tables)
    }

    /// - Returns: the first row that differs, in words, and the run it belongs to; nil when all are equal.
    /// - Throws: what keeps the events from being folded.
    mutating func difference() throws(RenError) -> (run: RunNumber?, what: String)? {
        state = try Rebuild.run(scratch)
        for table in StoreTable.derived {
            var after: [UInt8]?
            while true {
                let (found, last) = try comparePage(of: table, after: after)
                if let found { return found }
                guard let last else { break }
                after = last
            }
        }
        return nil
    }

    private typealias Row = (key: [UInt8], value: [UInt8])

    /// - Returns: what differs, and the last key that was compared; nil behind the table's end.
    private mutating func comparePage(
        of table: StoreTable, after: [UInt8]?
    ) throws(RenError) -> (found: (run: RunNumber?, what: String)?, last: [UInt8]?) {
        var state = state
        var compared = 0
        defer {
            self.state = state
            rows += compared
        }
        return try journal.read { view throws(RenError) in
            let live = try JournalState.load(from: view.snapshot)
            guard live.applied == live.head else {
                return ((nil, "the projections are being made again: ask when that is done"), nil)
            }
            try Rebuild.fold(&state, in: scratch, upTo: live.head)
            // Some of these are deleted and some are not.
            let leaving = StoreTable.ofHistories.contains(table) ? try Self.leavingRuns(in: view) : []
            let page = try Self.rows(of: table, after: after, but: leaving, in: view.snapshot, limit: Self.pageRows)
            let last = page.count < Self.pageRows ? nil : page[page.count - 1].key
            let wanted = try scratch.read { snapshot throws(RenError) in
                try Self.rows(
                    of: table, after: after, upTo: last, but: leaving, in: snapshot, limit: Self.pageRows + 1)
            }
            compared = page.count
            return (try Self.difference(of: page, from: wanted, in: table, view.snapshot), last)
        }
    }

    /// Runs whose histories are being deleted.
    private static func leavingRuns(in view: borrowing JournalView) throws(RenError) -> Set<UInt64> {
        var runs: Set<UInt64> = []
        for pruning in try view.pendingPrunings() where pruning.step == .histories {
            for run in pruning.runs {
                if let number = try view.runNumber(id: run.id) { runs.insert(number.rawValue) }
            }
        }
        return runs
    }

    private static func rows(
        of table: StoreTable, after: [UInt8]?, upTo last: [UInt8]? = nil, but runs: Set<UInt64>,
        in snapshot: any StoreSnapshot, limit: Int
    ) throws(RenError) -> [Row] {
        var rows: [Row] = []
        try snapshot.walk(table, from: after.map { Key($0) }, .ascending) { key, value throws(RenError) in
            if let after, key.elementsEqual(after) { return .continue }
            if let last, last.lexicographicallyPrecedes(key) { return .stop }
            if !runs.isEmpty, runs.contains(key.load(UInt64.self, at: 0)) { return .continue }
            rows.append((Array(key), Array(value)))
            return rows.count < limit ? .continue : .stop
        }
        return rows
    }

    private static func difference(
        of found: [Row], from wanted: [Row], in table: StoreTable, _ snapshot: any StoreSnapshot
    ) throws(RenError) -> (run: RunNumber?, what: String)? {
        var wanted = wanted[...]
        for row in found {
            guard let next = wanted.first, !row.key.lexicographicallyPrecedes(next.key) else {
                if table == .keys, try isAhead(row.key, snapshot) { continue }
                return describe(table, row.key, "is one that no event gives")
            }
            wanted.removeFirst()
            guard next.key == row.key else { return describe(table, next.key, "is missing") }
            guard next.value == row.value else { return describe(table, row.key, "is not what the events give") }
        }
        return wanted.first.flatMap { describe(table, $0.key, "is missing") }
    }

    /// The keys of a map are written before its `map.opened`.
    private static func isAhead(_ key: [UInt8], _ snapshot: any StoreSnapshot) throws(RenError) -> Bool {
        let (run, node) = key.withUnsafeBytes { ($0.load(UInt64.self, at: 0), $0.load(UInt16.self, at: 8)) }
        let row = try snapshot.value(of: .node(RunNumber(rawValue: run), NodeNumber(rawValue: node)), in: .nodes) {
            bytes throws(RenError) in try NodeRow(bytes)
        }
        return row?.map == nil
    }

    private static func describe(
        _ table: StoreTable, _ key: [UInt8], _ what: String
    ) -> (run: RunNumber?, what: String)? {
        let hasRun = table == .runs || StoreTable.ofHistories.contains(table)
        let run = hasRun ? RunNumber(rawValue: key.withUnsafeBytes { $0.load(UInt64.self, at: 0) }) : nil
        return (run, "the row \(hex(key)) of the projection \(table) \(what); make them again: `ren journal rebuild`")
    }
}

/// Tables of its own, over the events of a journal.
private final class ScratchStore: Store {
    private let journal: any JournalReading
    private let tables: any Store

    init(_ journal: any JournalReading, _ tables: any Store) {
        self.journal = journal
        self.tables = tables
    }

    func read<R>(_ body: (any StoreSnapshot) throws(RenError) -> R) throws(RenError) -> R {
        let journal = journal
        return try tables.read { snapshot throws(RenError) in try body(ScratchSnapshot(journal, snapshot)) }
    }

    func beginWrite() throws(RenError) -> any StoreTransaction {
        ScratchTransaction(journal, try tables.beginWrite())
    }

    func makeRoom() -> Bool { false }
    func use() -> StorageUse? { nil }
    func close() { tables.close() }
    func keepHouse() {}
}

private class ScratchSnapshot: StoreSnapshot {
    private let journal: any JournalReading
    private let tables: any StoreSnapshot

    init(_ journal: any JournalReading, _ tables: any StoreSnapshot) {
        self.journal = journal
        self.tables = tables
    }

    private static func isOfJournal(_ table: StoreTable) -> Bool { table == .events || table == .payloads }

    func withValue(
        of key: Key, in table: StoreTable, _ body: (UnsafeRawBufferPointer) throws(RenError) -> Void
    ) throws(RenError) -> Bool {
        guard Self.isOfJournal(table) else { return try tables.withValue(of: key, in: table, body) }
        return try journal.read { view throws(RenError) in try view.snapshot.withValue(of: key, in: table, body) }
    }

    func walk(
        _ table: StoreTable, from start: Key?, _ order: WalkOrder,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(RenError) -> WalkStep
    ) throws(RenError) {
        guard Self.isOfJournal(table) else { return try tables.walk(table, from: start, order, body) }
        try journal.read { view throws(RenError) in try view.snapshot.walk(table, from: start, order, body) }
    }

    func count(of table: StoreTable) throws(RenError) -> Int { try tables.count(of: table) }
}

private final class ScratchTransaction: ScratchSnapshot, StoreTransaction {
    private let transaction: any StoreTransaction

    init(_ journal: any JournalReading, _ transaction: any StoreTransaction) {
        self.transaction = transaction
        super.init(journal, transaction)
    }

    func put(
        _ value: UnsafeRawBufferPointer, for key: Key, in table: StoreTable, _ mode: PutMode
    ) throws(RenError) { try transaction.put(value, for: key, in: table, mode) }

    func delete(prefix: Key, in table: StoreTable, limit: Int) throws(RenError) -> Int {
        try transaction.delete(prefix: prefix, in: table, limit: limit)
    }

    func removeAll(in table: StoreTable) throws(RenError) { try transaction.removeAll(in: table) }
    func commit() throws(RenError) { try transaction.commit() }
}

extension Key {
    fileprivate init(_ bytes: [UInt8]) {
        self.init()
        for byte in bytes { append(byte) }
    }
}
