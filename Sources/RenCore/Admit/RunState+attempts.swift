/// How an attempt ends: the table of SEMANTICS.md 3.
extension RunState {
    func attemptEnded(
        _ subject: Event.Subject, _ token: RunVersion, _ end: AttemptEnd, _ now: Timestamp, _ draws: inout Draws
    ) -> [Event] {
        guard let work = work(of: subject), work.running?.token == token else {
            return [Event(.resultRejected(isEnded ? .finished : .stale), subject, at: now, cause: token)]
        }
        let once = isOnce(subject)
        switch end {
        case .returned(let payload):
            return [event(.succeeded(instead: nil), subject, work, now, payload: payload)]
        case .raised(let failure, let permanent, let retryAfter):
            return failed(subject, work, failure, isFinal: once || permanent, retryAfter, now, &draws)
        case .silent:
            let failure = Failure(Failure.Name.timeout, "no sign of life within its heartbeat")
            return lost(subject, work, .timeout, failure, now, &draws)
        case .workerDied(alone: true, let how) where once || work.workerDeaths > 0:
            let failure = Failure(Failure.Name.workerDied, "the worker died during the call: \(how)")
            return lost(subject, work, .workerDied, failure, now, &draws)
        case .workerDied(let alone, _):
            return [event(.interrupted(alone ? .worker : .sharedWorker), subject, work, now)]
        case .neighbourKilled:
            return [event(.interrupted(.neighbour), subject, work, now)]
        case .interrupted:
            return [event(.interrupted(isStopping ? .stop : .pause), subject, work, now)]
        }
    }

    /// Ends attempts past their time, and the run past the flow's; pauses past theirs are `decide`'s.
    func expire(_ now: Timestamp, _ draws: inout Draws) throws(RenError) -> [Event] {
        guard let due = nextDue(), due <= now else {
            throw RenError(.timerEarly, "nothing is due yet")
        }
        var events: [Event] = []
        for subject in runningSubjects {
            guard let work = work(of: subject), let deadline = work.running?.deadline, deadline <= now else { continue }
            let failure = Failure(Failure.Name.timeout, "the attempt ran past its timeout")
            events += lost(subject, work, .timeout, failure, now, &draws)
        }
        guard !isHeld else { return events }
        if let end = flowDeadline, end <= now, phase == .running {
            let failure = Failure(Failure.Name.timeout, "the run took longer than the flow's timeout")
            return events + [Event(.runEnding(.failed, failure), .run, at: now)]
        }
        return events
    }

    /// Ends what was in flight when the engine died: by node and index, without counting against `retry`.
    func engineDied(_ now: Timestamp, _ draws: inout Draws) -> [Event] {
        var events: [Event] = []
        for subject in runningSubjects {
            guard let work = work(of: subject) else { continue }
            let isThird = work.engineDeaths >= 2 && subject.node.map { plan.isSwift(node: $0) } == true
            if isOnce(subject) || isThird {
                let failure = Failure(Failure.Name.engineDied, "the engine died during the call, three times in a row")
                events += lost(subject, work, .engineDied, failure, now, &draws)
            } else {
                events.append(event(.interrupted(.engine), subject, work, now))
            }
        }
        return events
    }

    /// Nobody knows what the function did: `once` waits for a person, all others count it as failed.
    private func lost(
        _ subject: Event.Subject, _ work: Work, _ reason: UnknownReason, _ failure: Failure, _ now: Timestamp,
        _ draws: inout Draws
    ) -> [Event] {
        guard !isOnce(subject) else { return [event(.unknown(reason), subject, work, now)] }
        return failed(subject, work, failure, isFinal: false, nil, now, &draws)
    }

    /// A counted failure: tried again at a recorded time, or the end of the node or item.
    private func failed(
        _ subject: Event.Subject, _ work: Work, _ failure: Failure, isFinal: Bool, _ retryAfter: Duration?,
        _ now: Timestamp, _ draws: inout Draws
    ) -> [Event] {
        let retryAt = isFinal ? nil : retryTime(subject, work, retryAfter, now, &draws)
        let attempt = event(.attemptFailed(failure, retryAt: retryAt), subject, work, now)
        guard retryAt == nil else { return [attempt] }
        let last = event(.failed(failure), subject, work, now)
        switch subject {
        case .item: return [attempt, last]
        case .node(let node):
            // With `on_error: {value}` the value is evaluated first: `decide` asks for it.
            if case .value = plan.flow.nodes[node.index].onError { return [attempt] }
            return [attempt, last]
        case .run: return []
        }
    }

    private func retryTime(
        _ subject: Event.Subject, _ work: Work, _ retryAfter: Duration?, _ now: Timestamp, _ draws: inout Draws
    ) -> Timestamp? {
        guard let node = subject.node else { return nil }
        if case .item(_, let item) = subject, self[node].map?.isExceeded(plan.tolerance(of: node), for: item) == true {
            return nil
        }
        let policy = plan.retry(of: node)
        let counted = work.counted + 1
        guard counted < policy.attempts else { return nil }
        let wait = retryAfter ?? policy.wait(afterAttempt: counted, random: draws.next())
        let begun = work.firstBegun ?? activeTime(at: now)
        if let total = policy.total, activeTime(at: now) + wait - begun > total { return nil }
        return now + wait
    }

    private var isStopping: Bool {
        switch phase {
        case .stopping, .ending: true
        case .running, .pausing, .paused, .ended, .quarantined: false
        }
    }
}
