extension Environment {
    /// How an environment is opened.
    package struct Options: Sendable {
        package enum Access: Sendable {
            /// Makes the files and tables that are missing.
            case create
            /// For an environment that is there, with all its tables.
            case readWrite
            /// The same, for looking only; `mapSizeBytes` is that of the file.
            case readOnly
        }

        package enum Durability: Sendable {
            /// A commit is on the disk when it returns.
            case durable
            /// A power cut may undo the commits since the last `sync`, and leaves the rest whole.
            case relaxed
            /// For tests alone: a power cut may leave anything.
            case none
        }

        package var access: Access
        package var durability = Durability.durable
        /// The names of all tables there will ever be; `Environment.table` finds them. None is opened later.
        package var tables: [String]
        /// Address space, and the largest size of the file; it grows only as written. Rounded up to whole pages.
        package var mapSizeBytes = 64 << 30
        /// Reader slots for all processes together. The first opener decides.
        package var maxReaders = 512
        /// Opens on a file system whose locks or flushes are not to be trusted.
        package var allowUnsupportedFileSystem = false
        /// A file that gets a line before LMDB aborts the process on damage it cannot bear.
        package var breadcrumbPath: String?

        package init(access: Access, tables: [String]) {
            self.access = access
            self.tables = tables
        }
    }
}

/// The version of liblmdb in use.
package struct LMDBVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let major: Int32
    package let minor: Int32
    package let patch: Int32

    package init(_ major: Int32, _ minor: Int32, _ patch: Int32) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// From 0.9.26 to 0.9.31 a closing process may destroy the mutexes that others are using (ITS#9278, ITS#10095).
    package var isUnsafeForSecondProcess: Bool { LMDBVersion(0, 9, 26)...LMDBVersion(0, 9, 31) ~= self }

    package var description: String { "\(major).\(minor).\(patch)" }

    package static func < (left: LMDBVersion, right: LMDBVersion) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }
}
