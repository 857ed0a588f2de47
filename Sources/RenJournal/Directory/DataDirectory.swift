#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

package import RenCore

/// Where everything of one ren lies: `~/.ren` unless told otherwise. All of it belongs to one user alone.
package struct DataDirectory: Sendable, Equatable {
    package let path: String

    /// - Parameter path: one that is relative is meant from the folder in which the process stands now.
    package init(_ path: String) { self.path = Paths.trimmed(Paths.absolute(path)) }

    package var journal: String { path + "/journal" }
    /// Where the journal is found again after a crash while another took its place.
    package var replacedJournal: String { JournalPlace(journal).replaced }
    package var runs: String { path + "/runs" }
    package var artifacts: String { path + "/artifacts" }
    package var environments: String { path + "/environments" }
    package var sdk: String { path + "/sdk" }
    package var token: String { path + "/token" }
    package var lock: String { path + "/ren.lock" }
    package var socket: String { path + "/ren.sock" }
    package var workerSocket: String { path + "/worker.sock" }

    /// The folder of a run's files.
    ///
    /// - Precondition: an id as the door lets in: no slash, no dot in front.
    package func run(_ id: String) -> String {
        precondition(!id.isEmpty && !id.hasPrefix(".") && !id.utf8.contains(UInt8(ascii: "/")), "no run id: \(id)")
        return runs + "/" + id
    }

    package func logs(ofRun id: String) -> String { run(id) + "/logs.jsonl" }

    package var exists: Bool { Paths.exists(path) }

    /// Makes the directory and its folders where they are missing, with mode 0700, and checks it.
    ///
    /// - Throws: what `check` throws; `directory.missing_parent`, `directory.read_only`, `directory.failed`.
    package func prepare() throws(RenError) {
        if !Paths.exists(path) {
            guard Paths.exists(Paths.parent(of: path)) else {
                throw RenError(
                    .directoryMissingParent, "the data directory \(path) cannot be made: its parent does not exist",
                    hint: "mkdir -p \(Paths.parent(of: path))")
            }
            try make(path)
        }
        try check()
        for folder in [runs, artifacts, environments, sdk] { try make(folder) }
    }

    /// Makes a folder in it, if it is missing.
    package func make(_ folder: String) throws(RenError) {
        if mkdir(folder, 0o700) == 0 || errno == EEXIST { return }
        if errno == EROFS || errno == EACCES {
            throw RenError(
                .directoryReadOnly, "\(folder) cannot be made: the file system or its folder is read-only",
                hint: "give another data directory with --data")
        }
        throw Paths.failure(.directoryFailed, "make", folder)
    }

    /// Refuses what others could change. Opening the journal refuses file systems whose locks, maps or flushes do not
    /// hold (`directory.file_system`).
    ///
    /// - Throws: `directory.missing`, `directory.symlink`, `directory.not_a_directory`, `directory.owner`,
    ///   `directory.permissions`, `directory.read_only`; like all `directory.*`, exit code 78.
    package func check() throws(RenError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            throw RenError(
                .directoryMissing, "there is no data directory \(path)",
                hint: "`ren run` makes one; --data names another")
        }
        switch mode_t(status.st_mode) & mode_t(S_IFMT) {
        case mode_t(S_IFLNK):
            throw RenError(
                .directorySymlink, "the data directory \(path) is a symbolic link",
                hint: "give the directory itself: --data \(Paths.realPath(path) ?? "DIR")")
        case mode_t(S_IFDIR): break
        default:
            throw RenError(
                .directoryNotADirectory, "the data directory \(path) is not a directory",
                hint: "move the file away, or give another path with --data")
        }
        guard status.st_uid == geteuid() else {
            throw RenError(
                .directoryOwner,
                "the data directory \(path) belongs to user \(status.st_uid), not to you (\(geteuid()))",
                hint: "give a directory of your own with --data")
        }
        guard status.st_mode & 0o022 == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw RenError(
                .directoryPermissions, "the data directory \(path) is writable by others (mode \(mode))",
                hint: "chmod 700 \(path)")
        }
        guard access(path, W_OK) == 0 else {
            throw RenError(
                .directoryReadOnly, "the data directory \(path) is read-only",
                hint: "give another data directory with --data")
        }
    }
}

extension RenError.Code {
    package static let directoryMissing = Self("directory.missing")
    package static let directoryMissingParent = Self("directory.missing_parent")
    package static let directorySymlink = Self("directory.symlink")
    package static let directoryNotADirectory = Self("directory.not_a_directory")
    package static let directoryOwner = Self("directory.owner")
    package static let directoryPermissions = Self("directory.permissions")
    package static let directoryFileSystem = Self("directory.file_system")
    package static let directoryReadOnly = Self("directory.read_only")
    package static let directoryFailed = Self("directory.failed")
    package static let engineLocked = Self("engine.locked")
}
