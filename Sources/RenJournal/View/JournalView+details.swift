import LMDB
package import RenCore

/// A registered flow.
package struct RecordedFlow: Sendable {
    package let hash: Digest
    package let name: String
    package let sequence: JournalSequence
    /// Its compact JSON.
    package let bytes: [UInt8]
}

/// The newest content of one file of a function set.
package struct RecordedFile: Sendable {
    package let file: FunctionFile
    /// SHA-256 of the file's bytes.
    package let hash: Digest
    /// Of its `functions.recorded`, whose payload holds the bytes: `JournalView.payload(at:)`.
    package let sequence: JournalSequence
}

extension JournalView {
    // MARK: Nodes, items, problems

    package func node(_ run: RunNumber, _ node: NodeNumber) throws(RenError) -> NodeRow? {
        try snapshot.value(of: .node(run, node), in: .nodes) { bytes throws(RenError) in try NodeRow(bytes) }
    }

    /// The nodes that have an event, in flow order.
    package func nodes(of run: RunNumber) throws(RenError) -> [(number: NodeNumber, row: NodeRow)] {
        var found: [(number: NodeNumber, row: NodeRow)] = []
        try snapshot.walk(.nodes, prefix: Key(run)) { key, value throws(RenError) in
            found.append((NodeNumber(rawValue: key.load(UInt16.self, at: 8)), try NodeRow(value)))
            return .continue
        }
        return found
    }

    /// Nil for an item that has no row (see `ItemRow`), or one of an earlier opening of the map alone.
    package func item(_ run: RunNumber, _ node: NodeNumber, _ item: ItemIndex) throws(RenError) -> ItemRow? {
        guard let map = try self.node(run, node)?.map else { return nil }
        let row = try snapshot.value(of: .item(run, node, item), in: .items) { bytes throws(RenError) in
            try ItemRow(bytes)
        }
        return row.flatMap { $0.last > map.opened ? $0 : nil }
    }

    /// Items of a node that have a row (see `ItemRow`), by index from `first` on, at most `limit`.
    ///
    /// - Parameter state: only those in it.
    package func items(
        of run: RunNumber, _ node: NodeNumber, from first: ItemIndex = ItemIndex(0), limit: Int = 1_000,
        in state: WorkState? = nil
    ) throws(RenError) -> [(index: ItemIndex, row: ItemRow)] {
        var found: [(index: ItemIndex, row: ItemRow)] = []
        guard limit > 0, let map = try self.node(run, node)?.map else { return found }
        try snapshot.walk(.items, prefix: .node(run, node), from: .item(run, node, first)) {
            key, value throws(RenError) in
            if state == nil || ItemRow.state(of: value) == state, try ItemRow.brief(of: value).last > map.opened {
                found.append((ItemIndex(rawValue: key.load(UInt32.self, at: 10)), try ItemRow(value)))
            }
            return found.count < limit ? .continue : .stop
        }
        return found
    }

    /// The groups of failures of a run, the largest first.
    package func problems(of run: RunNumber) throws(RenError) -> [ProblemRow] {
        var found: [ProblemRow] = []
        try snapshot.walk(.problems, prefix: Key(run)) { _, value throws(RenError) in
            let row = try ProblemRow(value)
            if !row.isEmpty { found.append(row) }
            return .continue
        }
        return found.sorted(by: ProblemRow.isLarger)
    }

    // MARK: Flows and functions

    package func flow(_ hash: Digest) throws(RenError) -> RecordedFlow? {
        let found = try snapshot.value(of: .flow(hash), in: .flows) { bytes -> (JournalSequence, String) in
            var reader = ByteReader(bytes)
            return (JournalSequence(rawValue: reader.bigEndian()), reader.text())
        }
        guard let (sequence, name) = found else { return nil }
        return RecordedFlow(hash: hash, name: name, sequence: sequence, bytes: try payload(at: sequence))
    }

    /// The versions of a flow, the last registered first.
    package func flows(named name: String) throws(RenError) -> [Digest] {
        var found: [Digest] = []
        try snapshot.walk(.flows, prefix: .flowName(name)) { _, value throws(RenError) in
            var reader = ByteReader(value)
            let hash = reader.digest()
            if !found.contains(hash) { found.append(hash) }
            return .continue
        }
        return found.reversed()
    }

    /// The newest content of each file of a set, in its order; empty for a set that was never recorded.
    package func functions(of set: Digest) throws(RenError) -> [RecordedFile] {
        var sequences: [JournalSequence] = []
        try snapshot.walk(.functions, prefix: .function(set)) { _, value throws(RenError) in
            sequences.append(JournalSequence(rawValue: value.load(UInt64.self, at: 0)))
            return .continue
        }
        var files: [RecordedFile] = []
        for sequence in sequences {
            guard let event = try record(at: sequence)?.event, case .functionsRecorded(let file) = event.fact,
                let payload = event.payload
            else { throw .damaged(sequence, "the index of functions leads to it, and it is none") }
            files.append(RecordedFile(file: file, hash: payload.hash, sequence: sequence))
        }
        return files
    }
}
