/// The items of one node: two bits each, and a table of those that are open.
package struct MapState: Hashable, Sendable {
    package enum ItemState: UInt8, Sendable {
        case pending, open, succeeded, failed
        // Kept in the page's `sparse`; the two bits say `open`.
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
    /// The first item that never began; all before it did, but for those in `again`.
    package private(set) var next = 0
    package private(set) var counts: MapCounts
    /// Items that are running, ready again or waiting for a retry.
    package private(set) var open: [ItemIndex: Work] = [:]
    package private(set) var running = 0
    /// Items below `next` that are to begin (again); they are pending.
    package private(set) var again = ItemRanges()
    /// Items that a person opened again, until they are settled: they begin and are retried however many others stay failed.
    package private(set) var chosen = ItemRanges()
    /// `map.closed` is written; the node's own end follows.
    package private(set) var isClosed = false
    /// Since it was opened or reopened no item got another result: each that succeeded kept the one it had.
    package private(set) var isKept = true
    /// As far as `next`.
    private(set) var pages: [Page] = []

    /// `pageItems` items.
    struct Page: Hashable, Sendable {
        /// Two bits for each item: `ItemState`.
        var words = Array(repeating: UInt64(0), count: MapState.pageItems / 32)
        /// States that two bits cannot say, by the place in the page.
        var sparse: [UInt16: ItemState] = [:]

        /// Places in the page whose two bits are those of `state`.
        func places(_ state: ItemState) -> [Int] {
            words.indices.flatMap { index in
                let word = words[index] ^ (UInt64(state.rawValue) &* 0x5555_5555_5555_5555)
                // A pair of zeros is one that was equal.
                var found = ~(word | word >> 1) & 0x5555_5555_5555_5555
                var places: [Int] = []
                while found != 0 {
                    places.append(index * 32 + found.trailingZeroBitCount / 2)
                    found &= found - 1
                }
                return places
            }
        }
    }

    init(_ opening: MapOpening, version: RunVersion) {
        self.opening = opening
        self.version = version
        counts = MapCounts()
        counts.pending = opening.total
    }

    /// A map as a snapshot has it; what follows from the rest is made again.
    init(
        _ opening: MapOpening, version: RunVersion, next: Int, counts: MapCounts, chosen: ItemRanges,
        isClosed: Bool, isKept: Bool, pages: [Page], open: [ItemIndex: Work]
    ) {
        self.opening = opening
        self.version = version
        self.next = next
        self.counts = counts
        self.chosen = chosen
        self.isClosed = isClosed
        self.isKept = isKept
        self.pages = pages
        self.open = open
        running = open.values.count { $0.running != nil }
        again = ItemRanges(
            pages.enumerated().lazy.flatMap { page, items in
                items.places(.pending).lazy.map { ItemIndex(page * Self.pageItems + $0) }
            }.prefix { $0.index < next })
    }

    package var total: Int { opening.total }

    /// Items that have begun and neither run nor are settled.
    package var waiting: Int { open.count - running }

    package func state(of item: ItemIndex) -> ItemState {
        guard item.index < next else { return .pending }
        let place = item.index % Self.pageItems
        let page = pages[item.index / Self.pageItems]
        let state = ItemState(rawValue: UInt8(page.words[place / 32] >> UInt64(place % 32 * 2) & 3)) ?? .pending
        return state == .open ? page.sparse[UInt16(place)] ?? .open : state
    }

    /// Gives the items in one state by index, until `body` says that it has enough.
    ///
    /// - Complexity: O(*n*) in the pages, and in the items given.
    package func forEachItem(in state: ItemState, _ body: (ItemIndex) -> Bool) {
        let isSparse = state.rawValue > ItemState.failed.rawValue
        for (number, page) in pages.enumerated() {
            for place in page.places(isSparse ? .open : state) {
                let item = ItemIndex(number * Self.pageItems + place)
                guard item.index < next else { break }
                if state == .open || isSparse, page.sparse[UInt16(place)] != (isSparse ? state : nil) { continue }
                guard body(item) else { return }
            }
        }
        guard state == .pending else { return }
        for index in next..<total where !body(ItemIndex(index)) { return }
    }

    /// Folds an event of an item. An index beyond the total is no item and changes nothing.
    mutating func apply(
        _ event: Event, item: ItemIndex, version: RunVersion, timeout: Duration?, activeTime: Duration
    ) {
        guard item.index < total else { return }
        // A late result of an item that is settled changes nothing.
        if case .resultRejected = event.fact, open[item] == nil { return }
        begin(item)
        // Of a settled item, or one that nobody knows the outcome of, a person has said what it is.
        if open[item] == nil { unsettle(item) }
        var work = open.removeValue(forKey: item) ?? Work()
        running -= work.running == nil ? 0 : 1
        work.apply(event, version: version, timeout: timeout, activeTime: activeTime)
        switch event.fact {
        case .kept: settle(item, .succeeded, \.succeeded)
        case .succeeded, .overridden:
            isKept = false
            settle(item, .succeeded, \.succeeded)
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

    /// Opens settled items again, and the map with them.
    ///
    /// - Parameter isChoice: they begin also where too many others stay failed.
    mutating func reopen(_ items: ItemRanges, isChoice: Bool) {
        isClosed = false
        isKept = true
        for item in items.items where item.index < next {
            if isChoice, state(of: item) != .pending { chosen.insert(item.rawValue..<item.rawValue + 1) }
            if state(of: item) == .succeeded { isKept = false }
            guard unsettle(item) else { continue }
            mark(item, .pending)
            counts.pending += 1
            again.insert(item.rawValue..<item.rawValue + 1)
        }
    }

    /// What was in flight where a fork begins.
    ///
    /// - Parameter once: what was running may have had its effect.
    mutating func interrupt(once: Bool) {
        for item in open.keys.sorted() {
            if once, open[item]?.running != nil {
                open[item] = nil
                settle(item, .unknown, \.unknown)
            } else {
                open[item]?.interrupt()
            }
        }
        running = 0
    }

    private mutating func begin(_ item: ItemIndex) {
        if item.index >= next {
            while pages.count <= item.index / Self.pageItems {
                pages.append(Page())
            }
            again.insert(UInt32(next)..<item.rawValue)
            next = item.index + 1
        } else if again.isEmpty || !again.remove(item) {
            return
        }
        mark(item, .open)
        counts.pending -= 1
    }

    /// Takes an item out of the counts of those that are settled.
    ///
    /// - Returns: whether it was.
    @discardableResult
    private mutating func unsettle(_ item: ItemIndex) -> Bool {
        switch state(of: item) {
        case .pending, .open: return false
        case .succeeded: counts.succeeded -= 1
        case .failed: counts.failed -= 1
        case .skipped: counts.skipped -= 1
        case .cancelled: counts.cancelled -= 1
        case .unknown: counts.unknown -= 1
        }
        pages[item.index / Self.pageItems].sparse[UInt16(item.index % Self.pageItems)] = nil
        mark(item, .open)
        return true
    }

    private mutating func settle(_ item: ItemIndex, _ state: ItemState, _ count: WritableKeyPath<MapCounts, Int>) {
        counts[keyPath: count] += 1
        if !chosen.isEmpty { chosen.remove(item) }
        if state.rawValue <= ItemState.failed.rawValue {
            mark(item, state)
        } else {
            pages[item.index / Self.pageItems].sparse[UInt16(item.index % Self.pageItems)] = state
        }
    }

    private mutating func mark(_ item: ItemIndex, _ state: ItemState) {
        let shift = UInt64(item.index % 32 * 2)
        let word = item.index % Self.pageItems / 32
        pages[item.index / Self.pageItems].words[word] &= ~(3 << shift)
        pages[item.index / Self.pageItems].words[word] |= UInt64(state.rawValue) << shift
    }
}
