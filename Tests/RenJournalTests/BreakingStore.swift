import LMDB
import RenCore
import Synchronization

@testable import RenJournal

/// A store in memory that fails where a test says.
final class BreakingStore: Store {
    struct Rules {
        /// Fails the put of a value that holds these bytes.
        var poison: [UInt8]?
        /// The errors of the next commits; nil for one that works.
        var commits: [RenError?] = []
        /// How often `makeRoom` finds something to free.
        var room = 0
        var roomsMade = 0
        /// Batches could wait for this before a commit begins.
        var onBegin: (@Sendable () -> Void)?
    }

    let memory = MemoryStore()
    let rules = Mutex(Rules())

    init() throws(RenError) { try Rebuild.writeFormat(in: memory) }

    func read<R>(_ body: (any StoreSnapshot) throws(RenError) -> R) throws(RenError) -> R { try memory.read(body) }

    func beginWrite() throws(RenError) -> any StoreTransaction {
        rules.withLock { $0.onBegin }?()
        return Transaction(try memory.beginWrite(), self)
    }

    func makeRoom() -> Bool {
        rules.withLock { rules in
            guard rules.room > 0 else { return false }
            rules.room -= 1
            rules.roomsMade += 1
            return true
        }
    }

    func use() -> StorageUse? { nil }
    func keepHouse() {}
    func close() {}

    private final class Transaction: StoreTransaction {
        private let inner: any StoreTransaction
        private let store: BreakingStore

        init(_ inner: any StoreTransaction, _ store: BreakingStore) {
            self.inner = inner
            self.store = store
        }

        func withValue(
            of key: Key, in table: StoreTable, _ body: (UnsafeRawBufferPointer) throws(RenError) -> Void
        ) throws(RenError) -> Bool { try inner.withValue(of: key, in: table, body) }

        func walk(
            _ table: StoreTable, from start: Key?, _ order: WalkOrder,
            _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(RenError) -> WalkStep
        ) throws(RenError) { try inner.walk(table, from: start, order, body) }

        func count(of table: StoreTable) throws(RenError) -> Int { try inner.count(of: table) }

        func put(
            _ value: UnsafeRawBufferPointer, for key: Key, in table: StoreTable, _ mode: PutMode
        ) throws(RenError) {
            if let poison = store.rules.withLock({ $0.poison }), Array(value).contains(poison) {
                throw RenError(.internalError, "poisoned")
            }
            try inner.put(value, for: key, in: table, mode)
        }

        func delete(prefix: Key, in table: StoreTable, limit: Int) throws(RenError) -> Int {
            try inner.delete(prefix: prefix, in: table, limit: limit)
        }
        func removeAll(in table: StoreTable) throws(RenError) { try inner.removeAll(in: table) }

        func commit() throws(RenError) {
            let error = store.rules.withLock { $0.commits.isEmpty ? nil : $0.commits.removeFirst() }
            if let error { throw error }
            try inner.commit()
        }
    }
}

extension [UInt8] {
    func contains(_ other: [UInt8]) -> Bool {
        guard count >= other.count else { return false }
        return (0...(count - other.count)).contains { self[$0..<$0 + other.count].elementsEqual(other) }
    }
}
