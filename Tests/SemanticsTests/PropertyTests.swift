import Foundation
import LMDB
import RenCore
import RenJSON
import RenTestKit
import RenWorkers
import Testing

@testable import RenEngine
@testable import RenJournal

/// Random flows driven by random acts: what must hold after each step, whatever happens.
///
/// `REN_SEED=417` plays one seed again; `REN_SEEDS=5000` plays that many.
@Suite("Properties of a run")
struct PropertyTests {
    private static let seeds: [UInt64] = {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["REN_SEED"].flatMap({ UInt64($0) }) { return [seed] }
        return Array(1...(environment["REN_SEEDS"].flatMap { UInt64($0) } ?? 120))
    }()

    @Test("Whatever happens, the journal is enough, and the run reaches an end", arguments: seeds)
    func anyHistory(_ seed: UInt64) throws {
        try Play(seed: seed, on: seed % 10 == 0 ? .lmdb : .memory).run()
    }
}

/// One run with its random acts.
private final class Play {
    private let seed: UInt64
    private let flow: RandomFlow
    private let stage: Stage
    private var random: SeededRandom
    private var acts: [String] = []
    /// The working state at each version that a commit ended with.
    private var states: [RunVersion: RunState] = [:]
    /// What a snapshot of each step has written, and the state of the last one.
    private var pages: [SnapshotPage.Place: [UInt8]] = [:]
    private var snapshot: RunState?
    /// Ends of attempts that were delivered, to be delivered again.
    private var delivered: [(subject: Event.Subject, token: RunVersion, end: AttemptEnd)] = []

    init(seed: UInt64, on kind: JournalKind) throws {
        self.seed = seed
        flow = RandomFlow(seed: seed)
        random = SeededRandom(seed: seed &+ 0x5eed)
        stage = try Stage(
            flow.nodes, top: flow.top, input: ["yes": true, "no": false, "list": .array((0..<4).map { .integer($0) })],
            on: kind, language: random.oneIn(3) ? .swift : .python)
    }

    private var about: Comment { "seed \(seed), after \(acts.joined(separator: ", "))\n\(flow.top)\(flow.nodes)" }

    func run() throws {
        try checkStep()
        try goOn(40)
        try comeToAnEnd()
        for _ in 0..<random.below(3) {
            try retry()
            try checkStep()
            try goOn(15)
            try comeToAnEnd()
        }
        try checkReplay()
        try checkHistory()
        try checkProjections()
    }

    // MARK: Acts

    private func goOn(_ count: Int) throws {
        for _ in 0..<count where !stage.mailbox.state.isEnded {
            try act()
            try checkStep()
        }
    }

    /// What failed, or one node; it may be that nothing of it can run again.
    private func retry() throws {
        var choice = RetryChoice()
        if random.oneIn(2) { choice.nodes = [NodeNumber(random.below(stage.mailbox.state.nodes.count))] }
        if random.oneIn(2) { choice.allowed = choice.nodes }
        choice.codeChangedRunsAgain = random.oneIn(2)
        try ask("retry \(choice.nodes)", .retry(choice))
    }

    private func act() throws {
        switch random.below(20) {
        case 0...9: try endACall()
        case 10, 11: try time()
        case 12: try crash()
        case 13: try ask("pause", .pause(now: random.oneIn(3), reason: nil))
        case 14: try ask("resume", .resume(takingUp: false, reason: nil))
        case 15, 16: try signal(random.below(2))
        case 17 where random.oneIn(6):
            let mode = [StopMode.cancel, .wait, .now][random.below(3)]
            try ask("stop \(mode.rawValue)", .stop(mode, reason: nil))
        case 18: try checkpoint()
        default: try deliverAgain()
        }
    }

    private func time() throws {
        let duration = Duration.seconds([1, 5, 31, 61, 700][random.below(5)])
        acts.append("pass \(duration)")
        try stage.pass(duration)
    }

    private func crash() throws {
        acts.append("crash")
        guard !stage.mailbox.state.isEnded else { return }
        try stage.crash()
    }

    private func signal(_ number: Int) throws {
        try ask("signal s\(number)", .signal(name: "s\(number)", payload: Payload(hashing: Array("\(number)".utf8))))
    }

    /// A refusal must leave the run as it was.
    private func ask(_ name: String, _ request: Request) throws {
        acts.append(name)
        let before = stage.mailbox.state
        do {
            try stage.ask(request)
        } catch is RenError {
            #expect(stage.mailbox.state == before, about)
        }
    }

