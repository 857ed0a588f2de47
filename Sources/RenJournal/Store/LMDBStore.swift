import LMDB
package import RenCore
import Synchronization

/// The tables in an LMDB environment.
package final class LMDBStore: Store {
    /// Nil after `close`. What is still being read keeps the environment open until it ends.
    private let opened: Mutex<Environment?>
    /// Nil for one that a reader found missing.
    private let tables: [Table?]
    private let ballast: Ballast?
    private let budgetBytes: Int?

    /// - Parameter missing: tables that are not there, which read as empty.
    init(
        _ environment: Environment, ballast: Ballast?, budgetBytes: Int? = nil, missing: Set<StoreTable> = []
    ) {
        opened = Mutex(environment)
        tables = StoreTable.allCases.map { missing.contains($0) ? nil : environment.table($0.name) }
        self.ballast = ballast
        self.budgetBytes = budgetBytes
    }

    /// - Throws: `storage.failed` after `close`.
    func environment() throws(RenError) -> Environment {
        guard let environment = opened.withLock({ $0 }) else { throw .closed }
        return environment
    }

    /// Makes everything durable that commits without flushes have written to a new file.
    func syncNewFile() throws(RenError) {
        let environment = try environment()
        do throws(LMDBError) {
            try environment.sync()
            try environment.syncNewFile()
        } catch { throw RenError(error) }
    }

    package func close() { opened.withLock { $0 = nil } }

    package func read<R>(_ body: (any StoreSnapshot) throws(RenError) -> R) throws(RenError) -> R {
        try body(LMDBSnapshot(environment(), tables))
    }

    package func beginWrite() throws(RenError) -> any StoreTransaction {
        try LMDBStoreTransaction(environment(), tables.compactMap { $0 })
    }

    package func makeRoom() -> Bool { ballast?.free() ?? false }

    /// What the last two commits freed cannot be used by the next one: these pages are free in turn.
    private static let pagesInTurn = 64

    package func use() -> StorageUse? {
        guard let environment = opened.withLock({ $0 }) else { return nil }
        do throws(LMDBError) {
            let statistics = try environment.statistics()
            let reader = try environment.beginRead()
            let free = max(0, try reader.freePageCount() - Self.pagesInTurn)
            return StorageUse(
                mapUsedBytes: (statistics.pagesReached - free) * statistics.pageSizeBytes,
                mapSizeBytes: statistics.mapSizeBytes, budgetBytes: budgetBytes, fileBytes: statistics.bytesReached,
                diskFreeBytes: environment.freeBytes().map { Int(clamping: $0) })
        } catch {
            return nil  // the next measurement may see it; writing goes on
        }
    }

    package func keepHouse() {
        guard let environment = opened.withLock({ $0 }) else { return }
        // A reader that died is no reason to stop writing: the next round tries again.
        _ = try? environment.clearDeadReaders()
        if let free = environment.freeBytes() { ballast?.restore(freeBytes: free) }
    }
}

/// A read transaction as the seam wants it. Ends with its last reference.
private final class LMDBSnapshot: StoreSnapshot {
    private let transaction: ReadTransaction
    private let tables: [Table?]

    init(_ environment: Environment, _ tables: [Table?]) throws(RenError) {
        do { transaction = try environment.beginRead() } catch { throw RenError(error) }
        self.tables = tables
    }

    func withValue(
        of key: Key, in table: StoreTable, _ body: (UnsafeRawBufferPointer) throws(RenError) -> Void
    ) throws(RenError) -> Bool {
        guard let table = tables[table.index] else { return false }
        return try transaction.withValue(of: key, in: table) { span throws(RenError) in
            try span.withUnsafeBytes(body)
        } != nil
    }

    func walk(
        _ table: StoreTable, from start: Key?, _ order: WalkOrder,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(RenError) -> WalkStep
    ) throws(RenError) {
        guard let table = tables[table.index] else { return }
        try transaction.forEach(in: table, from: start, order: order) {
            key, value throws(RenError) in try lend(key, value, body)
        }
    }

    func count(of table: StoreTable) throws(RenError) -> Int {
        guard let table = tables[table.index] else { return 0 }
        do { return try transaction.entryCount(in: table) } catch { throw RenError(error) }
    }
}

/// The write transaction as the seam wants it; undone with its last reference when it was not committed.
private final class LMDBStoreTransaction: StoreTransaction {
    private let environment: Environment
    private var transaction: WriteTransaction?
    private let tables: [Table]

    init(_ environment: Environment, _ tables: [Table]) throws(RenError) {
        do { transaction = try environment.beginWrite() } catch { throw RenError(error) }
        self.environment = environment
        self.tables = tables
    }

    func withValue(
        of key: Key, in table: StoreTable, _ body: (UnsafeRawBufferPointer) throws(RenError) -> Void
    ) throws(RenError) -> Bool {
        try transaction!.withValue(of: key, in: tables[table.index]) { span throws(RenError) in
            try span.withUnsafeBytes(body)
        } != nil
    }

    func walk(
        _ table: StoreTable, from start: Key?, _ order: WalkOrder,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(RenError) -> WalkStep
    ) throws(RenError) {
        try transaction!.forEach(in: tables[table.index], from: start, order: order) {
            key, value throws(RenError) in try lend(key, value, body)
        }
    }

    func count(of table: StoreTable) throws(RenError) -> Int {
        do { return try transaction!.entryCount(in: tables[table.index]) } catch { throw RenError(error) }
    }

    func put(_ value: UnsafeRawBufferPointer, for key: Key, in table: StoreTable, _ mode: PutMode) throws(RenError) {
        do {
            try transaction!.put(RawSpan(_unsafeBytes: value), for: key, in: tables[table.index], mode)
        } catch { throw RenError(error) }
    }

    func delete(prefix: Key, in table: StoreTable, limit: Int) throws(RenError) -> Int {
        do {
            return try transaction!.delete(
                from: prefix, upTo: prefix.afterPrefix(), in: tables[table.index], limit: limit)
        } catch { throw RenError(error) }
    }

    func removeAll(in table: StoreTable) throws(RenError) {
        do { try transaction!.removeAll(in: tables[table.index]) } catch { throw RenError(error) }
    }

    func commit() throws(RenError) {
        guard let transaction = transaction.take() else { preconditionFailure("a transaction committed twice") }
        do { try transaction.commit() } catch { throw RenError(error, meaning: environment.classify(error)) }
    }
}

private func lend(
    _ key: RawSpan, _ value: RawSpan,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(RenError) -> WalkStep
) throws(RenError) -> WalkStep {
    try key.withUnsafeBytes { key throws(RenError) in
        try value.withUnsafeBytes { value throws(RenError) in try body(key, value) }
    }
}
