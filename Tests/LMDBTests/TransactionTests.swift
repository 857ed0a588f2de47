import Glibc
import LMDB
import Synchronization
import Testing

@Suite("Transactions")
struct TransactionTests {
    private let scratch = Scratch()
    private let env: Environment

    init() throws {
        env = try Environment(at: scratch.path, options: .testing(tables: ["1", "2"]))
    }

    @Test("What was put is there after the commit, in its table only")
    func putAndGet() throws {
        try env.fill([1: "one", 2: ""])
        #expect(try env.text(1) == "one")
        #expect(try env.text(2) == "")
        #expect(try env.text(3) == nil)
        let inOther = try env.read { txn throws(LMDBError) in
            try (txn.contains(Key(UInt64(1)), in: env.table("2")), txn.contains(Key(UInt64(1)), in: env.one))
        }
        #expect(inOther == (false, true))
    }

    @Test("A write sees its own puts; a read sees the last commit only")
    func isolation() throws {
        try env.fill([1: "old"])
        try env.write { txn throws(LMDBError) in
            try txn.put(Array("new".utf8), for: Key(UInt64(1)), in: env.one)
            let own = try txn.get(Key(UInt64(1)), in: env.one)
            let others = try env.text(1)
            #expect(own == Array("new".utf8))
            #expect(others == "old")
        }
        #expect(try env.text(1) == "new")
    }