    private func endACall() throws {
        guard let unit = pick(stage.functions.running) else { return }
        let end: AttemptEnd
        switch random.below(12) {
        case 0, 1: end = .raised(Failure("ValueError", "no \(random.below(3))"), permanent: false, retryAfter: nil)
        case 2: end = .raised(Failure("Gone", "404"), permanent: true, retryAfter: nil)
        case 3: end = .raised(Failure("Busy", "503"), permanent: false, retryAfter: .seconds(20))
        case 4: end = .workerDied(alone: random.oneIn(2), how: "signal 9")
        case 5: end = .neighbourKilled
        case 6: end = .interrupted
        default: end = .returned(Payload(hashing: result()))
        }
        acts.append("\(unit) \(end)".split(separator: "(")[0].description)
        try deliver(end, to: unit)
    }

    private func deliver(_ end: AttemptEnd, to unit: String) throws {
        let attempt = try stage.end(unit, end)
        delivered.append((attempt.subject, attempt.token, end))
    }

    /// The second time changes nothing but for one note that it was rejected.
    private func deliverAgain() throws {
        guard let again = pick(delivered) else { return }
        acts.append("again \(again.subject)")
        let before = (stage.statuses, stage.mailbox.state.version, stage.phase, stage.mailbox.state.running)
        try stage.ask(.attemptEnded(again.subject, token: again.token, again.end))
        let events = try stage.events(from: Int(before.1.rawValue) + 1)
        #expect(events.count == 1 && events[0].hasPrefix("result.rejected"), "\(events) \(about)")
        #expect(stage.statuses == before.0 && stage.phase == before.2, about)
        #expect(stage.mailbox.state.running == before.3, about)
    }

    private func checkpoint() throws {
        guard let unit = pick(stage.functions.running) else { return }
        let subject = try subject(of: unit)
        guard let token = stage.mailbox.state.work(of: subject)?.running?.token else { return }
        try ask("checkpoint \(unit)", .checkpoint(subject, token: token, Payload(hashing: result())))
    }

    private func result() -> [UInt8] {
        JSON.array((0..<Int64(random.below(4))).map { .integer($0) }).compact
    }

