import LMDB

/// Entries in the order of their keys, in pages, so that a change under a snapshot copies one page and not all.
struct SortedTable: Sendable {
    struct Entry: Sendable {
        let key: [UInt8]
        var value: [UInt8]
    }

    struct Place: Equatable {
        var page: Int
        var index: Int
    }

    private static let pageEntriesMax = 256

    /// None is empty.
    private var pages: [[Entry]] = []
    private(set) var count = 0

    subscript(place: Place) -> Entry { pages[place.page][place.index] }

    /// The place of the first entry at or after `key`; nil behind the last.
    func place(atOrAfter key: UnsafeRawBufferPointer) -> Place? {
        guard let last = pages.last?.last, compare(last.key, key) >= 0 else { return nil }
        let page = partition(pages.count) { compare(pages[$0][pages[$0].count - 1].key, key) < 0 }
        return Place(page: page, index: partition(pages[page].count) { compare(pages[page][$0].key, key) < 0 })
    }

    func place(of key: UnsafeRawBufferPointer) -> Place? {
        guard let place = place(atOrAfter: key), compare(self[place].key, key) == 0 else { return nil }
        return place
    }

    var first: Place? { pages.isEmpty ? nil : Place(page: 0, index: 0) }
    var last: Place? { pages.last.map { Place(page: pages.count - 1, index: $0.count - 1) } }

    /// Where a walk in `order` begins: at `key` or the nearest one behind it; nil: at the end.
    func start(_ order: WalkOrder, from key: UnsafeRawBufferPointer?) -> Place? {
        guard let key else { return order == .ascending ? first : last }
        guard let found = place(atOrAfter: key) else { return order == .ascending ? nil : last }
        guard order == .descending, compare(self[found].key, key) != 0 else { return found }
        return next(found, .descending)
    }

    func next(_ place: Place, _ order: WalkOrder) -> Place? {
        switch order {
        case .ascending:
            if place.index + 1 < pages[place.page].count { return Place(page: place.page, index: place.index + 1) }
            return place.page + 1 < pages.count ? Place(page: place.page + 1, index: 0) : nil
        case .descending:
            if place.index > 0 { return Place(page: place.page, index: place.index - 1) }
            return place.page > 0 ? Place(page: place.page - 1, index: pages[place.page - 1].count - 1) : nil
        }
    }

    /// Puts an entry, in the place of one with the same key.
    mutating func set(_ value: [UInt8], for key: UnsafeRawBufferPointer) {
        let place = place(atOrAfter: key)
        guard let place, compare(self[place].key, key) == 0 else {
            return insert(Entry(key: Array(key), value: value), before: place)
        }
        replace(value, at: place)
    }

    mutating func replace(_ value: [UInt8], at place: Place) { pages[place.page][place.index].value = value }

    /// - Parameter place: of the first entry after the new one; nil to append.
    mutating func insert(_ entry: Entry, before place: Place?) {
        count += 1
        guard let place else {
            if let last = pages.last, last.count < Self.pageEntriesMax {
                pages[pages.count - 1].append(entry)
            } else {
                pages.append([entry])
            }
            return
        }
        pages[place.page].insert(entry, at: place.index)
        guard pages[place.page].count > Self.pageEntriesMax else { return }
        let upper = Array(pages[place.page][(Self.pageEntriesMax / 2)...])
        pages[place.page].removeLast(upper.count)
        pages.insert(upper, at: place.page + 1)
    }

    mutating func remove(at place: Place) {
        count -= 1
        pages[place.page].remove(at: place.index)
        if pages[place.page].isEmpty { pages.remove(at: place.page) }
    }

    /// The first of `count` numbers for which `isBefore` does not hold; it holds for none behind that.
    private func partition(_ count: Int, _ isBefore: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Order of two keys: below 0, 0, above 0.
    func compare(_ left: [UInt8], _ right: UnsafeRawBufferPointer) -> Int {
        for index in 0..<min(left.count, right.count) where left[index] != right[index] {
            return left[index] < right[index] ? -1 : 1
        }
        return left.count - right.count
    }
}
