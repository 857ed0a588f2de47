#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

import RenCore

/// A regular file, open for reading, as long as it was when it was opened.
final class InputFile {
    private static let partBytes = RecordCodec.chunkBytes

    let path: String
    let byteCount: Int
    private let descriptor: Int32

    /// Nil when there is none, or something else: a link is not followed.
    init?(_ path: String) throws(RenError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        var status = stat()
        guard descriptor >= 0 else {
            byteCount = 0
            guard errno == ENOENT || errno == ELOOP else { throw Paths.failure(.fileUnreadable, "read", path) }
            return nil
        }
        guard fstat(descriptor, &status) == 0, mode_t(status.st_mode) & S_IFMT == S_IFREG else {
            byteCount = 0
            return nil
        }
        byteCount = Int(status.st_size)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Lends its bytes part by part, `byteCount` in all.
    func forEachPart(_ body: ([UInt8]) throws(RenError) -> Void) throws(RenError) {
        var left = byteCount
        while left > 0 {
            var part = [UInt8](repeating: 0, count: min(left, Self.partBytes))
            let offset = off_t(byteCount - left)
            let count = part.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, offset) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Paths.failure(.fileUnreadable, "read", path) }
            part.removeLast(part.count - count)
            try body(part)
            left -= count
        }
    }
}

extension RenError.Code {
    static let fileUnreadable = Self("file.unreadable")
}
