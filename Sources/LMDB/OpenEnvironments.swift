import CLMDB
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The environments this process has open, by the files themselves, since paths lie.
///
/// LMDB locks with POSIX locks, which belong to the process: opening the files a second time and closing them drops
/// the locks of the first, and the next process to come forgets the live readers. So all opening and closing goes
/// through here, one at a time.
enum OpenEnvironments {
    private static let claimed = Mutex<Set<FileIdentity>>([])

    @safe struct Opened: @unchecked Sendable {
        let pointer: OpaquePointer
        let tables: [String: Table]
        let identities: [FileIdentity]
    }

    private static let retries = 5
    private static let pauseMicroseconds: UInt32 = 50_000

    static func open(
        _ directory: EnvironmentDirectory, _ options: Environment.Options, _ breadcrumb: Breadcrumb?
    ) throws(LMDBError) -> Opened {
        try claimed.withLock { claimed throws(LMDBError) in
            let found = try directory.check()
            guard claimed.isDisjoint(with: found) else { throw LMDBError(.alreadyOpen, operation: .open) }
            if !options.allowUnsupportedFileSystem { try FileSystemKind.check(directory.path) }
            if options.access != .create, try directory.dataByteCount() == 0 {
                throw EnvironmentDirectory.bad(.empty(directory.dataPath))
            }
            let environment = try unsafe openRepeatedly(directory, options, breadcrumb)
            do throws(LMDBError) {
                let opened = try unsafe Opened(
                    pointer: environment.pointer,
                    tables: openTables(of: environment.pointer, options),
                    identities: directory.check())
                claimed.formUnion(opened.identities)
                return opened
            } catch {
                // SAFETY: no transaction is open, and nobody else has the pointer yet.
                unsafe mdb_env_close(environment.pointer)
                throw error
            }
        }
    }

    static func close(_ pointer: OpaquePointer, _ identities: [FileIdentity]) {
        let environment = unsafe SendablePointer(pointer: pointer)
        claimed.withLock { claimed in
            // SAFETY: the last reference is gone, and with it every transaction.
            unsafe mdb_env_close(environment.pointer)
            claimed.subtract(identities)
        }
    }

    /// Opening fails when another process is doing the same, or closing, at that instant.
    private static func openRepeatedly(
        _ directory: EnvironmentDirectory, _ options: Environment.Options, _ breadcrumb: Breadcrumb?
    ) throws(LMDBError) -> SendablePointer {
        var attempt = 0
        while true {
            do {
                try MetaPages.check(directory.dataPath)
                try directory.reserveLockFile(readers: options.maxReaders)
                return try unsafe openOnce(directory, options, breadcrumb)
            } catch  where attempt < retries && isPassing(error) {
                attempt += 1
                usleep(pauseMicroseconds)
            }
        }
    }
}
