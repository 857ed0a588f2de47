import RenCore
import RenEngine

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// One file of a run's log, open: it stays the same one whatever a rotation calls it.
final class LogFile {
    let number: Int
    /// In bytes, when it was opened.
    let size: Int
    private let path: String
    private let descriptor: Int32

    /// More than any line has.
    private static let blockSize = 256 << 10

    /// The files that are there, oldest first.
    ///
    /// They are opened from the newest on, so that one that is renamed meanwhile is met twice rather than never.
    static func all(in folder: String) throws(RenError) -> [LogFile] {
        var files: [LogFile] = []
        for age in 0..<LogFiles.countMax {
            guard let file = try LogFile(LogFiles.path(age, in: folder)), file.size > 0,
                !files.contains(where: { $0.number == file.number })
            else { continue }
            files.append(file)
        }
        return files.sorted { $0.number < $1.number }
    }

    /// Nil when there is none.
    private init?(_ path: String) throws(RenError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw Self.unreadable(path) }
            return nil
        }
        size = max(0, Int(lseek(descriptor, 0, SEEK_END)))
        var beginning = [UInt8](repeating: 0, count: 64)
        let count = pread(descriptor, &beginning, beginning.count, 0)
        number = LogFiles.number(ofFileBeginning: beginning.prefix(max(0, count)))
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Whole lines that stand together.
    struct Block {
        /// Offset of the first byte in the file.
        var start: Int
        var bytes: [UInt8]
        /// Without their ends.
        var lines: [Range<Int>]
    }

    /// The whole lines from `offset` on, as many as a block holds; none at the end.
    func lines(from offset: Int) throws(RenError) -> Block {
        let bytes = try read(offset, min(Self.blockSize, size - offset))
        return Block(start: offset, bytes: bytes, lines: Self.lines(in: bytes))
    }

    /// The whole lines before `end`, as many as a block holds; the one that begins before the block comes with the next.
    func lines(before end: Int) throws(RenError) -> Block {
        let start = max(0, end - Self.blockSize)
        let bytes = try read(start, end - start)
        guard start > 0, let first = bytes.firstIndex(of: UInt8(ascii: "\n")), first + 1 < bytes.count else {
            return Block(start: start, bytes: bytes, lines: Self.lines(in: bytes))
        }
        let whole = Array(bytes[(first + 1)...])
        return Block(start: start + first + 1, bytes: whole, lines: Self.lines(in: whole))
    }

    /// Where the last whole line ends.
    func endOfLines() throws(RenError) -> Int {
        let block = try lines(before: size)
        return block.start + (block.lines.last.map { $0.upperBound + 1 } ?? 0)
    }

    private static func lines(in bytes: [UInt8]) -> [Range<Int>] {
        var lines: [Range<Int>] = []
        var begin = 0
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
            lines.append(begin..<index)
            begin = index + 1
        }
        return lines
    }

    private func read(_ offset: Int, _ count: Int) throws(RenError) -> [UInt8] {
        guard count > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        let got = pread(descriptor, &bytes, count, off_t(offset))
        guard got >= 0 else { throw Self.unreadable(path) }
        return Array(bytes.prefix(got))
    }

    private static func unreadable(_ path: String) -> RenError {
        RenError(.fileUnreadable, "\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
}
