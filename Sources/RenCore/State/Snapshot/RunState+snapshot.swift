// The pages of a state. What follows from the rest is not in them: which nodes are open, what runs, which items of a
// map are to begin again.

extension RunState {
    /// The pages that are not as in `base`, or cannot be seen to be; the root is always among them.
    ///
    /// - Complexity: O(*n*) in the nodes, the pages of items, and what changed.
    package func snapshotPages(since base: RunState? = nil) -> [SnapshotPage] {
        let base = base.flatMap { $0.plan == plan ? $0 : nil }
        var pages: [SnapshotPage] = [page(.root) { writeRoot(to: &$0) }]
        for number in 0..<nodePageCount {
            let range = nodeRange(number)
            if let base, base.nodes[range] == nodes[range] { continue }
            pages.append(
                page(.nodes(number)) { bytes in
                    for node in nodes[range] {
                        bytes.append(part: node)
                        bytes.append(optional: node.map.map(MapOutline.init))
                    }
                })
            for index in range {
                guard let map = nodes[index].map else { continue }
                pages += map.snapshotPages(of: NodeNumber(index), since: base?.nodes[index].map)
            }
        }
        return pages
    }

    /// The places of all pages that the state is made of.
    package var snapshotPlaces: [SnapshotPage.Place] {
        var places: [SnapshotPage.Place] = [.root]
        places += (0..<nodePageCount).map { .nodes($0) }
        for (index, node) in nodes.enumerated() {
            guard let map = node.map else { continue }
            places += map.pages.indices.map { .items(NodeNumber(index), $0) }
            places += Set(map.open.keys.map(\.openPage)).sorted().map { .open(NodeNumber(index), $0) }
        }
        return places
    }

    private var nodePageCount: Int {
        (nodes.count + SnapshotPage.nodesPerPage - 1) / SnapshotPage.nodesPerPage
    }

    private func nodeRange(_ number: Int) -> Range<Int> {
        number * SnapshotPage.nodesPerPage..<min((number + 1) * SnapshotPage.nodesPerPage, nodes.count)
    }

    private func writeRoot(to bytes: inout [UInt8]) {
        bytes.append(count: laterPlans.startIndex)
        bytes.append(count: nodes.count)
        bytes.append(optional: creation)
        bytes.append(optional: input)
        bytes.append(varint: version.rawValue)
        bytes.append(varint: control.rawValue)
        bytes.append(time: created)
        bytes.append(time: time)
        bytes.append(part: phase)
        bytes.append(flag: isHeldForDisk)
        bytes.append(count: signals.count)
        for signal in signals {
            bytes.append(text: signal.name)
            bytes.append(part: signal.payload)
        }
        bytes.append(optional: failure)
        bytes.append(optional: output)
        bytes.append(optional: ending)
        bytes.append(time: begun)
        bytes.append(count: mayRunAgain.count)
        for node in mayRunAgain.sorted() { bytes.append(varint: UInt64(node.rawValue)) }
        bytes.append(flag: codeChangedRunsAgain)
        bytes.append(optional: pausedSince)
        bytes.append(duration: pausedBefore)
    }

    // MARK: Reading

    /// The state that the pages hold; nil when one of them is missing or is no page of this layout.
    ///
    /// - Parameters:
    ///   - plans: of the flow that the run was created with, and of those that its forks changed to.
    ///   - page: gives the bytes at a place.
    package init?(
        plans: [Plan], page: (SnapshotPage.Place) throws(RenError) -> [UInt8]?
    ) throws(RenError) {
        guard let root = try page(.root) else { return nil }
        let outline = Self.read(root) { reader in Root(from: &reader, plans) }
        guard let outline, let state = outline.state else { return nil }
        self = state
        for number in 0..<nodePageCount {
            guard let bytes = try page(.nodes(number)) else { return nil }
            let range = nodeRange(number)
            let read = Self.read(bytes) { reader in
                range.map { _ in (reader.part(NodeState.self), reader.optionalPart(MapOutline.self)) }
            }
            guard let read else { return nil }
            for (index, (node, map)) in zip(range, read) {
                nodes[index] = node
                guard let map else { continue }
                nodes[index].map = try MapState(map, of: NodeNumber(index), page)
                if nodes[index].map == nil { return nil }
            }
        }
        rederive()
        // The first one is not always to be seen in the nodes.
        failure = state.failure
    }

    /// The root with what it says about the run as a whole.
    private struct Root {
        var state: RunState?

        init(from reader: inout ByteReader, _ plans: [Plan]) {
            let followed: Int = reader.number()
            let nodeCount: Int = reader.number()
            guard followed < plans.count, plans[followed].flow.nodes.count == nodeCount else { return }
            var state = RunState(plan: plans[followed])
            state.laterPlans = plans[1...].rebased.dropFirst(followed)
            state.creation = reader.optionalPart()
            state.input = reader.optionalPart()
            state.version = reader.version()
            state.control = reader.version()
            state.created = reader.time()
            state.time = reader.time()
            state.phase = reader.part()
            state.isHeldForDisk = reader.flag()
            for _ in 0..<reader.count() {
                state.signals.append(KeptSignal(name: reader.text(), payload: reader.part()))
            }
            state.failure = reader.optionalPart()
            state.output = reader.optionalPart()
            state.ending = reader.optionalPart()
            state.begun = reader.time()
            for _ in 0..<reader.count() { state.mayRunAgain.insert(NodeNumber(rawValue: reader.number())) }
            state.codeChangedRunsAgain = reader.flag()
            state.pausedSince = reader.optional { $0.time() }
            state.pausedBefore = reader.duration()
            self.state = state
        }
    }

