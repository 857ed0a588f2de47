#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

import RenCore

/// The directory of a journal and what stands beside it.
struct JournalPlace {
    let directory: String
    var temporary: String { directory + ".new" }
    var data: String { directory + "/data.mdb" }
    var parent: String { Paths.parent(of: directory) }
    var ballast: String { parent + "/ballast" }

    init(_ directory: String) { self.directory = Paths.trimmed(directory) }

    /// Puts right what a crash in the middle of making a journal, or of exchanging it, left.
    func prepare() throws(RenError) {
        try recover()
        try removeJournal(in: temporary)
    }

    /// Whether a journal has to be made. A directory without the data file but with other things is no journal and is
    /// not touched.
    func isMissing() throws(RenError) -> Bool {
        try checkData()
        if Paths.exists(data) { return false }
        guard !Paths.exists(directory) || rmdir(directory) == 0 else { throw failure("remove", directory) }
        return true
    }

    /// Refuses a directory whose journal is gone: other files without the data file, or one without a byte.
    func checkData() throws(RenError) {
        if Paths.exists(data) {
            guard Paths.size(data) == 0 else { return }
            throw RenError(.journalDamaged, "the journal \(data) is empty", hint: RenError.damageHint)
        }
        let others = Paths.entries(of: directory).filter { $0 != "." && $0 != ".." }
        guard others.isEmpty else {
            throw RenError(
                .journalDamaged, "\(directory) holds other files (\(others.sorted()[0])), but no journal in data.mdb",
                hint: "put data.mdb back from a backup, or move \(directory) away to begin anew")
        }
    }

    func makeTemporary() throws(RenError) {
        guard mkdir(temporary, 0o700) == 0 else { throw failure("make", temporary) }
    }

    /// Gives the finished journal its name, durably.
    func publishTemporary() throws(RenError) {
        guard rename(temporary, directory) == 0 else { throw failure("rename", temporary) }
        try Paths.syncDirectory(parent)
    }

    /// What to say when nobody lets go of the write lock.
    var lockedError: RenError {
        let pids = Paths.holders(of: directory + "/data.mdb")
        let who =
            pids.isEmpty
            ? "no process of this machine that can be seen" : "process " + pids.map(String.init).joined(separator: ", ")
        return RenError(
            .storageLocked, "no write transaction began on the journal in \(directory) within 5 s; \(who) has it open",
            hint: "end what has it open, then start ren again; nothing is lost")
    }

    /// Removes a directory of that kind; one that holds other files too is left with those.
    func removeJournal(in path: String) throws(RenError) {
        for name in ["data.mdb", "lock.mdb"] where unlink(path + "/" + name) != 0 && errno != ENOENT {
            throw failure("remove", path + "/" + name)
        }
        guard rmdir(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    func failure(_ what: String, _ path: String) -> RenError {
        Paths.failure(.storageRefused, what, path)
    }
}
