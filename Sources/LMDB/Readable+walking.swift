/// Whether a walk goes on after an entry.
package enum WalkStep: Sendable {
    case `continue`, stop
}

/// The way a walk takes.
package enum WalkOrder: Sendable {
    case ascending, descending
}

extension Readable where Self: ~Copyable {
    /// Lends a cursor over `table`.
    package borrowing func withCursor<R, E: TransactionError>(
        in table: Table, _ body: (inout Cursor) throws(E) -> R
    ) throws(E) -> R {
        var cursor: Cursor
        do { cursor = try Cursor(handle, in: table) } catch { throw E(error) }
        return try body(&cursor)
    }

    /// Walks over the entries whose keys begin with `prefix`, beginning at `start` or the nearest key after it
    /// (descending: before it), until `body` says stop.
    package borrowing func forEach<E: TransactionError>(
        in table: Table, from start: Key? = nil, prefix: Key? = nil, order: WalkOrder = .ascending,
        _ body: (_ key: RawSpan, _ value: RawSpan) throws(E) -> WalkStep
    ) throws(E) {
        try withCursor(in: table) { cursor throws(E) in
            var found: Bool
            do throws(LMDBError) {
                found = try cursor.begin(from: start, prefix: prefix, order: order)
            } catch { throw E(error) }
            while found, cursor.begins(with: prefix), try cursor.withEntry(body) == .continue {
                do throws(LMDBError) {
                    found = try order == .ascending ? cursor.next() : cursor.previous()
                } catch { throw E(error) }
            }
        }
    }

    /// The same with a closure that cannot fail.
    package borrowing func forEach(
        in table: Table, from start: Key? = nil, prefix: Key? = nil, order: WalkOrder = .ascending,
        _ body: (_ key: RawSpan, _ value: RawSpan) -> WalkStep
    ) throws(LMDBError) {
        try forEach(in: table, from: start, prefix: prefix, order: order) { key, value throws(LMDBError) in
            body(key, value)
        }
    }
}

extension Cursor {
    fileprivate mutating func begin(from start: Key?, prefix: Key?, order: WalkOrder) throws(LMDBError) -> Bool {
        switch (order, start ?? prefix) {
        case (.ascending, nil): try first()
        case (.descending, nil): try last()
        case (.ascending, let place?): try seek(atOrAfter: place)
        case (.descending, let place?): try start == nil ? seek(lastOf: place) : seek(atOrBefore: place)
        }
    }
}
