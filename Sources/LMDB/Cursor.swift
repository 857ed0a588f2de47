import CLMDB

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A place in a table, lent by `Readable.withCursor` and closed with it.
///
/// It is nowhere at first; moves say whether there is an entry, and after `false` it is nowhere again.
@safe package struct Cursor: ~Copyable {
    private let pointer: OpaquePointer
    private var key = unsafe MDB_val()
    private var value = unsafe MDB_val()
    private var isPlaced = false

    init(_ transaction: TransactionHandle, in table: Table) throws(LMDBError) {
        var cursor: OpaquePointer?
        // SAFETY: the transaction outlives the cursor: `withCursor` borrows it for as long as this value lives.
        try check(unsafe mdb_cursor_open(transaction.pointer, table.handle, &cursor), .cursor)
        guard let cursor = unsafe cursor else { preconditionFailure("mdb_cursor_open gave no cursor") }
        unsafe pointer = cursor
    }

    deinit {
        // SAFETY: opened by init, owned by this value alone.
        unsafe mdb_cursor_close(pointer)
    }

    package mutating func first() throws(LMDBError) -> Bool { try move(MDB_FIRST) }
    package mutating func last() throws(LMDBError) -> Bool { try move(MDB_LAST) }
    /// From nowhere, the first.
    package mutating func next() throws(LMDBError) -> Bool { try move(isPlaced ? MDB_NEXT : MDB_FIRST) }
    /// From nowhere, the last.
    package mutating func previous() throws(LMDBError) -> Bool { try move(isPlaced ? MDB_PREV : MDB_LAST) }

    /// Goes to `target` or the first key after it.
    package mutating func seek(atOrAfter target: borrowing Key) throws(LMDBError) -> Bool {
        // SAFETY: LMDB reads the target during the call, and replaces it by a key in the map when it returns 0.
        try unsafe target.withUnsafeBytes { bytes throws(LMDBError) in
            unsafe key = MDB_val(bytes)
            return try move(MDB_SET_RANGE)
        }
    }

    /// Goes to `target` or the last key before it.
    package mutating func seek(atOrBefore target: borrowing Key) throws(LMDBError) -> Bool {
        guard try seek(atOrAfter: target) else { return try last() }
        return compare(with: target) == 0 ? true : try previous()
    }

    /// Goes to the last key that begins with `prefix`, or else the last before all such.
    mutating func seek(lastOf prefix: borrowing Key) throws(LMDBError) -> Bool {
        guard let end = prefix.afterPrefix(), try seek(atOrAfter: end) else { return try last() }
        return try previous()
    }

    /// Lends key and value of the entry the cursor is at. The cursor must be at one.
    package borrowing func withEntry<R, E: Error>(_ body: (RawSpan, RawSpan) throws(E) -> R) throws(E) -> R {
        precondition(isPlaced, "the cursor is at no entry")
        // SAFETY: both point into the map and stay put while this borrow, hence the transaction's, lasts.
        return try body(unsafe RawSpan(_unsafeBytes: key.bytes), unsafe RawSpan(_unsafeBytes: value.bytes))
    }

    func isBefore(_ end: Key?) -> Bool { end.map { compare(with: $0) < 0 } ?? true }

    func begins(with prefix: Key?) -> Bool {
        guard let prefix else { return true }
        // SAFETY: the key stays put as above; the prefix is alive inside the closure.
        return unsafe prefix.withUnsafeBytes { prefix in unsafe key.bytes.starts(with: prefix) }
    }

    /// Removes the entry; the cursor is then nowhere. Only for a write transaction.
    mutating func deleteCurrent() throws(LMDBError) {
        precondition(isPlaced, "the cursor is at no entry")
        isPlaced = false
        // SAFETY: the cursor is open.
        try check(unsafe mdb_cursor_del(pointer, 0), .delete)
    }

    /// Order of the current key and `other`: below 0, 0, above 0.
    private func compare(with other: borrowing Key) -> Int {
        // SAFETY: the key stays put as above; the other is alive inside the closure.
        unsafe other.withUnsafeBytes { other in
            let mine = unsafe key.bytes
            let order = unsafe memcmp(mine.baseAddress!, other.baseAddress!, min(mine.count, other.count))
            return order != 0 ? Int(order) : mine.count - other.count
        }
    }

    private mutating func move(_ operation: MDB_cursor_op) throws(LMDBError) -> Bool {
        // SAFETY: the cursor is open, and both results are our own variables.
        let code = unsafe mdb_cursor_get(pointer, &key, &value, operation)
        isPlaced = code == MDB_SUCCESS
        guard code != MDB_NOTFOUND else { return false }
        try check(code, .cursor)
        return true
    }
}
