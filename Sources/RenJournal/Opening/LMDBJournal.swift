import LMDB
package import RenCore

/// How a journal is opened for writing.
package struct JournalOptions: Sendable {
    package enum Durability: Sendable {
        /// A commit is on the disk when it is answered.
        case durable
        /// A power cut may undo the last commits and leaves the rest whole.
        case relaxed
        /// For tests and benchmarks alone.
        case none
    }

    package var durability = Durability.durable
    /// Address space and the largest size of the file.
    package var mapSizeBytes = 64 << 30
    /// What the journal may use of it; nil: all. Free pages do not count.
    package var budgetBytes: Int?
    package var allowUnsupportedFileSystem = false
    /// What is kept back for a full disk, in a file beside the journal; 0 for none.
    package var ballastBytes = 32 << 20
    /// How long opening may wait for a lock that a dead process may have left behind.
    package var patienceMilliseconds = 5_000
    /// Makes the projections again from the events.
    package var rebuild = false
    /// Called while projections are made again, after each 5,000 events.
    package var onRebuild: @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
    /// Called once, on the writer's thread, when the storage failed: leave the process with 74.
    package var onStorageFault: @Sendable (RenError) -> Void = { _ in }

    package init() {}
}

/// The journal in an LMDB environment: how it is made, checked and opened.
///
/// The caller holds `EngineLock`: LMDB itself would let several processes write in turn, and the projections kept in
/// memory would not see each other.
package enum LMDBJournal {
    /// Opens the journal in `directory` (`DataDirectory.journal`), making it where there is none.
    ///
    /// Checks format, head and the last 1,000 records; rebuilds projections that are old, missing or behind.
    /// - Throws: `journal.newer` (nothing was touched), `journal.damaged`, `storage.locked` (no write transaction
    ///   within 5 s), `storage.refused` (directory or file system unfit), `storage.full`.
    package static func open(
        directory: String, options: JournalOptions = JournalOptions()
    ) throws(RenError) -> StoreJournal {
        let place = JournalPlace(directory)
        try place.prepare()
        if try place.isMissing() {
            try create(at: place, options)
        } else {
            try checkFormat(at: place, options)
        }
        let (environment, isIncomplete) = try openTables(of: place, options)
        do { try StorageFault.install(environment) } catch { throw RenError(error) }
        let store = LMDBStore(
            environment, ballast: Ballast(path: place.ballast, byteCount: options.ballastBytes),
            budgetBytes: options.budgetBytes)
        store.keepHouse()
        let isBehind = try store.read { snapshot throws(RenError) in
            try TailCheck.run(snapshot)
            return try areProjectionsBehind(snapshot)
        }
        if options.rebuild || isIncomplete || isBehind { _ = try Rebuild.run(store, progress: options.onRebuild) }
        return try StoreJournal(store, onStorageFault: options.onStorageFault)
    }

    /// Makes projections and snapshots that are missing, empty as they are.
    private static func openTables(
        of place: JournalPlace, _ options: JournalOptions
    ) throws(RenError) -> (Environment, isIncomplete: Bool) {
        var tables = StoreTable.allCases
        var isIncomplete = false
        while true {
            do throws(LMDBError) {
                let isWhole = tables.count == StoreTable.allCases.count
                let environment = try openEnvironment(place, options, .readWrite, tables)
                if isWhole { return (environment, isIncomplete) }
            } catch {
                if error == writeLockIsHeld { throw place.lockedError }
                guard case .tableMissing(let name) = error.kind,
                    let table = tables.first(where: { $0.name == name }),
                    table == .snapshots || StoreTable.derived.contains(table)
                else { throw RenError(error) }
                // Without snapshots a journal is whole; what is derived must be filled again.
                isIncomplete = isIncomplete || table != .snapshots
                tables.removeAll { $0 == table }
                if !isIncomplete { continue }
            }
            do { return (try openEnvironment(place, options, .create), isIncomplete) } catch { throw RenError(error) }
        }
    }

    private static func areProjectionsBehind(_ snapshot: any StoreSnapshot) throws(RenError) -> Bool {
        let state = try JournalState.load(from: snapshot)
        if state.applied != state.head { return true }
        if try Meta.number(Meta.projections, in: snapshot) != Meta.projectionFormat { return true }
        guard state.head > JournalSequence(0) else { return false }
        let rows = try snapshot.count(of: .runs)
        let stretches = try snapshot.count(of: .history)
        return rows == 0 || stretches == 0
    }

    /// A new journal appears whole or not at all: LMDB flushes neither the directory nor, before the first commit, its
    /// first pages.
    private static func create(at place: JournalPlace, _ options: JournalOptions) throws(RenError) {
        try place.makeTemporary()
        let environment: Environment
        do {
            environment = try Environment(
                at: place.temporary, options: environmentOptions(options, .create, tables: StoreTable.allCases))
        } catch { throw RenError(error) }
        try Rebuild.writeFormat(in: LMDBStore(environment, ballast: nil))
        do { try environment.syncNewFile() } catch { throw RenError(error) }
        try place.publishTemporary()
    }

    /// Looks without writing, so that a newer journal stays as it is.
    static func checkFormat(at place: JournalPlace, _ options: JournalOptions) throws(RenError) {
        let format: UInt32?
        do {
            let environment = try Environment(
                at: place.directory, options: environmentOptions(options, .readOnly, tables: [.meta]))
            format = try environment.read { transaction throws(LMDBError) in
                try transaction.withValue(of: Meta.format, in: environment.table(StoreTable.meta.name)) { bytes in
                    bytes.byteCount == 4 ? bytes.uint32(at: 0) : 0
                }
            }
        } catch { throw RenError(error) }
        try checkFormat(format)
    }

    static func checkFormat(_ format: UInt32?) throws(RenError) {
        guard let format, format > 0 else {
            throw RenError(
                .journalDamaged, "the journal says nothing about its format",
                hint: "make a copy of the data directory, then run `ren journal verify`")
        }
        guard format <= Meta.currentFormat else {
            throw RenError(
                .journalNewer,
                "the journal has format \(format), and this ren knows up to \(Meta.currentFormat); nothing was touched",
                hint: "use the newer ren that wrote it")
        }
    }

    /// Opening begins a write transaction, which waits for ever when a process died in a way that LMDB cannot mend. So
    /// it happens on a thread that can be left behind.
    private static func openEnvironment(
        _ place: JournalPlace, _ options: JournalOptions, _ access: Environment.Options.Access,
        _ tables: [StoreTable] = StoreTable.allCases
    ) throws(LMDBError) -> Environment {
        let environmentOptions = environmentOptions(options, access, tables: tables)
        let answer = Handover<Result<Environment, LMDBError>>()
        let thread = Thread {
            do throws(LMDBError) {
                answer.give(.success(try Environment(at: place.directory, options: environmentOptions)))
            } catch { answer.give(.failure(error)) }
        }
        guard let result = answer.wait(milliseconds: options.patienceMilliseconds) else {
            thread.detach()
            throw writeLockIsHeld
        }
        // The thread lets go of the environment with its end: later, a second opening would find it open.
        thread.join()
        return try result.get()
    }

    /// Opening itself never says this.
    private static let writeLockIsHeld = LMDBError(.busy, operation: .begin)

    static func environmentOptions(
        _ options: JournalOptions, _ access: Environment.Options.Access, tables: [StoreTable]
    ) -> Environment.Options {
        var result = Environment.Options(access: access, tables: tables.map(\.name))
        result.durability =
            switch options.durability {
            case .durable: .durable
            case .relaxed: .relaxed
            case .none: .none
            }
        result.mapSizeBytes = options.mapSizeBytes
        result.allowUnsupportedFileSystem = options.allowUnsupportedFileSystem
        return result
    }
}
