import RenCore
import RenEngine
import RenJSON
import RenJournal

/// Finds the sentences of `WhyView`.
struct WhyTeller {
    private typealias Reason = WhyView.Reason

    private static let chainMax = 20

    private let state: RunState
    private let row: RunRow
    private let journal: any JournalReading
    private let asker: WhyView.Asker
    private var plan: Plan { state.plan }

    init(_ state: RunState, _ row: RunRow, _ journal: any JournalReading, _ asker: WhyView.Asker) {
        self.state = state
        self.row = row
        self.journal = journal
        self.asker = asker
    }

    func status(of subject: Event.Subject) -> String {
        guard case .item(let node, let item) = subject, let map = state[node].map else {
            return subject.node.map { state[$0].status } ?? ""
        }
        guard let work = map.open[item] else { return map.state(of: item).name }
        // What waited for a retry when too many others had failed.
        if state[node].isSettled { return MapState.ItemState.pending.name }
        switch work.phase {
        case .ready: return "ready"
        case .running: return "running"
        case .retrying: return "retrying"
        }
    }

    func reasons(for subject: Event.Subject) throws(RenError) -> [WhyView.Reason] {
        guard let node = subject.node else { return [] }
        let events = try events(of: subject)
        var reasons = try last(of: subject, node, events)
        if let began = events.first(where: { $0.event.fact.begins }) {
            reasons += try beginnings(of: subject, node, began)
        }
        return reasons + attempts(events, subject, node)
    }

    private func events(of subject: Event.Subject) throws(RenError) -> [RecordedEvent] {
        var last = state.work(of: subject)?.last ?? .none
        if last == .none, case .item(let node, let item) = subject {
            let run = row.number
            last = try journal.read { view throws(RenError) in try view.item(run, node, item)?.last ?? .none }
        }
        guard last > .none else { return [] }
        return try journal.events(of: row.number, subject, last: last)
    }

    private func name(_ node: NodeNumber) -> String { "“\(plan.flow.nodes[node.index].name)”" }

    private func recorded(_ version: RunVersion) throws(RenError) -> RecordedEvent? {
        let run = row.number
        return try journal.read { view throws(RenError) in try view.recorded(run, version) }
    }

    // MARK: What it came to

    private func last(
        of subject: Event.Subject, _ node: NodeNumber, _ events: [RecordedEvent]
    ) throws(RenError) -> [Reason] {
        guard let last = events.last(where: { !$0.event.fact.isRejection }) else {
            return try notBegun(subject, node, last: nil)
        }
        if state[node].phase == .mapping, !subject.isItem { return mapping(node, last) }
        switch last.event.fact {
        case .skipped(.when, let operands):
            return [Reason(text: "skipped because when said no: \(rule(node, "when", operands)) is false", event: last)]
        case .skipped(let reason, _): return try skipped(node, reason, last)
        case .succeeded(let failure?):
            return [Reason(text: "succeeded with the value of on_error, instead of \(failure.text)", event: last)]
        case .succeeded: return try succeeded(node, last, isItem: subject.isItem)
        case .kept(let reason):
            let result = try recorded(last.event.cause)
            let said = reason.map { ": \($0)" } ?? ""
            let why = last.event.by.map { "a person said so (\($0)), and its result stands\(said)" }
            return [
                Reason(
                    text: "succeeded: "
                        + (why ?? "evaluated afresh, its input was the recorded one, so its result stands"),
                    event: last),
                Reason(text: "the result that stands", event: result),
            ]
        case .overridden(let reason):
            let by = last.event.by.map { " by \($0)" } ?? ""
            return [
                Reason(
                    text: "succeeded with a value that a person gave\(by)\(reason.map { ": \($0)" } ?? "")", event: last
                )
            ]
        case .decided(let way, let operands):
            return [Reason(text: decision(node, way, operands, "took the way \(way)"), event: last)]
        case .runEnding(_, let failure):
            return [Reason(text: "reached, so it ended the run\(failure.map { ": \($0.text)" } ?? "")", event: last)]
        case .failed(let failure):
            let by = last.event.by.map { ", as a person said (\($0))" } ?? ""
            return [Reason(text: "failed: \(failure.text)\(by)", event: last)]
        case .unknown(let reason):
            return [Reason(text: "\(reason.words); nobody knows what it did, so a person decides", event: last)]
        case .cancelled: return try cancelled(last)
        case .waiting(let wait):
            let until = wait.until.map { " until \($0.iso8601)" } ?? ""
            return [Reason(text: "waits for signal “\(wait.signal)”\(until): \(wait.message)", event: last)]
        case .mapOpened, .mapClosed: return mapping(node, last)
        case .started, .checkpointed:
            return [Reason(text: "runs attempt \(last.event.attempt)", event: last)]
        default: return try notBegun(subject, node, last: last)
        }
    }

