import LMDB
import Testing

@Suite("Cursors and walks")
struct CursorTests {
    private let scratch = Scratch()
    private let env: Environment

    init() throws {
        env = try Environment(at: scratch.path, options: .testing(tables: ["1", "empty"]))
        try env.fill([10: "a", 20: "b", 30: "c"])
    }

    @Test("Moves and where they end")
    func moves() throws {
        try env.read { txn throws(LMDBError) in
            try txn.withCursor(in: env.one) { cursor throws(LMDBError) in
                var places: [UInt64?] = []
                try places.append(cursor.next() ? number(cursor) : nil)
                try places.append(cursor.next() ? number(cursor) : nil)
                try places.append(cursor.last() ? number(cursor) : nil)
                try places.append(cursor.next() ? number(cursor) : nil)
                try places.append(cursor.previous() ? number(cursor) : nil)
                try places.append(cursor.first() ? number(cursor) : nil)
                try places.append(cursor.previous() ? number(cursor) : nil)
                #expect(places == [10, 20, 30, nil, 30, 10, nil])
            }
        }
    }

    @Test(
        "Seeks",
        arguments: [
            (0, 10, nil), (10, 10, 10), (11, 20, 10), (20, 20, 20), (29, 30, 20), (30, 30, 30), (31, nil, 30),
        ] as [(UInt64, UInt64?, UInt64?)])
    func seeks(_ target: UInt64, _ after: UInt64?, _ before: UInt64?) throws {
        try env.read { txn throws(LMDBError) in
            try txn.withCursor(in: env.one) { cursor throws(LMDBError) in
                let found = try cursor.seek(atOrAfter: Key(target)) ? number(cursor) : nil
                #expect(found == after)
                let foundBefore = try cursor.seek(atOrBefore: Key(target)) ? number(cursor) : nil
                #expect(foundBefore == before)
            }
        }
    }

    @Test("An empty table has no place to be")
    func emptyTable() throws {
        try env.read { txn throws(LMDBError) in
            try txn.withCursor(in: env.table("empty")) { cursor throws(LMDBError) in
                let moves = try [cursor.first(), cursor.last(), cursor.next(), cursor.previous()]
                let seeks = try [cursor.seek(atOrAfter: Key(UInt8(0))), cursor.seek(atOrBefore: Key(UInt8(0)))]
                #expect(!(moves + seeks).contains(true))
            }
        }
    }

    @Test(
        "Walks",
        arguments: [
            (nil, nil, WalkOrder.ascending, [10, 20, 30]), (nil, nil, .descending, [30, 20, 10]),
            (Key(UInt64(20)), nil, .ascending, [20, 30]), (Key(UInt64(20)), nil, .descending, [20, 10]),
            (Key(UInt64(15)), nil, .ascending, [20, 30]), (Key(UInt64(15)), nil, .descending, [10]),
            (Key(UInt64(31)), nil, .ascending, []), (Key(UInt64(9)), nil, .descending, []),
        ] as [(Key?, Key?, WalkOrder, [UInt64])])
    func walks(_ start: Key?, _ prefix: Key?, _ order: WalkOrder, _ expected: [UInt64]) throws {
        #expect(try walk(from: start, prefix: prefix, order) == expected)
    }

    @Test(
        "Walks inside a prefix",
        arguments: [
            (nil, 2, WalkOrder.ascending, ["2.0", "2.1", "2.2"]), (nil, 2, .descending, ["2.2", "2.1", "2.0"]),
            (1, 2, .ascending, ["2.1", "2.2"]), (1, 2, .descending, ["2.1", "2.0"]),
            (nil, 255, .ascending, ["255.0", "255.1", "255.2"]), (nil, 255, .descending, ["255.2", "255.1", "255.0"]),
            (nil, 3, .ascending, []), (nil, 3, .descending, []), (nil, 0, .descending, []),
        ] as [(UInt8?, UInt8, WalkOrder, [String])])
    func prefixWalks(_ start: UInt8?, _ prefix: UInt8, _ order: WalkOrder, _ expected: [String]) throws {
        let table = env.table("empty")
        try env.write { txn throws(LMDBError) in
            for first in [1, 2, 4, 255] as [UInt8] {
                for second in 0..<UInt8(3) { try txn.put([], for: Key(first).appending(second), in: table) }
            }
        }
        let found = try env.read { txn throws(LMDBError) in
            var found: [String] = []
            let start = start.map { Key(prefix).appending($0) }
            try txn.forEach(in: table, from: start, prefix: Key(prefix), order: order) { key, _ in
                found.append("\(key.uint8(at: 0)).\(key.uint8(at: 1))")
                return .continue
            }
            return found
        }
        #expect(found == expected)
    }

    @Test("A walk stops when told, and ends with the error of its closure")
    func walkEnds() throws {
        var seen = 0
        try env.read { txn throws(LMDBError) in
            try txn.forEach(in: env.one) { _, _ in
                seen += 1
                return seen == 2 ? .stop : .continue
            }
        }
        #expect(seen == 2)
        let thrown = kind { () throws(LMDBError) in
            try env.read { txn throws(LMDBError) in
                try txn.forEach(in: env.one) { _, _ throws(LMDBError) in throw LMDBError(.other(7), operation: .get) }
            }
        }
        #expect(thrown == .other(7))
    }

    @Test("Many pages in both directions, appended in order")
    func manyPages() throws {
        let table = env.table("empty")
        try env.write { txn throws(LMDBError) in
            for key in 0..<UInt64(20_000) { try txn.put([1, 2, 3], for: Key(key), in: table, .append) }
        }
        try env.read { txn throws(LMDBError) in
            var expected: UInt64 = 0
            try txn.forEach(in: table) { key, value in
                defer { expected += 1 }
                return key.uint64(at: 0) == expected && value.byteCount == 3 ? .continue : .stop
            }
            #expect(expected == 20_000)
            try txn.forEach(in: table, order: .descending) { key, _ in
                expected -= 1
                return key.uint64(at: 0) == expected ? .continue : .stop
            }
            #expect(expected == 0)
        }
    }

    private func walk(from start: Key?, prefix: Key?, _ order: WalkOrder) throws -> [UInt64] {
        try env.read { txn throws(LMDBError) in
            var keys: [UInt64] = []
            try txn.forEach(in: env.one, from: start, prefix: prefix, order: order) { key, _ in
                keys.append(key.uint64(at: 0))
                return .continue
            }
            return keys
        }
    }

    private func number(_ cursor: borrowing Cursor) -> UInt64 { cursor.withEntry { key, _ in key.uint64(at: 0) } }
}
