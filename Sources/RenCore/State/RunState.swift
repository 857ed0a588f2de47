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

    /// Of the flow that the run follows now.
    package internal(set) var plan: Plan
    /// Those of the flows that forks change to, in the order of their `run.forked`.
    var laterPlans: ArraySlice<Plan>
    package internal(set) var creation: RunCreation?
    package internal(set) var input: PayloadReference?
    package internal(set) var version = RunVersion.none
    /// Version of the last event that `If-Match` compares: see `Fact.isControl`.
    package internal(set) var control = RunVersion.none
    package internal(set) var created = Timestamp(nanoseconds: 0)
    /// Time of the last event.
    package internal(set) var time = Timestamp(nanoseconds: 0)
    package internal(set) var phase = Phase.running
    /// Ren paused it because the storage is nearly full, and lets it go on when there is room.
    package internal(set) var isHeldForDisk = false
    package internal(set) var nodes: [NodeState]
    /// Nodes whose predecessors are all settled and that are not settled themselves, in flow order.
    package internal(set) var open: [NodeNumber]
    /// For each node, how many of its predecessors are not settled.
    var waitsFor: [Int]
    /// Attempts that are running, of nodes and items together.
    package internal(set) var running = 0
    /// Signals that no pause has taken yet, oldest first.
    package internal(set) var signals: [KeptSignal] = []
    /// The first failure that no node handles: it becomes the run's error.
    package internal(set) var failure: Failure?
    package internal(set) var output: PayloadReference?
    /// How an end node, or the flow's timeout, ends or ended the run.
    package internal(set) var ending: Ending?
    /// When the time of the flow's `timeout` and of `retry.total` began to run.
    var begun = Timestamp(nanoseconds: 0)
    /// `once` nodes that may run again although they had succeeded.
    package internal(set) var mayRunAgain: Set<NodeNumber> = []
    /// A result made by other code than today's does not stand after a reopening.
    package internal(set) var codeChangedRunsAgain = false
    var pausedSince: Timestamp?
    var pausedBefore = Duration.zero

    /// - Parameter later: the plans of the flows that the run's forks change to, in order.
    package init(plan: Plan, then later: [Plan] = []) {
        self.plan = plan
        laterPlans = later[...]
        nodes = Array(repeating: NodeState(), count: plan.flow.nodes.count)
        waitsFor = plan.predecessors.map(\.count)
        open = plan.predecessors.indices.filter { plan.predecessors[$0].isEmpty }.map { NodeNumber($0) }
    }

    /// - Parameter plans: of the flow that the history began with, then those of the flows that forks change to.
    package init(plans: [Plan]) {
        self.init(plan: plans[0], then: Array(plans.dropFirst()))
    }

    package subscript(node: NodeNumber) -> NodeState { nodes[node.index] }

    /// Of the flow that the next fork in the history changes to.
    package var nextPlan: Plan? { laterPlans.first }

    package var isEnded: Bool {
        if case .ended = phase { true } else { false }
    }

    /// Nothing new begins: no attempt, condition, end node or item.
    package var isHeld: Bool { phase != .running }

    /// Time since the run was created, without the time it was paused.
    package func activeTime(at now: Timestamp) -> Duration {
        (pausedSince ?? now) - begun - pausedBefore
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
    /// Links `event` to the last one of its node or item, unless it is linked already (the state forgets settled items),
    /// and folds it: what the shell does with each new event.
    package mutating func record(_ event: inout Event) {
        if event.previous == .none { event.previous = last(of: event.subject) }
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
            begun = event.time
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
        case .runReopened(let reopening):
            if isEnded { beginAgain(at: event.time) }
            reopen(reopening)
        case .runForked(let fork): self.fork(event, fork)
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
            nodes[index].recorded = nil
            nodes[index].error = instead
            nodes[index].output = takeSignal(event.cause, of: nodes[index].phase) ?? output(event, of: nodes[index])
            settle(node, .succeeded)
        case .kept:
            nodes[index].stand()
            settle(node, .succeeded)
        case .overridden:
            nodes[index] = nodes[index].reopened(keeping: false)
            nodes[index].output = output(event, of: nodes[index])
            nodes[index].phase = .succeeded
            rederive()
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
            nodes[index].recorded = nil
            nodes[index].way = way
            settle(node, .succeeded)
        case .waiting(let wait):
            nodes[index].phase = .waiting(wait)
            nodes[index].asked = wait
        case .runEnding(let outcome, let failure):
            beginEnding(event, outcome, failure)
            nodes[index].recorded = nil
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
        let ending = Ending(
            outcome: outcome, failure: failure, value: reference(event), deadline: event.time + stopGrace)
        self.ending = ending
        phase = .ending(ending)
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

// MARK: Reopening and forks: SEMANTICS.md 7

extension RunState {
    /// The run goes on after its end, or in a fork: its time begins anew.
    private mutating func beginAgain(at time: Timestamp) {
        begun = time
        pausedBefore = .zero
        pausedSince = nil
        isHeldForDisk = false
        output = nil
        phase = .running
    }

    private mutating func reopen(_ reopening: Reopening) {
        for node in reopening.again where node.index < nodes.count {
            nodes[node.index] = nodes[node.index].reopened(keeping: false)
        }
        for node in reopening.affected where node.index < nodes.count {
            nodes[node.index] = nodes[node.index].reopened(keeping: true)
        }
        for (node, items) in reopening.items where node.index < nodes.count && nodes[node.index].map != nil {
            nodes[node.index].reopen(items, isChoice: (creation?.semantics ?? 0) >= 2)
        }
        mayRunAgain.formUnion(reopening.allowed)
        codeChangedRunsAgain = codeChangedRunsAgain || reopening.codeChangedRunsAgain
        rederive()
        resumeEnding(at: time)
    }

    /// What an end node has begun goes on to its end, unless that node was opened again.
    private mutating func resumeEnding(at time: Timestamp) {
        guard var ending, phase == .running else { return }
        guard nodes.indices.contains(where: { plan.isEnd(NodeNumber($0)) && nodes[$0].isReached }) else {
            self.ending = nil
            return
        }
        ending.deadline = time + stopGrace
        phase = .ending(ending)
    }

    private mutating func fork(_ event: Event, _ fork: Fork) {
        if let numbers = fork.nodes, let next = laterPlans.popFirst() { follow(next, numbers) }
        creation = fork.creation
        created = event.time
        if let changed = reference(event) { input = changed }
        for index in nodes.indices {
            let once = plan.once(NodeNumber(index))
            nodes[index].map?.interrupt(once: once)
            if once, nodes[index].work.running != nil { nodes[index].phase = .unknown(.forked) }
            nodes[index].work.interrupt()
            // It asks again, with its full time.
            if case .waiting = nodes[index].phase { nodes[index].phase = .pending }
        }
        beginAgain(at: event.time)
        reopen(fork.reopening)
    }

    /// The state in the words of another flow.
    ///
    /// - Parameter numbers: for each node its number there.
    private mutating func follow(_ next: Plan, _ numbers: [NodeNumber?]) {
        var renumbered = Array(repeating: NodeState(), count: next.flow.nodes.count)
        for (state, number) in zip(nodes, numbers) {
            if let number, number.index < renumbered.count { renumbered[number.index] = state }
        }
        plan = next
        nodes = renumbered
        mayRunAgain = Set(mayRunAgain.compactMap { $0.index < numbers.count ? numbers[$0.index] : nil })
    }

    /// What follows from the nodes alone.
    mutating func rederive() {
        waitsFor = plan.predecessors.map { $0.count { !nodes[$0.index].isSettled } }
        open = nodes.indices.filter { waitsFor[$0] == 0 && !nodes[$0].isSettled }.map { NodeNumber($0) }
        running = nodes.reduce(0) { $0 + ($1.work.running == nil ? 0 : 1) + ($1.map?.running ?? 0) }
        let unhandled = nodes.indices.filter { nodes[$0].phase == .failed && !plan.handlesFailure[$0] }
        failure = unhandled.min { nodes[$0].work.last < nodes[$1].work.last }.flatMap { nodes[$0].error }
    }
}
