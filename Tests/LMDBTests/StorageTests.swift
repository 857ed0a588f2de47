import Glibc
import LMDB
import Testing

@Suite("Space, failed commits, inspection")
struct StorageTests {
    private let scratch = Scratch()

    @Test("A full map is an error of its own, undoes the commit only, and ends with a larger map (B1)")
    func mapFull() throws {
        var stored: UInt64 = 0
        do {
            let env = try Environment(at: scratch.path, options: .testing(mapSizeBytes: 1 << 20))
            let failure = failureOfCommits(env, &stored)
            #expect(failure?.kind == .mapFull)
            #expect(failure.map { env.classify($0) } == .mapFull)
            #expect(stored > 0)
            #expect(try env.keys() == Array(0..<stored))
            _ = try env.write { txn throws(LMDBError) in
                try txn.delete(from: Key(UInt64(0)), upTo: nil, in: env.one, limit: 50)
            }
            #expect(try env.keys() == Array(50..<stored))
        }
        let env = try Environment(at: scratch.path, options: .testing(mapSizeBytes: 8 << 20))
        try env.write { txn throws(LMDBError) in
            try txn.put(byteCount: 1 << 20, for: Key(UInt64(0)), in: env.one) { _ in }
        }
        #expect(try env.keys() == [0] + Array(50..<stored))
    }

    @Test(
        "A full disk: not committed, and on again when there is room (E2)", .enabled(if: SmallDisk.isAvailable),
        .tags(.mount),
        arguments: [(3_000, .noSpace), (400_000, .io(errno: EIO))] as [(Int, LMDBError.Kind)])
    func diskFull(_ rowBytes: Int, _ expected: LMDBError.Kind) throws {
        let disk = try #require(SmallDisk())
        let env = try Environment(at: disk.path, options: .testing().with { $0.durability = .durable })
        try env.fill([0: "first"])
        disk.fill(leaving: 100 << 10)
        var stored: UInt64 = 1
        let failure = try #require(failureOfCommits(env, &stored, rowBytes: rowBytes))
        #expect(failure.operation == .commit)
        // A write that is cut short becomes EIO in LMDB, one that does not begin keeps its errno.
        #expect(failure.kind == expected)
        #expect(env.classify(failure) == .notCommittedDiskFull)
        #expect(try env.keys() == Array(0..<stored))
        disk.free()
        try env.fill([stored: "after"])
        #expect(try env.text(0) == "first")
        #expect(try env.keys() == Array(0...stored))
    }

