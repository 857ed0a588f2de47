package import RenCore
import RenJournal

/// What ren does as the storage fills up: the journal measures, the engine acts (SEMANTICS.md 10, "Disk").
extension Engine {
    /// For health: how full the storage is, and what was measured last.
    package func storage() -> (level: StorageLevel, use: StorageUse?) { (storageLevel, storageUse) }

    /// Has people told when the level changes.
    package func watchStorage(_ tell: (@Sendable (StorageLevel, StorageUse) -> Void)?) { storageTeller = tell }

    func measured(_ use: StorageUse) {
        let before = storageLevel
        storageUse = use
        storageLevel = .level(at: use.share, before: before)
        guard storageLevel != before else { return }
        storageTeller?(storageLevel, use)
        for number in mailboxes.keys.sorted() {
            if let mailbox = mailboxes[number] { obeyStorage(mailbox) }
        }
    }

    /// Pauses a run when the storage is nearly full, and lets it go on when there is room again.
    func obeyStorage(_ mailbox: Mailbox) {
        let state = mailbox.state
        let request: Request
        if storageLevel == .pausing, state.phase == .running {
            request = .pause(now: false, reason: RunState.diskReason)
        } else if storageLevel < .noNewRuns, state.isHeldForDisk {
            request = .resume(takingUp: false, reason: RunState.diskReason)
        } else {
            return
        }
        mailbox.incoming.append(Mailbox.Incoming(request: request))
        step(mailbox)
    }

    /// - Throws: `storage.full` for what would make a run that is paused for the disk go on.
    func requireRoom(for request: Request) throws(RenError) {
        guard storageLevel == .pausing else { return }
        switch request {
        case .resume, .signal, .retry, .skip: throw storageFull("takes only pause, stop and what is in flight")
        default: return
        }
    }

    /// - Throws: `storage.full`, `limit.active_runs`. A run that is there already may be asked for again.
    func requireRoom(forRun id: String) throws(RenError) {
        guard storageLevel >= .noNewRuns || mailboxes.count >= openRunsMax else { return }
        guard try journal.read({ view throws(RenError) in try view.runNumber(id: id) }) == nil else { return }
        if storageLevel >= .noNewRuns { throw storageFull("takes no new run") }
        throw RenError(
            .activeRunsLimit, "\(mailboxes.count) runs are open, and ren carries \(openRunsMax) at most",
            hint: "wait until some have ended, or stop some")
    }

    private func storageFull(_ what: String) -> RenError {
        let percent = Int((storageUse?.share ?? 1) * 100)
        return RenError(
            .storageFull, "the journal's storage is \(percent) % full, so ren \(what)",
            hint: "free some space; ren goes on below 88 %")
    }
}
