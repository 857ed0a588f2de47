import CLMDB

/// A consistent view of all tables, as of the last commit before it began. Ends when its owner lets go of it.
///
/// Keep it short: while it lives, no page it can see is used again, so the file grows with each commit.
@safe package struct ReadTransaction: ~Copyable, Readable {
    package let handle: TransactionHandle
    private let environment: Environment

    init(_ pointer: OpaquePointer, in environment: Environment) {
        unsafe handle = TransactionHandle(pointer: pointer)
        self.environment = environment
    }

    deinit {
        // SAFETY: begun by `Environment.beginRead` and owned by this value alone, which is gone after this.
        unsafe mdb_txn_abort(handle.pointer)
        environment.endedRead()
    }

    /// Pages that later commits can use again, once no reader needs them.
    ///
    /// - Complexity: O(*n*) in the records of the free list.
    package borrowing func freePageCount() throws(LMDBError) -> Int {
        var count: UInt = 0
        // Table 0 is LMDB's free list: each value begins with the number of pages it names. Only readers may walk it.
        try forEach(in: Table(handle: 0)) { _, value in
            // SAFETY: the load checks its bounds, and every bit pattern is a number.
            count += unsafe value.unsafeLoadUnaligned(as: UInt.self)
            return .continue
        }
        return Int(count)
    }
}

@available(*, unavailable)
extension ReadTransaction: Sendable {}
