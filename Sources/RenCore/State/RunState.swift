/// The state of a run: the fold of its events, and nothing else.
///
/// It holds references, never payloads or keys, so it stays small whatever the functions return. `open` and `waitsFor`
/// are kept beside the nodes so that a decision costs as much as there is open, not as much as the flow is long.
package struct RunState: Sendable, Equatable {
    package enum Phase: Hashable, Sendable {
        case running
        case pausing
        case paused
        /// Until `deadline` running attempts may finish; nil: as long as they take.
        case stopping(StopMode, deadline: Timestamp?)
        case ending(Ending)
        case ended(Status)
        case quarantined
    }

    package enum Status: String, Sendable { case succeeded, failed, stopped }

    package struct Ending: Hashable, Sendable {
        package var outcome: RunOutcome
        package var failure: Failure?
        /// The payload of `run.ending`: the value of `succeed`.
        package var value: PayloadReference?
        package var deadline: Timestamp
    }

    package struct KeptSignal: Hashable, Sendable {
        package var name: String
        package var payload: PayloadReference
    }

    package let plan: Plan
    package private(set) var creation: RunCreation?
    package private(set) var input: PayloadReference?
    package private(set) var version = RunVersion.none
    /// Version of the last event that `If-Match` compares: see `Fact.isControl`.
    package private(set) var control = RunVersion.none
    package private(set) var created = Timestamp(nanoseconds: 0)
    /// Time of the last event.
    package private(set) var time = Timestamp(nanoseconds: 0)
    package private(set) var phase = Phase.running
    /// Ren paused it because the storage is nearly full, and lets it go on when there is room.
    package private(set) var isHeldForDisk = false
    package private(set) var nodes: [NodeState]
    /// Nodes whose predecessors are all settled and that are not settled themselves, in flow order.
    package private(set) var open: [NodeNumber]
    /// For each node, how many of its predecessors are not settled.
    private var waitsFor: [Int]
    /// Attempts that are running, of nodes and items together.
    package private(set) var running = 0
    /// Signals that no pause has taken yet, oldest first.
    package private(set) var signals: [KeptSignal] = []
    /// The first failure that no node handles: it becomes the run's error.
    package private(set) var failure: Failure?
    package private(set) var output: PayloadReference?
    private var pausedSince: Timestamp?
    private(set) var pausedBefore = Duration.zero

    package init(plan: Plan) {
        self.plan = plan
        nodes = Array(repeating: NodeState(), count: plan.flow.nodes.count)
        waitsFor = plan.predecessors.map(\.count)
        open = plan.predecessors.indices.filter { plan.predecessors[$0].isEmpty }.map { NodeNumber($0) }
    }

    package subscript(node: NodeNumber) -> NodeState { nodes[node.index] }

    package var isEnded: Bool {
        if case .ended = phase { true } else { false }
    }

    /// Nothing new begins: no attempt, condition, end node or item.
    package var isHeld: Bool { phase != .running }

    /// Time since the run was created, without the time it was paused.
    package func activeTime(at now: Timestamp) -> Duration {
        (pausedSince ?? now) - created - pausedBefore
    }

    /// The attempt of `subject`, if it has begun and is not settled.
    package func work(of subject: Event.Subject) -> Work? {
        switch subject {
        case .run: nil
        case .node(let node): node.index < nodes.count ? nodes[node.index].work : nil
        case .item(let node, let item): node.index < nodes.count ? nodes[node.index].map?.open[item] : nil
        }
    }
}

extension RunState {
    /// Links `event` to the last one of its node or item, and folds it: what the shell does with each new event.
    package mutating func record(_ event: inout Event) {
        event.previous = last(of: event.subject)
        apply(event)
    }

    private func last(of subject: Event.Subject) -> RunVersion {
        guard let work = work(of: subject) else { return .none }
        return work.last
    }

    /// Folds one recorded fact. Total: what was written cannot be refused.
    package mutating func apply(_ event: Event) {
        version = version.next
        time = max(time, event.time)
        if event.fact.isControl { control = version }
        switch event.subject {
        case .run: applyToRun(event)
        case .node(let node) where node.index < nodes.count: applyToNode(event, node)
        case .item(let node, let item) where node.index < nodes.count: applyToItem(event, node, item)
        case .node, .item: break
        }
    }

