import LMDB
import RenCore

/// Finds which items a query means, in its order, with as few rows as it needs.
struct ItemSelection {
    let journal: any JournalReading
    let map: MapHead
    let query: ItemQuery
    let keys: ItemKeys

    private struct Match {
        var index: Int
        /// The greatest comes first; equal ones by index.
        var weight: Int64 = .min
    }

    /// - Returns: how many items match, and those of the window.
    /// - Throws: `items.too_many`, `request.cancelled`.
    func indexes(isCancelled: () -> Bool) throws(RenError) -> (total: Int, window: [Int]) {
        // Without `key` the order of the keys is that of the numbers.
        let isByIndex = query.order == .index || query.order == .key && keys.areIndexes
        if query.problem == nil, query.search == nil {
            if query.state == nil, isByIndex { return (map.total, Array(window(of: 0..<map.total))) }
            if query.state == .pending, map.isOrdered, query.order != .key || keys.areIndexes {
                return (map.total - map.begun, Array(window(of: map.begun..<map.total)))
            }
            if let state = query.state, isByIndex { return try inState(state, isCancelled) }
        }
        return try sorted(isCancelled)
    }

    private func window(of range: Range<Int>) -> Range<Int> {
        let start = range.lowerBound + min(max(0, query.offset), range.count)
        return start..<min(start + limit, range.upperBound)
    }

    private var limit: Int { min(max(0, query.limit), ItemQuery.limitMax) }

    // MARK: One state, by index

    /// The counts tell how many there are, so the walk ends with the window. Those that are open stand near the last
    /// that began, and are few: they are looked for from there.
    private func inState(
        _ state: WorkState, _ isCancelled: () -> Bool
    ) throws(RenError) -> (total: Int, window: [Int]) {
        let total = map.map.counts[state]
        let isOpen = !state.isSettled && state != .unknown && state != .pending
        let all = state == .pending ? map.total : map.begun
        let wanted = isOpen ? total : min(total, max(0, query.offset) + limit)
        var found: [Int] = []
        guard wanted > 0 else { return (total, []) }
        try journal.forEachItem(of: map, in: 0..<all, isOpen ? .descending : .ascending, isCancelled: isCancelled) {
            index, row, _ throws(RenError) in
            if map.state(of: index, row) == state { found.append(index) }
            return found.count < wanted ? .continue : .stop
        }
        if isOpen { found.reverse() }
        return (total, Array(found[window(of: 0..<found.count)]))
    }

    // MARK: Everything else

    private func sorted(_ isCancelled: () -> Bool) throws(RenError) -> (total: Int, window: [Int]) {
        try refuseTooMany()
        let isNamed = try query.search.map { search throws(RenError) in try named(search, isCancelled) }
        var matches: [Match] = try begun(isNamed, isCancelled)
        // Pending ones are alike: they follow by index, without a row. By key, they stand among the others.
        let hasPending = query.problem == nil && query.state ?? .pending == .pending
        var pending = hasPending ? map.begun..<map.total : 0..<0
        if hasPending, let isNamed {
            matches += pending.filter { isNamed[$0] }.map { Match(index: $0) }
            pending = 0..<0
        } else if query.order == .key, !keys.areIndexes {
            matches += pending.map { Match(index: $0) }
            pending = 0..<0
        }
        if query.order == .key, !keys.areIndexes {
            KeyOrder(keys).sort(&matches) { $0.index }
        } else {
            matches.sort { ($1.weight, $0.index) < ($0.weight, $1.index) }
        }
        let total = matches.count + pending.count
        let window = window(of: 0..<total).map { place in
            place < matches.count ? matches[place].index : pending.lowerBound + place - matches.count
        }
        return (total, window)
    }

    private func refuseTooMany() throws(RenError) {
        let needsRows: Bool
        switch query.order {
        case .slowest, .newest, .attempts: needsRows = true
        case .index, .key: needsRows = query.problem != nil
        }
        let hint = "ask by state in the order index or key, or for one item by its key"
        if needsRows, map.begun > Paging.scanMax {
            throw RenError(
                .itemsTooMany,
                "\(map.begun) items have begun, and this order or filter looks at \(Paging.scanMax) at most", hint: hint
            )
        }
        if query.search != nil, map.total > Paging.scanMax {
            throw RenError(
                .itemsTooMany, "the map has \(map.total) items, and a search looks at \(Paging.scanMax) at most",
                hint: hint)
        }
    }

