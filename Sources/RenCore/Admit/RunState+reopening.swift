/// What a person chooses of a run to run again (SEMANTICS.md 7).
package struct RetryChoice: Hashable, Sendable {
    /// Only of these nodes. Without any, and without items: all that failed for good, and what a stop or a timeout of the
    /// flow cancelled.
    package var nodes: [NodeNumber] = []
    /// Only these items.
    package var items: [NodeNumber: ItemRanges] = [:]
    /// Of the named nodes, too, only what failed.
    package var onlyFailed = false
    /// See `Reopening.allowed`.
    package var allowed: [NodeNumber] = []
    package var codeChangedRunsAgain = false
    package var reason: String?

    package init() {}
}

/// What is different from outside, before it is looked at what follows from it.
package struct ReopeningSeed: Sendable {
    /// Run again, or evaluated afresh.
    package var again: Set<NodeNumber> = []
    package var affected: Set<NodeNumber> = []
    /// A map among these closes anew, also with no item to run again.
    package var items: [NodeNumber: ItemRanges] = [:]
    /// The run's input is another one.
    package var input = false
    /// Nodes that get another output from a person, and those that so end otherwise than they had.
    package var outputs: Set<NodeNumber> = []
    package var outcomes: Set<NodeNumber> = []

    package init() {}

    var isEmpty: Bool { again.isEmpty && affected.isEmpty && items.isEmpty }

    mutating func add(_ items: ItemRanges, of node: NodeNumber) {
        var all = self.items[node] ?? ItemRanges()
        for range in items.ranges { all.insert(range) }
        self.items[node] = all
    }
}

extension RunState {
    /// The sets that `choice` leads to.
    ///
    /// - Throws: `retry.nothing` when nothing of it can run again; `run.not_ended` when that must wait for the run's end;
    ///   `run.ending`, `run.quarantined`.
    package func reopening(_ choice: RetryChoice) throws(RenError) -> Reopening {
        if !isEnded { try requireNotEnding() }
        let seed = try chosen(choice)
        guard !seed.isEmpty else { throw nothingFailed }
        if !isEnded { try requireReopenable(seed) }
        var reopening = reopening(seed)
        if isEnded, let end = standingEnd(after: reopening) {
            throw RenError(
                .retryNothing, "the run ended at node “\(name(end))”, which stands, so nothing else of it begins",
                hint: "choose that node too: --node \(name(end))")
        }
        reopening.allowed = choice.allowed.sorted()
        reopening.codeChangedRunsAgain = choice.codeChangedRunsAgain
        reopening.reason = choice.reason
        return reopening
    }

    /// The sets that a retry leads to that chose what `recorded` says: the recorded ones.
    ///
    /// - Throws: `run.not_ended`, `run.ending`, `run.quarantined`.
    package func reopening(like recorded: Reopening) throws(RenError) -> Reopening {
        var seed = ReopeningSeed()
        seed.again = Set(recorded.again)
        seed.items = recorded.items
        if !isEnded {
            try requireNotEnding()
            try requireReopenable(seed)
        }
        // What was cancelled while its result from before was in question is affected by itself.
        var undone = ReopeningSeed()
        for index in nodes.indices { undoCancellation(of: NodeNumber(index), in: &undone) }
        seed.affected = undone.affected.intersection(recorded.affected)
        var reopening = reopening(seed)
        reopening.allowed = recorded.allowed
        reopening.codeChangedRunsAgain = recorded.codeChangedRunsAgain
        reopening.reason = recorded.reason
        return reopening
    }

    /// What follows from `seed`: every node that has begun and whose start, end or input may come out otherwise is
    /// evaluated afresh. Pure, and in the order of the flow.
    package func reopening(_ seed: ReopeningSeed) -> Reopening {
        var sets = spread(seed)
        // What an end node, now open again, had cut short goes on.
        if ending != nil, isEndedByNode, standingEnd(after: sets) == nil {
            var wider = seed
            for index in nodes.indices { undoCancellation(of: NodeNumber(index), in: &wider) }
            sets = spread(wider)
        }
        return sets
    }

