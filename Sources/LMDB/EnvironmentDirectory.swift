#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What is wrong with the directory of an environment, or a file in it.
package enum DirectoryProblem: Sendable, Equatable, CustomStringConvertible {
    case missing(String)
    case symbolicLink(String)
    case notADirectory(String)
    case notAFile(String)
    case foreignOwner(String, user: UInt32)
    case writableByOthers(String, permissions: UInt32)
    case empty(String)

    package var description: String {
        switch self {
        case .missing(let path): "\(path) does not exist"
        case .symbolicLink(let path): "\(path) is a symbolic link"
        case .notADirectory(let path): "\(path) is not a directory"
        case .notAFile(let path): "\(path) is not a regular file"
        case .foreignOwner(let path, let user): "\(path) belongs to user \(user)"
        case .writableByOthers(let path, let permissions):
            "\(path) is writable by others (mode \(String(permissions, radix: 8)))"
        case .empty(let path): "\(path) holds no environment"
        }
    }
}

/// The directory of an environment and the two files LMDB keeps there.
struct EnvironmentDirectory {
    let path: String
    var dataPath: String { path + "/data.mdb" }
    var lockPath: String { path + "/lock.mdb" }

    /// Drops slashes at the end, behind which `lstat` would follow a symbolic link.
    init(path: String) {
        var path = Substring(path)
        while path.count > 1, path.last == "/" { path.removeLast() }
        self.path = String(path)
    }

    /// Refuses a directory that others could change, and files that are none.
    ///
    /// - Returns: the identities of the directory and of the files that are there.
    func check() throws(LMDBError) -> [FileIdentity] {
        guard let directory = try FileStatus.of(path, .open) else { throw Self.bad(.missing(path)) }
        if directory.isSymbolicLink { throw Self.bad(.symbolicLink(path)) }
        guard directory.isDirectory else { throw Self.bad(.notADirectory(path)) }
        try Self.checkAccess(directory, path)
        var identities = [directory.identity]
        for path in [dataPath, lockPath] {
            guard let file = try FileStatus.of(path, .open) else { continue }
            if file.isSymbolicLink { throw Self.bad(.symbolicLink(path)) }
            guard file.isRegularFile else { throw Self.bad(.notAFile(path)) }
            try Self.checkAccess(file, path)
            identities.append(file.identity)
        }
        return identities
    }

    /// The size of the data file, 0 when there is none.
    func dataByteCount() throws(LMDBError) -> Int {
        try FileStatus.of(dataPath, .open)?.byteCount ?? 0
    }

    /// Gives the lock file real blocks for `readers` slots: LMDB maps it sparse, and the first touch on a full disk
    /// would be a SIGBUS. The size of the file decides how many slots there are.
    ///
    /// Only while nobody uses the file, which LMDB's own exclusive lock tells: a live user has done this before, and
    /// must not see the file grow past its mapping. Opening and closing the file drops this process's locks on it, so
    /// the caller has made sure that this process does not have the environment open.
    func reserveLockFile(readers: Int) throws(LMDBError) {
        // SAFETY: the path is a null-terminated copy.
        let descriptor = unsafe open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        try checkErrno(descriptor, .open)
        defer { close(descriptor) }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_len = 1
        // SAFETY: fcntl reads our own variable during the call.
        if unsafe fcntl(descriptor, F_SETLK, &lock) == -1 {
            guard errno == EAGAIN || errno == EACCES else { throw LMDBError(returnCode: errno, operation: .open) }
            return
        }
        let wanted = Self.lockHeaderBytes + readers * Self.readerSlotBytes
        let current = try FileStatus.of(descriptor: descriptor, .open).byteCount
        try Self.allocate(max(wanted, current), of: descriptor)
    }

    /// A cache line for each reader, behind a header that has 192 bytes in 0.9 (`MDB_txninfo`), here with room to grow.
    private static let readerSlotBytes = 64
    private static let lockHeaderBytes = 512

    private static func allocate(_ byteCount: Int, of descriptor: Int32) throws(LMDBError) {
        #if canImport(Darwin)
        var store = fstore_t(
            fst_flags: UInt32(F_ALLOCATEALL), fst_posmode: F_PEOFPOSMODE, fst_offset: 0, fst_length: off_t(byteCount),
            fst_bytesalloc: 0)
        // SAFETY: fcntl uses our own variable during the call.
        try checkErrno(unsafe fcntl(descriptor, F_PREALLOCATE, &store), .open)
        try checkErrno(ftruncate(descriptor, off_t(byteCount)), .open)
        #else
        let code = posix_fallocate(descriptor, 0, off_t(byteCount))
        guard code == 0 else { throw LMDBError(returnCode: code, operation: .open) }
        #endif
    }

    private static func checkAccess(_ status: FileStatus, _ path: String) throws(LMDBError) {
        guard status.owner == geteuid() else { throw bad(.foreignOwner(path, user: status.owner)) }
        guard status.permissions & 0o022 == 0 else {
            throw bad(.writableByOthers(path, permissions: status.permissions))
        }
    }

    static func bad(_ problem: DirectoryProblem) -> LMDBError { LMDBError(.badDirectory(problem), operation: .open) }
}
