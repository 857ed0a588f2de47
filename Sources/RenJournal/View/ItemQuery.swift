package import RenCore

/// Which items of a map are asked for, and in which order.
package struct ItemQuery: Sendable, Hashable {
    package static let limitMax = 1_000

    /// All but `index` and `key` look at the rows of all items that have begun, at most 100,000.
    package enum Order: String, Sendable, CaseIterable {
        case index, key
        /// By the time since the first attempt began, the longest first; items that have no row come last.
        case slowest
        /// By their end, the latest first; items that have none come last.
        case newest
        /// The most attempts first.
        case attempts
    }

    /// Of a key, without regard to case; at most 100,000 items.
    package enum Search: Sendable, Hashable { case contains(String), prefix(String) }

    package var state: WorkState?
    /// `ProblemRow.fingerprint`: only items whose last failure is of that group, and that did not succeed since.
    package var problem: UInt64?
    package var search: Search?
    package var order = Order.index
    package var offset = 0
    /// At most `limitMax`; more is cut to it.
    package var limit = 100

    package init() {}
}

/// A part of the items of a map, as of `asOf`.
package struct ItemWindow: Sendable {
    package struct Row: Sendable, Hashable {
        package let index: ItemIndex
        package let key: String
        package let state: WorkState
        package let attempts: Int
        /// Nil for one that has not begun, and for one that runs its first attempt: the engine knows when that began.
        package let begun: Timestamp?
        package let ended: Timestamp?
        /// When the next attempt begins; nil where its map has ended.
        package let until: Timestamp?
        package let error: ErrorSummary?
        package let outputLength: Int?
        /// Version of the item's last event; `.none` where `begun` is nil.
        package let last: RunVersion
        /// Version of the event whose payload is the output; nil while the item has not succeeded.
        package let output: RunVersion?

        /// From the first attempt's begin to the end.
        package var duration: Duration? {
            guard let begun, let ended else { return nil }
            return ended - begun
        }
    }

    /// How many items match.
    package let total: Int
    package let rows: [Row]
    /// All items of the map by state.
    package let counts: StateCounts
    package let asOf: JournalSequence
}

extension JournalReading {
    /// The items that match `query`; nil while the map is not open.
    ///
    /// Reads in transactions of at most 1,000 rows: what changes meanwhile may stand in the window in its old or its
    /// new state.
    ///
    /// - Parameter keys: what `itemKeys` gave before, so that they are not read again.
    /// - Throws: `items.too_many`; `request.cancelled`.
    /// - Complexity: O(offset + limit) without filter or for pending ones; O(*n*) in the items that have begun with one.
    package func items(
        of run: RunNumber, _ node: NodeNumber, _ query: ItemQuery, keys: ItemKeys? = nil,
        isCancelled: () -> Bool = { Task.isCancelled }
    ) throws(RenError) -> ItemWindow? {
        guard let map = try mapHead(run, node) else { return nil }
        var found = keys
        if found == nil { found = try itemKeys(run, node) }
        guard var keys = found else { return nil }
        let (total, indexes) = try ItemSelection(journal: self, map: map, query: query, keys: keys)
            .indexes(isCancelled: isCancelled)
        let rows = try read { view throws(RenError) in
            var rows: [ItemWindow.Row] = []
            for index in indexes { rows.append(try view.windowRow(index, of: map, &keys)) }
            return rows
        }
        return ItemWindow(total: total, rows: rows, counts: map.map.counts, asOf: map.asOf)
    }

    /// One item, also before it starts; nil when the map has none of that index, or is not open.
    package func item(
        of run: RunNumber, _ node: NodeNumber, _ index: ItemIndex
    ) throws(RenError) -> ItemWindow.Row? {
        try read { view throws(RenError) in
            guard let map = try MapHead(run, node, in: view), index.index < map.total else { return nil }
            var keys = ItemKeys(payload: try view.payload(run, map.map.opened))
            return try view.windowRow(index.index, of: map, &keys)
        }
    }
}

extension JournalView {
    fileprivate func windowRow(
        _ index: Int, of map: MapHead, _ keys: inout ItemKeys
    ) throws(RenError) -> ItemWindow.Row {
        let item = ItemIndex(index)
        let row = try self.item(map.run, map.node, item)
        let state = row?.state ?? map.state(of: index, nil)
        return ItemWindow.Row(
            index: item, key: keys.key(of: item), state: state,
            attempts: row.map { Int($0.attempts) } ?? (state == .running ? 1 : 0), begun: row?.begun,
            ended: row?.ended, until: map.hasEnded ? nil : row?.until, error: row?.error,
            outputLength: row?.outputLength, last: row?.last ?? .none, output: row?.output)
    }
}