    private func succeeded(_ node: NodeNumber, _ last: RecordedEvent, isItem: Bool) throws(RenError) -> [Reason] {
        if !isItem, let map = state[node].map {
            return [Reason(text: "succeeded: its items are settled, \(counts(map))", event: last)]
        }
        if case .pause = plan.flow.nodes[node.index].kind {
            let signal = try recorded(last.event.cause)
            let by = signal?.event.by.map { " by \($0)" } ?? ""
            return [
                Reason(text: "succeeded because its signal came\(by)", event: last),
                Reason(text: "the signal", event: signal),
            ]
        }
        return [Reason(text: "succeeded at attempt \(last.event.attempt)", event: last)]
    }

    private func counts(_ map: MapState) -> String {
        var parts = ["\(map.counts.succeeded) ok"]
        for (count, word) in [
            (map.counts.failed, "failed"), (map.running, "running"), (map.waiting, "waiting"),
            (map.counts.skipped, "skipped"), (map.counts.cancelled, "cancelled"), (map.counts.unknown, "unknown"),
            (map.counts.pending, "pending"),
        ] where count > 0 {
            parts.append("\(count) \(word)")
        }
        return parts.joined(separator: ", ") + " of \(map.total)"
    }

    private func mapping(_ node: NodeNumber, _ last: RecordedEvent) -> [Reason] {
        guard let map = state[node].map else { return [] }
        let stuck = map.counts.unknown > 0 ? "; for the unknown ones a person decides" : ""
        return [Reason(text: "runs: \(counts(map))\(stuck)", event: last)]
    }

    private func cancelled(_ last: RecordedEvent) throws(RenError) -> [Reason] {
        let ends = plan.flow.nodes.indices.map { NodeNumber($0) }.filter { plan.isEnd($0) && state[$0].isSettled }
        for end in ends {
            guard let event = try recorded(state[end].work.last), case .runEnding = event.event.fact,
                event.version < last.version
            else { continue }
            return [
                Reason(text: "cancelled because \(name(end)) ended the run", event: last),
                Reason(text: "\(name(end)) was reached", event: event),
            ]
        }
        return [Reason(text: "cancelled because the run was stopped, or its time was over", event: last)]
    }

    // MARK: Conditions

    private func rule(_ node: NodeNumber, _ member: String, _ operands: JSON?) -> String {
        let rule = plan.flow.source["nodes"]?[plan.flow.nodes[node.index].name]?[member] ?? .null
        return RuleText.text(rule, operands)
    }

    private func decision(_ node: NodeNumber, _ way: String, _ operands: JSON, _ words: String) -> String {
        "\(words): \(rule(node, "condition", operands)) is \(way == "then" ? "true" : "false")"
    }

    // MARK: Skips

    private func skipped(_ node: NodeNumber, _ reason: SkipReason, _ last: RecordedEvent) throws(RenError) -> [Reason] {
        var causes: [[Reason]] = []
        for entry in culprits(node, reason) { causes.append(try cause(entry, depth: 0)) }
        let why = causes.first.map { "because " + $0.map(\.text).joined(separator: ", since ") }
        return [Reason(text: "skipped \(why ?? "as the flow was then")", event: last)] + causes.joined()
    }

