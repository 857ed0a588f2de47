package import RenCore
import RenJSON
import RenJournal
import RenWorkers

extension Engine {
    /// A line of a function, or of a worker, into the log of its run.
    func log(_ line: LogLine) {
        flushSoon()
        guard let call = line.call, let route = calls.routes[call], let mailbox = mailboxes[route.run] else {
            // What a worker prints outside of calls belongs to every run that it works for; one would be a guess.
            for number in mailboxes.keys.sorted() where line.level != .debug {
                mailboxes[number]?.write(line, nil, at: now())
            }
            return
        }
        mailbox.write(line, route, at: now())
    }

    /// Log lines reach their files a moment after they were said, many at a time.
    func flushSoon() {
        guard flushing == nil, logs != nil else { return }
        flushing = Task {
            do {
                try await Task.sleep(for: .milliseconds(200))
            } catch {
                return  // the engine is shutting down, which flushes too
            }
            flushing = nil
            for mailbox in mailboxes.values { mailbox.log?.flush() }
            if mailboxes.values.contains(where: { $0.log?.isBehind == true }) { flushSoon() }
        }
    }

    /// Facts about workers belong to no run: they go to the run `journal`.
    func note(_ report: CallReport) {
        let fact: Fact
        switch report {
        case .workerStarted(let set, let process): fact = .workerStarted(WorkerNote(set: set, process: process))
        case .workerExited(let set, let process, let how):
            fact = .workerExited(WorkerNote(set: set, process: process, end: how))
        case .parked(let set, let function, let reason):
            fact = .functionParked(name: function, set: set, reason: reason)
            for number in mailboxes.keys.sorted() where mailboxes[number]?.functions.set == set {
                mailboxes[number]?.write(
                    LogLine(call: nil, level: .error, text: "\(function) is parked: \(reason)"), nil, at: now())
            }
        case .unparked(let set, let function): fact = .functionUnparked(name: function, set: set)
        default: return
        }
        record(fact)
    }

    /// One clock reading, taken where the order is made: recorded time never goes back within a run.
    func stamped(_ facts: [(Fact, PayloadMark?)]) -> [Event] {
        let now = now()
        return facts.map { Event($0.0, .run, at: now, payload: $0.1) }
    }

    /// Adds a fact to the run `journal`; nobody waits for it.
    package func record(_ fact: Fact) {
        guard storageFailure == nil else { return }
        let events = stamped([(fact, nil)])
        journal.submit(
            Batch(run: .journal, after: Batch.anyVersion, events: events) { result in
                if case .failure(let error) = result { self.post([.failed(.journal, [], error)]) }
            })
    }
}
