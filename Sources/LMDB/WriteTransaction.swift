import CLMDB

/// How a put treats a key that is there, and where it looks for the place.
package enum PutMode: Sendable {
    /// Replaces.
    case upsert
    /// Throws `keyExists` when the key is there.
    case noOverwrite
    /// Goes to the end without a search and fills pages whole; throws `keyExists` unless the key is greater than all.
    case append

    fileprivate var flags: UInt32 {
        switch self {
        case .upsert: 0
        case .noOverwrite: UInt32(MDB_NOOVERWRITE)
        case .append: UInt32(MDB_APPEND | MDB_NOOVERWRITE)
        }
    }
}

/// The one transaction that may write: all of it becomes durable with `commit`, or none of it.
///
/// It belongs to the thread that began it. Letting go of it without `commit` undoes it. After a put that threw
/// anything but `keyExists`, only that is left.
@safe package struct WriteTransaction: ~Copyable, Readable {
    private var pointer: OpaquePointer?
    private let environment: Environment
    private let thread: ThreadIdentity

    init(_ pointer: OpaquePointer, in environment: Environment) {
        unsafe self.pointer = pointer
        self.environment = environment
        thread = .current
    }

    package var handle: TransactionHandle {
        assert(thread == .current, "a write transaction used by another thread")
        guard let pointer = unsafe pointer else { preconditionFailure("a write transaction used after its end") }
        return unsafe TransactionHandle(pointer: pointer)
    }

    /// Makes every put durable. LMDB frees the transaction even when it fails, so it ends either way.
    ///
    /// - Throws: what `Environment.classify` tells apart.
    @available(*, noasync)
    package consuming func commit() throws(LMDBError) {
        let pointer = unsafe handle.pointer
        unsafe self.pointer = nil
        precondition(thread == .current, "a write transaction ended by another thread")
        // SAFETY: the transaction is ours, alive, and forgotten above, so nothing touches it after this call.
        let code = unsafe mdb_txn_commit(pointer)
        environment.endedWrite()
        try check(code, .commit)
    }

    deinit {
        guard let pointer = unsafe pointer else { return }
        precondition(thread == .current, "a write transaction ended by another thread")
        // SAFETY: begun by `Environment.beginWrite`, not committed, and owned by this value alone.
        unsafe mdb_txn_abort(pointer)
        environment.endedWrite()
    }

    /// Stores `value` under `key`. Allocates nothing of its own.
    package mutating func put(
        _ value: RawSpan, for key: borrowing Key, in table: Table, _ mode: PutMode = .upsert
    ) throws(LMDBError) {
        let transaction = unsafe handle.pointer
        // SAFETY: LMDB copies key and value during the call, while both closures keep them alive.
        try unsafe key.withUnsafeBytes { key throws(LMDBError) in
            try unsafe value.withUnsafeBytes { value throws(LMDBError) in
                var key = unsafe MDB_val(key)
                var value = unsafe MDB_val(value)
                try check(unsafe mdb_put(transaction, table.handle, &key, &value, mode.flags), .put)
            }
        }
    }

    package mutating func put(
        _ value: [UInt8], for key: borrowing Key, in table: Table, _ mode: PutMode = .upsert
    ) throws(LMDBError) {
        // SAFETY: bytes have no padding.
        try unsafe put(value.span.bytes, for: key, in: table, mode)
    }

    /// Makes room for `byteCount` bytes under `key` and lets `fill` write them in place.
    ///
    /// The bytes hold anything before; `fill` has to write all of them.
    package mutating func put(
        byteCount: Int, for key: borrowing Key, in table: Table, _ mode: PutMode = .upsert,
        fill: (inout MutableRawSpan) -> Void
    ) throws(LMDBError) {
        let transaction = unsafe handle.pointer
        // SAFETY: LMDB returns byteCount writable bytes of a dirty page; they are ours until the next write, and
        // exclusive access to `self` keeps that away until `fill` returns.
        try unsafe key.withUnsafeBytes { key throws(LMDBError) in
            var key = unsafe MDB_val(key)
            var value = unsafe MDB_val(mv_size: byteCount, mv_data: nil)
            let flags = mode.flags | UInt32(MDB_RESERVE)
            try check(unsafe mdb_put(transaction, table.handle, &key, &value, flags), .put)
            var span = unsafe MutableRawSpan(
                _unsafeBytes: UnsafeMutableRawBufferPointer(start: value.mv_data, count: value.mv_size))
            fill(&span)
        }
    }

    /// Removes `key`; false when it was not there.
    @discardableResult
    package mutating func delete(_ key: borrowing Key, in table: Table) throws(LMDBError) -> Bool {
        let transaction = unsafe handle.pointer
        // SAFETY: LMDB reads the key during the call only.
        return try unsafe key.withUnsafeBytes { key throws(LMDBError) in
            var key = unsafe MDB_val(key)
            let code = unsafe mdb_del(transaction, table.handle, &key, nil)
            guard code != MDB_NOTFOUND else { return false }
            try check(code, .delete)
            return true
        }
    }

    /// Removes the keys from `first` up to but not including `end` (nil: to the last), in order, at most `limit`.
    ///
    /// - Returns: how many were removed; fewer than `limit` means none is left in the range.
    @discardableResult
    package mutating func delete(
        from first: Key, upTo end: Key?, in table: Table, limit: Int = .max
    ) throws(LMDBError) -> Int {
        try withCursor(in: table) { cursor throws(LMDBError) in
            var removed = 0
            // A new search each time: several releases mend how a cursor stands after a delete.
            while removed < limit, try cursor.seek(atOrAfter: first), cursor.isBefore(end) {
                try cursor.deleteCurrent()
                removed += 1
            }
            return removed
        }
    }

    /// Removes all entries of the table.
    package mutating func removeAll(in table: Table) throws(LMDBError) {
        // SAFETY: the transaction is alive during the call; 0 empties the table and keeps it.
        try check(unsafe mdb_drop(handle.pointer, table.handle, 0), .delete)
    }
}

@available(*, unavailable)
extension WriteTransaction: Sendable {}