    /// The entries of `after` that kept a node from starting.
    private func culprits(_ node: NodeNumber, _ reason: SkipReason) -> [Node.After] {
        let after = plan.flow.nodes[node.index].after
        let bad = after.filter { state.entry($0) == .bad }
        return reason == .upstreamFailed && !bad.isEmpty ? bad : after.filter { state.entry($0) != .yes }
    }

    /// What an entry of `after` that was not taken rests on, and that on in turn.
    private func cause(_ entry: Node.After, depth: Int) throws(RenError) -> [Reason] {
        let predecessor = state[entry.node]
        let name = name(entry.node)
        let event = try recorded(predecessor.work.last)
        switch predecessor.phase {
        case .succeeded:
            if entry.way == .failed { return [Reason(text: "\(name) did not fail", event: event)] }
            guard case .decided(let way, let operands)? = event?.event.fact else {
                return [Reason(text: "\(name) succeeded", event: event)]
            }
            return [Reason(text: decision(entry.node, way, operands, "\(name) took the way \(way)"), event: event)]
        case .failed:
            let handled = plan.handlesFailure[entry.node.index] ? " (handled)" : ""
            return [Reason(text: "\(name) failed\(handled): \(predecessor.error?.text ?? "")", event: event)]
        case .skipped(.when):
            var operands: JSON?
            if case .skipped(_, let recorded)? = event?.event.fact { operands = recorded }
            let rule = rule(entry.node, "when", operands)
            return [Reason(text: "\(name) was skipped: when said no, \(rule) is false", event: event)]
        case .skipped(let reason):
            let skip = Reason(text: "\(name) was skipped", event: event)
            guard depth < Self.chainMax, let culprit = culprits(entry.node, reason).first else { return [skip] }
            return try [skip] + cause(culprit, depth: depth + 1)
        default: return [Reason(text: "\(name) is \(predecessor.status)", event: event)]
        }
    }

    // MARK: Beginnings

    /// Why it was its turn.
    private func beginnings(
        of subject: Event.Subject, _ node: NodeNumber, _ began: RecordedEvent
    ) throws(RenError) -> [Reason] {
        if subject.isItem, let map = state[node].map {
            return [
                Reason(
                    text: "it began as one of the \(map.total) items of \(name(node))", event: try recorded(map.version)
                )
            ]
        }
        let after = plan.flow.nodes[node.index].after
        guard !after.isEmpty else {
            return [Reason(text: "it began with the run: it follows no node", event: try recorded(RunVersion(1)))]
        }
        var reasons: [Reason] = []
        for entry in after where state.entry(entry) == .yes {
            let event = try recorded(state[entry.node].work.last)
            switch event?.event.fact {
            case .decided(let way, let operands):
                let text = decision(entry.node, way, operands, "\(name(entry.node)) took the way \(way)")
                reasons.append(Reason(text: "it began since \(text)", event: event))
            default:
                reasons.append(
                    Reason(text: "it began since \(name(entry.node)) \(state[entry.node].status)", event: event))
            }
        }
        if plan.flow.nodes[node.index].join == .settled {
            reasons.append(Reason(text: "it begins whatever became of what it follows (join: settled)"))
        }
        return reasons
    }

    private func attempts(_ events: [RecordedEvent], _ subject: Event.Subject, _ node: NodeNumber) -> [Reason] {
        let policy = plan.retry(of: node)
        let isLeft = state[node].isSettled && state.work(of: subject) != nil
        var counted = 0
        return events.compactMap { recorded in
            let attempt = recorded.event.attempt
            switch recorded.event.fact {
            // After a reopening they count anew.
            case .failed, .succeeded, .unknown, .cancelled:
                counted = 0
                return nil
            case .attemptFailed(let failure, let retryAt):
                counted += 1
                let next =
                    retryAt.map {
                        "\(isLeft && recorded.version == events.last?.version ? "was to be " : "")tried again from "
                            + "\($0.iso8601) on (\(counted) of \(policy.attempts) attempts used)"
                    }
                    ?? (counted >= policy.attempts
                        ? "\(counted) of \(policy.attempts) attempts used" : "this error is not tried again")
                return Reason(text: "attempt \(attempt) failed: \(failure.text); \(next)", event: recorded)
            case .interrupted(let cause):
                return Reason(
                    text: "attempt \(attempt) was interrupted: \(cause.words); it did not count", event: recorded)
            case .resultRejected:
                return Reason(text: "a result came after its attempt was over, and was rejected", event: recorded)
            default: return nil
            }
        }
    }

