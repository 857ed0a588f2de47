import LMDB
package import RenCore

/// The registered versions of one flow.
package struct FlowVersions: Sendable, Hashable {
    package struct Version: Sendable, Hashable {
        package let hash: Digest
        /// Of its `flow.registered`.
        package let sequence: JournalSequence
        package let registered: Timestamp
    }

    package let name: String
    /// The last registered first.
    package internal(set) var versions: [Version]
}

extension JournalReading {
    /// The flows in the order of their names, at most `limit`.
    ///
    /// - Parameter name: the last one of the page before; nil for the first page.
    package func flows(after name: String? = nil, limit: Int = 1_000) throws(RenError) -> [FlowVersions] {
        try flows(from: name.map { Key.flowName($0).appending(UInt64.max) } ?? Key(UInt8(2)), limit: limit)
    }

    /// All versions of one flow; nil for one that was never registered.
    package func flow(named name: String) throws(RenError) -> FlowVersions? {
        try flows(from: .flowName(name), limit: 1).first { $0.name == name }
    }

    private func flows(from first: Key, limit: Int) throws(RenError) -> [FlowVersions] {
        var found: [FlowVersions] = []
        var start = first
        var isLast = limit <= 0
        // One name more than wanted tells that the last wanted one is complete.
        while !isLast, found.count <= limit {
            var count = 0
            try read { view throws(RenError) in
                try view.snapshot.walk(.flows, prefix: Key(UInt8(2)), from: start) { key, value throws(RenError) in
                    let name = String(
                        decoding: UnsafeRawBufferPointer(rebasing: key[1..<max(1, key.count - 9)]), as: UTF8.self)
                    let sequence = JournalSequence(rawValue: key.load(UInt64.self, at: key.count - 8))
                    var reader = ByteReader(value)
                    let time = try view.withRecord(at: sequence) { $0.time } ?? Timestamp(nanoseconds: 0)
                    let version = FlowVersions.Version(hash: reader.digest(), sequence: sequence, registered: time)
                    if found.last?.name != name { found.append(FlowVersions(name: name, versions: [])) }
                    found[found.count - 1].versions.insert(version, at: 0)
                    start = Key.flowName(name).appending(sequence.rawValue + 1)
                    count += 1
                    return count < Paging.rows && found.count <= limit ? .continue : .stop
                }
            }
            isLast = count < Paging.rows && found.count <= limit
        }
        return Array(found.prefix(limit))
    }
}
