/// The items of one node: two bits each, and a table of those that are open.
package struct MapState: Hashable, Sendable {
    package enum ItemState: UInt8, Sendable {
        case pending, open, succeeded, failed
        // Kept in `sparse`; the two bits say `open`.
        case skipped, cancelled, unknown

        package var name: String {
            switch self {
            case .pending: "pending"
            case .open: "open"
            case .succeeded: "succeeded"
            case .failed: "failed"
            case .skipped: "skipped"
            case .cancelled: "cancelled"
            case .unknown: "unknown"
            }
        }
    }

    /// 4,096 items at two bits.
    package static let pageItems = 4096
    /// Above so many items that wait for a retry no new one begins.
    package static let waitingMax = 10_000

    package let opening: MapOpening
    /// Version of `map.opened`, whose payload leads to the elements.
    package let version: RunVersion
    /// The first item that never began; all before it did.
    package private(set) var next = 0
    package private(set) var counts: MapCounts
    /// Items that are running, ready again or waiting for a retry.
    package private(set) var open: [ItemIndex: Work] = [:]
    package private(set) var running = 0
    /// `map.closed` is written; the node's own end follows.
    package private(set) var isClosed = false
    private var pages: [[UInt64]] = []
    private var sparse: [ItemIndex: ItemState] = [:]

    init(_ opening: MapOpening, version: RunVersion) {
        self.opening = opening
        self.version = version
        counts = MapCounts()
        counts.pending = opening.total
    }

    package var total: Int { opening.total }

    /// Items that have begun and neither run nor are settled.
    package var waiting: Int { open.count - running }

    package func state(of item: ItemIndex) -> ItemState {
        guard item.index < next else { return .pending }
        let word = pages[item.index / Self.pageItems][item.index % Self.pageItems / 32]
        let state = ItemState(rawValue: UInt8(word >> UInt64(item.index % 32 * 2) & 3)) ?? .pending
        return state == .open ? sparse[item] ?? .open : state
    }

    /// Folds an event of an item. An index beyond the total is no item and changes nothing.
    mutating func apply(
        _ event: Event, item: ItemIndex, version: RunVersion, timeout: Duration?, activeTime: Duration
    ) {
        guard item.index < total else { return }
        // A late result of an item that is settled changes nothing.
        if case .resultRejected = event.fact, open[item] == nil { return }
        begin(item)
        var work = open.removeValue(forKey: item) ?? Work()
        running -= work.running == nil ? 0 : 1
        work.apply(event, version: version, timeout: timeout, activeTime: activeTime)
        switch event.fact {
        case .succeeded: settle(item, .succeeded, \.succeeded)
        case .failed: settle(item, .failed, \.failed)
        case .skipped: settle(item, .skipped, \.skipped)
        case .cancelled: settle(item, .cancelled, \.cancelled)
        case .unknown: settle(item, .unknown, \.unknown)
        default:
            open[item] = work
            running += work.running == nil ? 0 : 1
        }
    }

    mutating func close() {
        isClosed = true
    }

    /// Items begin in the order of their index, so all up to `item` are marked.
    private mutating func begin(_ item: ItemIndex) {
        while next <= item.index {
            if next % Self.pageItems == 0 {
                pages.append(Array(repeating: 0, count: Self.pageItems / 32))
            }
            mark(ItemIndex(next), .open)
            next += 1
            counts.pending -= 1
        }
    }

    private mutating func settle(_ item: ItemIndex, _ state: ItemState, _ count: WritableKeyPath<MapCounts, Int>) {
        counts[keyPath: count] += 1
        if state.rawValue <= ItemState.failed.rawValue {
            mark(item, state)
        } else {
            sparse[item] = state
        }
    }

    private mutating func mark(_ item: ItemIndex, _ state: ItemState) {
        let shift = UInt64(item.index % 32 * 2)
        let word = item.index % Self.pageItems / 32
        pages[item.index / Self.pageItems][word] &= ~(3 << shift)
        pages[item.index / Self.pageItems][word] |= UInt64(state.rawValue) << shift
    }
}
