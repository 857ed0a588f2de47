import Ren
import RenCore
import RenEngine
import RenJournal

/// How far one node of a run is, as progress lines show it.
struct NodeProgress: Equatable {
    var name: String
    var state: String
    /// Settled items, or what the function itself reported; nil where there is nothing to count.
    var done: Double?
    var total: Double?
    var failed = 0
    var retrying = 0
    var running = 0
    /// What it waits for, or what the function said last.
    var note = ""

    init(_ number: NodeNumber, in state: RunState, _ progress: CallProgress?) {
        let node = state[number]
        name = state.plan.flow.nodes[number.index].name
        self.state = node.status
        if let map = node.map {
            let counts = map.counts
            done = Double(counts.succeeded + counts.failed + counts.skipped + counts.cancelled)
            total = Double(map.total)
            failed = counts.failed
            retrying = map.waiting
            running = map.running
            // Only a person can bring on items of which nobody knows the outcome.
            if counts.unknown > 0, map.running + map.waiting == 0 { self.state = "waiting" }
        } else if let progress, node.work.running != nil {
            done = progress.done
            total = progress.total
        }
        note = Self.note(number, in: state, progress)
    }

    /// As the journal has it, for who follows a run of another process. What functions report of their progress, and what
    /// they said last, is known to its engine alone.
    init(_ index: Int, of flow: Flow, _ rows: [NodeRow?]) {
        let node = rows[index]
        name = flow.nodes[index].name
        state = (node?.shownState ?? .pending).name
        if let map = node?.map {
            let counts = map.counts
            done = Double(counts[.succeeded] + counts[.failed] + counts[.skipped] + counts[.cancelled])
            total = Double(map.total)
            failed = counts[.failed]
            retrying = counts[.retrying]
            running = counts[.running]
        }
        note = Self.note(index, of: flow, rows)
    }

    private static func note(_ index: Int, of flow: Flow, _ rows: [NodeRow?]) -> String {
        guard let node = rows[index] else {
            let open = flow.nodes[index].after.filter { rows[$0.node.index]?.state.isSettled != true }
            return open.isEmpty
                ? "" : "waits for " + open.map { flow.nodes[$0.node.index].name }.joined(separator: ", ")
        }
        switch node.state {
        case .waiting: return node.signal.map { "for signal \($0): \(node.message ?? "")" } ?? ""
        case .failed: return node.error?.text ?? ""
        default: return node.state.isSettled ? node.way.map { "→ \($0)" } ?? "" : ""
        }
    }

    private static func note(_ number: NodeNumber, in state: RunState, _ progress: CallProgress?) -> String {
        let node = state[number]
        switch node.phase {
        case .waiting(let wait): return "for signal \(wait.signal): \(wait.message)"
        case .pending where node.work.attempts == 0:
            let flow = state.plan.flow
            let open = flow.nodes[number.index].after.filter { !state[$0.node].isSettled }
            return open.isEmpty
                ? "" : "waits for " + open.map { flow.nodes[$0.node.index].name }.joined(separator: ", ")
        case .failed: return node.error?.text ?? ""
        default: return node.isSettled ? node.way.map { "→ \($0)" } ?? "" : progress?.text ?? ""
        }
    }

    var fraction: Double? {
        guard let done, let total, total > 0 else { return nil }
        return min(1, done / total)
    }
}

/// How fast something is done, over the last half minute.
struct Rate {
    private var samples: [(time: ContinuousClock.Instant, done: Double)] = []
    private static let window = Duration.seconds(30)

    mutating func note(_ done: Double, at now: ContinuousClock.Instant) {
        samples.append((now, done))
        // One sample before the window stays, so that a slow node has a rate too.
        while samples.count > 2, samples[1].time < now - Self.window { samples.removeFirst() }
    }

    /// Per second; nil while nothing can be said.
    var perSecond: Double? {
        guard let first = samples.first, let last = samples.last, last.done > first.done else { return nil }
        let seconds = Double((last.time - first.time).nanoseconds) / 1e9
        return seconds < 1 ? nil : (last.done - first.done) / seconds
    }

    func remaining(_ count: Double) -> Duration? {
        perSecond.map { .seconds(count / $0) }
    }
}
