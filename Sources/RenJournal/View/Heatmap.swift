package import RenCore

/// One byte for each item of a map, in the order of the index, given in pages: for up to 10,000,000 items.
///
/// Each page is read in transactions of at most 1,000 rows; items that begin while it is read are shown as pending.
package struct Heatmap: Sendable {
    /// What a byte says.
    package enum Quantity: String, Sendable, CaseIterable {
        /// `WorkState.rawValue`.
        case state
        /// From the first attempt's begin to the end, by `LogScale`; 0 while the item has not succeeded or failed.
        case ms
        /// At most 255.
        case attempts
    }

    package static let pageBytes = 64 << 10

    package let quantity: Quantity
    private let journal: any JournalReading
    private let map: MapHead
    private var next = 0

    /// Nil while the map is not open.
    package init?(
        _ journal: any JournalReading, _ run: RunNumber, _ node: NodeNumber, by quantity: Quantity
    ) throws(RenError) {
        guard let map = try journal.mapHead(run, node) else { return nil }
        self.quantity = quantity
        self.journal = journal
        self.map = map
    }

    package var total: Int { map.total }
    package var asOf: JournalSequence { map.asOf }

    /// The next bytes, at most `pageBytes`; nil behind the last.
    package mutating func next(isCancelled: () -> Bool = { Task.isCancelled }) throws(RenError) -> [UInt8]? {
        guard next < map.total else { return nil }
        let end = min(next + Self.pageBytes, map.total)
        var page: [UInt8] = []
        page.reserveCapacity(end - next)
        let begun = next..<max(next, min(end, map.begun))
        try journal.forEachItem(of: map, in: begun, isCancelled: isCancelled) { index, row, _ throws(RenError) in
            page.append(try byte(of: row, index))
            return .continue
        }
        // Pending: 0 by every quantity.
        page.append(contentsOf: repeatElement(0, count: end - next - page.count))
        next = end
        return page
    }

    private func byte(of row: UnsafeRawBufferPointer?, _ index: Int) throws(RenError) -> UInt8 {
        guard let row else {
            let state = map.state(of: index, nil)
            switch quantity {
            case .state: return state.rawValue
            case .ms: return 0
            case .attempts: return state == .running ? 1 : 0
            }
        }
        switch quantity {
        case .state: return row.first ?? 0
        case .ms: return try ItemRow.brief(of: row).duration.map { LogScale.byte($0.nanoseconds / 1_000_000) } ?? 0
        case .attempts: return UInt8(clamping: try ItemRow.brief(of: row).attempts)
        }
    }
}
