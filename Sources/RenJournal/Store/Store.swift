package import LMDB
package import RenCore

/// An ordered key-value store with one writer and any number of snapshot readers: LMDB, or tables in memory.
///
/// Errors are `RenError`s already: `storage.full` (nothing written, go on), `storage.failed` (stop), `storage.busy`.
package protocol Store: AnyObject, Sendable {
    /// Lends the last commit. The snapshot must not be kept.
    func read<R>(_ body: (any StoreSnapshot) throws(RenError) -> R) throws(RenError) -> R

    /// Begins the write transaction, on the one thread that writes. Letting go of it undoes it.
    func beginWrite() throws(RenError) -> any StoreTransaction

    /// Frees what was kept for a full disk; false when there is nothing to free.
    func makeRoom() -> Bool

    /// How full it is; nil where that has no limit or cannot be seen now.
    func use() -> StorageUse?

    /// Gives the files back, once nothing reads them any more; what is asked for later fails.
    func close()

    /// What has to be done now and then on the writer's thread: about every 10 s.
    func keepHouse()
}

/// A consistent view of all tables. Lent bytes are valid inside the closure only: they may lie in a memory map.
package protocol StoreSnapshot: AnyObject {
    /// Lends the value of `key`; false when there is none.
    func withValue(
        of key: Key, in table: StoreTable, _ body: (UnsafeRawBufferPointer) throws(RenError) -> Void
    ) throws(RenError) -> Bool

    /// Walks from `start` or the nearest key behind it in `order` (nil: from the end) until `body` says stop.
    func walk(
        _ table: StoreTable, from start: Key?, _ order: WalkOrder,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(RenError) -> WalkStep
    ) throws(RenError)

    func count(of table: StoreTable) throws(RenError) -> Int
}

package protocol StoreTransaction: StoreSnapshot {
    func put(_ value: UnsafeRawBufferPointer, for key: Key, in table: StoreTable, _ mode: PutMode) throws(RenError)
    /// Removes the keys that begin with `prefix`, in order, at most `limit`.
    ///
    /// - Returns: how many; fewer than `limit` means that none is left.
    @discardableResult
    func delete(prefix: Key, in table: StoreTable, limit: Int) throws(RenError) -> Int
    func removeAll(in table: StoreTable) throws(RenError)
    /// Makes every change durable, or none: `storage.full` and `storage.failed` say what a failure means.
    func commit() throws(RenError)
}

extension StoreSnapshot {
    /// What `body` makes of the value of `key`; nil when there is none.
    func value<R>(
        of key: Key, in table: StoreTable, _ body: (UnsafeRawBufferPointer) throws(RenError) -> R
    ) throws(RenError) -> R? {
        var result: R?
        _ = try withValue(of: key, in: table) { bytes throws(RenError) in result = try body(bytes) }
        return result
    }

    /// The same over keys that begin with `prefix`.
    func walk(
        _ table: StoreTable, prefix: Key, from start: Key? = nil,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(RenError) -> WalkStep
    ) throws(RenError) {
        try walk(table, from: start ?? prefix, .ascending) { key, value throws(RenError) in
            try prefix.isPrefix(of: key) ? body(key, value) : .stop
        }
    }
}

extension StoreTransaction {
    func delete(prefix: Key, in table: StoreTable) throws(RenError) {
        try delete(prefix: prefix, in: table, limit: .max)
    }

    func put(_ value: [UInt8], for key: Key, in table: StoreTable, _ mode: PutMode = .upsert) throws(RenError) {
        try value.span.bytes.withUnsafeBytes { bytes throws(RenError) in try put(bytes, for: key, in: table, mode) }
    }
}

extension Key {
    func isPrefix(of bytes: UnsafeRawBufferPointer) -> Bool {
        withBytes { prefix in prefix.withUnsafeBytes { bytes.starts(with: $0) } }
    }
}
