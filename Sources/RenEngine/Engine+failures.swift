import RenCore
import RenJournal

extension Engine {
    /// How long a run waits before it tries again after a commit that the disk had no room for.
    private static let fullDiskPause = Duration.seconds(5)

    /// A commit did not happen: the working state is thrown away and folded again from the journal.
    ///
    /// How attempts ended is kept and admitted again, so nothing that a function returned is lost while ren lives. When
    /// nobody knows whether the commit happened, the engine stops: the next start reads what is true.
    func failed(_ number: RunNumber, _ ends: [Mailbox.Incoming], _ error: RenError) {
        guard let mailbox = mailboxes[number] else { return }
        guard error.code == .storageFull else {
            storageFailure = error
            for (number, waiting) in waiters {
                waiters[number] = nil
                for waiter in waiting { waiter.resume(returning: .storageFailed(error)) }
            }
            return
        }
        if !mailbox.isStale {
            mailbox.isStale = true
            retryLater(number)
        }
        mailbox.incoming += ends
    }

    private func retryLater(_ number: RunNumber) {
        let clock = clock
        let time = now() + Self.fullDiskPause
        reloads[number] = Task {
            do {
                try await clock.sleep(until: time)
            } catch {
                return  // the engine is shutting down
            }
            self.reload(number)
        }
    }

    private func reload(_ number: RunNumber) {
        reloads[number] = nil
        guard let stale = mailboxes[number] else { return }
        do {
            let state = try RunState(folding: number, plan: stale.plan, from: journal)
            let mailbox = stale.renewed(from: state, journal: journal)
            mailboxes[number] = mailbox
            step(mailbox)
        } catch {
            retryLater(number)
        }
    }
}
