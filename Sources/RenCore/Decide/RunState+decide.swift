extension RunState {
    /// What follows now: settle, then end nodes, then starts, each in flow order.
    ///
    /// The shell records the events, carries the commands out, and asks again until nothing follows.
    /// - Complexity: O(*n* log *n*) in what is open: nodes, items that run or wait, and slots.
    package func decide(at now: Timestamp, slots: inout Slots) -> Decision {
        let now = max(now, time)
        let settled = settled(at: now)
        guard settled.isEmpty, phase == .running else { return settled }
        guard !open.isEmpty else { return end(now) }
        if let end = open.first(where: { plan.isEnd($0) }) { return Decision(commands: [.enter(end)]) }
        return Decision(commands: starts(now, &slots))
    }

    // MARK: Settling

    /// The part of `decide` that begins nothing: closings, failures, skips, the winding down of a run, its pause.
    package func settled(at now: Timestamp) -> Decision {
        let now = max(now, time)
        switch phase {
        case .ended, .quarantined: return Decision()
        case .stopping(let mode, let deadline): return windDown(now, deadline, killsOnce: mode != .wait)
        case .ending(let ending): return windDown(now, ending.deadline, killsOnce: false)
        case .running, .pausing, .paused:
            let settled = settle(now)
            guard settled.isEmpty, phase == .pausing, running == 0 else { return settled }
            return Decision(events: [Event(.runPaused, .run, at: now)])
        }
    }

    private func settle(_ now: Timestamp) -> Decision {
        var decision = Decision()
        var taken: Set<RunVersion> = []
        for node in open {
            let state = self[node]
            switch state.phase {
            case .pending where state.work.running == nil:
                if case .skip(let reason) = readiness(of: node) {
                    decision.events.append(Event(.skipped(reason, operands: nil), .node(node), at: now))
                }
            case .mapping: decision.append(closing(node, now))
            case .failing(let failure): decision.append(failing(node, failure, now))
            case .waiting(let wait):
                if let signal = signals.first(where: { $0.name == wait.signal && !taken.contains($0.payload.version) })
                {
                    taken.insert(signal.payload.version)
                    decision.events.append(
                        Event(.succeeded(instead: nil), .node(node), at: now, cause: signal.payload.version))
                } else if let until = wait.until, until <= now, !isHeld {
                    decision.append(failing(node, Failure(Failure.Name.timeout, "no signal came in time"), now))
                }
            default: break
            }
        }
        return decision
    }

    private func failing(_ node: NodeNumber, _ failure: Failure, _ now: Timestamp) -> Decision {
        switch plan.flow.nodes[node.index].onError {
        case .fail: Decision(events: [Event(.failed(failure), .node(node), at: now, attempt: self[node].work.attempts)])
        case .value: Decision(commands: [.replace(node, failure)])
        }
    }

    /// A map closes when all its items are settled, or when too many failed and nothing runs, is unknown or was chosen.
    private func closing(_ node: NodeNumber, _ now: Timestamp) -> Decision {
        guard let map = self[node].map, map.counts.unknown == 0 else { return Decision() }
        let isExceeded = map.isExceeded(plan.tolerance(of: node))
        let isOver =
            isExceeded ? map.running == 0 && map.chosen.isEmpty : map.open.isEmpty && map.counts.pending == 0
        guard isOver else { return Decision() }
        var counts = map.counts
        counts.pending += map.open.count
        let closed = map.isClosed ? [] : [Event(.mapClosed(counts), .node(node), at: now)]
        guard isExceeded else {
            if let before = self[node].recorded, isSame(map, as: before) {
                return Decision(events: closed + [Event(.kept(), .node(node), at: now, cause: before.version)])
            }
            return Decision(events: closed + [Event(.succeeded(instead: nil), .node(node), at: now)])
        }
        let failure = Failure(
            Failure.Name.tooManyFailed, "\(map.counts.failed) of \(map.total) items failed, more than tolerate allows")
        var decision = failing(node, failure, now)
        decision.events = closed + decision.events
        return decision
    }

    /// After a reopening the map has the results it had: what reads them has the same input.
    private func isSame(_ map: MapState, as before: NodeState.Recorded) -> Bool {
        guard let items = before.map, before.version > .none else { return false }
        return map.isKept && map.opening.source == items.source && map.total == items.total
            && map.counts.succeeded == items.succeeded
    }

    // MARK: Starts

    private func starts(_ now: Timestamp, _ slots: inout Slots) -> [Command] {
        var commands: [Command] = []
        for node in open {
            switch self[node].phase {
            case .mapping: commands += items(of: node, now, &slots)
            case .pending:
                guard isDue(self[node].work, now) else { continue }
                guard plan.isAttempted(node) else {
                    commands.append(.enter(node))
                    continue
                }
                if slots.take(for: node, alone: isAlone(node, self[node].work)) {
                    commands.append(.prepare(.node(node)))
                }
            default: continue
            }
        }
        return commands
    }

    /// Due ones first, by their time and index (interrupted ones count as due now), then those that never began.
    private func items(of node: NodeNumber, _ now: Timestamp, _ slots: inout Slots) -> [Command] {
        guard let map = self[node].map else { return [] }
        let isExceeded = map.isExceeded(plan.tolerance(of: node))
        guard !isExceeded || !map.chosen.isEmpty else { return [] }
        var room = (map.opening.concurrency ?? .max) - map.running
        var commands: [Command] = []
        func begin(_ item: ItemIndex, _ work: Work?) -> Bool {
            guard room > 0, slots.take(for: node, alone: isAlone(node, work)) else { return false }
            room -= 1
            commands.append(.prepare(.item(node, item)))
            return true
        }
        if map.waiting > 0 {
            let due = map.open.filter { isDue($0.value, now) && (!isExceeded || map.chosen.contains($0.key)) }
            for (item, work) in due.sorted(by: { (dueTime($0.value, now), $0.key) < (dueTime($1.value, now), $1.key) })
            {
                guard begin(item, work) else { return commands }
            }
        }
        guard map.waiting < MapState.waitingMax else { return commands }
        for item in map.again.items where !isExceeded || map.chosen.contains(item) {
            guard begin(item, nil) else { return commands }
        }
        guard !isExceeded else { return commands }
        var next = map.next
        while next < map.total, begin(ItemIndex(next), nil) { next += 1 }
        return commands
    }

    private func isAlone(_ node: NodeNumber, _ work: Work?) -> Bool {
        plan.once(node) || work?.nextAlone == true
    }

    private func isDue(_ work: Work, _ now: Timestamp) -> Bool {
        switch work.phase {
        case .ready: true
        case .retrying(let until): until <= now
        case .running: false
        }
    }

    private func dueTime(_ work: Work, _ now: Timestamp) -> Timestamp {
        if case .retrying(let until) = work.phase { until } else { now }
    }

    // MARK: Ends

    /// When nothing is open any more.
    private func end(_ now: Timestamp) -> Decision {
        if let failure { return Decision(events: [Event(.runFailed(failure), .run, at: now)]) }
        guard plan.flow.output != nil else { return Decision(events: [Event(.runSucceeded, .run, at: now)]) }
        return Decision(commands: [.finish])
    }

    /// Waits for what runs until `deadline`, then cancels what is unsettled and ends the run.
    private func windDown(_ now: Timestamp, _ deadline: Timestamp?, killsOnce: Bool) -> Decision {
        var decision = Decision()
        let isOver = deadline.map { $0 <= now } ?? false
        var left = running
        for subject in runningSubjects where isOver {
            guard let work = work(of: subject) else { continue }
            if !isOnce(subject) {
                decision.events.append(event(.cancelled, subject, work, now))
            } else if killsOnce {
                decision.events.append(event(.unknown(.stopped), subject, work, now))
            } else {
                continue
            }
            left -= 1
        }
        guard left == 0, decision.events.isEmpty else { return decision }
        for node in nodes.indices where !nodes[node].isSettled {
            if case .unknown = nodes[node].phase { continue }
            if let map = nodes[node].map {
                for item in map.open.keys.sorted() {
                    decision.events.append(Event(.cancelled, .item(NodeNumber(node), item), at: now))
                }
            }
            decision.events.append(Event(.cancelled, .node(NodeNumber(node)), at: now))
        }
        decision.events.append(endEvent(now))
        return decision
    }

    private func endEvent(_ now: Timestamp) -> Event {
        guard case .ending(let ending) = phase else { return Event(.runStopped, .run, at: now) }
        let failure = ending.failure ?? Failure(Failure.Name.failed, "the flow failed")
        return Event(ending.outcome == .succeeded ? .runSucceeded : .runFailed(failure), .run, at: now)
    }
}

extension Decision {
    fileprivate mutating func append(_ other: Decision) {
        events += other.events
        commands += other.commands
    }
}
