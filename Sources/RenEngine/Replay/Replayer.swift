package import RenCore
import RenJSON
package import RenJournal

/// Folds and decides the whole history of a run again, without effects: every recorded event must follow from those
/// before it (SEMANTICS.md 7).
///
/// It reads events and payloads and no table, and evaluates with the code of the engine. What people, workers and clocks
/// brought must have been admissible; what ren decided must be what it decides now; what an attempt began with must
/// follow from recorded outputs.
package struct Replayer {
    enum Verdict {
        case follows(ReplayReport.Kind)
        /// By the operands recorded with it.
        case byOperands
        /// It cannot be evaluated any more.
        case taken(ReplayReport.Kind)
        case diverges(ReplayReport.Divergence.Expected)
    }

    private static let page = 1_000

    let run: RunNumber
    let journal: any JournalReading
    let values: RunValues
    let trails = ItemTrails()
    let evaluator = Evaluator()
    var state: RunState
    var draws = Draws(seed: 0)
    /// Of the settled item that the last answer is about.
    var earlier: EarlierWork?
    /// What the last request or decision brings beyond the event that was read, in order, and how that is explained.
    var due: ArraySlice<Event> = []
    var dueKind = ReplayReport.Kind.decided

    /// Replays a run as far as it has got.
    ///
    /// - Parameters:
    ///   - plans: of the flow that the run began with, then of those that its forks change to.
    ///   - artifacts: the folder of artifacts; nil where there are none.
    ///   - end: the last version to look at.
    /// - Throws: `request.cancelled`; what keeps the journal from being read at all.
    package static func replay(
        _ run: RunNumber, plans: [Plan], in journal: any JournalReading, artifacts: String?,
        upTo end: RunVersion = RunVersion(rawValue: .max), isCancelled: () -> Bool = { false }
    ) throws(RenError) -> ReplayReport {
        var replayer = Replayer(run, plans, journal, artifacts)
        var report = ReplayReport(replayer.state)
        var limit = page
        while replayer.state.version < end, report.isWhole {
            if isCancelled() { throw RenError(.requestCancelled, "nobody waits for the answer any more") }
            let after = replayer.state.version
            let events: [RecordedEvent]
            do {
                events = try journal.read { view throws(RenError) in
                    try view.page(of: run, after: after, limit: limit)
                }
            } catch {
                guard error.code == .journalDamaged else { throw error }
                // Event by event, up to the one that cannot be read.
                guard limit == 1 else {
                    limit = 1
                    continue
                }
                report.unreadable = (after.next, error)
                break
            }
            guard !events.isEmpty else { break }
            for event in events where report.isWhole && event.version <= end {
                try replayer.take(event, into: &report)
            }
        }
        report.state = replayer.state
        return report
    }

    private init(_ run: RunNumber, _ plans: [Plan], _ journal: any JournalReading, _ artifacts: String?) {
        self.run = run
        self.journal = journal
        values = RunValues(run: run, journal: journal, artifacts: artifacts, trails: trails)
        state = RunState(plan: plans[0], then: Array(plans.dropFirst()))
    }

    private mutating func take(_ recorded: RecordedEvent, into report: inout ReplayReport) throws(RenError) {
        switch try verdict(on: recorded.event) {
        case .follows(let kind): report.counts[kind, default: 0] += 1
        case .byOperands:
            report.counts[.evaluated, default: 0] += 1
            report.byOperands += 1
        case .taken(let kind):
            report.counts[kind, default: 0] += 1
            report.taken += 1
        case .diverges(let expected):
            report.divergence = ReplayReport.Divergence(recorded: recorded, expected: expected)
            return
        }
        fold(recorded.event, recorded.version)
    }

    private mutating func fold(_ event: Event, _ version: RunVersion) {
        trails.note(event, version)
        switch event.fact {
        case .mapOpened, .mapClosed: if let node = event.subject.node { values.close(node) }
        case .runForked(let fork):
            if let numbers = fork.nodes { trails.follow(numbers) }
            values.follow(fork: version)
        default: break
        }
        state.apply(event)
    }

    // MARK: Verdicts

    private mutating func verdict(on event: Event) throws(RenError) -> Verdict {
        if let flaw = flaw(in: event) { return .diverges(.nothing(flaw)) }
        let next = due.popFirst()
        if let next, next.says(event) { return .follows(dueKind) }
        // The events of one decision stand together, unless an engine died between two commits of them: then the next
        // one decided anew.
        due = []
        let verdict = try explain(event)
        guard case .diverges(.nothing) = verdict, let next else { return verdict }
        return .diverges(.event(next))
    }

    /// What cannot be right whatever the event says.
    private func flaw(in event: Event) -> String? {
        if event.time < state.time { return "it is earlier than the event before it" }
        if let node = event.subject.node, node.index >= state.nodes.count { return "the flow has no node \(node)" }
        let work = state.work(of: event.subject)
        var last = work?.last ?? .none
        // The state forgets settled items: what is said of one is linked to what the journal knows, or to nothing.
        if work == nil, case .item(let node, let item) = event.subject, event.previous > .none {
            last = trails[node, item]?.last ?? .none
        }
        guard event.previous == last else {
            return last == .none
                ? "there is no event of its node or item before it to link to"
                : "it is linked to version \(event.previous), and the last event of its node or item is version \(last)"
        }
        let isFirst = state.version == .none
        if case .runCreated = event.fact { return isFirst ? nil : "the run is there already" }
        return isFirst ? "the run is not created yet" : nil
    }

    private mutating func explain(_ event: Event) throws(RenError) -> Verdict {
        switch event.fact {
        case .runCreated(let creation): return try created(creation, event)
        case .runPauseRequested(let now, let reason): return asked(.pause(now: now, reason: reason), event)
        case .runResumed(let reason): return asked(.resume(takingUp: true, reason: reason), event)
        case .runStopRequested(let mode, let reason): return asked(.stop(mode, reason: reason), event)
        case .signalReceived(let name): return try signalled(name, event)
        case .runEnding where event.subject == .run: return expired(event)
        case .runReopened(let reopening): return try reopened(reopening, event)
        case .runForked(let fork): return try forked(fork, event)
        case .runQuarantined: return state.isEnded ? .diverges(.nothing("the run has ended")) : .follows(.asked)
        case .overridden: return try skipped(event)
        case .kept where event.by != nil, .failed where event.by != nil, .attemptFailed where event.by != nil:
            return try skipped(event)

        case .checkpointed, .interrupted, .attemptFailed, .resultRejected: return reported(event)
        case .succeeded(nil) where state.work(of: event.subject)?.running != nil: return reported(event)
        case .unknown(.timeout), .unknown(.workerDied), .unknown(.engineDied): return reported(event)

        case .runPaused, .runStopped, .mapClosed, .cancelled, .unknown(.stopped), .skipped(.notTaken, _),
            .skipped(.upstreamFailed, _):
            return decided(event)
        case .succeeded, .failed, .runSucceeded, .runFailed:
            return try decidedOrEvaluated(event)

        case .started, .skipped(.when, _), .decided, .waiting, .mapOpened, .runEnding, .unknown(.inputChanged):
            return try evaluated(event)
        // A map that kept every result is closed by a decision.
        case .kept where event.subject.node.map({ state[$0].map != nil }) == true && !event.subject.isItem:
            return decided(event)
        case .kept: return try evaluated(event)
        case .unknown(.forked): return .diverges(.nothing("it follows from run.forked and has no event"))
        case .journalOpened, .journalClosed, .journalPruned, .eventPruned, .flowRegistered, .functionsRecorded,
            .workerStarted, .workerExited, .functionParked, .functionUnparked:
            return .diverges(.nothing("events of this kind belong to the run journal"))
        }
    }

    /// The first of `events` must be the one that was read; the others are due next.
    mutating func compare(_ events: [Event], with event: Event, _ kind: ReplayReport.Kind) -> Verdict {
        guard let first = events.first else { return .diverges(.nothing("nothing follows from the state before it")) }
        guard first.says(event) else { return .diverges(.event(first)) }
        due = events.dropFirst()
        dueKind = kind
        return .follows(kind)
    }

    // MARK: Decided

    private mutating func decided(_ event: Event) -> Verdict {
        var slots = Slots(kinds: Array(repeating: .none, count: state.nodes.count), free: [:])
        return compare(state.decide(at: event.time, slots: &slots).events, with: event, .decided)
    }

    private mutating func decidedOrEvaluated(_ event: Event) throws(RenError) -> Verdict {
        let decision = decided(event)
        guard case .diverges(let expected) = decision else { return decision }
        let evaluation = try evaluated(event)
        // Where neither gives it, what was decided is what was to come.
        if case .event = expected, case .diverges = evaluation { return decision }
        return evaluation
    }
}

extension Event {
    /// Whether the recorded event says the same; the mark of a request and the link to the last event are not compared.
    fileprivate func says(_ recorded: Event) -> Bool {
        fact == recorded.fact && subject == recorded.subject && time == recorded.time && attempt == recorded.attempt
            && cause == recorded.cause && by == recorded.by && payload?.length == recorded.payload?.length
            && payload?.hash == recorded.payload?.hash
    }
}

extension Event.Subject {
    fileprivate var isItem: Bool { if case .item = self { true } else { false } }
}
