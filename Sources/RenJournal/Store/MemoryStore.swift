import LMDB
package import RenCore
import Synchronization

/// The tables in memory, for tests and simulation. A commit replaces them; snapshots keep what they see.
package final class MemoryStore: Store {
    /// Guards only the exchange of values: a snapshot shares the pages, and the writer copies those it changes.
    private let tables = Mutex([SortedTable](repeating: SortedTable(), count: StoreTable.allCases.count))

    package init() {}

    package func read<R>(_ body: (any StoreSnapshot) throws(RenError) -> R) throws(RenError) -> R {
        try body(MemoryTransaction(self, tables.withLock { $0 }))
    }

    package func beginWrite() throws(RenError) -> any StoreTransaction {
        MemoryTransaction(self, tables.withLock { $0 })
    }

    package func makeRoom() -> Bool { false }
    package func use() -> StorageUse? { nil }
    package func keepHouse() {}
    /// A journal in memory can still be read: it is gone with its last reference.
    package func close() {}

    fileprivate func publish(_ new: [SortedTable]) { tables.withLock { $0 = new } }
}

/// Entries in the order of their keys, in pages, so that a change under a snapshot copies one page and not all.
private struct SortedTable: Sendable {
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

    func next(_ place: Place) -> Place? {
        if place.index + 1 < pages[place.page].count { return Place(page: place.page, index: place.index + 1) }
        return place.page + 1 < pages.count ? Place(page: place.page + 1, index: 0) : nil
    }

    func previous(_ place: Place) -> Place? {
        if place.index > 0 { return Place(page: place.page, index: place.index - 1) }
        return place.page > 0 ? Place(page: place.page - 1, index: pages[place.page - 1].count - 1) : nil
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
    private func compare(_ left: [UInt8], _ right: UnsafeRawBufferPointer) -> Int {
        for index in 0..<min(left.count, right.count) where left[index] != right[index] {
            return left[index] < right[index] ? -1 : 1
        }
        return left.count - right.count
    }
}

private final class MemoryTransaction: StoreTransaction {
    private let store: MemoryStore
    private var tables: [SortedTable]

    init(_ store: MemoryStore, _ tables: [SortedTable]) {
        self.store = store
        self.tables = tables
    }

    func withValue(
        of key: Key, in table: StoreTable, _ body: (UnsafeRawBufferPointer) throws(RenError) -> Void
    ) throws(RenError) -> Bool {
        let found = tables[table.index]
        guard let place = key.withUnsafeBytes({ found.place(of: $0) }) else { return false }
        try found[place].value.span.bytes.withUnsafeBytes(body)
        return true
    }

    func walk(
        _ table: StoreTable, from start: Key?, _ order: WalkOrder,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(RenError) -> WalkStep
    ) throws(RenError) {
        let walked = tables[table.index]
        var place = order == .ascending ? walked.first : walked.last
        if let start {
            place = start.withUnsafeBytes { bytes in
                if order == .ascending { return walked.place(atOrAfter: bytes) }
                guard let found = walked.place(atOrAfter: bytes) else { return walked.last }
                return walked.place(of: bytes) ?? walked.previous(found)
            }
        }
        while let current = place {
            let entry = walked[current]
            let step = try entry.key.span.bytes.withUnsafeBytes { key throws(RenError) in
                try entry.value.span.bytes.withUnsafeBytes { value throws(RenError) in try body(key, value) }
            }
            guard step == .continue else { return }
            place = order == .ascending ? walked.next(current) : walked.previous(current)
        }
    }

    func count(of table: StoreTable) throws(RenError) -> Int { tables[table.index].count }

    func put(
        _ value: UnsafeRawBufferPointer, for key: Key, in table: StoreTable, _ mode: PutMode
    ) throws(RenError) {
        let isStored = key.withUnsafeBytes { bytes in
            let index = table.index
            let place = tables[index].place(atOrAfter: bytes)
            if tables[index].place(of: bytes) != nil, let place {
                guard mode == .upsert else { return false }
                tables[index].replace(Array(value), at: place)
                return true
            }
            guard mode != .append || place == nil else { return false }
            tables[index].insert(SortedTable.Entry(key: Array(bytes), value: Array(value)), before: place)
            return true
        }
        guard isStored else { throw RenError(LMDBError(.keyExists, operation: .put)) }
    }

    func delete(prefix: Key, in table: StoreTable, limit: Int) throws(RenError) -> Int {
        let index = table.index
        var removed = 0
        prefix.withUnsafeBytes { bytes in
            while removed < limit, let place = tables[index].place(atOrAfter: bytes),
                tables[index][place].key.starts(with: bytes)
            {
                tables[index].remove(at: place)
                removed += 1
            }
        }
        return removed
    }

    func removeAll(in table: StoreTable) throws(RenError) { tables[table.index] = SortedTable() }

    func commit() throws(RenError) { store.publish(tables) }
}

extension Key {
    fileprivate func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        withBytes { $0.withUnsafeBytes(body) }
    }
}
