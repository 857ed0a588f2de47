import LMDB
package import RenCore

/// A state as a snapshot holds it.
struct Snapshot {
    var state: RunState
    /// Whose snapshot it is: the run itself, or the one whose past a fork shares.
    var owner: RunNumber
    var seals: [SnapshotRows.Place: UInt64]
    /// The groups of failures then.
    var problems: [ProblemRow]
}

extension JournalView {
    /// Snapshots that do not read are left aside; so many are tried, from the newest back.
    private static let triesMax = 8

    /// The newest snapshot at or before `version` that reads; nil without one.
    ///
    /// - Parameter plans: see `RunState.init(plans:page:)`.
    /// - Throws: `run.pruned`.
    func snapshot(of run: RunNumber, upTo version: RunVersion, plans: [Plan]) throws(RenError) -> Snapshot? {
        for owner in try owners(of: run, upTo: version) {
            var last = owner.version
            for _ in 0..<Self.triesMax {
                var reading = PageReading(run: owner.run, upTo: last, snapshot: snapshot)
                guard let root = try reading.newest(.init(.root)) else { break }
                reading.upTo = root.version
                if let state = try reading.state(root, plans), let problems = try reading.problems() {
                    return Snapshot(state: state, owner: owner.run, seals: reading.seals, problems: problems)
                }
                // All snapshots since the page that does not read are made with it.
                last = RunVersion(rawValue: min(reading.damaged ?? root.version, root.version).rawValue - 1)
            }
        }
        return nil
    }

    /// The runs whose records the versions up to `version` of `run` are, the latest first, each with its last version
    /// of them.
    private func owners(
        of run: RunNumber, upTo version: RunVersion
    ) throws(RenError) -> [(run: RunNumber, version: RunVersion)] {
        guard let row = try withHistory(run) else { return [] }
        return [(run, version)] + row.segments.reversed().map { ($0.run, min(version, $0.through)) }
    }
}

/// Reads pages of one run.
private struct PageReading {
    struct Page {
        var version: RunVersion
        var seal: UInt64
        /// Nil where they do not have their seal.
        var bytes: [UInt8]?
    }

    let run: RunNumber
    var upTo: RunVersion
    let snapshot: any StoreSnapshot
    var seals: [SnapshotRows.Place: UInt64] = [:]
    /// Version of a page that does not read.
    var damaged: RunVersion?

    /// The newest page of that place at or before `upTo`.
    mutating func newest(_ place: SnapshotRows.Place) throws(RenError) -> Page? {
        let prefix = Key.snapshot(run, place)
        var found: RunVersion?
        var content: [UInt8] = []
        var goesOn = false
        func take(_ part: UnsafeRawBufferPointer) {
            goesOn = part.first == 1
            content.append(contentsOf: part.dropFirst())
        }
        try snapshot.walk(.snapshots, from: .snapshot(run, place, upTo), .descending) { key, value throws(RenError) in
            if prefix.isPrefix(of: key) {
                found = RunVersion(rawValue: key.load(UInt64.self, at: prefix.byteCount))
                take(value)
            }
            return .stop
        }
        guard let version = found else { return nil }
        var part = 1
        while goesOn {
            goesOn = false
            _ = try snapshot.withValue(of: .snapshot(run, place, part: part, version), in: .snapshots) { take($0) }
            part += 1
        }
        let seal = content.withUnsafeBytes { $0.load(UInt64.self, at: 0) }
        let bytes = Array(content.dropFirst(8))
        let isWhole = SnapshotRows.seal(place, version, bytes) == seal
        if !isWhole { damaged = version }
        return Page(version: version, seal: seal, bytes: isWhole ? bytes : nil)
    }

    mutating func state(_ root: Page, _ plans: [Plan]) throws(RenError) -> RunState? {
        guard let bytes = root.bytes else { return nil }
        var sum: UInt64 = 0
        let isOfLayout = bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            let layout = reader.bigEndian(UInt32.self)
            sum = reader.bigEndian()
            return layout == SnapshotPage.layout
        }
        guard isOfLayout else { return nil }
        let state = try RunState(plans: plans) { page throws(RenError) in
            if page == .root { return Array(bytes.dropFirst(12)) }
            let place = SnapshotRows.Place(page)
            guard let found = try newest(place) else { return nil }
            seals[place] = found.seal
            return found.bytes
        }
        return seals.values.reduce(0, &+) == sum && state?.version == root.version ? state : nil
    }

    /// They are written with each root, so only those of the same version are its own.
    mutating func problems() throws(RenError) -> [ProblemRow]? {
        guard let page = try newest(.problems), page.version == upTo, let bytes = page.bytes else { return nil }
        return bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            let rows = (0..<min(reader.number(Int.self), ProblemRow.groupsMax + 1)).map { _ in
                ProblemRow(from: &reader)
            }
            return reader.isBroken || !reader.isAtEnd ? nil : rows
        }
    }
}

extension RunState {
    /// Where folding a run begins: the state of its newest snapshot, or an empty one; with what the next snapshot needs
    /// to know of that.
    ///
    /// - Parameter plans: see `init(plans:page:)`.
    package static func newest(
        of run: RunNumber, plans: [Plan], in journal: any JournalReading
    ) throws(RenError) -> (state: RunState, snapshots: SnapshotWriter) {
        let found = try journal.read { view throws(RenError) in
            try view.snapshot(of: run, upTo: RunVersion(rawValue: .max), plans: plans)
        }
        guard let found else {
            return (RunState(plans: plans), SnapshotWriter())
        }
        // A fork's first snapshot holds all pages: its pages never lie in two runs.
        return (found.state, found.owner == run ? SnapshotWriter(found.state, found.seals) : SnapshotWriter())
    }
}

extension JournalReading {
    /// What the snapshots of a run take, keys and values together.
    package func snapshotBytes(of run: RunNumber) throws(RenError) -> Int {
        try read { view throws(RenError) in
            var count = 0
            try view.snapshot.walk(.snapshots, prefix: Key(run)) { key, value throws(RenError) in
                count += key.count + value.count
                return .continue
            }
            return count
        }
    }
}
