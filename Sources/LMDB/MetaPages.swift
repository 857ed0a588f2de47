#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The first two pages of a data file, read without the map and before LMDB sees them.
///
/// LMDB trusts them: a file shorter than they say ends the process with SIGBUS, and a bit flipped in the number of the
/// last commit makes it go on from the commit before, without a word. The offsets are those of data version 1
/// (`MDB_meta`, 64 bits, native byte order).
struct MetaPages {
    private static let headerBytes = 152
    private static let pageBytes = 512...65_536
    /// More than 47 bits of addresses cannot be mapped.
    private static let mapBytesMax = UInt64(1) << 47

    private struct Page {
        var magic: UInt32
        var version: UInt32
        var mapBytes: UInt64
        var pageBytes: Int
        var freeRoot: UInt64
        var lastPage: UInt64
        var transaction: UInt64

        init(_ bytes: ArraySlice<UInt8>) {
            magic = bytes.number(at: 16)
            version = bytes.number(at: 20)
            mapBytes = bytes.number(at: 32)
            pageBytes = Int(bytes.number(at: 40) as UInt32)
            freeRoot = bytes.number(at: 80)
            lastPage = bytes.number(at: 136)
            transaction = bytes.number(at: 144)
        }
    }

    private let descriptor: Int32
    private let newest: Page

    /// Refuses a data file that LMDB must not map. What LMDB finds by itself (magic, version) is left to it.
    ///
    /// Beside a writer it may read two commits at once: it is to be tried again.
    ///
    /// - Throws: `damagedFile`.
    static func check(_ path: String) throws(LMDBError) {
        // SAFETY: the path is a null-terminated copy.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        if descriptor == -1, errno == ENOENT { return }
        try checkErrno(descriptor, .open)
        defer { close(descriptor) }
        // A file without a byte is made by opening it, or refused as empty.
        guard try FileStatus.of(descriptor: descriptor, .open).byteCount > 0 else { return }
        try MetaPages(descriptor)?.checkSize()
    }

    /// Nil for what is no environment of this version.
    private init?(_ descriptor: Int32) throws(LMDBError) {
        self.descriptor = descriptor
        let first = try Page(Self.read(descriptor, at: 0, Self.headerBytes)[...])
        guard first.magic == 0xBEEF_C0DE, first.version == 1 else { return nil }
        guard Self.pageBytes.contains(first.pageBytes), first.pageBytes.nonzeroBitCount == 1 else {
            throw Self.damaged("its first page gives pages \(first.pageBytes) bytes")
        }
        // Both in one call: a commit in between would look like damage.
        let bytes = try Self.read(descriptor, at: 0, first.pageBytes + Self.headerBytes)
        let pages = [Page(bytes[...]), Page(bytes[first.pageBytes...])]
        for page in pages {
            guard page.pageBytes == first.pageBytes else {
                throw Self.damaged("its two first pages differ in page size")
            }
            guard page.mapBytes <= Self.mapBytesMax else {
                throw Self.damaged("it asks for a map of \(page.mapBytes) bytes")
            }
        }
        // Commit N is on page N mod 2, and the one before it on the other; 0 on both is a file without a commit. So all
        // single bits show but the one, for half of all commits, that turns N−1 into N+1.
        let (even, odd) = (pages[0].transaction, pages[1].transaction)
        let isNew = even == 0 && odd == 0
        guard isNew || even % 2 == 0 && odd % 2 == 1 && max(even, odd) - min(even, odd) == 1 else {
            throw Self.damaged(
                "its two first pages tell of the commits \(even) and \(odd), which do not follow each other")
        }
        newest = odd > even ? pages[1] : pages[0]
    }

    // MARK: Size

    /// The file holds every page in use. Free ones at its end may never have been written.
    private func checkSize() throws(LMDBError) {
        let byteCount = try FileStatus.of(descriptor: descriptor, .open).byteCount
        let whole = UInt64(byteCount / newest.pageBytes)
        guard newest.lastPage >= whole else { return }
        guard newest.lastPage - whole < Self.mapBytesMax, try freePages(from: whole) == newest.lastPage - whole + 1
        else {
            throw Self.damaged(
                "it has \(byteCount) bytes, and \(newest.lastPage + 1) pages of \(newest.pageBytes) are in use: it was cut short"
            )
        }
    }

    /// How many pages from `first` on are free, by the table of free pages. Reads nothing behind the end of the file.
    private func freePages(from first: UInt64) throws(LMDBError) -> UInt64 {
        var free: Set<UInt64> = []
        var pending = newest.freeRoot == .max ? [] : [newest.freeRoot]
        var visited = 0
        while let number = pending.popLast() {
            visited += 1
            guard number < first, visited <= first else { return 0 }
            let page = try Self.read(descriptor, at: Int(number) * newest.pageBytes, newest.pageBytes)
            let flags: UInt16 = page[...].number(at: 10)
            let lower = Int(page[...].number(at: 12) as UInt16)
            guard lower >= 16, lower <= page.count, flags & 0b11 != 0 else { return 0 }
            for place in stride(from: 16, to: lower - 1, by: 2) {
                let node = Int(page[...].number(at: place) as UInt16)
                guard node >= lower, node + 24 <= page.count else { return 0 }
                let words: [UInt64] = (0..<3).map { UInt64(page[...].number(at: node + 2 * $0) as UInt16) }
                if flags & 1 != 0 {
                    pending.append(words[0] | words[1] << 16 | words[2] << 32)
                    continue
                }
                // A transaction's number, then a list: its length, and as many page numbers.
                var list = page[(node + 16)...]
                if words[2] & 1 != 0 {
                    let byteCount = Int(words[0] | words[1] << 16)
                    let start: UInt64 = list.number(at: 0)
                    guard start < first, byteCount <= Int(first) * newest.pageBytes else { return 0 }
                    list = try Self.read(descriptor, at: Int(start) * newest.pageBytes + 16, byteCount)[...]
                }
                let count: UInt64 = list.number(at: 0)
                guard count < UInt64(list.count / 8) else { return 0 }
                for index in 0..<Int(count) {
                    let number: UInt64 = list.number(at: 8 + 8 * index)
                    if number >= first, number <= newest.lastPage { free.insert(number) }
                }
            }
        }
        return UInt64(free.count)
    }

    // MARK: Bytes

    private static func read(_ descriptor: Int32, at offset: Int, _ byteCount: Int) throws(LMDBError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        // SAFETY: pread writes into our own array, no more than it holds.
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe pread(descriptor, $0.baseAddress, $0.count, off_t(offset))
        }
        if count == -1 { throw LMDBError(returnCode: errno, operation: .open) }
        guard count == byteCount else { throw damaged("it ends in the middle of a page") }
        return bytes
    }

    private static func damaged(_ what: String) -> LMDBError { LMDBError(.damagedFile(what), operation: .open) }
}

extension ArraySlice<UInt8> {
    /// In the byte order of this machine, as LMDB writes.
    fileprivate func number<Number: FixedWidthInteger>(at offset: Int) -> Number {
        // SAFETY: loading checks the bounds.
        unsafe withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
    }
}