    @Test("A closure that throws undoes all it put")
    func abortOnThrow() throws {
        struct Refused: TransactionError {
            var inner: LMDBError?
            init(_ error: LMDBError) { inner = error }
        }
        try env.fill([1: "kept"])
        #expect(throws: Refused.self) {
            try env.write { txn throws(Refused) in
                do throws(LMDBError) {
                    try txn.put([], for: Key(UInt64(1)), in: env.one)
                } catch { throw Refused(error) }
                throw Refused(LMDBError(.other(1), operation: .put))
            }
        }
        #expect(try env.text(1) == "kept")
        try env.fill([2: "next"])
        #expect(try env.keys() == [1, 2])
    }

    @Test("A transaction let go without commit is undone, and one committed by hand stays")
    func handMadeTransactions() throws {
        do {
            var txn = try env.beginWrite()
            try txn.put([1], for: Key(UInt64(1)), in: env.one)
        }
        #expect(try env.keys() == [])
        var txn = try env.beginWrite()
        try txn.put([1], for: Key(UInt64(2)), in: env.one)
        try txn.commit()
        let read = try env.beginRead()
        #expect(try read.entryCount(in: env.one) == 1)
        try env.fill([3: "later"])
        #expect(try read.entryCount(in: env.one) == 1)
        #expect(try env.keys() == [2, 3])
    }

    @Test("A write transaction inside another on one thread traps instead of waiting for ever")
    func nestedWrite() async {
        let path = scratch.directory("env")
        await #expect(processExitsWith: .failure) { [path = path as String] in
            let env = try Environment(at: path, options: .testing())
            // Only the trap counts: an error that is thrown would also end the process with a failure.
            do { try commitTwo(env) } catch { exit(EXIT_SUCCESS) }
        }
    }

    @Test("An error of a put that was swallowed cannot be committed")
    func swallowedError() throws {
        try env.fill([1: "kept"])
        let failed = kind { () throws(LMDBError) in
            try env.write { txn throws(LMDBError) in
                var key: UInt64 = 2
                while kind({ () throws(LMDBError) in
                    try txn.put(byteCount: 1 << 20, for: Key(key), in: env.one) { _ in }
                }) == nil { key += 1 }
            }
        }
        #expect(failed == .other(badTransaction))
        #expect(try env.keys() == [1])
    }

    @Test(
        "Put modes",
        arguments: [
            (PutMode.upsert, 5, nil, "new"), (.upsert, 7, nil, "new"),
            (.noOverwrite, 5, .keyExists, "old"), (.noOverwrite, 6, nil, "new"),
            (.append, 5, .keyExists, "old"), (.append, 4, .keyExists, nil), (.append, 6, nil, "new"),
        ] as [(PutMode, UInt64, LMDBError.Kind?, String?)])
    func putModes(_ mode: PutMode, _ key: UInt64, _ refusal: LMDBError.Kind?, _ after: String?) throws {
        try env.fill([5: "old"])
        let outcome = kind { () throws(LMDBError) in
            try env.write { txn throws(LMDBError) in
                try txn.put(Array("new".utf8), for: Key(key), in: env.one, mode)
            }
        }
        #expect(outcome == refusal)
        #expect(try env.text(key) == after)
    }

    @Test("A put with room made in place", arguments: [0, 1, 300, 2_022, 5_000, 65_520])
    func reservedPut(_ byteCount: Int) throws {
        try env.write { txn throws(LMDBError) in
            try txn.put(byteCount: byteCount, for: Key(UInt64(1)), in: env.one) { span in
                #expect(span.byteCount == byteCount)
                for offset in 0..<byteCount {
                    span.storeBytes(of: UInt8(truncatingIfNeeded: offset), toByteOffset: offset, as: UInt8.self)
                }
            }
        }
        let stored = try env.read { txn throws(LMDBError) in try txn.get(Key(UInt64(1)), in: env.one) }
        #expect(stored == (0..<byteCount).map { UInt8(truncatingIfNeeded: $0) })
    }

    @Test("Key sizes: empty refused, 256 taken")
    func keySizes() throws {
        let refused = kind { () throws(LMDBError) in
            try env.write { txn throws(LMDBError) in try txn.put([1], for: Key(), in: env.one) }
        }
        #expect(refused == .badValueSize)
        let long = Key(utf8: String(repeating: "x", count: 256))
        try env.write { txn throws(LMDBError) in try txn.put([1], for: long, in: env.one) }
        #expect(try env.read { txn throws(LMDBError) in try txn.contains(long, in: env.one) })
    }

    @Test("Delete says whether there was something")
    func delete() throws {
        try env.fill([1: "a", 2: "b"])
        let found = try env.write { txn throws(LMDBError) in
            try (txn.delete(Key(UInt64(1)), in: env.one), txn.delete(Key(UInt64(1)), in: env.one))
        }
        #expect(found == (true, false))
        #expect(try env.keys() == [2])
    }

    @Test(
        "Deleting a range of 1,000 keys stops at its end and at the limit",
        arguments: [
            (0, nil, Int.max, 0..<1_000), (200, 700, .max, 200..<700), (200, 700, 3, 200..<203), (0, 0, .max, 0..<0),
            (999, nil, .max, 999..<1_000), (1_000, nil, .max, 0..<0), (0, nil, 0, 0..<0), (0, 5_000, .max, 0..<1_000),
        ] as [(UInt64, UInt64?, Int, Range<UInt64>)])
    func deleteRange(_ first: UInt64, _ end: UInt64?, _ limit: Int, _ gone: Range<UInt64>) throws {
        try env.write { txn throws(LMDBError) in
            for key in 0..<UInt64(1_000) {
                try txn.put([UInt8](repeating: 1, count: 100), for: Key(key), in: env.one, .append)
            }
        }
        let removed = try env.write { txn throws(LMDBError) in
            try txn.delete(from: Key(first), upTo: end.map { Key($0) }, in: env.one, limit: limit)
        }
        #expect(removed == gone.count)
        #expect(try env.keys() == (0..<1_000).filter { !gone.contains($0) })
    }

    @Test("Removing all leaves the table there")
    func removeAll() throws {
        try env.fill([1: "a", 2: "b"])
        try env.write { txn throws(LMDBError) in try txn.removeAll(in: env.one) }
        #expect(try env.keys() == [])
        try env.fill([3: "c"])
        #expect(try env.keys() == [3])
    }

    @Test("64 reads at once on 2 threads, each with a view of its own")
    func manyReadsPerThread() throws {
        try env.fill([1: "a"])
        let failures = Mutex<[String]>([])
        onThreads(2) { _ in
            do {
                try readNested(32) { () throws in
                    let busy = try env.readers().count { $0.transactionID != nil }
                    #expect(busy >= 32)
                }
            } catch { failures.withLock { $0.append("\(error)") } }
        }
        #expect(failures.withLock { $0 } == [])
        #expect(try env.readers().allSatisfy { $0.transactionID == nil })
    }

    @Test("Writes from many threads wait for each other")
    func writesFromManyThreads() throws {
        let failures = Mutex<[String]>([])
        try env.fill([0: ""])
        onThreads(4) { _ in
            do {
                for _ in 0..<50 {
                    try env.write { txn throws(LMDBError) in
                        let count = UInt64(try txn.entryCount(in: env.one))
                        try txn.put([], for: Key(count), in: env.one, .append)
                    }
                }
            } catch { failures.withLock { $0.append("\(error)") } }
        }
        #expect(failures.withLock { $0 } == [])
        #expect(try env.keys() == Array(0...200))
    }

    private func readNested(_ depth: Int, _ innermost: () throws -> Void) throws {
        guard depth > 0 else { return try innermost() }
        let txn = try env.beginRead()
        #expect(try txn.entryCount(in: env.one) == 1)
        try readNested(depth - 1, innermost)
        #expect(try txn.entryCount(in: env.one) == 1)
    }
}

/// `MDB_BAD_TXN`.
private let badTransaction: Int32 = -30782

private func commitTwo(_ env: Environment) throws {
    let outer = try env.beginWrite()
    try env.beginWrite().commit()
    try outer.commit()
}
