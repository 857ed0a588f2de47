#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A lock on a small file, held until the last reference goes or the process ends, however it ends.
///
/// It belongs to the open file (`F_OFD_SETLK`; `flock` on macOS), not to the process: reading the text through another
/// descriptor and closing that does not drop it, and a second attempt in the same process is refused like any other.
/// The file stays for ever: whoever removed it would let a second holder lock a new file of the same name.
package final class FileLock: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit {
        // Closing is not enough: a child that this process is just starting has the open file too, until it execs.
        release()
        close(descriptor)
    }

    /// Takes the lock without waiting; nil when someone else has it. Makes the file, with mode 0600.
    ///
    /// - Throws: `io`, for example when `path` is a symbolic link.
    package static func tryAcquire(_ path: String) throws(LMDBError) -> FileLock? {
        // SAFETY: the path is a null-terminated copy.
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        let lock = FileLock(descriptor: try checkErrno(descriptor, .lock))
        return try lock.take() ? lock : nil
    }

    /// Replaces the text of the file. A reader may see it half replaced.
    package func write(_ text: String) throws(LMDBError) {
        var text = text
        let byteCount = text.utf8.count
        // SAFETY: the text is alive inside the closure.
        let written = text.withUTF8 { bytes in unsafe pwrite(descriptor, bytes.baseAddress, bytes.count, 0) }
        guard written == byteCount else {
            throw LMDBError(returnCode: written < 0 ? errno : ENOSPC, operation: .lock)
        }
        try checkErrno(ftruncate(descriptor, off_t(byteCount)), .lock)
    }

    /// What a holder wrote, at most 64 KiB; nil when there is no file. Bytes that are not UTF-8 are replaced.
    package static func read(_ path: String) throws(LMDBError) -> String? {
        guard let descriptor = try openForReading(path) else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count < readLimitBytes {
            var failure: Int32 = 0
            let start = bytes.count
            let chunk = unsafe [UInt8](unsafeUninitializedCapacity: readLimitBytes - start) { buffer, count in
                // SAFETY: reads into the buffer, up to its size.
                let result = unsafe pread(descriptor, buffer.baseAddress, buffer.count, off_t(start))
                if result < 0 { failure = errno }
                count = max(0, result)
            }
            guard failure == 0 else { throw LMDBError(returnCode: failure, operation: .lock) }
            guard !chunk.isEmpty else { break }
            bytes += chunk
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether someone, this process included, holds the lock at this moment.
    package static func isHeld(_ path: String) throws(LMDBError) -> Bool {
        guard let descriptor = try openForReading(path) else { return false }
        let probe = FileLock(descriptor: descriptor)
        return try probe.isTakenByAnother()
    }

    private static let readLimitBytes = 64 << 10

    private static func openForReading(_ path: String) throws(LMDBError) -> Int32? {
        // SAFETY: the path is a null-terminated copy.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        if descriptor == -1, errno == ENOENT { return nil }
        return try checkErrno(descriptor, .lock)
    }

    #if canImport(Darwin)
    private func take() throws(LMDBError) -> Bool {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
        guard errno == EWOULDBLOCK else { throw LMDBError(returnCode: errno, operation: .lock) }
        return false
    }

    private func release() { flock(descriptor, LOCK_UN) }

    private func isTakenByAnother() throws(LMDBError) -> Bool {
        if flock(descriptor, LOCK_SH | LOCK_NB) == 0 { return false }
        guard errno == EWOULDBLOCK else { throw LMDBError(returnCode: errno, operation: .lock) }
        return true
    }
    #else
    private func take() throws(LMDBError) -> Bool {
        var lock = Self.wholeFile
        // SAFETY: fcntl reads our own variable during the call.
        if unsafe fcntl(descriptor, Self.setLock, &lock) == 0 { return true }
        guard errno == EAGAIN || errno == EACCES else { throw LMDBError(returnCode: errno, operation: .lock) }
        return false
    }

    private func release() {
        var lock = Self.wholeFile
        lock.l_type = Int16(F_UNLCK)
        // SAFETY: fcntl reads our own variable during the call.
        _ = unsafe fcntl(descriptor, Self.setLock, &lock)
    }

    private func isTakenByAnother() throws(LMDBError) -> Bool {
        var lock = Self.wholeFile
        // SAFETY: fcntl reads and writes our own variable during the call.
        try checkErrno(unsafe fcntl(descriptor, Self.getLock, &lock), .lock)
        return lock.l_type != Int16(F_UNLCK)
    }

    // F_OFD_GETLK and F_OFD_SETLK of Linux, which its headers show to _GNU_SOURCE alone.
    private static let getLock: Int32 = 36
    private static let setLock: Int32 = 37

    private static var wholeFile: flock {
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        return lock
    }
    #endif
}