    private func spread(_ seed: ReopeningSeed) -> Reopening {
        var (again, affected, items) = (seed.again, seed.affected, seed.items)
        /// Nobody knows yet how it ends.
        func isOpen(_ node: NodeNumber) -> Bool {
            again.contains(node) || affected.contains(node) || items[node] != nil || !self[node].isSettled
        }
        for node in plan.order where !again.contains(node) {
            if case .unknown = self[node].phase { continue }
            guard self[node].hasBegun else { continue }
            let mayStartOtherwise = plan.predecessors[node.index].contains {
                isOpen($0) || seed.outcomes.contains($0)
            }
            let reads = plan.reads(of: node)
            let readsOther =
                reads.input && seed.input || reads.nodes.contains { isOpen($0) || seed.outputs.contains($0) }
            if mayStartOtherwise || readsOther { affected.insert(node) }
        }
        for node in again { affected.remove(node) }
        // A node whose value a person gives has it, whatever it reads.
        for node in seed.outputs where items[node] == nil { affected.remove(node) }
        // A map that is opened anew looks at each of its items.
        for node in again.union(affected) { items[node] = nil }
        var reopening = Reopening()
        reopening.again = again.sorted()
        reopening.affected = affected.sorted()
        reopening.items = items
        return reopening
    }

    // MARK: Choosing

    private func chosen(_ choice: RetryChoice) throws(RenError) -> ReopeningSeed {
        var seed = ReopeningSeed()
        guard !choice.nodes.isEmpty || !choice.items.isEmpty else {
            for index in nodes.indices { choose(failuresOf: NodeNumber(index), in: &seed) }
            if isEnded { undoCancellations(in: &seed) }
            return seed
        }
        for (node, items) in choice.items.sorted(by: { $0.key < $1.key }) {
            guard let map = self[node].map else {
                throw RenError(.retryNothing, "node “\(name(node))” has no items that have run")
            }
            for item in items.items {
                let state = map.state(of: item)
                guard state != .pending, state != .open || self[node].isSettled else {
                    throw RenError(
                        .retryNothing, "item \(item) of node “\(name(node))” has not ended: it is \(state.name)")
                }
            }
            seed.add(items, of: node)
        }
        for node in choice.nodes where choice.items[node] == nil {
            if choice.onlyFailed {
                choose(failuresOf: node, in: &seed)
            } else {
                try choose(node, in: &seed)
            }
        }
        return seed
    }

    /// What of a node failed for good.
    private func choose(failuresOf node: NodeNumber, in seed: inout ReopeningSeed) {
        if let map = self[node].map, map.counts.failed > 0 {
            seed.add(map.items(in: unsettled(of: node).union([.failed])), of: node)
        } else if self[node].phase == .failed {
            seed.again.insert(node)
        }
    }

    /// A node that a person names: of a map the items that did not succeed, or else the whole of it.
    private func choose(_ node: NodeNumber, in seed: inout ReopeningSeed) throws(RenError) {
        let state = self[node]
        if let map = state.map {
            let isCut = state.phase == .cancelled
            let items = map.items(
                in: unsettled(of: node).union(isCut ? [.failed, .unknown, .cancelled] : [.failed, .unknown]))
            if isCut || !items.isEmpty { return seed.add(items, of: node) }
        }
        var isUnknown: Bool { if case .unknown = state.phase { true } else { false } }
        guard state.isSettled || isUnknown else {
            throw RenError(
                .retryNothing, "node “\(name(node))” has not ended: it is \(state.status)",
                hint: "ren show tells what the run does")
        }
        seed.again.insert(node)
    }

