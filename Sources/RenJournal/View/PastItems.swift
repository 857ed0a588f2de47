package import RenCore

extension RenError.Code {
    /// 422: an order or a filter that only the present has.
    package static let itemsNowOnly = Self("items.now_only")
}

extension JournalReading {
    /// The items that matched `query` when the run was so; nil where the map was not open.
    ///
    /// The row of each item of the window is made from its own events, back from its last one. Of an item that was begun
    /// anew since by a reopening, these are gone from sight: its row has its state alone.
    /// - Throws: `items.now_only` for the orders and filters that need all rows: by time, by attempts, by key's text, by
    ///   problem.
    /// - Complexity: O(*n*) in the items for a state, in the keys for the order `key`; else O(limit).
    package func items(
        of past: PastRun, _ node: NodeNumber, _ query: ItemQuery
    ) throws(RenError) -> ItemWindow? {
        guard let map = past.state[node].map else { return nil }
        try query.requirePast()
        let run = past.row.number
        var keys = ItemKeys(payload: try read { view throws(RenError) in try view.payload(run, map.version) })
        var (total, indexes) = map.window(query)
        if query.order == .key, !keys.areIndexes {
            var all = map.window(query.whole).indexes
            KeyOrder(keys).sort(&all) { $0 }
            indexes = Array(all.dropFirst(max(0, query.offset)).prefix(query.limitHeld))
            total = all.count
        }
        var rows: [ItemWindow.Row] = []
        for index in indexes { rows.append(try pastRow(ItemIndex(index), of: map, node, in: past, &keys)) }
        return ItemWindow(
            total: total, rows: rows, counts: NodeRow.MapSummary(map).counts, asOf: past.asOf.sequence)
    }

    /// One item as it was; nil when the map had none of that index, or was not open.
    package func item(
        of past: PastRun, _ node: NodeNumber, _ index: ItemIndex
    ) throws(RenError) -> ItemWindow.Row? {
        guard let map = past.state[node].map, index.index < map.total else { return nil }
        let run = past.row.number
        var keys = ItemKeys(payload: try read { view throws(RenError) in try view.payload(run, map.version) })
        return try pastRow(index, of: map, node, in: past, &keys)
    }

    private func pastRow(
        _ item: ItemIndex, of map: MapState, _ node: NodeNumber, in past: PastRun, _ keys: inout ItemKeys
    ) throws(RenError) -> ItemWindow.Row {
        // A fork's past is its ancestor's, whose numbers its nodes had then.
        let run = past.row.owner(of: past.state.version).run
        let state = map.workState(of: item)
        var last = map.open[item]?.last
        if last == nil, state != .pending {
            last = try read { view throws(RenError) in try view.item(run, node, item)?.last }
        }
        let chain = try chain(of: run, from: last ?? .none)
            .filter { $0.version > map.version && $0.version <= past.state.version }
        var row = ItemRow(chain, node, in: run, past.forks)
        if case .kept? = chain.last?.event.fact, let result = row?.result {
            let kept = try read { view throws(RenError) in try view.recorded(run, result) }
            row?.outputLength = kept?.event.payload?.length
        }
        return ItemWindow.Row(
            index: item, key: keys.key(of: item), state: state, attempts: row.map { Int($0.attempts) } ?? 0,
            begun: row?.begun, ended: row?.ended,
            until: past.state[node].isSettled ? nil : row?.until, error: row?.error,
            outputLength: row?.outputLength, last: row?.last ?? .none, output: row?.output)
    }
}

extension PastRun {
    /// One byte for each item of a map as it was, as `Heatmap` has them; nil where the map was not open.
    package func states(of node: NodeNumber) -> [UInt8]? {
        state[node].map.map { map in (0..<map.total).map { map.workState(of: ItemIndex($0)).rawValue } }
    }
}

extension ItemRow {
    /// See `NodeRow.init(_:_:_:in:_:)`.
    fileprivate init?(
        _ chain: [RecordedEvent], _ node: NodeNumber, in run: RunNumber,
        _ forks: [(version: RunVersion, time: Timestamp, fork: Fork)]
    ) {
        guard let first = chain.first else { return nil }
        self.init(.pending, attempts: 0, begun: first.event.time)
        var forks = forks.drop { $0.version < first.version }
        var obsolete: [JournalSequence] = []
        for event in chain {
            while let next = forks.first, next.version < event.version { begin(forks.removeFirst().fork, node) }
            if state.isSettled || state == .unknown, case .started = event.event.fact { reopen() }
            apply(event.event, at: ProjectionFold.Place(event, in: run), obsolete: &obsolete)
        }
        for (_, _, fork) in forks { begin(fork, node) }
    }

    private mutating func begin(_ fork: Fork, _ node: NodeNumber) {
        if state == .running || state == .retrying { interrupt(once: fork.once.contains(node)) }
    }
}

extension ItemQuery {
    fileprivate func requirePast() throws(RenError) {
        switch order {
        case .index, .key: if search == nil, problem == nil { return }
        case .slowest, .newest, .attempts: break
        }
        throw RenError(
            .itemsNowOnly, "as of an event, items can be filtered by state and ordered by index or key",
            hint: "leave the event out to see them as they are now")
    }

    fileprivate var limitHeld: Int { min(max(0, limit), Self.limitMax) }

    /// The same without a window.
    fileprivate var whole: ItemQuery {
        var whole = self
        (whole.offset, whole.limit) = (0, .max)
        return whole
    }
}

extension MapState {
    fileprivate func workState(of item: ItemIndex) -> WorkState {
        switch state(of: item) {
        case .pending: .pending
        case .open: open[item].map(WorkState.init) ?? .running
        case .succeeded: .succeeded
        case .failed: .failed
        case .skipped: .skipped
        case .cancelled: .cancelled
        case .unknown: .unknown
        }
    }

    /// How many items match, and those of the window, by index.
    fileprivate func window(_ query: ItemQuery) -> (total: Int, indexes: [Int]) {
        let offset = max(0, query.offset)
        let limit = query.limit == .max ? Int.max : min(max(0, query.limit), ItemQuery.limitMax)
        guard let wanted = query.state else {
            let start = min(offset, total)
            return (total, Array(start..<start + min(limit, total - start)))
        }
        let counts = NodeRow.MapSummary(self).counts
        guard let state = ItemState(wanted) else {
            let found = open.filter { WorkState($0.value) == wanted }.map(\.key.index).sorted()
            return (found.count, Array(found.dropFirst(offset).prefix(limit)))
        }
        var indexes: [Int] = []
        var seen = 0
        forEachItem(in: state) { item in
            if seen >= offset { indexes.append(item.index) }
            seen += 1
            return indexes.count < limit
        }
        return (counts[wanted], limit > 0 ? indexes : [])
    }
}

extension MapState.ItemState {
    /// Nil for states of items that are open, and for those that no item has.
    fileprivate init?(_ state: WorkState) {
        switch state {
        case .pending: self = .pending
        case .succeeded: self = .succeeded
        case .failed: self = .failed
        case .skipped: self = .skipped
        case .cancelled: self = .cancelled
        case .unknown: self = .unknown
        case .ready, .running, .retrying, .waiting: return nil
        }
    }
}
