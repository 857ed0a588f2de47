#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

import Ren
import RenCore
import RenEngine
import RenJournal

/// The journal as it is, read beside whoever writes it. No engine is needed and none is started.
struct Reading {
    let directory: DataDirectory
    let journal: JournalReader
    /// The engine of the directory, if there is one.
    let holder: EngineLock.Holder?

    /// - Parameters:
    ///   - givingWay: much will be read: an engine that works here goes first.
    ///   - mayBeRebuilt: the events alone are looked at.
    /// - Throws: `journal.missing` when nothing was ever run here; `directory.*`, `journal.*`, `storage.*`.
    init(_ data: DataOption, givingWay: Bool = false, mayBeRebuilt: Bool = false) throws(RenError) {
        directory = try data.existing()
        // While nobody holds the directory, the first look must be a writer's (RELIABILITY.md A14).
        let lock = try Self.passingLock(directory)
        let holder = lock == nil ? try EngineLock.holder(in: directory) : nil
        journal = try JournalReader(
            directory: directory.journal, lockIsFree: lock != nil, holderNamespace: holder?.namespace)
        // One who only passes by carries nothing.
        self.holder = holder?.carries == nil ? nil : holder
        withExtendedLifetime(lock) {}
        if !mayBeRebuilt { try journal.read { view throws(RenError) in try view.requireProjections() } }
        guard givingWay, self.holder != nil else { return }
        Self.giveWay()
        journal.giveWay()
    }

    /// Only time that nobody else wants is left to it, or little where that cannot be said.
    private static func giveWay() {
        // Where it is not allowed, all have the same share.
        #if os(Linux)
        // SCHED_IDLE, which the C library's module leaves out.
        let idle: Int32 = 5
        var parameters = sched_param()
        _ = sched_setscheduler(0, idle, &parameters)
        #else
        _ = setpriority(PRIO_PROCESS, 0, 15)
        #endif
    }

    /// The lock for an instant, or nil when an engine (or another passer-by) has it: then it is read beside that one.
    private static func passingLock(_ directory: DataDirectory) throws(RenError) -> EngineLock? {
        do {
            let reader = EngineLock.Holder.current(command: "ren", carries: nil, started: .wallClock())
            return try EngineLock.acquire(in: directory, as: reader, patienceMilliseconds: 0)
        } catch  where error.code == .engineLocked {
            return nil
        }
    }

    /// The run that `name` means.
    func run(_ name: String?) throws(RenError) -> RunRow {
        try journal.read { view throws(RenError) in try RunName.find(name, in: view) }
    }

    func summary(of name: String?) throws(RenError) -> RunSummary {
        try RunSummary(try run(name).number, in: journal, engineHolds: holder != nil)
    }
}

/// RUN on the command line.
enum RunName {
    /// Without a name: the only open run, else the last one.
    static func find(_ name: String?, in view: borrowing JournalView) throws(RenError) -> RunRow {
        if let name { return try view.findRun(name) }
        let open = try view.openRuns()
        return try view.findRun(open.count == 1 ? "@running" : "@last")
    }
}
