import CLMDB

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// How full an environment is, and who reads.
package struct EnvironmentStatistics: Sendable, Equatable {
    package let mapSizeBytes: Int
    package let pageSizeBytes: Int
    /// Pages from the start of the file to the last one in use, free ones between them included.
    package let pagesReached: Int
    /// The number of the last commit.
    package let lastTransactionID: UInt64
    package let maxReaders: Int
    /// The highest number of slots in use so far, not of readers now.
    package let readerSlotsUsed: Int

    /// The part of the file that was ever in use, in bytes.
    package var bytesReached: Int { pagesReached * pageSizeBytes }
}

/// One reader slot, of any process.
package struct ReaderSlot: Sendable, Equatable {
    package let process: Int32
    /// The commit it looks at; nil while it looks at none.
    package let transactionID: UInt64?
}

extension Environment {
    package static var version: LMDBVersion {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        // SAFETY: three of our own variables.
        unsafe _ = mdb_version(&major, &minor, &patch)
        return LMDBVersion(major, minor, patch)
    }

    package func statistics() throws(LMDBError) -> EnvironmentStatistics {
        var info = unsafe MDB_envinfo()
        var stat = MDB_stat()
        // SAFETY: the environment is open as long as `self` is alive; the results are our own variables.
        try check(unsafe mdb_env_info(pointer, &info), .inspect)
        try check(unsafe mdb_env_stat(pointer, &stat), .inspect)
        return unsafe EnvironmentStatistics(
            mapSizeBytes: info.me_mapsize, pageSizeBytes: Int(stat.ms_psize), pagesReached: info.me_last_pgno + 1,
            lastTransactionID: UInt64(info.me_last_txnid), maxReaders: Int(info.me_maxreaders),
            readerSlotsUsed: Int(info.me_numreaders))
    }

    /// Bytes of the pages that hold something, as of the last commit.
    ///
    /// - Complexity: O(*n*) in the records of the free list.
    @available(*, noasync)
    package func bytesInUse() throws(LMDBError) -> Int {
        let free = try read { transaction throws(LMDBError) in try transaction.freePageCount() }
        let statistics = try statistics()
        return (statistics.pagesReached - free) * statistics.pageSizeBytes
    }

    /// The reader slots of all processes.
    package func readers() throws(LMDBError) -> [ReaderSlot] {
        var text = ""
        // SAFETY: LMDB calls back with null-terminated text during the call, and with the context given here.
        let code = unsafe withUnsafeMutablePointer(to: &text) { text in
            unsafe mdb_reader_list(
                pointer,
                { line, context in
                    guard let line = unsafe line, let context = unsafe context else { return 0 }
                    unsafe context.assumingMemoryBound(to: String.self).pointee += String(cString: line)
                    return 0
                }, text)
        }
        guard code >= 0 else { throw LMDBError(returnCode: code, operation: .inspect) }
        return Self.readerSlots(in: text)
    }

    /// How many commits the oldest reader is behind; 0 without readers. While it is there, no page freed since then
    /// is used again.
    package func oldestReaderLag() throws(LMDBError) -> UInt64 {
        let last = try statistics().lastTransactionID
        let oldest = try readers().compactMap(\.transactionID).min() ?? last
        return last > oldest ? last - oldest : 0
    }

    /// Frees the slots of readers that died.
    ///
    /// - Returns: how many there were.
    @discardableResult
    package func clearDeadReaders() throws(LMDBError) -> Int {
        var dead: Int32 = 0
        // SAFETY: the environment is open as long as `self` is alive.
        try check(unsafe mdb_reader_check(pointer, &dead), .inspect)
        return Int(dead)
    }

    /// Whether pages that are free are left out of a copy.
    package enum CopyMode: Sendable {
        case exact, compacting
    }

    /// Writes a copy of the last commit to an open file, while reads and writes go on.
    ///
    /// It is one long read: the file of the original grows with the commits meanwhile.
    @available(*, noasync)
    package func copy(toDescriptor descriptor: Int32, _ mode: CopyMode = .exact) throws(LMDBError) {
        let flags = mode == .compacting ? UInt32(MDB_CP_COMPACT) : 0
        // SAFETY: the environment is open as long as `self` is alive.
        try check(unsafe mdb_env_copyfd2(pointer, descriptor, flags), .copy)
    }

    /// Flushes the data file whole, its size and first pages included, then its directory: what a new file needs after
    /// its first commit, since LMDB does neither.
    @available(*, noasync)
    package func syncNewFile() throws(LMDBError) {
        var path: UnsafePointer<CChar>?
        // SAFETY: the environment is open as long as `self` is alive; the path is its own null-terminated text.
        try checkErrno(fsync(dataDescriptor()), .sync)
        try check(unsafe mdb_env_get_path(pointer, &path), .inspect)
        guard let path = unsafe path else { preconditionFailure("an environment without a path") }
        try Self.syncDirectory(unsafe String(cString: path))
    }

    /// Makes the names in a directory durable, after files in it were made, renamed or removed.
    @available(*, noasync)
    package static func syncDirectory(_ path: String) throws(LMDBError) {
        // SAFETY: the path is a null-terminated copy.
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try checkErrno(descriptor, .sync)
        defer { close(descriptor) }
        try checkErrno(fsync(descriptor), .sync)
    }

    /// Makes each of two directories have the other's name, in one step.
    ///
    /// - Returns: false where the system or the file system cannot do it; then nothing has changed.
    package static func exchange(_ one: String, _ other: String) -> Bool {
        // SAFETY: both paths are null-terminated copies.
        unsafe clmdb_exchange(one, other) == 0
    }

    func dataDescriptor() throws(LMDBError) -> Int32 {
        var descriptor: Int32 = -1
        // SAFETY: the environment is open as long as `self` is alive, and the result our own variable.
        try check(unsafe mdb_env_get_fd(pointer, &descriptor), .inspect)
        return descriptor
    }

    /// Where the map lies, which LMDB does not tell: each page begins with its number, so one page we can see gives
    /// the start. Nil without tables.
    func mapRange(seenBy transaction: TransactionHandle) throws(LMDBError) -> MapRange? {
        guard let name = anyTableName else { return nil }
        let statistics = try statistics()
        // The main table, number 1, holds a small record for each named one, on a leaf page in the map.
        guard let record = try unsafe transaction.lookUp(Key(utf8: name), in: Table(handle: 1)),
            let address = record.baseAddress
        else { return nil }
        let page = UInt(bitPattern: address) / UInt(statistics.pageSizeBytes) * UInt(statistics.pageSizeBytes)
        // SAFETY: a page of the map, readable as long as the transaction is alive.
        guard let header = unsafe UnsafeRawPointer(bitPattern: page) else { return nil }
        let number = unsafe header.load(as: UInt.self)
        return MapRange(
            start: page - number * UInt(statistics.pageSizeBytes), byteCount: UInt(statistics.mapSizeBytes))
    }

    /// LMDB lists readers as text: a line of headings, then process, thread and transaction or `-`.
    private static func readerSlots(in text: String) -> [ReaderSlot] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count == 3, let process = Int32(fields[0]) else { return nil }
            return ReaderSlot(process: process, transactionID: UInt64(fields[2]))
        }
    }
}
