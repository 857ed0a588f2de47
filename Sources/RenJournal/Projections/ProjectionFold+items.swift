import LMDB
import RenCore

extension ProjectionFold {
    /// Folds an event of an item into its row and into the counts of its node.
    mutating func apply(
        _ event: Event, at place: Place, to key: ItemKey, countedIn node: inout NodeRow, in snapshot: any StoreSnapshot
    ) throws(RenError) {
        let before = try itemRow(key, before: event, in: snapshot)
        let hasBegun = event.previous > .none
        let oldState = before?.state ?? (hasBegun ? .running : .pending)
        if before == nil, case .started = event.fact {
            starts[StartKey(run: place.run, version: place.version)] = event.time
            node.map?.counts.move(from: oldState, to: .running)
            return
        }
        // A dead result for an item of which nothing is known tells nothing about it.
        if before == nil, !hasBegun, case .resultRejected = event.fact { return }
        let begun = hasBegun && before == nil ? try begun(event, at: place, in: snapshot) : event.time
        var row = before ?? ItemRow(oldState, attempts: hasBegun ? 1 : 0, begun: begun)
        row.apply(event, at: place, obsolete: &obsoletePayloads)
        items[key] = row
        node.map?.counts.move(from: oldState, to: row.state)
    }

    /// The item's row, in this commit or in the table. An item whose last event is a first start has none, which the
    /// kept starts tell without a look.
    private func itemRow(
        _ key: ItemKey, before event: Event, in snapshot: any StoreSnapshot
    ) throws(RenError) -> ItemRow? {
        if let row = items[key] { return row }
        if case .started = event.fact, event.previous == .none { return nil }
        if starts[StartKey(run: key.run, version: event.previous)] != nil { return nil }
        return try snapshot.value(of: .item(key.run, key.node, key.item), in: .items) { bytes throws(RenError) in
            try ItemRow(bytes)
        }
    }

    /// The time of the item's first start, which `previous` leads to.
    private mutating func begun(
        _ event: Event, at place: Place, in snapshot: any StoreSnapshot
    ) throws(RenError) -> Timestamp {
        if let time = starts.removeValue(forKey: StartKey(run: place.run, version: event.previous)) { return time }
        let stretch = try HistoryIndex.stretch(of: place.run, with: event.previous, in: snapshot)
        guard let sequence = stretch?.sequence(of: event.previous) else { return event.time }
        let time = try snapshot.value(of: Key(sequence), in: .events) { bytes throws(RenError) in
            try Record(bytes, at: sequence).time
        }
        return time ?? event.time
    }
}
