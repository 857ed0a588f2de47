import LMDB
import RenCore
@testable import RenJournal

/// All rows of some tables, to compare byte by byte.
struct Tables: Equatable {
    struct Row: Equatable {
        let table: StoreTable
        let key: [UInt8]
        let value: [UInt8]
    }

    private(set) var rows: [Row] = []

    init(_ tables: [StoreTable], of journal: any JournalReading) throws(RenError) {
        rows = try journal.read { view throws(RenError) in try Self.read(tables, view.snapshot) }
    }

    static func derived(of journal: any JournalReading) throws(RenError) -> Tables {
        try Tables(StoreTable.derived, of: journal)
    }

    private static func read(_ tables: [StoreTable], _ snapshot: any StoreSnapshot) throws(RenError) -> [Row] {
        var rows: [Row] = []
        for table in tables {
            try snapshot.walk(table, from: nil, .ascending) { key, value throws(RenError) in
                rows.append(Row(table: table, key: Array(key), value: Array(value)))
                return .continue
            }
        }
        return rows
    }

    func filtered(_ isWanted: (Row) -> Bool) -> Tables {
        var tables = self
        tables.rows = rows.filter(isWanted)
        return tables
    }

    /// SHA-256 over all rows.
    var digest: Digest {
        var bytes: [UInt8] = []
        for row in rows {
            bytes.append(UInt8(row.table.rawValue))
            bytes.append(varint: UInt64(row.key.count))
            bytes += row.key
            bytes.append(varint: UInt64(row.value.count))
            bytes += row.value
        }
        return Digest(hashing: bytes)
    }

    /// The first row that differs, in words; nil when all are equal.
    func difference(from other: Tables) -> String? {
        guard self != other else { return nil }
        for (mine, theirs) in zip(rows, other.rows) where mine != theirs {
            return "\(mine.table) \(mine.key): \(mine.value) instead of \(theirs.table) \(theirs.key): \(theirs.value)"
        }
        return "\(rows.count) rows instead of \(other.rows.count)"
    }
}

/// A memory journal whose rows can be changed behind its back.
struct OpenedMemory {
    let store: MemoryStore
    let journal: StoreJournal

    init() throws(RenError) {
        let store = MemoryStore()
        try Rebuild.writeFormat(in: store)
        try self.init(store)
    }

    init(_ store: MemoryStore) throws(RenError) {
        self.store = store
        journal = try StoreJournal(store)
    }

    func change(_ body: (any StoreTransaction) throws(RenError) -> Void) throws(RenError) {
        let transaction = try store.beginWrite()
        try body(transaction)
        try transaction.commit()
    }

    func put(_ value: [UInt8], for key: [UInt8], in table: StoreTable) throws(RenError) {
        try change { transaction throws(RenError) in
            try transaction.put(value, for: Key(bytes: key), in: table)
        }
    }

    func delete(_ key: [UInt8], in table: StoreTable) throws(RenError) {
        try change { transaction throws(RenError) in try transaction.delete(prefix: Key(bytes: key), in: table) }
    }
}

extension Key {
    init(bytes: [UInt8]) {
        self.init()
        for byte in bytes { append(byte) }
    }
}
