/// Why an attempt, a condition or a pause does not begin. Slots are left out: the state does not know them.
package enum Obstacle: Hashable, Sendable {
    /// The flow has no such node, or its map no such item.
    case absent
    /// Nothing begins: the run pauses, stops, ends or has ended.
    case held(RunState.Phase)
    /// Its own end is recorded.
    case settled
    /// It follows nodes that are not settled.
    case predecessors([NodeNumber])
    /// It is to be skipped.
    case skip(SkipReason)
    /// Its attempt runs.
    case running
    case retry(until: Timestamp)
    /// Nobody knows how it ended; a person decides.
    case unknown
    case signal(SignalWait)
    /// Its map has not been read.
    case closedMap
    /// Too many items of its map failed.
    case exceeded
    /// So many items of its map run that `concurrency` allows no more.
    case concurrency(Int)
    /// So many items of its map wait for a retry that no new one begins.
    case waitingItems(Int)
    /// This end node ends the run first.
    case end(NodeNumber)
}

extension RunState {
    /// What keeps `subject` from beginning at `now`; nil when nothing does but the want of a slot.
    package func obstacle(to subject: Event.Subject, at now: Timestamp) -> Obstacle? {
        guard let node = subject.node, node.index < nodes.count else { return .absent }
        let state = self[node]
        if state.isSettled { return .settled }
        if isHeld { return .held(phase) }
        let unsettled = plan.predecessors[node.index].filter { !self[$0].isSettled }
        guard unsettled.isEmpty else { return .predecessors(unsettled) }
        if case .skip(let reason) = readiness(of: node) { return .skip(reason) }
        if let end = open.first(where: { plan.isEnd($0) && readiness(of: $0) == .start }), end != node {
            return .end(end)
        }
        switch (subject, state.phase) {
        case (.item(_, let item), .mapping): return state.map.flatMap { obstacle(to: item, of: node, $0, now) }
        case (.item, _): return .closedMap
        case (_, .pending): return wait(state.work, now)
        case (_, .waiting(let wait)): return .signal(wait)
        case (_, .unknown): return .unknown
        default: return .running
        }
    }

    private func obstacle(
        to item: ItemIndex, of node: NodeNumber, _ map: MapState, _ now: Timestamp
    ) -> Obstacle? {
        guard item.index < map.total else { return .absent }
        switch map.state(of: item) {
        case .succeeded, .failed, .skipped, .cancelled: return .settled
        case .unknown: return .unknown
        case .pending, .open: break
        }
        if map.isExceeded(plan.tolerance(of: node), for: item) { return .exceeded }
        if let work = map.open[item] {
            if let wait = wait(work, now) { return wait }
        } else if map.waiting >= MapState.waitingMax {
            return .waitingItems(map.waiting)
        }
        guard let most = map.opening.concurrency, map.running >= most else { return nil }
        return .concurrency(most)
    }

    private func wait(_ work: Work, _ now: Timestamp) -> Obstacle? {
        switch work.phase {
        case .ready: nil
        case .running: .running
        case .retrying(let until): until > now ? .retry(until: until) : nil
        }
    }
}