    /// The items before the first from which on all are pending, as far as they match.
    private func begun(_ isNamed: [Bool]?, _ isCancelled: () -> Bool) throws(RenError) -> [Match] {
        if query.state == nil, query.problem == nil, query.order == .index || query.order == .key {
            return (0..<map.begun).filter { isNamed?[$0] ?? true }.map { Match(index: $0) }
        }
        var matches: [Match] = []
        if query.state == .pending, map.isOrdered { return matches }
        var problems = try query.problem.map { fingerprint throws(RenError) in
            try ProblemFilter(fingerprint, of: map.run, in: journal)
        }
        try journal.forEachItem(of: map, in: 0..<map.begun, isCancelled: isCancelled) {
            index, row, view throws(RenError) in
            if let isNamed, !isNamed[index] { return .continue }
            let state = map.state(of: index, row)
            if let wanted = query.state, wanted != state { return .continue }
            if let hasProblem = try problems?.matches(row, in: view), !hasProblem { return .continue }
            matches.append(Match(index: index, weight: try weight(of: row, index)))
            return .continue
        }
        return matches
    }

    private func weight(of row: UnsafeRawBufferPointer?, _ index: Int) throws(RenError) -> Int64 {
        let brief = try row.map { row throws(RenError) in try ItemRow.brief(of: row) }
        switch query.order {
        case .index, .key: return .min
        case .slowest: return brief.map { (($0.ended ?? map.time) - $0.begun).nanoseconds } ?? .min
        case .newest: return brief?.ended?.nanoseconds ?? .min
        case .attempts: return Int64(brief?.attempts ?? (map.state(of: index, nil) == .running ? 1 : 0))
        }
    }

    private func named(_ search: ItemQuery.Search, _ isCancelled: () -> Bool) throws(RenError) -> [Bool] {
        try Paging.check(isCancelled)
        var isNamed = [Bool](repeating: false, count: map.total)
        if keys.areIndexes {
            for index in isNamed.indices { isNamed[index] = search.matches(String(index)) }
        } else {
            keys.forEach { item, key in
                guard item.index < isNamed.count else { return .stop }
                isNamed[item.index] = search.matches(String(decoding: key, as: UTF8.self))
                return .continue
            }
        }
        return isNamed
    }
}

extension ItemQuery.Search {
    func matches(_ key: String) -> Bool {
        switch self {
        case .contains(let text): text.isEmpty || key.lowercased().contains(text.lowercased())
        case .prefix(let text): key.lowercased().hasPrefix(text.lowercased())
        }
    }
}

/// Keys by their UTF-8 bytes.
struct KeyOrder {
    /// All keys behind each other, and where each begins.
    private var bytes: [UInt8] = []
    private var starts: [Int] = [0]

    /// - Complexity: O(*n*) in the bytes of the keys, which are at most 16 MiB.
    init(_ keys: ItemKeys) {
        var bytes: [UInt8] = []
        var starts = [0]
        keys.forEach { _, key in
            bytes.append(contentsOf: key)
            starts.append(bytes.count)
            return .continue
        }
        (self.bytes, self.starts) = (bytes, starts)
    }

    func sort<T>(_ values: inout [T], by index: (T) -> Int) {
        bytes.withUnsafeBytes { bytes in
            values.sort { left, right in
                let (left, right) = (index(left), index(right))
                let order = compare(key(left, bytes), key(right, bytes))
                return order == 0 ? left < right : order < 0
            }
        }
    }

    private func key(_ index: Int, _ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard index + 1 < starts.count else { return UnsafeRawBufferPointer(rebasing: bytes[..<0]) }
        return UnsafeRawBufferPointer(rebasing: bytes[starts[index]..<starts[index + 1]])
    }

    private func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        for place in 0..<min(left.count, right.count) where left[place] != right[place] {
            return left[place] < right[place] ? -1 : 1
        }
        return left.count - right.count
    }
}
