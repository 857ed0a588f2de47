import CLMDB
import Synchronization

/// One directory of tables, open in this process at most once, closed when the last reference goes.
///
/// Reads run on any thread, at the same time; writes one at a time, best all on one thread for good. Both are closed
/// to `async` code, since a transaction must not cross an `await`.
///
/// It is `@unchecked Sendable` because LMDB guards what its environment handle points to, the handle itself never
/// changes after `init`, and closing needs the last reference, so no transaction (each holds one) is open then.
@safe package final class Environment: @unchecked Sendable {
    let pointer: OpaquePointer
    package let access: Options.Access
    private let tables: [String: Table]
    private let identities: [FileIdentity]
    private let breadcrumb: Breadcrumb?
    /// Open read transactions; the lock also keeps one from beginning while the map moves.
    private let openReads = Mutex(0)
    private let writer = Mutex<ThreadIdentity?>(nil)

    /// Opens the environment in `path`, a directory of ours that no one else may write to.
    ///
    /// Tries again for 250 ms while another process opens or closes at the same instant. Beginning and ending one
    /// write transaction is part of opening (unless read-only), so that readers see the last commit of a process that
    /// was killed.
    ///
    /// - Throws: `alreadyOpen`, `badDirectory`, `unsupportedFileSystem`, `tableMissing`, `noSpace`, `busy`, and
    ///   whatever LMDB finds wrong with the files.
    package init(at path: String, options: Options) throws(LMDBError) {
        let directory = EnvironmentDirectory(path: path)
        let breadcrumb = options.breadcrumbPath.map(Breadcrumb.init)
        let opened = try OpenEnvironments.open(directory, options, breadcrumb)
        unsafe pointer = opened.pointer
        tables = opened.tables
        identities = opened.identities
        access = options.access
        self.breadcrumb = breadcrumb
    }

    deinit {
        unsafe StorageFault.forget(pointer)
        unsafe OpenEnvironments.close(pointer, identities)
    }

    /// One of the tables named when opening.
    package func table(_ name: String) -> Table {
        guard let table = tables[name] else { preconditionFailure("table \(name) is not in the options") }
        return table
    }

    /// Lends a view of the last commit.
    ///
    /// - Throws: what `body` throws; `readersFull`; `mapResized` when another process has enlarged the map and other
    ///   reads are open here (end them and try again); `panic`.
    @available(*, noasync)
    package func read<R, E: TransactionError>(
        _ body: (borrowing ReadTransaction) throws(E) -> R
    ) throws(E) -> R {
        let transaction: ReadTransaction
        do { transaction = try beginRead() } catch { throw E(error) }
        return try body(transaction)
    }

    /// Lends the write transaction: committed when `body` returns, undone when it throws.
    ///
    /// Waits for a write in another process. Durable on return, unless opened otherwise.
    ///
    /// - Throws: what `body` throws; with operation `commit`, what `classify` tells apart.
    @available(*, noasync)
    package func write<R, E: TransactionError>(
        _ body: (inout WriteTransaction) throws(E) -> R
    ) throws(E) -> R {
        var transaction: WriteTransaction
        do { transaction = try beginWrite() } catch { throw E(error) }
        let result = try body(&transaction)
        do { try transaction.commit() } catch { throw E(error) }
        return result
    }

    /// A view that its owner ends by letting go of it, for a loop that a closure does not fit.
    @available(*, noasync)
    package func beginRead() throws(LMDBError) -> ReadTransaction {
        let begun = try openReads.withLock { count throws(LMDBError) in
            let begun = try beginRead(others: count)
            count += 1
            return begun
        }
        let transaction = unsafe ReadTransaction(begun.pointer, in: self)
        if begun.movedMap { try StorageFault.follow(self, transaction.handle) }
        return transaction
    }

    /// The write transaction, for the thread that owns the writing. One at a time: a second on the same thread traps.
    @available(*, noasync)
    package func beginWrite() throws(LMDBError) -> WriteTransaction {
        precondition(writer.withLock { $0 } != .current, "a write transaction inside another on the same thread")
        var transaction: OpaquePointer?
        // SAFETY: the environment is open as long as `self` is alive.
        try check(unsafe mdb_txn_begin(pointer, nil, 0, &transaction), .begin)
        guard let transaction = unsafe transaction else { preconditionFailure("mdb_txn_begin gave no transaction") }
        writer.withLock { $0 = .current }
        return unsafe WriteTransaction(transaction, in: self)
    }

    /// Flushes what relaxed commits left behind. Blocks until the disk has it.
    @available(*, noasync)
    package func sync() throws(LMDBError) {
        // SAFETY: the environment is open as long as `self` is alive.
        try check(unsafe mdb_env_sync(pointer, 1), .sync)
    }

    var anyTableName: String? { tables.keys.first }
    /// Lives as long as the environment.
    var breadcrumbPath: UnsafePointer<CChar>? {
        // SAFETY: the text is only read.
        unsafe breadcrumb.map { unsafe UnsafePointer($0.path) }
    }

    func endedRead() { openReads.withLock { $0 -= 1 } }
    func endedWrite() { writer.withLock { $0 = nil } }

    private func beginRead(others: Int) throws(LMDBError) -> BegunRead {
        var movesMap = false
        var transaction: OpaquePointer?
        // SAFETY: the environment is open as long as `self` is alive.
        var code = unsafe mdb_txn_begin(pointer, nil, UInt32(MDB_RDONLY), &transaction)
        if code == MDB_MAP_RESIZED, access == .readOnly, others == 0 {
            movesMap = true
            // SAFETY: no transaction of this process is open, and none begins while the caller holds the lock.
            try check(unsafe mdb_env_set_mapsize(pointer, 0), .begin)
            code = unsafe mdb_txn_begin(pointer, nil, UInt32(MDB_RDONLY), &transaction)
        }
        try check(code, .begin)
        guard let transaction = unsafe transaction else { preconditionFailure("mdb_txn_begin gave no transaction") }
        return unsafe BegunRead(pointer: transaction, movedMap: movesMap)
    }
}

/// A transaction on its way to its owner; `@unchecked Sendable` because nobody else knows it yet.
@safe private struct BegunRead: @unchecked Sendable {
    let pointer: OpaquePointer
    let movedMap: Bool
}

/// Carries an environment in or out of a lock, which asks for `Sendable`: LMDB allows it on any thread.
@unsafe struct SendablePointer: @unchecked Sendable {
    let pointer: OpaquePointer
}