    // MARK: Not begun

    private func notBegun(
        _ subject: Event.Subject, _ node: NodeNumber, last: RecordedEvent?
    ) throws(RenError) -> [Reason] {
        guard let obstacle = state.obstacle(to: subject, at: asker.now) else { return [free(last)] }
        switch obstacle {
        case .held(let phase):
            let isOver = if case .ended = phase { true } else { false }
            let verb = isOver ? "did not begin" : "does not begin"
            return [Reason(text: "\(verb): \(obstacle.text(plan))", event: try recorded(state.control))]
        case .predecessors(let nodes):
            var reasons = [Reason(text: "has not begun: \(obstacle.text(plan))", event: last)]
            for node in nodes {
                let map = state[node].map.map { ": \(counts($0))" } ?? ""
                reasons.append(
                    Reason(
                        text: "\(name(node)) is \(state[node].status)\(map)", event: try recorded(state[node].work.last)
                    ))
            }
            return reasons
        case .settled:
            return [
                Reason(
                    text: (last == nil ? "did not begin" : "was not tried again")
                        + ": \(name(node)) ended first (\(state[node].status))",
                    event: try recorded(state[node].work.last))
            ]
        case .retry(let until):
            let next = (state.work(of: subject)?.attempts ?? 0) + 1
            return [Reason(text: "waits for attempt \(next), due at \(until.iso8601)", event: last)]
        case .concurrency, .waitingItems, .closedMap, .exceeded:
            let event = if let last { last } else { try recorded(state[node].work.last) }
            return [Reason(text: "has not begun: \(obstacle.text(plan))", event: event)]
        default: return [Reason(text: "has not begun: \(obstacle.text(plan))", event: last)]
        }
    }

    /// Nothing of the run keeps it.
    private func free(_ last: RecordedEvent?) -> Reason {
        if let unready = asker.unready {
            return Reason(text: "has not begun: functions are missing: \(unready.message)", event: last)
        }
        guard asker.isCarried else {
            return Reason(text: "has not begun: no engine carries the run, ren resume does", event: last)
        }
        return Reason(text: "has not begun: it waits for a free slot of a worker", event: last)
    }
}

extension Event.Subject {
    fileprivate var isItem: Bool { if case .item = self { true } else { false } }
}

extension Fact {
    /// An attempt, a condition, a pause or a map begins with it.
    fileprivate var begins: Bool {
        switch self {
        case .started, .decided, .waiting, .mapOpened, .runEnding: true
        default: false
        }
    }

    fileprivate var isRejection: Bool { if case .resultRejected = self { true } else { false } }
}

extension UnknownReason {
    fileprivate var words: String {
        switch self {
        case .timeout: "its time was over"
        case .workerDied: "its worker died"
        case .engineDied: "the engine died while it ran"
        case .stopped: "the run was stopped while it ran"
        case .forked: "it was running where the fork begins"
        case .inputChanged: "it had succeeded once, and what it reads is not what it was"
        }
    }
}

extension Interruption {
    fileprivate var words: String {
        switch self {
        case .engine: "the engine died"
        case .worker: "its worker died"
        case .sharedWorker: "its worker died with other calls in it, so it is tried alone"
        case .neighbour: "its worker was ended for another call's timeout"
        case .pause: "the run paused"
        case .stop: "the run was stopped"
        }
    }
}
