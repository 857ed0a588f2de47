import CLMDB

/// What both kinds of transaction can do: look up, walk, count.
///
/// Code that only reads takes `borrowing some Readable & ~Copyable` and works inside either.
package protocol Readable: ~Copyable {
    var handle: TransactionHandle { get }
}

/// LMDB's transaction, for this module's eyes.
@safe package struct TransactionHandle {
    let pointer: OpaquePointer

    /// The bytes of a value in the map, valid until the transaction ends or writes.
    func lookUp(_ key: borrowing Key, in table: Table) throws(LMDBError) -> UnsafeRawBufferPointer? {
        // SAFETY: the transaction is alive while a borrow of its owner is; LMDB reads the key during the call only.
        unsafe try key.withUnsafeBytes { bytes throws(LMDBError) in
            var key = unsafe MDB_val(bytes)
            var value = unsafe MDB_val()
            let code = unsafe mdb_get(pointer, table.handle, &key, &value)
            guard code != MDB_NOTFOUND else { return nil }
            try check(code, .get)
            return unsafe value.bytes
        }
    }
}

extension Readable where Self: ~Copyable {
    /// Lends the value of `key` to `body`; nil when there is none. The bytes are in the map: nothing is copied.
    package borrowing func withValue<R, E: TransactionError>(
        of key: borrowing Key, in table: Table, _ body: (RawSpan) throws(E) -> R
    ) throws(E) -> R? {
        let found: UnsafeRawBufferPointer?
        do { unsafe found = try handle.lookUp(key, in: table) } catch { throw E(error) }
        // SAFETY: the bytes stay put while this borrow lasts, since writing needs exclusive access.
        guard let found = unsafe found else { return nil }
        return try body(unsafe RawSpan(_unsafeBytes: found))
    }

    /// The same with a closure that cannot fail.
    package borrowing func withValue<R>(
        of key: borrowing Key, in table: Table, _ body: (RawSpan) -> R
    ) throws(LMDBError) -> R? {
        // SAFETY: as above.
        guard let found = try unsafe handle.lookUp(key, in: table) else { return nil }
        return body(unsafe RawSpan(_unsafeBytes: found))
    }

    /// A copy of the value of `key`; nil when there is none.
    package borrowing func get(_ key: borrowing Key, in table: Table) throws(LMDBError) -> [UInt8]? {
        try withValue(of: key, in: table) { $0.copiedBytes }
    }

    package borrowing func contains(_ key: borrowing Key, in table: Table) throws(LMDBError) -> Bool {
        try unsafe handle.lookUp(key, in: table) != nil
    }

    /// How many entries the table has. Constant time.
    package borrowing func entryCount(in table: Table) throws(LMDBError) -> Int {
        try statistics(of: table).entries
    }

    package borrowing func statistics(of table: Table) throws(LMDBError) -> TableStatistics {
        var stat = MDB_stat()
        // SAFETY: the transaction is alive during the call, and the result is written into our own variable.
        try check(unsafe mdb_stat(handle.pointer, table.handle, &stat), .inspect)
        return TableStatistics(
            entries: stat.ms_entries,
            pages: stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages,
            depth: Int(stat.ms_depth))
    }

    /// The number of the last commit this transaction sees; a write transaction has the number it will get.
    package var transactionID: UInt64 {
        // SAFETY: the transaction is alive during the call.
        UInt64(unsafe mdb_txn_id(handle.pointer))
    }
}

/// The size of one table.
package struct TableStatistics: Sendable, Equatable {
    package let entries: Int
    package let pages: Int
    package let depth: Int
}

extension MDB_val {
    init(_ bytes: UnsafeRawBufferPointer) {
        // SAFETY: LMDB takes a mutable pointer and only reads through it.
        unsafe self.init(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }

    var bytes: UnsafeRawBufferPointer {
        // SAFETY: LMDB filled in both fields; who uses the buffer keeps the transaction alive.
        unsafe UnsafeRawBufferPointer(start: mv_data, count: mv_size)
    }
}
