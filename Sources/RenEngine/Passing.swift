package import RenCore
package import RenJournal

/// What is asked of a run that nobody carries, by one who does not carry it on either (SEMANTICS.md 9).
///
/// It ends what was in flight as at a start, lets happen what is due, admits the request, and lets settle what needs no
/// evaluation. What needs the evaluator waits for an engine that carries the run.
package struct Passing {
    package private(set) var state: RunState
    private let now: Timestamp
    private var events: [Event] = []
    private var draws: Draws

    /// - Returns: the answer, and the phase that the run has then.
    /// - Throws: `run.quarantined` when the run cannot be folded; what `admit` refuses; what the journal throws.
    package static func ask(
        _ request: Request, of row: RunRow, plans: [Plan], in journal: any Journal, at now: Timestamp, by asker: Asker
    ) throws(RenError) -> (answer: Answer, phase: RunState.Phase) {
        var state = try RunState.newest(of: row.number, plans: plans, in: journal).state
        do {
            try state.fold(row.number, from: journal)
        } catch  where error.code == .journalDamaged {
            throw try quarantine(row, after: state.version, error, in: journal, at: now)
        }
        try state.requireMatch(asker)
        var passing = Passing(state, now)
        try passing.catchUp()
        // What time has brought about is true whether the request is admitted or not.
        _ = try passing.commit(row.number, after: state.version, in: journal)
        let before = passing.state.version
        try passing.refuseLate(request)
        var asker = asker
        asker.ifMatch = nil
        let (complete, earlier) = try request.completed(in: passing.state, run: row.number, in: journal)
        try passing.admit(complete, by: asker, earlier: earlier)
        passing.settle()
        guard let receipt = try passing.commit(row.number, after: before, in: journal) else {
            preconditionFailure("a request was admitted without an event")
        }
        return (Answer(receipt), passing.state.phase)
    }

    private init(_ state: RunState, _ now: Timestamp) {
        self.state = state
        self.now = now
        var generator = SystemRandomNumberGenerator()
        draws = Draws(seed: generator.next())
    }

    private mutating func admit(
        _ request: Request, by asker: Asker = Asker(), earlier: EarlierWork? = nil
    ) throws(RenError) {
        record(try state.admit(request, at: now, by: asker, earlier: earlier, draws: &draws))
    }

    /// What time alone has brought about by now, such as a pause that got no signal: it comes before any request.
    private mutating func catchUp() throws(RenError) {
        try admit(.engineDied)
        if let due = state.nextDue(), due <= now { try admit(.due) }
        settle()
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
    private mutating func settle() {
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

    /// - Returns: nil when there is nothing to write.
    private mutating func commit(
        _ run: RunNumber, after: RunVersion, in journal: any Journal
    ) throws(RenError) -> Receipt? {
        guard !events.isEmpty else { return nil }
        defer { events = [] }
        return try journal.appendAndWait(events, to: run, after: after)
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
}
