import Hummingbird
import NIOCore
import RenCore
import RenJournal

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The file of an artifact, open: it is named by its hash alone, and never reached through a link.
final class ArtifactFile: Sendable {
    private static let chunkBytes = 64 << 10

    let size: Int
    private let descriptor: Int32

    /// Nil when there is no such file.
    ///
    /// - Throws: `file.unreadable`.
    init?(_ hash: Digest, in directory: DataDirectory) throws(RenError) {
        let path = "\(directory.artifacts)/\(hash)"
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            size = 0
            // A link is none of ren's files.
            guard errno != ENOENT, errno != ELOOP else { return nil }
            throw Self.unreadable(hash)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            size = 0
            return nil
        }
        size = Int(status.st_size)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    private static func unreadable(_ hash: Digest) -> RenError {
        RenError(.init("file.unreadable"), "artifact \(hash) cannot be read: \(String(cString: strerror(errno)))")
    }

    /// Reads and sends it piece by piece.
    func body(_ range: Range<Int>) -> ResponseBody {
        ResponseBody(contentLength: range.count) { writer in
            var offset = range.lowerBound
            while offset < range.upperBound {
                let count = min(Self.chunkBytes, range.upperBound - offset)
                let bytes = try await BlockingReads.run { [offset] in try self.read(offset, count) }
                try await writer.write(ByteBuffer(bytes: bytes))
                offset += bytes.count
            }
            try await writer.finish(nil)
        }
    }

    private func read(_ offset: Int, _ count: Int) throws(RenError) -> [UInt8] {
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, pread(descriptor, buffer.baseAddress, count, off_t(offset)))
        }
        guard !bytes.isEmpty else {
            // Its length was promised: the connection must break off.
            throw RenError(.init("file.unreadable"), "an artifact ends before its end")
        }
        return bytes
    }
}
