#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A thread of this process, to compare with.
struct ThreadIdentity: Equatable, Sendable {
    private let value: UInt

    static var current: ThreadIdentity {
        #if canImport(Darwin)
        // SAFETY: the pointer serves as a number and is never followed.
        return unsafe ThreadIdentity(value: UInt(bitPattern: pthread_self()))
        #elseif canImport(Glibc)
        return ThreadIdentity(value: UInt(pthread_self()))
        #else
        // SAFETY: as above.
        return unsafe ThreadIdentity(value: UInt(bitPattern: pthread_self()))
        #endif
    }
}

/// A file as the kernel knows it: the same under every name.
struct FileIdentity: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
}

/// What `lstat` says about a path.
struct FileStatus {
    let identity: FileIdentity
    let owner: UInt32
    let permissions: UInt32
    let byteCount: Int
    private let kind: UInt32

    var isDirectory: Bool { kind == UInt32(S_IFDIR) }
    var isSymbolicLink: Bool { kind == UInt32(S_IFLNK) }
    var isRegularFile: Bool { kind == UInt32(S_IFREG) }

    /// Nil when there is nothing at `path`. A symbolic link is not followed.
    static func of(_ path: String, _ operation: LMDBError.Operation) throws(LMDBError) -> FileStatus? {
        var raw = stat()
        // SAFETY: the path is a null-terminated copy, and the result our own variable.
        guard unsafe lstat(path, &raw) == 0 else {
            if errno == ENOENT { return nil }
            throw LMDBError(returnCode: errno, operation: operation)
        }
        return FileStatus(raw)
    }

    /// The file behind an open descriptor.
    static func of(descriptor: Int32, _ operation: LMDBError.Operation) throws(LMDBError) -> FileStatus {
        var raw = stat()
        // SAFETY: the result is our own variable.
        try checkErrno(unsafe fstat(descriptor, &raw), operation)
        return FileStatus(raw)
    }

    private init(_ raw: stat) {
        identity = FileIdentity(device: UInt64(truncatingIfNeeded: raw.st_dev), inode: UInt64(raw.st_ino))
        owner = raw.st_uid
        permissions = UInt32(raw.st_mode) & 0o7777
        kind = UInt32(raw.st_mode) & UInt32(S_IFMT)
        byteCount = Int(raw.st_size)
    }
}

/// Writes to standard error with nothing but `write`, so that a signal handler may call it.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
    var start = 0
    while start < bytes.count {
        // SAFETY: the buffer is alive during the call.
        let written = unsafe write(descriptor, bytes.baseAddress! + start, bytes.count - start)
        guard written > 0 else { return }
        start += written
    }
}