    @Test("Opening on a full disk is refused, not a SIGBUS (E1)", .enabled(if: SmallDisk.isAvailable), .tags(.mount))
    func opensOnFullDisk() async throws {
        let disk = try #require(SmallDisk())
        do { try Environment(at: disk.path, options: .testing()).fill([0: "first"]) }
        unlink(disk.path + "/lock.mdb")
        disk.fill()
        let path = disk.path
        await #expect(processExitsWith: .exitCode(3)) { [path = path as String] in
            let found = kind { () throws(LMDBError) in _ = try Environment(at: path, options: .testing(.readWrite)) }
            exit(found == .noSpace ? 3 : 4)
        }
        withExtendedLifetime(disk) {}
    }

    @Test(
        "What the error of a commit means",
        arguments: [
            (ENOSPC, nil, .notCommittedDiskFull), (EDQUOT, nil, .notCommittedDiskFull),
            (EFBIG, nil, .notCommittedDiskFull),
            (EIO, 0, .notCommittedDiskFull), (EIO, 65_535, .notCommittedDiskFull), (EIO, 65_536, .notCommittedIO),
            (EIO, nil, .notCommittedIO), (EROFS, 0, .notCommittedIO), (-30_792, nil, .mapFull), (-30_795, 0, .unknown),
            (-30_782, nil, .other),
        ] as [(Int32, UInt64?, CommitFailure)])
    func commitFailures(_ code: Int32, _ freeBytes: UInt64?, _ meaning: CommitFailure) {
        let error = LMDBError(returnCode: code, operation: .commit)
        #expect(CommitFailure(error.kind, freeBytes: freeBytes) == meaning)
    }

    @Test(
        "Return codes become kinds, with words",
        arguments: [
            (-30_799, .keyExists), (-30_798, .notFound), (-30_796, .corrupted), (-30_797, .corrupted),
            (-30_795, .panic),
            (-30_794, .versionMismatch), (-30_793, .invalidFile), (-30_792, .mapFull), (-30_790, .readersFull),
            (-30_788, .transactionFull), (-30_785, .mapResized), (-30_781, .badValueSize), (-30_784, .other(-30_784)),
            (ENOSPC, .noSpace), (EIO, .io(errno: EIO)),
        ] as [(Int32, LMDBError.Kind)])
    func kinds(_ code: Int32, _ kind: LMDBError.Kind) {
        let error = LMDBError(returnCode: code, operation: .get)
        #expect(error.kind == kind)
        #expect(error.description.hasPrefix("get: ") && error.description.hasSuffix("(\(code))"))
        #expect(!error.message.isEmpty)
    }

    @Test("An old reader is seen, by its lag and its process, until it ends")
    func readerLag() throws {
        let env = try Environment(at: scratch.path, options: .testing())
        do {
            let reader = try env.beginRead()
            for key in 0..<UInt64(5) { try env.fill([key: "x"]) }
            #expect(try env.oldestReaderLag() == 5)
            let slot = try #require(env.readers().first)
            #expect(slot.process == getpid() && slot.transactionID == reader.transactionID)
        }
        #expect(try env.oldestReaderLag() == 0)
    }

    @Test("The slot of a reader that died is freed (A6)")
    func deadReader() async throws {
        let path = scratch.path
        let env = try Environment(at: path, options: .testing())
        try env.fill([1: "x"])
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let env = try Environment(at: path, options: .testing(.readOnly))
            try env.look { _ in _ = kill(getpid(), SIGKILL) }
        }
        try env.fill([2: "x"])
        #expect(try env.oldestReaderLag() == 1)
        #expect(try env.clearDeadReaders() == 1)
        #expect(try env.oldestReaderLag() == 0)
        #expect(try env.clearDeadReaders() == 0)
    }

    @Test("A writer killed in the middle loses nothing committed, and leaves the lock free (A4)")
    func deadWriter() async throws {
        let path = scratch.path
        let env = try Environment(at: path, options: .testing())
        try env.fill([1: "kept"])
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let env = try Environment(at: path, options: .testing())
            try putAndDie(env)
        }
        try env.fill([3: "next"])
        #expect(try env.keys() == [1, 3])
    }

    @Test("Sizes, commits and free pages are counted")
    func statistics() throws {
        let env = try Environment(at: scratch.path, options: .testing())
        let before = try env.statistics()
        try env.write { txn throws(LMDBError) in
            for key in 0..<UInt64(100) { try txn.put(byteCount: 5_000, for: Key(key), in: env.one) { _ in } }
        }
        let after = try env.statistics()
        #expect(after.lastTransactionID == before.lastTransactionID + 1)
        #expect(after.bytesReached - before.bytesReached >= 100 * 8_192)
        #expect(after.mapSizeBytes == 16 << 20 && after.pageSizeBytes == Int(sysconf(Int32(_SC_PAGESIZE))))
        #expect(try env.look { try $0.statistics(of: env.one).pages } >= 200)
        try env.write { txn throws(LMDBError) in try txn.removeAll(in: env.one) }
        #expect(try env.look { try $0.freePageCount() } >= 200)
    }

    @Test("A copy is an environment with the last commit", arguments: [Environment.CopyMode.exact, .compacting])
    func copies(_ mode: Environment.CopyMode) throws {
        let (from, to) = (scratch.directory("a"), scratch.directory("b"))
        let env = try Environment(at: from, options: .testing())
        try env.fill([1: "a", 2: "b"])
        let file = open(to + "/data.mdb", O_CREAT | O_WRONLY | O_EXCL, 0o600)
        defer { close(file) }
        try env.copy(toDescriptor: file, mode)
        try env.fill([3: "c"])
        #expect(try Environment(at: to, options: .testing(.readWrite)).keys() == [1, 2])
    }

    @Test("Relaxed commits and new files can be flushed; a missing directory cannot")
    func syncing() throws {
        let env = try Environment(at: scratch.path, options: .testing().with { $0.durability = .relaxed })
        try env.fill([1: "a"])
        try env.sync()
        try env.syncNewFile()
        try Environment.syncDirectory(scratch.path)
        let missing = kind { () throws(LMDBError) in try Environment.syncDirectory(scratch.path + "/none") }
        #expect(missing == .io(errno: ENOENT))
    }

    @Test(
        "Versions whose closing hurts other processes (A5)",
        arguments: [
            (24, false), (25, false), (26, true), (29, true), (31, true), (32, false), (33, false),
        ] as [(Int32, Bool)])
    func versions(_ patch: Int32, _ isUnsafe: Bool) {
        #expect(LMDBVersion(0, 9, patch).isUnsafeForSecondProcess == isUnsafe)
        #expect(Environment.version >= LMDBVersion(0, 9, 24))
    }

    /// Commits one row at a time until a commit fails; counts those that did not.
    private func failureOfCommits(
        _ env: Environment, _ stored: inout UInt64, rowBytes: Int = 3_000
    ) -> LMDBError? {
        while stored < 100_000 {
            do throws(LMDBError) {
                try env.write { txn throws(LMDBError) in
                    try txn.put([UInt8](repeating: 1, count: rowBytes), for: Key(stored), in: env.one)
                }
                stored += 1
            } catch { return error }
        }
        return nil
    }
}

private func putAndDie(_ env: Environment) throws {
    try env.write { txn throws(LMDBError) in
        try txn.put([1], for: Key(UInt64(2)), in: env.one)
        kill(getpid(), SIGKILL)
    }
}
