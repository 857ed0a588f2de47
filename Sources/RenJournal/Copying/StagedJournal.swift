#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

import LMDB
import RenCore

/// A journal in the making beside the one of a data directory: it takes its place in one step, found whole, or goes.
///
/// The caller holds `EngineLock`. A crash at any step leaves the old journal or the new one, and the next start removes
/// what is left over.
struct StagedJournal {
    let place: JournalPlace
    private let options: JournalOptions

    /// - Parameter options: of the journal that is there.
    init(beside directory: String, _ options: JournalOptions) throws(RenError) {
        place = JournalPlace(directory)
        var options = options
        // All of it is flushed before it takes the place of anything.
        options.durability = .none
        options.ballastBytes = 0
        self.options = options
        try place.prepare()
        try place.makeTemporary()
        Failpoint.copyBegun.pass()
    }

    /// Removes it. What cannot be removed, the next start removes.
    func abandon() { try? place.removeJournal(in: place.temporary) }

    /// Copies the journal that is there, without the pages that are free in it.
    ///
    /// - Parameter spareBytes: room that is needed besides.
    /// - Throws: `journal.newer`; `storage.full` before anything is written, where there is not room for it.
    func copyOld(spareBytes: Int = 0) throws(RenError) {
        let old = try openOld(.readWrite, tables: [.meta], spareBytes)
        let path = place.temporary + "/data.mdb"
        let descriptor = makeFile(path)
        guard descriptor >= 0 else { throw place.failure("make", path) }
        defer { close(descriptor) }
        do throws(LMDBError) { try old.copy(toDescriptor: descriptor, .compacting) } catch { throw RenError(error) }
    }

    /// Copies the journal that is there row by row, and opens the copy: its pages are full, while LMDB would copy those
    /// that pruning left nearly empty as they are.
    ///
    /// - Throws: `journal.newer`; `storage.full` before anything is written, where there is not room for it.
    func repackOld() throws(RenError) -> LMDBStore {
        let old = LMDBStore(try openOld(.create, tables: StoreTable.allCases), ballast: nil)
        defer { old.close() }
        let new = try open()
        try old.read { snapshot throws(RenError) in
            for table in StoreTable.allCases { try Self.copy(table, from: snapshot, to: new) }
        }
        return new
    }

    private static let commitBytes = 8 << 20

    private static func copy(_ table: StoreTable, from old: any StoreSnapshot, to new: LMDBStore) throws(RenError) {
        var transaction = try new.beginWrite()
        var bytes = 0
        try old.walk(table, from: nil, .ascending) { key, value throws(RenError) in
            if bytes >= commitBytes {
                try transaction.commit()
                transaction = try new.beginWrite()
                bytes = 0
            }
            try transaction.put(value, for: Key(key.bytes), in: table, .append)
            bytes += key.count + value.count
            return .continue
        }
        try transaction.commit()
    }

    private func openOld(
        _ access: Environment.Options.Access, tables: [StoreTable], _ spareBytes: Int = 0
    ) throws(RenError) -> Environment {
        try LMDBJournal.checkFormat(at: place, options)
        let old: Environment
        let byteCount: Int
        do throws(LMDBError) {
            // Opening for writing makes sure that the last commit of an engine that was killed is seen.
            old = try Environment(
                at: place.directory, options: LMDBJournal.environmentOptions(options, access, tables: tables))
            byteCount = try old.bytesInUse()
        } catch { throw RenError(error) }
        try requireRoom(byteCount + spareBytes)
        return old
    }

    private func requireRoom(_ byteCount: Int) throws(RenError) {
        guard let free = Paths.freeBytes(place.parent), free < byteCount else { return }
        throw RenError(
            .storageFull, "a second journal of \(byteCount) bytes does not fit beside the one in \(place.directory)",
            hint: "free some space, or move the data directory; nothing was changed")
    }

    /// Opens what is there so far.
    func open() throws(RenError) -> LMDBStore {
        do {
            let environment = try Environment(
                at: place.temporary,
                options: LMDBJournal.environmentOptions(options, .create, tables: StoreTable.allCases))
            return LMDBStore(environment, ballast: nil)
        } catch { throw RenError(error) }
    }

    /// Flushes `store`, checks it whole, and closes it.
    ///
    /// - Parameter artifacts: their folder; nil: they are not looked at.
    /// - Throws: `journal.damaged` with the first thing that is wrong.
    func check(_ store: LMDBStore, artifacts: String?) throws(RenError) -> VerifyReport {
        try store.syncNewFile()
        Failpoint.copyWritten.pass()
        let journal = try StoreJournal(store)
        defer { journal.giveBack() }
        let report = try Verifier(journal, artifacts: artifacts).run()
        if let finding = report.findings.first {
            throw RenError(
                .journalDamaged, "the copy is not whole, and was removed: event \(finding.sequence): \(finding.what)",
                hint: "ren journal verify tells what is wrong with the journal itself, which was not changed")
        }
        Failpoint.copyVerified.pass()
        return report
    }

    /// Puts it in its place.
    func takePlace(_ way: JournalPlace.ExchangeWay = .best) throws(RenError) { try place.takePlace(way) }
}

/// A descriptor of a new file of this user's alone, or -1.
private func makeFile(_ path: String) -> Int32 {
    open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
}
