package import RenCore
package import RenJournal
package import RenWorkers
import Synchronization

/// Carries runs: routes what comes in to their mailboxes, hands their batches to the journal, arms the timer.
///
/// It is an actor on a thread of its own. Reports of workers and failed commits come in through `Inbox`; effects leave
/// on the journal's writer thread, right after the commit that holds their events.
package actor Engine {
    private nonisolated let thread: ThreadExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    package nonisolated let journal: any Journal
    nonisolated let clock: any EngineClock
    private nonisolated let inbox = Inbox()
    /// Folder of the runs' logs; nil keeps none.
    let logs: String?
    private let artifacts: String?
    private var draws: Draws
    let calls = CallTable()
    private lazy var opener = MapOpener(journal) { [weak self] in self?.post($0) }
    var mailboxes: [RunNumber: Mailbox] = [:]
    var waiters: [RunNumber: [CheckedContinuation<Rest?, Never>]] = [:]
    var timer: (due: Timestamp, task: Task<Void, Never>)?
    var reloads: [RunNumber: Task<Void, Never>] = [:]
    /// Brings what the runs said to their log files.
    var flushing: Task<Void, Never>?
    /// The last turn given to a run that waits for a slot.
    private var turns: UInt64 = 0
    /// Nobody knows whether the last commit happened, or the device is not to be trusted: nothing is written any more.
    var storageFailure: RenError?
    /// Gives `storageFailure` when there is one, and ends when the engine is shut down; for one reader.
    package nonisolated let failures: AsyncStream<RenError>
    nonisolated let failing: AsyncStream<RenError>.Continuation
    /// Nothing begins any more: the engine is about to leave.
    var isDraining = false
    var storageLevel = StorageLevel.normal
    var storageUse: StorageUse?
    var storageTeller: (@Sendable (StorageLevel, StorageUse) -> Void)?
    let requests = RequestsInFlight()
    /// One more is refused.
    let openRunsMax: Int

    /// Where a run rests.
    package enum Rest: Sendable, Equatable {
        case ended(RunState.Status)
        /// Only a person can go on: it is paused, waits for a signal, or holds an unknown outcome.
        case person
        case quarantined
        /// The journal takes nothing any more: the process must end (exit 74).
        case storageFailed(RenError)
        /// The engine was shut down before the run came to rest.
        case left
    }

    /// - Parameters:
    ///   - seed: for jitter; what is drawn is recorded with its effect.
    package init(
        journal: any Journal, clock: any EngineClock, logs: String?, artifacts: String?, seed: UInt64,
        openRunsMax: Int = 10_000
    ) {
        self.journal = journal
        self.clock = clock
        self.logs = logs
        self.artifacts = artifacts
        self.openRunsMax = openRunsMax
        draws = Draws(seed: seed)
        (failures, failing) = AsyncStream.makeStream()
        thread = ThreadExecutor(name: "ren-engine")
        journal.watchStorage { [weak self] use in self?.post([.storage(use)]) }
    }

    package nonisolated func now() -> Timestamp { clock.now() }

    /// Where hosts of functions send what they have to tell; any thread.
    package nonisolated func receive(_ reports: [CallReport]) {
        post(reports.map { .report($0) })
    }

    nonisolated func post(_ messages: [Inbox.Message]) {
        guard inbox.add(messages) else { return }
        thread.run { self.assumeIsolated { $0.drain() } }
    }

    // MARK: Runs

    /// Creates a run and begins with it; returns when it is durable.
    ///
    /// - Parameter paused: nothing of it begins before it is resumed.
    /// - Returns: the run, or the one that has this id already with the same flow and input, or that the request's key
    ///   made: then nothing was written.
    /// - Throws: `run.exists`, `request.key_reused`, `limit.active_runs`, `storage.full`, `storage.failed`.
    package func start(
        _ creation: RunCreation, plan: Plan, input: Payload, functions: RunFunctions, paused: Bool = false,
        by asker: Asker
    ) async throws(RenError) -> Answer {
        let number = journal.reserveRun()
        do throws(RenError) {
            var answer = try await answered(asker) { reply in
                do throws(RenError) {
                    try requireRoom(forRun: creation.id)
                } catch {
                    return reply(.failure(error))
                }
                let mailbox = makeMailbox(number, RunState(plan: plan), [plan], functions, id: creation.id)
                mailboxes[number] = mailbox
                mailbox.create(creation, input: input, paused: paused, at: now(), by: asker, reply: reply)
                step(mailbox)
            }
            answer.isNew = answer.run == number
            if !answer.isNew { drop(number) }
            return answer
        } catch {
            drop(number)
            throw error
        }
    }

    /// Forgets a run of which nothing was written.
    private func drop(_ number: RunNumber) {
        mailboxes.removeValue(forKey: number)?.abandon()
    }

    /// Takes up a run that is in the journal: its state is folded, what was in flight is ended, and it goes on. One that has
    /// ended goes on when `request` opens it again.
    ///
    /// - Parameter request: what is asked of it then: nil: that it goes on.
    /// - Returns: nil when this engine carries it already: nothing was written.
    /// - Throws: `run.quarantined` when a record of it cannot be read or folded, `run.finished`, what `admit` refuses (the
    ///   run is not taken up then), `version.conflict`, `request.key_reused`, `storage.*`.
    @discardableResult
    package func takeUp(
        _ number: RunNumber, plans: [Plan], functions: RunFunctions, asking request: Request? = nil,
        reason: String? = nil, by asker: Asker
    ) async throws(RenError) -> Answer? {
        var asker = asker
        // A repetition finds its answer in the journal; the run is taken up all the same.
        if request == nil, let mark = asker.request, try known(mark) != nil { asker = Asker(by: asker.by) }
        guard let mailbox = try await revive(number, plans, functions, by: asker) else { return nil }
        asker.ifMatch = nil
        let taking = asker
        do {
            if let request {
                try requireRoom(for: request)
                // Before anything of the run is changed by taking it up.
                let (complete, earlier) = try request.completed(in: mailbox.state, mailbox.values)
                _ = try mailbox.state.admit(complete, at: now(), earlier: earlier, draws: &draws)
            }
            return try await answered(taking) { reply in
                mailbox.incoming.append(
                    Mailbox.Incoming(
                        request: request ?? .resume(takingUp: true, reason: reason), by: taking, reply: reply))
                step(mailbox)
                obeyStorage(mailbox)
            }
        } catch {
            mailboxes[number] = nil
            throw error
        }
    }

    /// Makes a run out of another one's past; returns when that is durable and its rows are made. It is not carried yet.
    ///
    /// - Parameters:
    ///   - events: `run.forked`, and the values that a person gives.
    ///   - version: of the parent, which it goes on from.
    /// - Returns: the run, or the same fork that has this id already, or that the request's key made: then nothing was
    ///   written.
    /// - Throws: `run.exists`, `fork.too_deep`, `version.conflict`, `request.key_reused`, `limit.active_runs`,
    ///   `storage.*`, `journal.damaged` when its past cannot be read.
    package func fork(
        _ events: [Event], id: String, after version: RunVersion, by asker: Asker
    ) async throws(RenError) -> Answer {
        let number = journal.reserveRun()
        var answer = try await answered(asker) { reply in
            do throws(RenError) {
                try requireRoom(forRun: id)
            } catch {
                return reply(.failure(error))
            }
            var events = events
            for index in events.indices { events[index].by = asker.by }
            events[0].request = asker.request
            var batch = Batch(run: number, after: version, events: events) { reply($0.map { Answer($0) }) }
            batch.isUrgent = true
            journal.submit(batch)
        }
        answer.isNew = answer.run == number
        try await journal.waitUntilPrepared(answer.run)
        return answer
    }

    /// Asks something of a run that this engine carries; returns when the answer is durable.
    ///
    /// - Throws: what `admit` refuses; `run.not_found` for a run that this engine does not carry, `run.finished` for
    ///   one that has ended; `request.key_reused`, `storage.*`.
    @discardableResult
    package func ask(_ number: RunNumber, _ request: Request, by asker: Asker) async throws(RenError) -> Answer {
        try await answered(asker) { reply in
            guard let mailbox = mailboxes[number] else { return reply(.failure(notCarried(number))) }
            deliver(request, to: mailbox, by: asker, reply)
        }
    }

    /// Asks something of an open run that this engine does not carry, and leaves it as it is otherwise; of a run that
    /// it does carry by now, as `ask` does.
    ///
    /// The engine stands still for the one or two commits, so that nobody takes the run up between them.
    /// - Parameter plans: with the signatures that were recorded.
    /// - Throws: as `ask` does.
    package func pass(
        _ number: RunNumber, _ request: Request, plans: [Plan], by asker: Asker
    ) async throws(RenError) -> Answer {
        try await answered(asker) { reply in
            if let mailbox = mailboxes[number] { return deliver(request, to: mailbox, by: asker, reply) }
            do throws(RenError) {
                try requireRoom(for: request)
                let row = try journal.read { view throws(RenError) in try view.run(number) }
                guard let row, row.status.isOpen else { return reply(.failure(notCarried(number))) }
                let outcome = try Passing.ask(request, of: row, plans: plans, in: journal, at: now(), by: asker)
                reply(.success(outcome.answer))
            } catch {
                reply(.failure(error))
            }
        }
    }

    private func deliver(
        _ request: Request, to mailbox: Mailbox, by asker: Asker, _ reply: @escaping Effects.Reply
    ) {
        do throws(RenError) {
            try requireRoom(for: request)
        } catch {
            return reply(.failure(error))
        }
        mailbox.incoming.append(Mailbox.Incoming(request: request, by: asker, reply: reply))
        step(mailbox)
        // It had ended, and what was asked has not opened it again.
        if mailbox.state.isEnded { committed(mailbox) }
    }

    /// Returns when the run has ended, or when only a person can go on with it; nil when the engine does not carry it (any more).
    package func rest(of number: RunNumber) async -> Rest? {
        await withCheckedContinuation { continuation in
            // Looked at in here: on the way to this closure the actor may have done other things.
            if let storageFailure {
                continuation.resume(returning: .storageFailed(storageFailure))
            } else if let mailbox = mailboxes[number] {
                waiters[number, default: []].append(continuation)
                committed(mailbox)
            } else {
                continuation.resume(returning: nil)
            }
        }
    }

    /// The working state of a run, for showing it live: it may be ahead of the journal by the batch in flight.
    package func state(of number: RunNumber) -> RunState? {
        mailboxes[number]?.state
    }

    package func progress(of number: RunNumber) -> [NodeNumber: CallProgress] {
        mailboxes[number]?.progress ?? [:]
    }

    func makeMailbox(
        _ number: RunNumber, _ state: RunState, _ plans: [Plan], _ functions: RunFunctions, id: String,
        _ snapshots: SnapshotWriter = SnapshotWriter()
    ) -> Mailbox {
        let watermark = Watermark(state.version)
        return Mailbox(
            number: number, state: state, plans: plans, snapshots: snapshots, functions: functions, journal: journal,
            calls: calls, opener: opener,
            log: logs.map { RunLog(directory: "\($0)/\(id)", run: id, committed: watermark) }, artifacts: artifacts,
            watermark: watermark)
    }

    // MARK: The loop

    private func drain() {
        let messages = inbox.take()
        var touched: [Mailbox] = []
        var slotsFreed = false
        func touch(_ mailbox: Mailbox) {
            if !touched.contains(where: { $0 === mailbox }) { touched.append(mailbox) }
        }
        for message in messages {
            switch message {
            case .report(let report):
                if case .ended = report { slotsFreed = true }
                if case .slotsFreed = report { slotsFreed = true }
                if let mailbox = take(report) { touch(mailbox) }
            case .committed(let run):
                guard let mailbox = mailboxes[run] else { continue }
                committed(mailbox)
                if mailbox.awaitsCommit { touch(mailbox) }
            case .failed(let run, let ends, let error): failed(run, ends, error)
            case .storage(let use): measured(use)
            case .snapshotLost(let run): mailboxes[run]?.snapshots.forget()
            }
        }
        // Those that wait for a slot come first, the longest waiting before the others: a run whose call has just ended
        // does not take its slot back before they had theirs.
        for mailbox in slotsFreed ? hungry() : [] {
            let isTouched = touched.contains { $0 === mailbox }
            guard isTouched || mailbox.functions.hasFreeSlot else { continue }
            step(mailbox)
            touched.removeAll { $0 === mailbox }
        }
        for mailbox in touched { step(mailbox) }
    }

    private func hungry() -> [Mailbox] {
        mailboxes.values.filter(\.isHungry).sorted { $0.turn < $1.turn }
    }

    /// - Returns: the mailbox that has something to do now.
    private func take(_ report: CallReport) -> Mailbox? {
        switch report {
        case .ended(let call, let end):
            guard let route = calls.close(call), let mailbox = mailboxes[route.run] else { return nil }
            return mailbox.take(end, of: call, route)
        case .checkpoint(let call, let request, let payload):
            guard let route = calls.routes[call], let mailbox = mailboxes[route.run] else { return nil }
            calls.sign(call, at: now())
            mailbox.incoming.append(
                Mailbox.Incoming(
                    request: .checkpoint(route.subject, token: route.token, payload), call: call, workerRequest: request
                ))
            return mailbox
        case .alive(let call): calls.sign(call, at: now())
        case .progress(let call, let done, let total, let text):
            guard let route = calls.routes[call], let node = route.subject.node else { return nil }
            calls.sign(call, at: now())
            mailboxes[route.run]?.progress[node] = CallProgress(done: done, total: total, text: text)
        case .read(let call, let request, let argument, let from):
            guard let route = calls.routes[call] else { return nil }
            mailboxes[route.run]?.page(call, route, request: request, argument: argument, from: from)
        case .log(let line): log(line)
        case .workerStarted, .workerExited, .parked, .unparked: note(report)
        case .slotsFreed: break
        }
        return nil
    }

    /// Lets a mailbox go as far as it can, and hands its batch to the journal.
    func step(_ mailbox: Mailbox) {
        guard storageFailure == nil, !mailbox.isStale else { return }
        let wasHungry = mailbox.isHungry
        let isUpToDate = mailbox.isCommitted
        let now = clock.now()
        let work = mailbox.advance(at: now, isDraining: isDraining, draws: &draws)
        if let work {
            submit(work, of: mailbox)
        } else if mailbox.awaitsCommit, !isUpToDate {
            announce(mailbox)
        }
        if mailbox.isHungry, !wasHungry || work?.effects.beginsCalls == true {
            turns += 1
            mailbox.turn = turns
        }
        if mailbox.log?.isBehind == true { flushSoon() }
        arm(mailbox, after: now)
    }

    /// Comes back to a mailbox after the batch in flight, which nobody waited for when it was submitted: an empty batch
    /// is answered in the order of commits.
    private func announce(_ mailbox: Mailbox) {
        let run = mailbox.number
        journal.submit(Batch(run: .journal, after: Batch.anyVersion, events: []) { _ in self.post([.committed(run)]) })
    }

    private func submit(_ work: Mailbox.Work, of mailbox: Mailbox) {
        let run = mailbox.number
        let last = RunVersion(work.after.rawValue + UInt64(work.events.count))
        // Nobody need be woken by a commit unless someone waits for it; the next batch then says how far it is.
        let isAwaited = mailbox.awaitsCommit || rest(mailbox) != nil
        let watermark = mailbox.watermark
        mailbox.submitted = last
        // Each part is a history that could stand alone. When one fails, the journal refuses those behind it too, so
        // the last one speaks for all.
        let parts = work.parts
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            let keys = index == 0 ? work.keys : []
            var batch = Batch(run: run, after: part.after, events: part.events, keys: keys) { result in
                defer { part.answer(result) }
                guard isLast else { return }
                switch result {
                case .success(let receipt) where receipt.replayed:
                    self.post([.failed(run, work.ends, .replayed)])
                case .success(let receipt):
                    work.effects.release(receipt)
                    // Of a run that was there already under another number, nothing was written.
                    if !receipt.isExisting { watermark.store(last) }
                    if isAwaited { self.post([.committed(run)]) }
                case .failure(let error): self.post([.failed(run, work.ends, error)])
                }
            }
            batch.isUrgent = !part.replies.isEmpty
            journal.submit(batch)
        }
        submitSnapshot(of: mailbox)
    }

    /// Behind the events whose state it holds, so that it is never there without them, and no event waits for it.
    private func submitSnapshot(of mailbox: Mailbox) {
        guard let snapshot = mailbox.snapshots.next(mailbox.state) else { return }
        let run = mailbox.number
        journal.submit(
            Batch(run: run, after: mailbox.state.version, events: [], snapshot: snapshot) { result in
                if case .failure = result { self.post([.snapshotLost(run)]) }
            })
    }

    /// Tells those who wait for a run where it rests, if it does.
    func committed(_ mailbox: Mailbox) {
        guard mailbox.isCommitted, let rest = rest(mailbox) else { return }
        mailbox.log?.flush()
        for waiter in waiters.removeValue(forKey: mailbox.number) ?? [] { waiter.resume(returning: rest) }
        if mailbox.state.isEnded, mailbox.incoming.isEmpty { mailboxes[mailbox.number] = nil }
    }

    private func rest(_ mailbox: Mailbox) -> Rest? {
        switch mailbox.rest {
        case .ended:
            if case .ended(let status) = mailbox.state.phase { .ended(status) } else { .quarantined }
        case .person: .person
        case nil: nil
        }
    }
}
