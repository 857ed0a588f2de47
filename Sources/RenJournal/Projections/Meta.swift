import LMDB
import RenCore

/// The rows of the table `meta`.
enum Meta {
    /// Name → 4 bytes: the format of tables and records. A journal has the lowest one that holds its events, so that an
    /// older ren reads all it can, and refuses the rest before it touches anything.
    ///
    /// 1: as first released. 2: reopened runs, forks, pruned records (`EventType.format`).
    static let format = Key(utf8: "format")
    /// Name → 4 bytes: the number of the projections' layout.
    static let projections = Key(utf8: "projections")
    /// Name → `JournalState`.
    static let state = Key(utf8: "state")
    /// Name ‖ sequence of a `journal.pruned` → what is left to delete of what it announced: `Pruner.Pending`.
    static let pruning = Key(utf8: "pruning")

    static let firstFormat: UInt32 = 1
    /// The newest that this ren knows.
    static let currentFormat: UInt32 = 2
    /// Raise it when a row or its meaning changes: every journal then rebuilds its projections at start.
    static let projectionFormat: UInt32 = 4

    /// Marks the journal as one of at least `format`, before a record is in it that needs that.
    static func raiseFormat(to format: UInt32, in transaction: any StoreTransaction) throws(RenError) {
        guard try number(Meta.format, in: transaction) ?? 0 < format else { return }
        try transaction.put(bytes(format), for: Meta.format, in: .meta)
    }

    static func bytes(_ number: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: number)
        return bytes
    }

    static func number(_ key: Key, in snapshot: any StoreSnapshot) throws(RenError) -> UInt32? {
        try snapshot.value(of: key, in: .meta) { bytes throws(RenError) in
            var reader = ByteReader(bytes)
            return reader.bigEndian(UInt32.self)
        }
    }
}

/// Where the journal stands; written with every commit.
struct JournalState: Row, Equatable {
    /// The last event.
    var head = JournalSequence(0)
    /// G of the last event.
    var hash = Digest.zero
    /// The last event folded into the projections: the head, but while they are rebuilt.
    var applied = JournalSequence(0)
    /// Greater than every run's number.
    var nextRun = RunNumber(1)
    /// Time of the last event.
    var time = Timestamp(nanoseconds: 0)
    /// The last `journal.opened`.
    var opened = JournalSequence(0)

    init() {}

    func write(to bytes: inout [UInt8]) {
        bytes.append(varint: head.rawValue)
        bytes.append(hash)
        bytes.append(varint: applied.rawValue)
        bytes.append(varint: nextRun.rawValue)
        bytes.append(time: time)
        bytes.append(varint: opened.rawValue)
    }

    init(from reader: inout ByteReader) {
        head = JournalSequence(rawValue: reader.varint())
        hash = reader.digest()
        applied = JournalSequence(rawValue: reader.varint())
        nextRun = RunNumber(rawValue: reader.varint())
        time = reader.time()
        opened = JournalSequence(rawValue: reader.varint())
    }

    /// The stored state; a fresh one where nothing was written yet.
    static func load(from snapshot: any StoreSnapshot) throws(RenError) -> JournalState {
        try snapshot.value(of: Meta.state, in: .meta) { bytes throws(RenError) in try JournalState(bytes) }
            ?? JournalState()
    }

    func store(in transaction: any StoreTransaction) throws(RenError) {
        var bytes: [UInt8] = []
        write(to: &bytes)
        try transaction.put(bytes, for: Meta.state, in: .meta)
    }
}
