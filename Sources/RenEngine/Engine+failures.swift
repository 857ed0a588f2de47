package import RenCore
import RenJournal

extension Engine {
    /// How long a run waits before it tries again after a commit that the disk had no room for.
    private static let fullDiskPause = Duration.seconds(5)

    /// A commit did not happen: the working state is thrown away and folded again from the journal.
    ///
    /// How attempts ended is kept and admitted again, so nothing that a function returned is lost while ren lives. When
    /// nobody knows whether the commit happened, the engine stops: the next start reads what is true.
    func failed(_ number: RunNumber, _ ends: [Mailbox.Incoming], _ error: RenError) {
        switch error.code {
        case .storageFull: retry(number, ends, at: now() + Self.fullDiskPause)
        // The journal refused this batch alone: whoever asked is told, and the run goes on without it.
        case .runExists, .idInvalid, .payloadTooLarge, .requestKeyReused, .requestReplayed:
            retry(number, ends, at: now())
        default: storageFailed(error)
        }
    }

    private func storageFailed(_ error: RenError) {
        guard storageFailure == nil else { return }
        storageFailure = error
        failing.yield(error)
        for waiter in waiters.values.joined() { waiter.resume(returning: .storageFailed(error)) }
        waiters = [:]
        refuseAll(error)
    }

    /// Answers what waits to be admitted: it never will be.
    func refuseAll(_ error: RenError) {
        for mailbox in mailboxes.values {
            refuse(mailbox, error)
        }
    }

    private func refuse(_ mailbox: Mailbox, _ error: RenError) {
        for item in mailbox.incoming { item.reply?(.failure(error)) }
        mailbox.incoming = []
    }

    private func retry(_ number: RunNumber, _ ends: [Mailbox.Incoming], at time: Timestamp) {
        guard let mailbox = mailboxes[number] else { return }
        mailbox.kept += ends
        guard !mailbox.isStale else { return }
        mailbox.isStale = true
        reload(number, at: time)
    }

    private func reload(_ number: RunNumber, at time: Timestamp) {
        let clock = clock
        reloads[number] = Task {
            do {
                try await clock.sleep(until: time)
            } catch {
                return  // the engine is shutting down
            }
            await self.reload(number)
        }
    }

    private func reload(_ number: RunNumber) async {
        reloads[number] = nil
        guard let stale = mailboxes[number] else { return }
        var state = RunState(plans: stale.plans)
        var snapshots = SnapshotWriter()
        do {
            (state, snapshots) = try RunState.newest(of: number, plans: stale.plans, in: journal)
            try state.fold(number, from: journal)
        } catch  where error.code == .journalDamaged {
            _ = await quarantine(number, after: state.version, error)
            return
        } catch {
            return reload(number, at: now() + Self.fullDiskPause)
        }
        // A run that was never written has nothing to go on from: `start` tells its caller, and forgets it.
        guard state.version > .none else { return }
        let mailbox = stale.renewed(from: state, snapshots, journal: journal)
        mailboxes[number] = mailbox
        step(mailbox)
        obeyStorage(mailbox)
        committed(mailbox)
    }

    // MARK: Quarantine

    /// Writes, once, that a record of the run cannot be read or folded. Nobody carries it then; all others go on.
    ///
    /// - Parameter last: the last version that can be folded.
    /// - Returns: what its askers are told.
    func quarantine(_ number: RunNumber, after last: RunVersion, _ cause: RenError) async -> RenError {
        let error = RenError.quarantined(number, cause)
        do {
            let row = try journal.read { view throws(RenError) in try view.run(number) }
            if let row, row.status != .quarantined {
                let event = Event.quarantine(after: last, cause, at: now())
                try await journal.append([event], to: number, after: Batch.anyVersion)
            }
        } catch {
            return error  // the journal takes nothing or is damaged as a whole: that is worse, and says more
        }
        if let mailbox = mailboxes.removeValue(forKey: number) {
            refuse(mailbox, error)
            mailbox.abandon()
        }
        for waiter in waiters.removeValue(forKey: number) ?? [] { waiter.resume(returning: .quarantined) }
        return error
    }
}

extension Event {
    /// - Parameter last: the last version that can be folded.
    package static func quarantine(after last: RunVersion, _ cause: RenError, at time: Timestamp) -> Event {
        Event(.runQuarantined(at: last.next, reason: cause.message), .run, at: time)
    }
}

extension RenError {
    package static func quarantined(_ run: RunNumber, _ cause: RenError) -> RenError {
        RenError(
            .runQuarantined, "run number \(run) is quarantined: \(cause.message)",
            hint: "ren journal verify names the record")
    }
}
