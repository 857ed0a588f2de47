import LMDB
import RenCore

/// A map as of one commit: what windows, heat maps and times begin with.
struct MapHead: Sendable {
    let run: RunNumber
    let node: NodeNumber
    let map: NodeRow.MapSummary
    /// The node has ended: nothing of the map goes on by itself.
    let hasEnded: Bool
    /// The last event, and its time.
    let asOf: JournalSequence
    let time: Timestamp

    var total: Int { map.total }

    /// Items from this one on are pending. Most maps begin their items in the order of the index, so all before have
    /// begun: `isOrdered`.
    var begun: Int { min(total, map.reached) }

    var isOrdered: Bool { map.ordered >= begun }

    /// Nil while the map is not open.
    init?(_ run: RunNumber, _ node: NodeNumber, in view: borrowing JournalView) throws(RenError) {
        guard let row = try view.node(run, node), let map = row.map else { return nil }
        hasEnded = row.state.isSettled
        self.run = run
        self.node = node
        self.map = map
        let head = try view.head()
        asOf = head.sequence
        time = head.time
    }

    /// Whether a row is of this opening of the map, not of an earlier one.
    func isCurrent(_ row: UnsafeRawBufferPointer) throws(RenError) -> Bool {
        try ItemRow.brief(of: row).last > map.opened
    }

    /// The state of an item, by its row or without one.
    func state(of index: Int, _ row: UnsafeRawBufferPointer?) -> WorkState {
        if let row { return ItemRow.state(of: row) ?? .pending }
        return index < map.ordered ? .running : .pending
    }
}

extension JournalReading {
    func mapHead(_ run: RunNumber, _ node: NodeNumber) throws(RenError) -> MapHead? {
        try read { view throws(RenError) in try MapHead(run, node, in: view) }
    }

    /// Lends the rows of the items in `indexes`, in order, nil for those that have none; a page in each transaction.
    ///
    /// - Parameter order: descending begins with the last.
    func forEachItem(
        of map: MapHead, in indexes: Range<Int>, _ order: WalkOrder = .ascending, isCancelled: () -> Bool,
        _ body: (Int, UnsafeRawBufferPointer?, borrowing JournalView) throws(RenError) -> HistoryStep
    ) throws(RenError) {
        var left = indexes
        var step = HistoryStep.continue
        while !left.isEmpty, step == .continue {
            try Paging.check(isCancelled)
            let page: Range<Int>
            if order == .ascending {
                page = left.lowerBound..<min(left.lowerBound + Paging.rows, left.upperBound)
                left = page.upperBound..<left.upperBound
            } else {
                page = max(left.upperBound - Paging.rows, left.lowerBound)..<left.upperBound
                left = left.lowerBound..<page.lowerBound
            }
            step = try read { view throws(RenError) in
                try order == .ascending
                    ? view.forEachItem(of: map, in: page, body) : view.forEachItemBackwards(of: map, in: page, body)
            }
        }
    }
}

extension JournalView {
    fileprivate borrowing func forEachItem(
        of map: MapHead, in page: Range<Int>,
        _ body: (Int, UnsafeRawBufferPointer?, borrowing JournalView) throws(RenError) -> HistoryStep
    ) throws(RenError) -> HistoryStep {
        var index = page.lowerBound
        var step = HistoryStep.continue
        let view = JournalView(snapshot)
        try snapshot.walk(.items, prefix: .node(map.run, map.node), from: .item(map.run, map.node, ItemIndex(index))) {
            key, value throws(RenError) in
            let found = min(Int(key.load(UInt32.self, at: 10)), page.upperBound)
            while index < found, step == .continue {
                step = try body(index, nil, view)
                index += 1
            }
            guard step == .continue, found < page.upperBound else { return .stop }
            step = try body(index, map.isCurrent(value) ? value : nil, view)
            index += 1
            return step == .continue ? .continue : .stop
        }
        while index < page.upperBound, step == .continue {
            step = try body(index, nil, view)
            index += 1
        }
        return step
    }

    borrowing func forEachItemBackwards(
        of map: MapHead, in page: Range<Int>,
        _ body: (Int, UnsafeRawBufferPointer?, borrowing JournalView) throws(RenError) -> HistoryStep
    ) throws(RenError) -> HistoryStep {
        var index = page.upperBound - 1
        var step = HistoryStep.continue
        let view = JournalView(snapshot)
        let prefix = Key.node(map.run, map.node)
        try snapshot.walk(.items, from: .item(map.run, map.node, ItemIndex(index)), .descending) {
            key, value throws(RenError) in
            let found = prefix.isPrefix(of: key) ? max(Int(key.load(UInt32.self, at: 10)), page.lowerBound - 1) : -1
            while index > found, index >= page.lowerBound, step == .continue {
                step = try body(index, nil, view)
                index -= 1
            }
            guard step == .continue, index == found, index >= page.lowerBound else { return .stop }
            step = try body(index, map.isCurrent(value) ? value : nil, view)
            index -= 1
            return step == .continue ? .continue : .stop
        }
        while index >= page.lowerBound, step == .continue {
            step = try body(index, nil, view)
            index -= 1
        }
        return step
    }
}
