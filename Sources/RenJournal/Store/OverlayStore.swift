import LMDB
import RenCore
import Synchronization

/// The tables of another journal with every change kept in memory: what would happen can be tried, and nothing is
/// written.
///
/// The journal below may grow meanwhile. Its later events, and the rows of runs that it makes later, are not seen: their
/// numbers belong to what is tried here.
final class OverlayStore: Store {
    /// What one table holds beyond the one below.
    fileprivate struct Layer: Sendable {
        var changed = SortedTable()
        /// Keys that are gone; their values are empty.
        var removed = SortedTable()
        /// Nothing of the table below is left.
        var isCleared = false
    }

    private let base: any JournalReading
    private let origin: JournalState
    private let layers: Mutex<[Layer]>

    init(_ base: any JournalReading) throws(RenError) {
        self.base = base
        origin = try base.read { view throws(RenError) in try JournalState.load(from: view.snapshot) }
        layers = Mutex([Layer](repeating: Layer(), count: StoreTable.allCases.count))
        let transaction = try beginWrite()
        try origin.store(in: transaction)
        try transaction.commit()
    }

    func read<R>(_ body: (any StoreSnapshot) throws(RenError) -> R) throws(RenError) -> R {
        try body(OverlayTransaction(self, layers.withLock { $0 }))
    }

    func beginWrite() throws(RenError) -> any StoreTransaction { OverlayTransaction(self, layers.withLock { $0 }) }

    func makeRoom() -> Bool { false }
    func use() -> StorageUse? { nil }
    func keepHouse() {}
    func close() {}

    fileprivate func publish(_ new: [Layer]) { layers.withLock { $0 = new } }

    // MARK: The tables below

    fileprivate func baseValue(
        of key: Key, in table: StoreTable, _ body: (UnsafeRawBufferPointer) throws(RenError) -> Void
    ) throws(RenError) -> Bool {
        guard key.withUnsafeBytes({ isSeen($0, in: table) }) else { return false }
        return try base.read { view throws(RenError) in try view.snapshot.withValue(of: key, in: table, body) }
    }

    fileprivate func baseWalk(
        _ table: StoreTable, from start: Key?, _ order: WalkOrder,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(RenError) -> WalkStep
    ) throws(RenError) {
        try base.read { view throws(RenError) in
            try view.snapshot.walk(table, from: start, order) { key, value throws(RenError) in
                isSeen(key, in: table) ? try body(key, value) : .continue
            }
        }
    }

    /// Whether a key was there when the overlay was made.
    private func isSeen(_ key: UnsafeRawBufferPointer, in table: StoreTable) -> Bool {
        switch table {
        case .events, .payloads: key.load(UInt64.self, at: 0) <= origin.head.rawValue
        case .history, .runs, .nodes, .items, .problems, .keys, .snapshots:
            key.load(UInt64.self, at: 0) < origin.nextRun.rawValue
        // Both kinds of keys end with the fork.
        case .forks: key.load(UInt64.self, at: key.count - 8) < origin.nextRun.rawValue
        case .meta, .runsByStatus, .runIDs, .flows, .functions, .requests: true
        }
    }
}

private final class OverlayTransaction: StoreTransaction {
    private let store: OverlayStore
    private var layers: [OverlayStore.Layer]

    init(_ store: OverlayStore, _ layers: [OverlayStore.Layer]) {
        self.store = store
        self.layers = layers
    }

    func withValue(
        of key: Key, in table: StoreTable, _ body: (UnsafeRawBufferPointer) throws(RenError) -> Void
    ) throws(RenError) -> Bool {
        let layer = layers[table.index]
        if let place = key.withUnsafeBytes({ layer.changed.place(of: $0) }) {
            try layer.changed[place].value.span.bytes.withUnsafeBytes(body)
            return true
        }
        guard !layer.isCleared, key.withUnsafeBytes({ layer.removed.place(of: $0) }) == nil else { return false }
        return try store.baseValue(of: key, in: table, body)
    }

    /// Both in order: before each key below come the changed ones that stand before it.
    func walk(
        _ table: StoreTable, from start: Key?, _ order: WalkOrder,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(RenError) -> WalkStep
    ) throws(RenError) {
        let layer = layers[table.index]
        var place = start.withUnsafeBytes { layer.changed.start(order, from: $0) }
        var isStopped = false
        /// Gives the changed entries up to `end` (nil: all).
        ///
        /// - Returns: whether the last one has that very key.
        func give(upTo end: UnsafeRawBufferPointer?) throws(RenError) -> Bool {
            while let current = place, !isStopped {
                let entry = layer.changed[current]
                let distance = end.map { layer.changed.compare(entry.key, $0) } ?? 0
                if end != nil, order == .ascending ? distance > 0 : distance < 0 { return false }
                isStopped =
                    try entry.key.span.bytes.withUnsafeBytes { key throws(RenError) in
                        try entry.value.span.bytes.withUnsafeBytes { value throws(RenError) in try body(key, value) }
                    } == .stop
                place = layer.changed.next(current, order)
                if end != nil, distance == 0 { return true }
            }
            return false
        }
        if !layer.isCleared {
            try store.baseWalk(table, from: start, order) { key, value throws(RenError) in
                let isReplaced = try give(upTo: key)
                guard !isStopped else { return .stop }
                guard !isReplaced, layer.removed.place(of: key) == nil else { return .continue }
                isStopped = try body(key, value) == .stop
                return isStopped ? .stop : .continue
            }
        }
        _ = try give(upTo: nil)
    }

    func count(of table: StoreTable) throws(RenError) -> Int {
        var count = 0
        try walk(table, from: nil, .ascending) { _, _ in
            count += 1
            return .continue
        }
        return count
    }

    func put(
        _ value: UnsafeRawBufferPointer, for key: Key, in table: StoreTable, _ mode: PutMode
    ) throws(RenError) {
        let isThere = mode == .upsert ? false : try withValue(of: key, in: table) { _ in }
        guard !isThere else { throw RenError(LMDBError(.keyExists, operation: .put)) }
        let index = table.index
        key.withUnsafeBytes { bytes in
            layers[index].changed.set(Array(value), for: bytes)
            if let place = layers[index].removed.place(of: bytes) { layers[index].removed.remove(at: place) }
        }
    }

    func delete(prefix: Key, in table: StoreTable, limit: Int) throws(RenError) -> Int {
        let index = table.index
        var keys: [[UInt8]] = []
        guard limit > 0 else { return 0 }
        try walk(table, prefix: prefix) { key, _ in
            keys.append(Array(key))
            return keys.count < limit ? .continue : .stop
        }
        for key in keys {
            key.withUnsafeBytes { bytes in
                if let place = layers[index].changed.place(of: bytes) { layers[index].changed.remove(at: place) }
                layers[index].removed.set([], for: bytes)
            }
        }
        return keys.count
    }

    func removeAll(in table: StoreTable) throws(RenError) {
        layers[table.index] = OverlayStore.Layer(isCleared: true)
    }

    func commit() throws(RenError) { store.publish(layers) }
}