    private mutating func applyToRun(_ event: Event) {
        switch event.fact {
        case .runCreated(let creation):
            self.creation = creation
            created = event.time
            input = reference(event)
        case .runPauseRequested(_, let reason):
            isHeldForDisk = event.by == nil && reason == Self.diskReason
            hold(.pausing, at: event.time)
        case .runPaused: hold(.paused, at: event.time)
        case .runResumed:
            isHeldForDisk = false
            if let since = pausedSince { pausedBefore += event.time - since }
            pausedSince = nil
            if phase == .pausing || phase == .paused { phase = .running }
        case .runStopRequested(let mode, _):
            phase = .stopping(mode, deadline: mode == .wait ? nil : mode == .now ? event.time : event.time + stopGrace)
        case .runEnding(let outcome, let failure): beginEnding(event, outcome, failure)
        case .runStopped: phase = .ended(.stopped)
        case .runSucceeded:
            output = reference(event)
            if case .ending(let ending) = phase { output = ending.value }
            phase = .ended(.succeeded)
        case .runFailed(let failure):
            phase = .ended(.failed)
            self.failure = failure
        case .runQuarantined: phase = .quarantined
        case .signalReceived(let name):
            if let payload = reference(event) { signals.append(KeptSignal(name: name, payload: payload)) }
        default: break
        }
    }

    private mutating func applyToNode(_ event: Event, _ node: NodeNumber) {
        let index = node.index
        let wasRunning = nodes[index].work.running != nil
        nodes[index].work.apply(
            event, version: version, timeout: plan.timeout(of: node), activeTime: activeTime(at: event.time))
        running += (nodes[index].work.running != nil ? 1 : 0) - (wasRunning ? 1 : 0)
        switch event.fact {
        case .succeeded(let instead):
            nodes[index].error = instead
            nodes[index].output = takeSignal(event.cause, of: nodes[index].phase) ?? output(event, of: nodes[index])
            settle(node, .succeeded)
        case .attemptFailed(let failure, nil):
            nodes[index].error = failure
            nodes[index].phase = .failing(failure)
        case .failed(let failure):
            nodes[index].error = failure
            if !plan.handlesFailure[index] { self.failure = self.failure ?? failure }
            settle(node, .failed)
        case .unknown(let reason): nodes[index].phase = .unknown(reason)
        case .skipped(let reason, _): settle(node, .skipped(reason))
        case .cancelled: settle(node, .cancelled)
        case .decided(let way, _):
            nodes[index].way = way
            settle(node, .succeeded)
        case .waiting(let wait): nodes[index].phase = .waiting(wait)
        case .runEnding(let outcome, let failure):
            beginEnding(event, outcome, failure)
            nodes[index].error = failure
            settle(node, outcome == .succeeded ? .succeeded : .failed)
        case .mapOpened(let opening):
            nodes[index].map = MapState(opening, version: version)
            nodes[index].phase = .mapping
        case .mapClosed: nodes[index].map?.close()
        default: break
        }
    }

    private mutating func applyToItem(_ event: Event, _ node: NodeNumber, _ item: ItemIndex) {
        guard let before = nodes[node.index].map?.running else { return }
        let active = activeTime(at: event.time)
        nodes[node.index].map?.apply(
            event, item: item, version: version, timeout: plan.timeout(of: node), activeTime: active)
        running += (nodes[node.index].map?.running ?? 0) - before
    }

    private mutating func beginEnding(_ event: Event, _ outcome: RunOutcome, _ failure: Failure?) {
        phase = .ending(
            Ending(outcome: outcome, failure: failure, value: reference(event), deadline: event.time + stopGrace))
    }

    /// Why ren pauses a run by itself, as the event says it.
    package static let diskReason = "disk"

    private mutating func hold(_ phase: Phase, at time: Timestamp) {
        self.phase = phase
        pausedSince = pausedSince ?? time
    }

    private mutating func settle(_ node: NodeNumber, _ phase: NodeState.Phase) {
        nodes[node.index].phase = phase
        if let place = open.firstIndex(of: node) { open.remove(at: place) }
        for follower in plan.followers[node.index] {
            waitsFor[follower.index] -= 1
            if waitsFor[follower.index] == 0, !nodes[follower.index].isSettled {
                open.insert(follower, at: open.firstIndex { $0 > follower } ?? open.endIndex)
            }
        }
    }

    private func reference(_ event: Event) -> PayloadReference? {
        event.payload.map { PayloadReference(version: version, length: $0.length, hash: $0.hash) }
    }

    private func output(_ event: Event, of node: NodeState) -> NodeState.Output {
        if let payload = reference(event) { return .payload(payload) }
        return node.map == nil ? .none : .items
    }

    /// A pause that succeeds takes the signal which caused it; the signal's payload is its output.
    private mutating func takeSignal(_ cause: RunVersion, of phase: NodeState.Phase) -> NodeState.Output? {
        guard case .waiting = phase, let place = signals.firstIndex(where: { $0.payload.version == cause }) else {
            return nil
        }
        return .payload(signals.remove(at: place).payload)
    }
}

/// How long running attempts may take to end after `cancel`.
package let stopGrace = Duration.seconds(10)
