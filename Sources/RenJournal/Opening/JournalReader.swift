#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

import LMDB
package import RenCore
import Synchronization

/// A journal that another process may be writing, opened for looking only: for the tools.
///
/// A compaction or an import gives the journal other files. Before each page it looks whether that happened, and goes on
/// with the new ones; sequences are the same there.
package final class JournalReader: JournalReading {
    private static let pollMilliseconds = 100
    /// While the files are being exchanged.
    private static let reopeningsMax = 5

    private struct Files {
        var store: LMDBStore
        var identity: Paths.Identity?
    }

    private let place: JournalPlace
    private let files: Mutex<Files>
    private let pace = Mutex<ReaderPace?>(nil)

    /// Opens the journal in `directory` as it is.
    ///
    /// - Parameters:
    ///   - lockIsFree: no engine has the directory, as the caller found out by taking `EngineLock`, which it holds
    ///     until this returns. Then one empty write transaction is made first, without which readers may miss the last
    ///     commit of an engine that was killed.
    ///   - holderNamespace: the pid namespace of the engine that holds it.
    /// - Throws: `journal.newer`, `journal.damaged`, `storage.busy`; `storage.refused` when there is no journal, when
    ///   the engine is in another pid namespace, or when a second process must not open files with this liblmdb.
    package init(directory: String, lockIsFree: Bool, holderNamespace: UInt64? = nil) throws(RenError) {
        if !lockIsFree { try Self.checkSecondProcess(holderNamespace) }
        place = JournalPlace(directory)
        if lockIsFree { try place.recover() }
        try place.checkData()
        guard Paths.exists(place.data) else {
            throw RenError(
                .storageRefused, "there is no journal in \(place.directory)",
                hint: "`ren run` makes one; `--data` names another data directory")
        }
        if lockIsFree {
            do throws(LMDBError) {
                // Opening for writing begins and ends one empty write transaction. The format is not known yet, and
                // nothing is written, so this is safe for a newer journal too.
                _ = try Environment(
                    at: place.directory,
                    options: LMDBJournal.environmentOptions(JournalOptions(), .readWrite, tables: [.meta]))
            } catch { throw RenError(error) }
        }
        files = Mutex(try Self.open(place))
    }

    private static func open(_ place: JournalPlace) throws(RenError) -> Files {
        for _ in 0..<reopeningsMax {
            let identity = Paths.identity(place.data)
            let store: LMDBStore
            do throws(LMDBError) {
                let (environment, missing) = try environment(at: place, JournalOptions())
                try StorageFault.install(environment)
                store = LMDBStore(environment, ballast: nil, missing: missing)
            } catch { throw RenError(error) }
            guard identity == Paths.identity(place.data) else { continue }
            let format = try store.read { snapshot throws(RenError) in try Meta.number(Meta.format, in: snapshot) }
            try LMDBJournal.checkFormat(format)
            return Files(store: store, identity: identity)
        }
        throw RenError(.storageBusy, "the journal's files are being exchanged", hint: "try again in a moment")
    }

    /// The store of the files that bear the journal's name now.
    private func store() throws(RenError) -> LMDBStore {
        let identity = Paths.identity(place.data)
        return try files.withLock { files throws(RenError) in
            // Without any file, an exchange is under way, and what was is still whole.
            if let identity, identity != files.identity { files = try Self.open(place) }
            return files.store
        }
    }

    /// How full the files are, and who reads them.
    package func space() throws(RenError) -> JournalSpace { try JournalSpace(store().environment(), place) }

    /// A journal of an older ren has not all tables before an engine opens it: those are empty.
    private static func environment(
        at place: JournalPlace, _ options: JournalOptions
    ) throws(LMDBError) -> (Environment, missing: Set<StoreTable>) {
        var missing: Set<StoreTable> = []
        while true {
            let tables = StoreTable.allCases.filter { !missing.contains($0) }
            do throws(LMDBError) {
                let options = LMDBJournal.environmentOptions(options, .readOnly, tables: tables)
                return (try Environment(at: place.directory, options: options), missing)
            } catch {
                guard case .tableMissing(let name) = error.kind,
                    let table = StoreTable.addedLater.first(where: { $0.name == name && !missing.contains($0) })
                else { throw error }
                missing.insert(table)
            }
        }
    }

    /// Much will be read: from now on, reads rest while somebody writes fast.
    package func giveWay() { pace.withLock { $0 = ReaderPace() } }

    package func read<R>(_ body: (borrowing JournalView) throws(RenError) -> R) throws(RenError) -> R {
        // Before the read: nothing may rest within one.
        let rest = try pace.withLock { pace throws(RenError) in
            try pace?.rest { () throws(RenError) in try readNow { view throws(RenError) in try view.head().sequence } }
        }
        if let rest, rest > .zero { usleep(UInt32(clamping: rest.nanoseconds / 1_000)) }
        return try readNow(body)
    }

    private func readNow<R>(_ body: (borrowing JournalView) throws(RenError) -> R) throws(RenError) -> R {
        try store().read { snapshot throws(RenError) in
            let view = JournalView(snapshot)
            return try body(view)
        }
    }

    /// Looks at the number of the last commit every 100 ms, without a transaction.
    package func waitForEvents(after sequence: JournalSequence) async throws(RenError) -> Bool {
        var seen: (environment: Environment, last: UInt64)?
        while !Task.isCancelled {
            let last: UInt64
            let environment = try store().environment()
            do { last = try environment.statistics().lastTransactionID } catch { throw RenError(error) }
            if last != seen?.last || environment !== seen?.environment {
                seen = (environment, last)
                let head = try read { view throws(RenError) in try view.head().sequence }
                if head > sequence { return true }
            }
            // Cancelling wakes it; the loop then ends.
            try? await Task.sleep(for: .milliseconds(Self.pollMilliseconds))
        }
        return false
    }

    private static func checkSecondProcess(_ holderNamespace: UInt64?) throws(RenError) {
        if Environment.version.isUnsafeForSecondProcess {
            throw RenError(
                .storageRefused,
                "liblmdb \(Environment.version) can break a running engine when a second process opens its files",
                hint: "ask the running engine, or use liblmdb 0.9.24, or 0.9.32 and newer")
        }
        guard let holderNamespace, let own = PidNamespace.current, own != holderNamespace else { return }
        throw RenError(
            .storageRefused, "the engine of this data directory runs in another pid namespace (a container)",
            hint: "run this command there: from here the readers of the journal would not be seen")
    }
}

/// The namespace in which a process id means something.
enum PidNamespace {
    /// Nil where there are none.
    static var current: UInt64? {
        // pid:[4026531836]
        guard let text = Paths.target(of: "/proc/self/ns/pid"), let start = text.firstIndex(of: "[") else { return nil }
        return UInt64(text[text.index(after: start)...].dropLast())
    }
}
