import LMDB
package import RenCore
import Synchronization

/// The tables in memory, for tests and simulation. A commit replaces them; snapshots keep what they see.
package final class MemoryStore: Store {
    /// Guards only the exchange of values: a snapshot shares the pages, and the writer copies those it changes.
    private let tables = Mutex([SortedTable](repeating: SortedTable(), count: StoreTable.allCases.count))

    package init() {}

    package func read<R>(_ body: (any StoreSnapshot) throws(RenError) -> R) throws(RenError) -> R {
        try body(MemoryTransaction(self, tables.withLock { $0 }))
    }

    package func beginWrite() throws(RenError) -> any StoreTransaction {
        MemoryTransaction(self, tables.withLock { $0 })
    }

    package func makeRoom() -> Bool { false }
    package func use() -> StorageUse? { nil }
    package func keepHouse() {}
    /// A journal in memory can still be read: it is gone with its last reference.
    package func close() {}

    fileprivate func publish(_ new: [SortedTable]) { tables.withLock { $0 = new } }
}

private final class MemoryTransaction: StoreTransaction {
    private let store: MemoryStore
    private var tables: [SortedTable]

    init(_ store: MemoryStore, _ tables: [SortedTable]) {
        self.store = store
        self.tables = tables
    }

    func withValue(
        of key: Key, in table: StoreTable, _ body: (UnsafeRawBufferPointer) throws(RenError) -> Void
    ) throws(RenError) -> Bool {
        let found = tables[table.index]
        guard let place = key.withUnsafeBytes({ found.place(of: $0) }) else { return false }
        try found[place].value.span.bytes.withUnsafeBytes(body)
        return true
    }

    func walk(
        _ table: StoreTable, from start: Key?, _ order: WalkOrder,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(RenError) -> WalkStep
    ) throws(RenError) {
        let walked = tables[table.index]
        var place = start.withUnsafeBytes { walked.start(order, from: $0) }
        while let current = place {
            let entry = walked[current]
            let step = try entry.key.span.bytes.withUnsafeBytes { key throws(RenError) in
                try entry.value.span.bytes.withUnsafeBytes { value throws(RenError) in try body(key, value) }
            }
            guard step == .continue else { return }
            place = walked.next(current, order)
        }
    }

    func count(of table: StoreTable) throws(RenError) -> Int { tables[table.index].count }

    func put(
        _ value: UnsafeRawBufferPointer, for key: Key, in table: StoreTable, _ mode: PutMode
    ) throws(RenError) {
        let index = table.index
        let isStored = key.withUnsafeBytes { bytes in
            let place = tables[index].place(atOrAfter: bytes)
            let isThere = tables[index].place(of: bytes) != nil
            switch mode {
            case .append where place != nil, .noOverwrite where isThere: return false
            default: tables[index].set(Array(value), for: bytes)
            }
            return true
        }
        guard isStored else { throw RenError(LMDBError(.keyExists, operation: .put)) }
    }

    func delete(prefix: Key, in table: StoreTable, limit: Int) throws(RenError) -> Int {
        let index = table.index
        var removed = 0
        prefix.withUnsafeBytes { bytes in
            while removed < limit, let place = tables[index].place(atOrAfter: bytes),
                tables[index][place].key.starts(with: bytes)
            {
                tables[index].remove(at: place)
                removed += 1
            }
        }
        return removed
    }

    func removeAll(in table: StoreTable) throws(RenError) { tables[table.index] = SortedTable() }

    func commit() throws(RenError) { store.publish(tables) }
}

extension Key {
    func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        withBytes { $0.withUnsafeBytes(body) }
    }
}

extension Key? {
    /// Lends nil where there is no key.
    func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer?) -> R) -> R {
        guard let self else { return body(nil) }
        return self.withUnsafeBytes { body($0) }
    }
}