    /// The state of items that did not succeed although none of them runs any more: those that waited for a retry when
    /// too many others had failed. They go on where they were.
    private func unsettled(of node: NodeNumber) -> Set<MapState.ItemState> { self[node].isSettled ? [.open] : [] }

    /// Of a run that was stopped, or that its flow's timeout ended: what was cancelled goes on.
    func undoCancellations(in seed: inout ReopeningSeed) {
        guard phase == .ended(.stopped) || ending != nil && !isEndedByNode else { return }
        for index in nodes.indices { undoCancellation(of: NodeNumber(index), in: &seed) }
    }

    func undoCancellation(of node: NodeNumber, in seed: inout ReopeningSeed) {
        let state = self[node]
        let cancelled = state.map?.items(in: [.cancelled]) ?? ItemRanges()
        guard state.phase == .cancelled || state.phase == .mapping && !cancelled.isEmpty else { return }
        if state.map != nil {
            seed.add(cancelled, of: node)
        } else if state.recorded != nil {
            // It may have what it needs: it was to be looked at again when it was cancelled.
            seed.affected.insert(node)
        } else {
            seed.again.insert(node)
        }
    }

    // MARK: Refusing

    private var nothingFailed: RenError {
        let unknown = nodes.indices.filter { index in
            if case .unknown = nodes[index].phase { true } else { nodes[index].map?.counts.unknown ?? 0 > 0 }
        }
        guard let first = unknown.first else {
            return RenError(
                .retryNothing, "nothing of the run failed", hint: "--node NAME chooses a node that succeeded")
        }
        let name = name(NodeNumber(first))
        return RenError(
            .retryNothing, "nothing of the run failed; what node “\(name)” did is unknown",
            hint: "ren retry --node \(name) runs it again, ren skip gives its value, or says that it failed")
    }

    /// While a run goes on, only what nobody waits for any more can be chosen.
    private func requireReopenable(_ seed: ReopeningSeed) throws(RenError) {
        func refusal(_ what: String) -> RenError {
            RenError(
                .runNotEnded, "\(what) can be chosen when the run has ended",
                hint: "wait for its end, or end it with ren stop; then retry")
        }
        for node in seed.again {
            guard case .unknown = self[node].phase else { throw refusal("node “\(name(node))”") }
        }
        for (node, items) in seed.items {
            guard let map = self[node].map, self[node].phase == .mapping else {
                throw refusal("an item of node “\(name(node))”, which has closed,")
            }
            for item in items.items where map.state(of: item) != .failed && map.state(of: item) != .unknown {
                throw refusal("item \(item) of node “\(name(node))”, which is \(map.state(of: item).name),")
            }
        }
    }

    /// The end node that ended the run and that no set holds.
    private func standingEnd(after reopening: Reopening) -> NodeNumber? {
        guard ending != nil else { return nil }
        return nodes.indices.lazy.map { NodeNumber($0) }.first { node in
            plan.isEnd(node) && self[node].isReached && !reopening.again.contains(node)
                && !reopening.affected.contains(node)
        }
    }

    /// An end node ends or ended the run, and not the flow's timeout.
    var isEndedByNode: Bool {
        nodes.indices.contains { plan.isEnd(NodeNumber($0)) && nodes[$0].isReached }
    }

    func name(_ node: NodeNumber) -> String { plan.flow.nodes[node.index].name }
}

extension MapState {
    /// - Complexity: O(*n*) in the items.
    package func items(in states: Set<ItemState>) -> ItemRanges {
        ItemRanges((0..<next).lazy.map { ItemIndex($0) }.filter { states.contains(state(of: $0)) })
    }
}

extension Reopening {
    /// The third set: what had settled and stays as it is, in the order of the flow.
    package func kept(in state: RunState) -> [NodeNumber] {
        let open = Set(again).union(affected).union(items.keys)
        return state.nodes.indices.map { NodeNumber($0) }.filter { state[$0].isSettled && !open.contains($0) }
    }
}
