import LMDB
package import RenCore

/// A snapshot on its way into the table `snapshots`: the pages of a run's state that changed since the one before.
///
/// A page at a version is, in parts of at most `partBytes`, each behind a byte 1 where another part follows, else 0:
///
///     seal            8 bytes: the first of SHA-256(place ‖ version ‖ bytes)
///     bytes           `SnapshotPage`, or the groups of failures
///
/// The root's bytes begin with `SnapshotPage.layout` (4 bytes) and the hash of the state (8 bytes): the sum of the
/// seals of all pages that it is made of, so that a page that is lost, and with it an older one in its place, shows.
package struct SnapshotRows: Sendable {
    /// A stored value is at most 1,800 bytes, as all rows are.
    static let partBytes = 1_799

    /// Where a page stands in the table: 1 byte kind ‖ 2 bytes node ‖ 4 bytes number.
    struct Place: Hashable {
        let kind: UInt8
        let node: NodeNumber
        let number: UInt32

        /// The groups of failures (`ProblemRow`): written with every root, by the writer, who has them.
        static let problems = Place(kind: 4, node: NodeNumber(0), number: 0)

        private init(kind: UInt8, node: NodeNumber, number: UInt32) {
            self.kind = kind
            self.node = node
            self.number = number
        }

        init(_ place: SnapshotPage.Place) {
            switch place {
            case .root: self.init(kind: 0, node: NodeNumber(0), number: 0)
            case .nodes(let number): self.init(kind: 1, node: NodeNumber(0), number: UInt32(number))
            case .items(let node, let number): self.init(kind: 2, node: node, number: UInt32(number))
            case .open(let node, let number): self.init(kind: 3, node: node, number: UInt32(number))
            }
        }
    }

    let version: RunVersion
    private(set) var pages: [(place: Place, seal: UInt64, bytes: [UInt8])] = []

    init(_ version: RunVersion) { self.version = version }

    /// What they add to a commit.
    var byteCount: Int { pages.reduce(0) { $0 + $1.bytes.count + 60 } }

    mutating func add(_ place: Place, _ bytes: [UInt8]) -> UInt64 {
        let seal = Self.seal(place, version, bytes)
        pages.append((place, seal, bytes))
        return seal
    }

    static func seal(_ place: Place, _ version: RunVersion, _ bytes: [UInt8]) -> UInt64 {
        var head: [UInt8] = [place.kind]
        head.append(bigEndian: place.node.rawValue)
        head.append(bigEndian: place.number)
        head.append(bigEndian: version.rawValue)
        let digest = head.withUnsafeBytes { head in bytes.withUnsafeBytes { Digest.of(head, $0) } }
        return digest.withBytes { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
    }

    /// - Parameter problems: of the run at that version.
    func put(
        of run: RunNumber, problems: [ProblemRow], in transaction: any StoreTransaction
    ) throws(RenError) {
        var rows = self
        var bytes: [UInt8] = []
        bytes.append(varint: UInt64(problems.count))
        for problem in problems { problem.write(to: &bytes) }
        _ = rows.add(.problems, bytes)
        for page in rows.pages {
            var content: [UInt8] = []
            content.append(bigEndian: page.seal)
            content += page.bytes
            var start = 0
            for part in 0... where start < content.count {
                let end = min(start + Self.partBytes, content.count)
                let value = [end < content.count ? 1 : 0] + content[start..<end]
                try transaction.put(value, for: .snapshot(run, page.place, part: part, version), in: .snapshots)
                start = end
                if start == content.count { break }
            }
        }
    }
}

/// Makes the snapshots of a run that an engine carries: what it must know of the last one.
package struct SnapshotWriter: Sendable {
    /// Events from one snapshot to the next.
    package static let interval: UInt64 = 2_000

    /// The state of the last snapshot. It shares its memory with the working state until that changes.
    private(set) var base: RunState?
    /// The seals of its pages.
    private var seals: [SnapshotRows.Place: UInt64] = [:]

    /// For a run without a snapshot.
    package init() {}

    init(_ base: RunState, _ seals: [SnapshotRows.Place: UInt64]) {
        self.base = base
        self.seals = seals
    }

    /// The snapshot that is due at `state`, or nil. It counts as written; if it was not, say `forget`.
    ///
    /// - Complexity: O(*n*) in the nodes, the pages of items and what changed.
    package mutating func next(_ state: RunState) -> SnapshotRows? {
        guard state.version.rawValue >= (base?.version.rawValue ?? 0) + Self.interval else { return nil }
        var rows = SnapshotRows(state.version)
        let pages = state.snapshotPages(since: base)
        for page in pages where page.place != .root {
            let place = SnapshotRows.Place(page.place)
            seals[place] = rows.add(place, page.bytes)
        }
        let known = seals
        seals = [:]
        for place in state.snapshotPlaces.lazy.filter({ $0 != .root }).map({ SnapshotRows.Place($0) }) {
            seals[place] = known[place] ?? 0
        }
        for page in pages where page.place == .root {
            var bytes: [UInt8] = []
            bytes.append(bigEndian: SnapshotPage.layout)
            bytes.append(bigEndian: seals.values.reduce(0, &+))
            _ = rows.add(SnapshotRows.Place(.root), bytes + page.bytes)
        }
        base = state
        return rows
    }

    /// The last snapshot was not written, so the next one holds all pages.
    package mutating func forget() {
        self = SnapshotWriter()
    }
}