    private func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[random.below(elements.count)]
    }

    private func subject(of unit: String) throws -> Event.Subject {
        let parts = unit.split(whereSeparator: { $0 == "[" || $0 == "]" })
        let node = try #require(stage.mailbox.plan.number(of: String(parts[0])))
        return parts.count == 1 ? .node(node) : .item(node, ItemIndex(try #require(Int(parts[1]))))
    }

    // MARK: What must hold

    /// After each step `Stage` has compared the folded state with the working one.
    private func checkStep() throws {
        let state = stage.mailbox.state
        states[state.version] = state
        for page in state.snapshotPages(since: snapshot) { pages[page.place] = page.bytes }
        snapshot = state
        #expect(try RunState(plans: [state.plan]) { pages[$0] } == state, about)
        let folded = try RunState(folding: stage.mailbox.number, plan: state.plan, from: stage.journal)
        #expect(decision(state) == decision(state), "deciding twice differs: \(about)")
        #expect(decision(state) == decision(folded), "the folded state decides otherwise: \(about)")
        let running = state.nodes.reduce(0) { $0 + ($1.work.running == nil ? 0 : 1) + ($1.map?.running ?? 0) }
        #expect(state.running == running, about)
    }

    private func decision(_ state: RunState) -> String {
        var slots = Slots(
            kinds: Array(repeating: .blocking, count: state.nodes.count), free: [.blocking: 3, .alone: 1])
        return "\(state.decide(at: stage.now, slots: &slots))"
    }

    /// Faults have stopped and all functions succeed: the run ends within a bounded number of steps, or only an unknown
    /// outcome keeps it open, which a stop ends.
    private func comeToAnEnd() throws {
        acts.append("(faults stop)")
        for _ in 0..<500 where !stage.mailbox.state.isEnded {
            if let unit = stage.functions.running.first {
                try deliver(.returned(Payload(hashing: result())), to: unit)
            } else if stage.phase == .paused {
                try stage.ask(.resume(takingUp: false, reason: nil))
            } else if let wait = waits().first {
                try stage.signal(wait)
            } else if let due = stage.mailbox.nextDue() {
                try stage.pass(max(due - stage.now, .zero))
            } else {
                #expect(stage.statuses.contains("unknown") || hasUnknownItem, "it stands still: \(about)")
                #expect(stage.mailbox.rest == .person, about)
                try stage.ask(.stop(.cancel, reason: nil))
            }
            try checkStep()
        }
        #expect(stage.mailbox.state.isEnded, about)
        #expect(stage.mailbox.rest == .ended, about)
    }

    private var hasUnknownItem: Bool { stage.mailbox.state.nodes.contains { ($0.map?.counts.unknown ?? 0) > 0 } }

    private func waits() -> [String] {
        stage.mailbox.state.nodes.compactMap { if case .waiting(let wait) = $0.phase { wait.signal } else { nil } }
    }

    private func checkHistory() throws {
        let number = stage.mailbox.number
        let recorded = try stage.journal.read { view throws(RenError) in
            try view.page(of: number, after: .none, limit: 100_000)
        }
        var state = RunState(plan: stage.mailbox.plan)
        var last: [Event.Subject: RunVersion] = [:]
        var time = Timestamp(nanoseconds: 0)
        for each in recorded {
            state.apply(each.event)
            if let then = states[each.version] { #expect(state == then, "version \(each.version): \(about)") }
            #expect(each.event.time >= time, about)
            time = each.event.time
            // What follows is about other items.
            if case .mapOpened = each.event.fact { last = last.filter { !$0.key.isItem(of: each.event.subject) } }
            guard each.event.subject != .run, !isUnlinked(each.event) else { continue }
            #expect(each.event.previous == last[each.event.subject] ?? .none, "version \(each.version): \(about)")
            last[each.event.subject] = each.version
        }
        let types = recorded.map(\.type)
        let ends = types.indices.filter { [.runSucceeded, .runFailed, .runStopped].contains(types[$0]) }
        #expect(ends.count == 1 + types.count { $0 == .runReopened }, about)
        #expect(types.suffix(from: (ends.last ?? 0) + 1).allSatisfy { $0 == .resultRejected }, about)
        try checkAttempts(recorded)
    }

    /// The state forgets a settled item's versions, so a late result of one is linked to nothing.
    private func isUnlinked(_ event: Event) -> Bool {
        guard case .resultRejected = event.fact, case .item = event.subject else { return false }
        return event.previous == .none
    }

    /// Each attempt begins once and is ended once; what has succeeded never begins again.
    private func checkAttempts(_ recorded: [RecordedEvent]) throws {
        var running: [Event.Subject: UInt32] = [:]
        var settled: Set<Event.Subject> = []
        for each in recorded {
            let subject = each.event.subject
            switch each.event.fact {
            case .started:
                #expect(running[subject] == nil && !settled.contains(subject), "version \(each.version): \(about)")
                running[subject] = each.event.attempt
            case .attemptFailed, .interrupted:
                #expect(running.removeValue(forKey: subject) == each.event.attempt, "version \(each.version): \(about)")
            case .succeeded, .failed, .cancelled, .unknown, .skipped:
                running[subject] = nil
                #expect(settled.insert(subject).inserted, "settled twice, version \(each.version): \(about)")
            case .runReopened(let reopening):
                settled = settled.filter { !reopening.opens($0) }
            case .mapOpened: settled = settled.filter { !$0.isItem(of: subject) }
            default: break
            }
        }
    }

    /// Whatever happened, each event of it follows from those before it.
    private func checkReplay() throws {
        let state = stage.mailbox.state
        let report = try Replayer.replay(
            stage.mailbox.number, plans: [state.plan], in: stage.journal, artifacts: nil)
        #expect(report.isWhole, "\(String(describing: report.divergence)) \(about)")
        #expect(report.state == state, about)
        #expect(report.taken == 0, about)
    }

    private func checkProjections() throws {
        let journal = try #require(stage.journal as? StoreJournal)
        let live = try rows(of: journal)
        try journal.rebuildProjections()
        #expect(try rows(of: journal) == live, about)
    }

    private func rows(of journal: StoreJournal) throws -> [[UInt8]] {
        try journal.read { view throws(RenError) in
            var rows: [[UInt8]] = []
            for table in StoreTable.derived {
                try view.snapshot.walk(table, from: nil, .ascending) { key, value throws(RenError) in
                    rows.append([UInt8(table.rawValue)] + Array(key) + Array(value))
                    return .continue
                }
            }
            return rows
        }
    }
}

extension Event.Subject {
    fileprivate func isItem(of node: Event.Subject) -> Bool {
        if case .item(let number, _) = self { node == .node(number) } else { false }
    }
}

extension Reopening {
    /// The subject may begin again.
    fileprivate func opens(_ subject: Event.Subject) -> Bool {
        guard let node = subject.node else { return false }
        if again.contains(node) || affected.contains(node) { return true }
        guard let items = items[node] else { return false }
        if case .item(_, let item) = subject { return items.contains(item) }
        return true
    }
}
