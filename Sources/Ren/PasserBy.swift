package import RenCore
import RenEngine
package import RenJournal

/// What `ren pause`, `stop` and `signal` do when no engine holds the directory (SEMANTICS.md 9).
///
/// It takes the directory for an instant, ends what was in flight as at a start, lets happen what is due, admits the request, lets settle what
/// needs no evaluation, appends all of it as one batch, and leaves. What needs the evaluator waits for the next engine.
package enum PasserBy {
    package struct Outcome: Sendable {
        package var run: RunNumber
        package var id: String
        /// The sequence of the last event that was written.
        package var sequence: JournalSequence
        package var phase: RunState.Phase
    }

    /// - Parameter find: the run that is meant.
    /// - Throws: `engine.running` when an engine holds the directory; `run.quarantined` when the run cannot be folded;
    ///   what `admit` refuses; what the journal throws.
    package static func ask(
        _ request: Request, of find: (borrowing JournalView) throws(RenError) -> RunRow, in directory: DataDirectory,
        by: String, command: String
    ) throws(RenError) -> Outcome {
        let lock = try lock(directory, command)
        defer { withExtendedLifetime(lock) {} }
        let journal = try LMDBJournal.open(directory: directory.journal)
        defer { journal.close() }
        let (row, last) = try journal.read { view throws(RenError) in
            (try find(view), try view.head().time)
        }
        let flow = try Session.recordedFlow(row.flow, in: journal)
        let signatures = try row.functions.map { set throws(RenError) in
            try journal.read { view throws(RenError) in try view.functions(of: set) }.signatures()
        }
        let plan = Plan(flow, signatures: signatures ?? [:])
        var before = RunState(plan: plan)
        do {
            try before.fold(row.number, from: journal)
        } catch  where error.code == .journalDamaged {
            throw try quarantine(row, after: before.version, error, in: journal, at: SystemClock(last: last).now())
        }
        var batch = PasserBatch(state: before, now: SystemClock(last: last).now())
        try batch.admit(.engineDied)
        try batch.catchUp()
        let refusal = batch.refusal(of: request, by: by)
        batch.settle()
        if let refusal, batch.events.isEmpty { throw refusal }
        let receipt = try journal.appendAndWait(batch.events, to: row.number, after: before.version)
        // What time had brought about before the request is true all the same.
        if let refusal { throw refusal }
        return Outcome(run: row.number, id: row.id, sequence: receipt.last, phase: batch.state.phase)
    }

    /// Writes, once, that the run cannot be folded.
    ///
    /// - Returns: what the asker is told.
    private static func quarantine(
        _ row: RunRow, after last: RunVersion, _ cause: RenError, in journal: any Journal, at time: Timestamp
    ) throws(RenError) -> RenError {
        if row.status != .quarantined {
            let event = Event.quarantine(after: last, cause, at: time)
            try journal.appendAndWait([event], to: row.number, after: Batch.anyVersion)
        }
        return .quarantined(row.number, cause)
    }

    private static func lock(_ directory: DataDirectory, _ command: String) throws(RenError) -> EngineLock {
        do {
            return try EngineLock.acquire(
                in: directory, as: .current(command: command, carries: nil, started: Timestamp.wallClock()))
        } catch  where error.code == .engineLocked {
            throw RenError(
                .engineRunning,
                "an engine is at work here (\(error.message)); control of a running engine comes with the service",
                hint: "Ctrl-C in the terminal of that `ren run` pauses its run; then this command works")
        }
    }
}

/// The events that a passer-by adds, on a working state.
private struct PasserBatch {
    var state: RunState
    var now: Timestamp
    var events: [Event] = []
    private var draws: Draws

    init(state: RunState, now: Timestamp) {
        self.state = state
        self.now = now
        var generator = SystemRandomNumberGenerator()
        draws = Draws(seed: generator.next())
    }

    mutating func admit(_ request: Request, by asker: Asker = Asker()) throws(RenError) {
        record(try state.admit(request, at: now, by: asker, draws: &draws))
    }

    /// What time alone has brought about by now, such as a pause that got no signal: it comes before any request.
    mutating func catchUp() throws(RenError) {
        if let due = state.nextDue(), due <= now { try admit(.due) }
        settle()
    }

    /// Admits the request, or says why not.
    mutating func refusal(of request: Request, by: String) -> RenError? {
        do {
            try refuseLate(request)
            try admit(request, by: Asker(by: by))
            return nil
        } catch {
            return error
        }
    }

    /// A pause whose time is over and whose `on_error` needs the evaluator still waits here, but takes no signal.
    private func refuseLate(_ request: Request) throws(RenError) {
        guard case .signal(let name, _) = request, state.phase == .running else { return }
        for node in state.plan.pauses.map(\.node) {
            guard case .waiting(let wait) = state[node].phase, wait.signal == name, let until = wait.until, until <= now
            else { continue }
            throw RenError(
                .signalAnswered, "signal “\(name)” comes too late: its time was over at \(until.iso8601)",
                hint: "ren resume goes on with the run")
        }
    }

    /// Decides with no slots until nothing follows; commands need an engine.
    mutating func settle() {
        let kinds = Array(repeating: Slots.Kind.none, count: state.plan.flow.nodes.count)
        while true {
            var slots = Slots(kinds: kinds, free: [:])
            let decision = state.decide(at: now, slots: &slots)
            guard !decision.events.isEmpty else { return }
            record(decision.events)
        }
    }

    private mutating func record(_ new: [Event]) {
        for event in new {
            var event = event
            state.record(&event)
            events.append(event)
        }
    }
}

extension RenError.Code {
    /// Somebody else is the engine of the directory, and cannot be asked yet.
    package static let engineRunning = Self("engine.running")
}
