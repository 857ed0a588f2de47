import CLMDB

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What a failed commit means for what was in it.
package enum CommitFailure: Sendable, Equatable {
    /// Not committed for lack of space: refuse, and go on when there is room again.
    case notCommittedDiskFull
    /// Not committed, but the device failed: stop, it is not to be trusted.
    case notCommittedIO
    /// The map is full: not committed; room comes with a larger map.
    case mapFull
    /// It may be there or not after reopening: stop, and say that the outcome is unknown.
    case unknown
    /// Not committed for another reason.
    case other
}

extension Environment {
    /// Finds out what the error of a commit means, by beginning another write transaction and asking the file system.
    ///
    /// LMDB answers `EIO` to a full disk. On the thread that writes, with no write transaction open.
    @available(*, noasync)
    package func classify(_ error: LMDBError) -> CommitFailure {
        do {
            _ = try beginWrite()
        } catch {
            // Only a begin that works proves that the last commit is undone.
            return .unknown
        }
        return CommitFailure(error.kind, freeBytes: freeBytes())
    }

    /// What this user can still write where the environment lies; nil when the operating system does not say.
    package func freeBytes() -> UInt64? {
        var raw = statvfs()
        // SAFETY: the result is our own variable.
        guard let descriptor = try? dataDescriptor(), unsafe fstatvfs(descriptor, &raw) == 0 else {
            // Not knowing is an answer: the caller then takes an I/O error for what it says.
            return nil
        }
        let blocks = geteuid() == 0 ? raw.f_bfree : raw.f_bavail
        return UInt64(blocks) * UInt64(raw.f_frsize)
    }
}

extension CommitFailure {
    /// Below this a disk counts as full: what remains may be bound by the file system itself.
    private static let fullBelowBytes: UInt64 = 64 << 10

    /// For a commit after which another transaction could begin.
    package init(_ kind: LMDBError.Kind, freeBytes: UInt64?) {
        switch kind {
        case .noSpace: self = .notCommittedDiskFull
        case .io(errno: EIO) where freeBytes.map { $0 < Self.fullBelowBytes } ?? false: self = .notCommittedDiskFull
        case .io: self = .notCommittedIO
        case .mapFull: self = .mapFull
        case .panic: self = .unknown
        default: self = .other
        }
    }
}
