/// Items by their indexes, as few ranges: in events `0-4,9`.
package struct ItemRanges: Hashable, Sendable {
    /// Sorted, disjoint, none empty, none touching the next.
    package private(set) var ranges: [Range<UInt32>] = []

    package init() {}

    /// - Complexity: O(*n*) for sorted items, else O(*n* log *n*).
    package init(_ items: some Sequence<ItemIndex>) {
        for item in items.sorted() {
            guard let last = ranges.last, item.rawValue <= last.upperBound else {
                ranges.append(item.rawValue..<item.rawValue + 1)
                continue
            }
            ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, item.rawValue + 1)
        }
    }

    package init(_ range: Range<UInt32>) {
        if !range.isEmpty { ranges = [range] }
    }

    package var isEmpty: Bool { ranges.isEmpty }
    package var count: Int { ranges.reduce(0) { $0 + $1.count } }
    package var items: some Sequence<ItemIndex> { ranges.lazy.joined().lazy.map { ItemIndex(rawValue: $0) } }

    package func contains(_ item: ItemIndex) -> Bool {
        let place = self.place(atOrAfter: item.rawValue)
        return place < ranges.count && ranges[place].contains(item.rawValue)
    }

    package mutating func insert(_ new: Range<UInt32>) {
        guard !new.isEmpty else { return }
        var range = new
        // Ranges that overlap or touch the new one become part of it.
        let first = ranges.partitioningIndex { $0.upperBound >= range.lowerBound }
        var end = first
        while end < ranges.count, ranges[end].lowerBound <= range.upperBound {
            range = min(range.lowerBound, ranges[end].lowerBound)..<max(range.upperBound, ranges[end].upperBound)
            end += 1
        }
        ranges.replaceSubrange(first..<end, with: CollectionOfOne(range))
    }

    /// - Returns: whether it was among them.
    @discardableResult
    package mutating func remove(_ item: ItemIndex) -> Bool {
        let place = self.place(atOrAfter: item.rawValue)
        guard place < ranges.count, ranges[place].contains(item.rawValue) else { return false }
        let range = ranges[place]
        let parts = [range.lowerBound..<item.rawValue, item.rawValue + 1..<range.upperBound].filter { !$0.isEmpty }
        ranges.replaceSubrange(place...place, with: parts)
        return true
    }

    /// The first range that ends behind `item`.
    private func place(atOrAfter item: UInt32) -> Int { ranges.partitioningIndex { $0.upperBound > item } }
}

extension ItemRanges: LosslessStringConvertible {
    package init?(_ text: String) {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) where !text.isEmpty {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt32($0) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first <= last,
                last < .max, ranges.last.map({ $0.upperBound < first }) ?? true
            else { return nil }
            ranges.append(first..<last + 1)
        }
    }

    package var description: String {
        ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound - 1)" }
            .joined(separator: ",")
    }
}

extension Array {
    /// The first place whose element `isInSecondPart`, as all behind it are.
    ///
    /// - Complexity: O(log *n*).
    fileprivate func partitioningIndex(where isInSecondPart: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isInSecondPart(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
