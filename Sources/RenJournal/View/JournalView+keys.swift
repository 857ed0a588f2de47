import LMDB
package import RenCore

extension JournalView {
    /// The item of that key, also before it starts; nil when there is none, or while the map is not open.
    ///
    /// - Complexity: O(log *n*) in the keys of all maps; O(*n*) in those of the map where an ancestor of a fork opened it.
    package func itemIndex(_ run: RunNumber, _ node: NodeNumber, key: String) throws(RenError) -> ItemIndex? {
        guard let row = try self.run(run), let map = try self.node(run, node)?.map else { return nil }
        if map.opened <= row.inherited {
            return ItemKeys(payload: try payload(run, map.opened)).index(of: key, total: map.total)
        }
        let bytes = Array(key.utf8)
        let hash = bytes.withUnsafeBytes { KeyRows.hash($0) }
        var found: ItemIndex?
        try snapshot.walk(.keys, prefix: .itemKey(run, node, hash)) { row, value throws(RenError) in
            guard value.elementsEqual(bytes) else { return .continue }
            found = ItemIndex(rawValue: row.load(UInt32.self, at: 18))
            return .stop
        }
        if let found { return found }
        return try hasKeys(run, node) ? nil : ItemKeys.index(named: key, total: map.total)
    }

    /// Whether the table has rows for the map of that node: those of its keys, or what a crash left before it opened.
    package func hasKeys(_ run: RunNumber, _ node: NodeNumber) throws(RenError) -> Bool {
        try !leftovers(run, node, limit: 1).isEmpty
    }

    /// The removal of rows of a map that never opened; empty when there are none.
    package func leftovers(
        _ run: RunNumber, _ node: NodeNumber, limit: Int = KeyRows.commitRows
    ) throws(RenError) -> KeyRows {
        var found = KeyRows(run: run, node: node)
        try snapshot.walk(.keys, prefix: .node(run, node)) { key, _ throws(RenError) in
            found.rows.append(
                KeyRows.Row(
                    hash: key.load(UInt64.self, at: 10), index: ItemIndex(rawValue: key.load(UInt32.self, at: 18))))
            return found.rows.count < limit ? .continue : .stop
        }
        return found
    }
}

extension JournalReading {
    /// The names of a map's items; nil while the map is not open. They never change: whoever asks often may keep them.
    package func itemKeys(_ run: RunNumber, _ node: NodeNumber) throws(RenError) -> ItemKeys? {
        try read { view throws(RenError) in
            guard let map = try view.node(run, node)?.map else { return nil }
            return ItemKeys(payload: try view.payload(run, map.opened))
        }
    }
}
