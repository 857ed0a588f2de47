package import RenCore
import RenJSON

/// The keys of one map in the order of the table `keys`: what finds equal ones, and what the rows are made of.
///
/// - Complexity: 16 bytes of memory per key; O(*n* log *n*) to make.
package struct SortedKeys: Sendable {
    private struct Entry {
        var hash: UInt64
        var index: UInt32
        /// Where the key stands in the payload; payloads have at most 16 MiB.
        var offset: UInt32
    }

    private let payload: [UInt8]
    private var entries: [Entry] = []

    /// - Parameter payload: of `map.opened`.
    /// - Returns: nil for a map without `key`.
    package init?(payload: [UInt8]) {
        guard var walk = ItemKeys.walk(payload) else { return nil }
        self.payload = payload
        while let range = walk.next(in: payload) {
            let hash = ItemKeys.withText(range, in: payload) { KeyRows.hash($0) }
            entries.append(
                Entry(
                    hash: hash, index: UInt32(clamping: entries.count),
                    offset: UInt32(clamping: range.lowerBound)))
        }
        entries.sort { ($0.hash, $0.index) < ($1.hash, $1.index) }
    }

    package var count: Int { entries.count }

    /// Two items with the same key: the first that repeats one before it.
    package var duplicate: (first: ItemIndex, second: ItemIndex, key: String)? {
        var found: (first: UInt32, second: UInt32, key: [UInt8])?
        var start = 0
        while start < entries.count {
            var end = start + 1
            while end < entries.count, entries[end].hash == entries[start].hash { end += 1 }
            if end - start > 1, let pair = duplicate(among: start..<end), pair.second < found?.second ?? .max {
                found = pair
            }
            start = end
        }
        return found.map {
            (ItemIndex(rawValue: $0.first), ItemIndex(rawValue: $0.second), String(decoding: $0.key, as: UTF8.self))
        }
    }

    /// Keys may share a hash without being equal.
    private func duplicate(among range: Range<Int>) -> (first: UInt32, second: UInt32, key: [UInt8])? {
        var seen: [[UInt8]: UInt32] = [:]
        for entry in entries[range] {
            let key = text(of: entry)
            if let first = seen[key] { return (first, entry.index, key) }
            seen[key] = entry.index
        }
        return nil
    }

    /// The rows from number `start` on, at most `KeyRows.commitRows`; none behind the last.
    package func rows(of run: RunNumber, _ node: NodeNumber, from start: Int = 0) -> KeyRows {
        let end = min(start + KeyRows.commitRows, entries.count)
        let part = start < end ? entries[start..<end] : []
        return KeyRows(
            run: run, node: node,
            rows: part.map { KeyRows.Row(hash: $0.hash, index: ItemIndex(rawValue: $0.index), key: text(of: $0)) })
    }

    private func text(of entry: Entry) -> [UInt8] {
        var walk = JSONText.Elements(resumingAt: Int(entry.offset))
        guard let range = walk.next(in: payload) else { return [] }
        return ItemKeys.withText(range, in: payload) { Array($0) }
    }
}
