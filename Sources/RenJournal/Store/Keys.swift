import LMDB
import RenCore

// The keys of the tables, all big-endian.

extension Key {
    init(_ sequence: JournalSequence) { self.init(sequence.rawValue) }
    init(_ run: RunNumber) { self.init(run.rawValue) }

    static func history(_ run: RunNumber, _ version: RunVersion) -> Key { Key(run).appending(version.rawValue) }

    static func chunk(_ sequence: JournalSequence, _ number: Int) -> Key {
        Key(sequence).appending(UInt32(truncatingIfNeeded: number))
    }

    static func node(_ run: RunNumber, _ node: NodeNumber) -> Key { Key(run).appending(node.rawValue) }

    static func item(_ run: RunNumber, _ node: NodeNumber, _ item: ItemIndex) -> Key {
        Key(run).appending(node.rawValue).appending(item.rawValue)
    }

    static func itemKey(_ run: RunNumber, _ node: NodeNumber, _ hash: UInt64) -> Key {
        Key(run).appending(node.rawValue).appending(hash)
    }

    /// All versions of a part of a page of a run's state.
    static func snapshot(_ run: RunNumber, _ page: SnapshotRows.Place, part: Int = 0) -> Key {
        Key(run).appending(page.kind).appending(page.node.rawValue).appending(page.number)
            .appending(UInt16(truncatingIfNeeded: part))
    }

    static func snapshot(
        _ run: RunNumber, _ page: SnapshotRows.Place, part: Int = 0, _ version: RunVersion
    ) -> Key {
        snapshot(run, page, part: part).appending(version.rawValue)
    }

    static func problem(_ run: RunNumber, _ fingerprint: UInt64) -> Key { Key(run).appending(fingerprint) }

    static func status(_ status: RunStatus) -> Key { Key(status.rawValue) }

    static func status(_ status: RunStatus, _ created: Timestamp, _ run: RunNumber) -> Key {
        // Times before 1970 have no place in a journal; the pattern only has to be the same each time.
        Key(status.rawValue).appending(UInt64(bitPattern: created.nanoseconds)).appending(run.rawValue)
    }

    static func flow(_ hash: Digest) -> Key { Key(UInt8(1)).appending(hash) }

    /// All versions of a flow. Names are at most 200 bytes, checked at the door.
    static func flowName(_ name: String) -> Key {
        Key(UInt8(2)).appending(utf8: name.cut(toUTF8: 200)).appending(UInt8(0))
    }

    /// All names of flows.
    static let flowNames = Key(UInt8(2))

    /// With its length in front, no key begins with another one.
    static func request(_ key: String) -> Key { Key(UInt8(1)).appending(UInt8(key.utf8.count)).appending(utf8: key) }

    /// The keys of requests without a run by the time of their first events.
    static let requestTimes = Key(UInt8(2))

    static func request(_ key: String, at time: Timestamp) -> Key {
        requestTimes.appending(UInt64(bitPattern: time.nanoseconds)).appending(UInt8(key.utf8.count))
            .appending(utf8: key)
    }

    /// All forks that share events of a run, or were made from it.
    static func forks(of run: RunNumber) -> Key { Key(UInt8(1)).appending(run.rawValue) }

    static func fork(_ fork: RunNumber, of run: RunNumber) -> Key { forks(of: run).appending(fork.rawValue) }

    /// All forks whose rows are not complete.
    static let preparing = Key(UInt8(2))

    static func preparing(_ fork: RunNumber) -> Key { preparing.appending(fork.rawValue) }

    static func function(_ set: Digest) -> Key { Key().appending(set) }

    consuming func appending(_ digest: Digest) -> Key {
        digest.withBytes { append(RawSpan(_unsafeBytes: $0)) }
        return self
    }
}

extension UnsafeRawBufferPointer {
    /// A big-endian number inside a key or a value; 0 where the bytes end before: damage shows as a wrong number.
    func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T {
        guard offset + T.bitWidth / 8 <= count else { return 0 }
        return T(bigEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}
