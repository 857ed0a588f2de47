/// What is different in a fork, in the node numbers of the flow that it follows.
package struct ForkChanges: Sendable {
    /// Nil: the flow is the same.
    package var flow: PlanChange?
    /// The input, where it is another one.
    package var input: PayloadMark?
    /// Nodes and items that get an output from a person.
    package var outputs: [Event.Subject] = []
    /// See `Reopening`.
    package var allowed: [NodeNumber] = []
    package var codeChangedRunsAgain = false
    package var reason: String?

    package init() {}
}

extension RunState {
    /// The fork that goes on from this state, with the sets that its changes lead to, and the state right after it.
    ///
    /// - Parameter fork: without nodes, `once` and sets, which are filled in.
    /// - Precondition: with another flow, its plan is the last of those that this state was made with.
    package func forking(
        _ fork: Fork, _ changes: ForkChanges, at now: Timestamp
    ) -> (fork: Fork, state: RunState) {
        var fork = fork
        fork.nodes = changes.flow?.numbers
        var bare = self
        bare.apply(event(fork, changes, now))
        fork.once = onceRunning(in: bare, as: fork.nodes)
        fork.reopening = bare.reopening(seed(changes, in: bare))
        fork.reopening.allowed = changes.allowed.sorted()
        fork.reopening.codeChangedRunsAgain = changes.codeChangedRunsAgain
        fork.reopening.reason = changes.reason
        var state = self
        state.apply(event(fork, changes, now))
        return (fork, state)
    }

    private func event(_ fork: Fork, _ changes: ForkChanges, _ now: Timestamp) -> Event {
        Event(.runForked(fork), .run, at: max(now, time), payload: changes.input)
    }

    /// - Parameter forked: this state right after the fork, with nothing opened again.
    private func seed(_ changes: ForkChanges, in forked: RunState) -> ReopeningSeed {
        var seed = ReopeningSeed()
        seed.input = changes.input != nil
        for node in changes.flow?.redefined ?? [] where forked[node].hasBegun { seed.again.insert(node) }
        for node in changes.flow?.moved ?? [] where forked[node].hasBegun { seed.affected.insert(node) }
        if wasCutShort {
            for index in forked.nodes.indices { forked.undoCancellation(of: NodeNumber(index), in: &seed) }
        }
        for subject in changes.outputs {
            guard let node = subject.node else { continue }
            seed.outputs.insert(node)
            if case .item = subject {
                seed.add(ItemRanges(), of: node)
            } else {
                seed.again.remove(node)
                if forked[node].phase != .succeeded { seed.outcomes.insert(node) }
            }
        }
        return seed
    }

    /// A stop, or the flow's timeout, has cancelled what was open, or is about to.
    private var wasCutShort: Bool {
        switch phase {
        case .stopping, .ended(.stopped): true
        case .ending: !isEndedByNode
        case .ended: ending != nil && !isEndedByNode
        case .running, .pausing, .paused, .quarantined: false
        }
    }

    private func onceRunning(in forked: RunState, as numbers: [NodeNumber?]?) -> [NodeNumber] {
        nodes.indices.compactMap { index -> NodeNumber? in
            let isRunning = nodes[index].work.running != nil || nodes[index].map?.running ?? 0 > 0
            guard isRunning, let node = numbers.map({ $0[index] }) ?? NodeNumber(index) else { return nil }
            return forked.plan.once(node) ? node : nil
        }.sorted()
    }
}
