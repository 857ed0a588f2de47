import RenCore
import RenWorkers

extension Engine {
    /// Makes sure that the engine looks at `mailbox` again when its next time comes.
    ///
    /// One timer serves all runs. It is moved forward at once, and backwards only by firing: a run whose deadlines move
    /// away with every attempt does not re-arm it.
    ///
    /// - Parameter seen: when it was looked at: what has fallen due since was not seen then.
    func arm(_ mailbox: Mailbox, after seen: Timestamp) {
        guard let due = mailbox.nextDue(after: seen), due < (timer?.due ?? .distantFuture) else { return }
        timer?.task.cancel()
        let clock = clock
        timer = (
            due,
            Task {
                do {
                    try await clock.sleep(until: due)
                } catch {
                    return  // an earlier time took its place
                }
                self.fire()
            }
        )
    }

    private func fire() {
        timer = nil
        let now = now()
        for number in mailboxes.keys.sorted() {
            guard let mailbox = mailboxes[number] else { continue }
            if let due = mailbox.nextDue(), due <= now {
                mailbox.elapse(now)
                step(mailbox)
            } else {
                arm(mailbox, after: now)
            }
        }
    }
}

extension Engine {
    /// Lets nothing begin any more and asks what runs to come to its end; returns when it has, or after `patience`.
    package func drain(for patience: Duration) async {
        isDraining = true
        for mailbox in mailboxes.values {
            for (call, host) in mailbox.liveCalls { host.askToPause([call]) }
        }
        let deadline = ContinuousClock.now + patience
        while !calls.routes.isEmpty, storageFailure == nil, ContinuousClock.now < deadline {
            do {
                try await Task.sleep(for: Self.drainPause)
            } catch {
                return
            }
        }
    }

    private static let drainPause = Duration.milliseconds(20)

    /// Stops carrying runs: what is in flight stays as the journal has it, and goes on with the next engine.
    package func shutDown() {
        timer?.task.cancel()
        timer = nil
        flushing?.cancel()
        for task in reloads.values { task.cancel() }
        reloads = [:]
        refuseAll(RenError(.init("engine.closed"), "the engine was shut down"))
        for mailbox in mailboxes.values { mailbox.log?.flush() }
        mailboxes = [:]
        for waiting in waiters.values {
            for waiter in waiting { waiter.resume(returning: .left) }
        }
        waiters = [:]
        failing.finish()
    }
}
