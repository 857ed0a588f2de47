import LMDB
package import RenCore

/// Rows of the table `keys`, through which an item is found by its key before it starts.
///
/// Run ‖ node ‖ first 8 bytes of SHA-256(key) ‖ index → the key's UTF-8 bytes. The rows of a map are written before
/// its `map.opened`, without which they count for nothing, or with it: in the order of the table and at most
/// `commitRows` at a time, so that each page of the table is written once and no commit grows with the map. What a
/// crash leaves behind is removed before the map opens. A map without `key` has none: its keys are the indexes.
package struct KeyRows: Sendable {
    /// How many are changed in one commit.
    package static let commitRows = 5_000

    struct Row: Sendable {
        var hash: UInt64
        var index: ItemIndex
        /// Nil removes the row.
        var key: [UInt8]?
    }

    let run: RunNumber
    let node: NodeNumber
    var rows: [Row] = []

    package var isEmpty: Bool { rows.isEmpty }

    package var count: Int { rows.count }

    /// What they add to a commit.
    var byteCount: Int { rows.reduce(0) { $0 + 40 + ($1.key?.count ?? 0) } }

    func change(_ transaction: any StoreTransaction) throws(RenError) {
        for row in rows {
            let key = Key.itemKey(run, node, row.hash).appending(row.index.rawValue)
            if let bytes = row.key {
                try transaction.put(bytes, for: key, in: .keys)
            } else {
                try transaction.delete(prefix: key, in: .keys)
            }
        }
    }

    static func hash(_ key: UnsafeRawBufferPointer) -> UInt64 {
        Digest.of(key).withBytes { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
    }
}

extension Journal {
    /// Changes rows of the table `keys` in a commit of their own; blocks the calling thread until it is durable.
    ///
    /// - Throws: `storage.full`, `storage.failed`.
    package func changeAndWait(_ keys: KeyRows) throws(RenError) {
        // They belong to the run without being events of it, so they follow no version.
        try appendAndWait([], keys: [keys], to: .journal, after: Batch.anyVersion)
    }
}
