import LMDB
import RenCore

extension ProjectionFold {
    /// Folds an event of an item into its row and into the counts of its node.
    mutating func apply(
        _ event: Event, at place: Place, to key: ItemKey, countedIn node: inout NodeRow, of run: RunRow,
        in snapshot: any StoreSnapshot
    ) throws(RenError) {
        guard let map = node.map?.extent, key.item.index < map.total else { return }
        let isFirstStart = starts[StartKey(run: place.run, version: event.previous)] != nil
        let before = isFirstStart ? nil : try itemRow(key, in: map, in: snapshot)
        let hasBegun = before != nil || key.item.index < map.ordered
        let oldState = before?.state ?? (hasBegun ? .running : .pending)
        if !hasBegun {
            // A dead result for an item of which nothing is known tells nothing about it.
            if case .resultRejected = event.fact { return }
            node.map?.begin(key.item)
        }
        // Where a fork begins, what is in flight must be found: there each item that has begun has a row.
        if before == nil, case .started = event.fact, !place.isInherited, key.item.index < node.map?.ordered ?? 0 {
            starts[StartKey(run: place.run, version: place.version)] = event.time
            node.map?.counts.move(from: oldState, to: .running)
            return
        }
        let begun = hasBegun && before == nil ? try begun(event, of: run, in: snapshot) : event.time
        var row = before ?? ItemRow(oldState, attempts: hasBegun ? 1 : 0, begun: begun)
        row.apply(event, at: place, obsolete: &obsoletePayloads)
        if case .kept = event.fact {
            row.outputLength = try record(event.cause, of: run, in: snapshot) { $0.payload?.length } ?? nil
        }
        items[key] = row
        node.map?.counts.move(from: oldState, to: row.state)
        if let before, oldState == .failed, row.state != .failed || event.fact.isFailure {
            try removeProblem(before.error, before.last, of: run, in: snapshot)
        }
    }

    /// The item's row, in this commit or in the table. One of an earlier opening of the map counts for nothing.
    private func itemRow(
        _ key: ItemKey, in map: NodeRow.MapSummary.Extent, in snapshot: any StoreSnapshot
    ) throws(RenError) -> ItemRow? {
        guard key.item.index < map.reached else { return nil }
        var row = items[key]
        if row == nil {
            row = try snapshot.value(of: .item(key.run, key.node, key.item), in: .items) { bytes throws(RenError) in
                try ItemRow(bytes)
            }
        }
        return row.flatMap { $0.last > map.opened ? $0 : nil }
    }

    /// The time of the item's first start, which `previous` leads to.
    private mutating func begun(
        _ event: Event, of run: RunRow, in snapshot: any StoreSnapshot
    ) throws(RenError) -> Timestamp {
        if let time = starts.removeValue(forKey: StartKey(run: run.number, version: event.previous)) { return time }
        return try record(event.previous, of: run, in: snapshot) { $0.time } ?? event.time
    }

    func event(_ version: RunVersion, of run: RunRow, in snapshot: any StoreSnapshot) throws(RenError) -> Event? {
        guard let sequence = try sequence(of: version, run, in: snapshot) else { return nil }
        return try snapshot.value(of: Key(sequence), in: .events) { bytes throws(RenError) in
            try Record(bytes, at: sequence).event(at: sequence)
        }
    }

    private func record<R>(
        _ version: RunVersion, of run: RunRow, in snapshot: any StoreSnapshot, _ body: (Record) -> R
    ) throws(RenError) -> R? {
        guard let sequence = try sequence(of: version, run, in: snapshot) else { return nil }
        return try snapshot.value(of: Key(sequence), in: .events) { bytes throws(RenError) in
            body(try Record(bytes, at: sequence))
        }
    }

    // MARK: Reopenings and forks

    /// Opens settled items of a map again.
    mutating func reopen(
        _ items: ItemRanges, of number: NodeNumber, _ node: inout NodeRow, of run: RunRow,
        in snapshot: any StoreSnapshot
    ) throws(RenError) {
        guard let summary = node.map?.extent else { return }
        for item in items.items {
            guard item.index < summary.reached else { return }
            let key = ItemKey(run: run.number, node: number, item: item)
            guard var row = try itemRow(key, in: summary, in: snapshot), row.state.isSettled || row.state == .unknown
            else { continue }
            if row.state == .failed { try removeProblem(row.error, row.last, of: run, in: snapshot) }
            node.map?.counts.move(from: row.state, to: .ready)
            row.reopen()
            self.items[key] = row
        }
    }

    /// What was in flight where a fork begins: see `NodeRow.interrupt`.
    mutating func interruptItems(
        of node: NodeNumber, once: Bool, countedIn row: inout NodeRow, of run: RunNumber,
        in snapshot: any StoreSnapshot
    ) throws(RenError) {
        let view = JournalView(snapshot)
        guard let map = try MapHead(run, node, in: view) else { return }
        let wanted = map.map.counts[.running] + map.map.counts[.retrying]
        guard wanted > 0 else { return }
        var found: [(item: ItemIndex, row: ItemRow)] = []
        // They stand near the last that began.
        _ = try view.forEachItemBackwards(of: map, in: 0..<map.begun) { index, bytes, _ throws(RenError) in
            guard let bytes else { return .continue }
            switch ItemRow.state(of: bytes) {
            case .running, .retrying: found.append((ItemIndex(index), try ItemRow(bytes)))
            default: break
            }
            return found.count < wanted ? .continue : .stop
        }
        for (item, before) in found {
            var itemRow = before
            itemRow.interrupt(once: once)
            row.map?.counts.move(from: before.state, to: itemRow.state)
            items[ItemKey(run: run, node: node, item: item)] = itemRow
        }
    }
}