    fileprivate static func read<T>(_ bytes: [UInt8], _ body: (inout ByteReader) -> T) -> T? {
        bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            let value = body(&reader)
            return reader.isBroken || !reader.isAtEnd ? nil : value
        }
    }
}

private func page(_ place: SnapshotPage.Place, _ write: (inout [UInt8]) -> Void) -> SnapshotPage {
    var bytes: [UInt8] = []
    write(&bytes)
    return SnapshotPage(place: place, bytes: bytes)
}

extension ArraySlice {
    /// The same elements with indexes from 0.
    fileprivate var rebased: ArraySlice { Array(self)[...] }
}

extension ItemIndex {
    fileprivate var openPage: Int { index / SnapshotPage.openPerPage }
}

// MARK: Maps

extension MapState {
    fileprivate func snapshotPages(of node: NodeNumber, since base: MapState?) -> [SnapshotPage] {
        // One that was opened anew has nothing of the one before.
        let base = base.flatMap { $0.version == version ? $0 : nil }
        var changed: [SnapshotPage] = []
        for (number, items) in pages.enumerated() {
            // Pages that nobody wrote to are the same memory, which is seen at once.
            if let base, number < base.pages.count, base.pages[number] == items { continue }
            changed.append(page(.items(node, number)) { $0.append(part: items) })
        }
        var touched: Set<Int> = []
        for (item, work) in open where base?.open[item] != work { touched.insert(item.openPage) }
        for item in base?.open.keys ?? [:].keys where open[item] == nil { touched.insert(item.openPage) }
        for number in touched.sorted() {
            let items = (0..<SnapshotPage.openPerPage).map { ItemIndex(number * SnapshotPage.openPerPage + $0) }
            let still = items.compactMap { item in open[item].map { (item, $0) } }
            guard !still.isEmpty else { continue }
            changed.append(
                page(.open(node, number)) { bytes in
                    for (item, work) in still {
                        bytes.append(UInt8(item.index % SnapshotPage.openPerPage))
                        bytes.append(part: work)
                    }
                })
        }
        return changed
    }

    /// Nil when the pages are not those of this map.
    fileprivate init?(
        _ outline: MapOutline, of node: NodeNumber, _ page: (SnapshotPage.Place) throws(RenError) -> [UInt8]?
    ) throws(RenError) {
        var pages: [Page] = []
        var openItems: [ItemIndex] = []
        for number in 0..<outline.pageCount {
            guard let bytes = try page(.items(node, number)),
                let items = RunState.read(bytes, { $0.part(Page.self) })
            else { return nil }
            openItems += items.openPlaces.map { ItemIndex(number * Self.pageItems + $0) }
            pages.append(items)
        }
        var open: [ItemIndex: Work] = [:]
        open.reserveCapacity(openItems.count)
        for number in Set(openItems.map(\.openPage)).sorted() {
            guard let bytes = try page(.open(node, number)) else { return nil }
            let read = RunState.read(bytes) { reader in
                var items: [(ItemIndex, Work)] = []
                while !reader.isAtEnd {
                    items.append((ItemIndex(number * SnapshotPage.openPerPage + Int(reader.byte())), reader.part()))
                }
                return items
            }
            guard let read else { return nil }
            for (item, work) in read { open[item] = work }
        }
        guard open.count == openItems.count, openItems.allSatisfy({ open[$0] != nil }) else { return nil }
        self.init(
            outline.opening, version: outline.version, next: outline.next, counts: outline.counts,
            chosen: outline.chosen, isClosed: outline.isClosed, isKept: outline.isKept, pages: pages, open: open)
    }
}

extension RunState.Phase: SnapshotPart {
    func write(to bytes: inout [UInt8]) {
        switch self {
        case .running: bytes.append(0)
        case .pausing: bytes.append(1)
        case .paused: bytes.append(2)
        case .stopping(let mode, let deadline):
            bytes.append(3)
            bytes.append(name: mode)
            bytes.append(optional: deadline)
        case .ending(let ending):
            bytes.append(4)
            bytes.append(part: ending)
        case .ended(let status):
            bytes.append(5)
            bytes.append(name: status)
        case .quarantined: bytes.append(6)
        }
    }

    init(from reader: inout ByteReader) {
        switch reader.byte() {
        case 0: self = .running
        case 1: self = .pausing
        case 2: self = .paused
        case 3: self = .stopping(reader.name(.cancel), deadline: reader.optional { $0.time() })
        case 4: self = .ending(reader.part())
        case 5: self = .ended(reader.name(.failed))
        case 6: self = .quarantined
        default:
            reader.breakOff()
            self = .quarantined
        }
    }
}

extension RunState.Ending: SnapshotPart {
    func write(to bytes: inout [UInt8]) {
        bytes.append(name: outcome)
        bytes.append(optional: failure)
        bytes.append(optional: value)
        bytes.append(time: deadline)
    }

    init(from reader: inout ByteReader) {
        self.init(
            outcome: reader.name(.failed), failure: reader.optionalPart(), value: reader.optionalPart(),
            deadline: reader.time())
    }
}
