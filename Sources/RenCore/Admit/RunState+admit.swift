import RenJSON

extension RunState {
    /// The events that `request` brings about now, or why it is refused.
    ///
    /// Pure: the same state, request, time and draws give the same events. The caller folds them before the next call.
    /// - Parameter earlier: of the item that the request is about, if that was settled.
    /// - Throws: `version.conflict`, `run.finished`, `run.ending`, `run.paused`, `run.not_paused`, `signal.*`,
    ///   `retry.nothing`, `skip.*`, `run.not_ended`, `timer.early`, and `attempt.stale` for what the state has no place
    ///   for any more.
    package func admit(
        _ request: Request, at now: Timestamp, by asker: Asker = Asker(), earlier: EarlierWork? = nil,
        draws: inout Draws
    ) throws(RenError) -> [Event] {
        try requireMatch(asker)
        var events = try answer(to: request, max(now, time), isPerson: asker.by != nil, &draws)
        if let earlier { link(&events, to: earlier) }
        if !events.isEmpty {
            events[0].by = asker.by
            events[0].request = asker.request
        }
        // What a person says of a node or item is theirs, also behind the reopening that comes with it.
        if case .skip = request { for index in events.indices { events[index].by = asker.by } }
        return events
    }

    private func link(_ events: inout [Event], to earlier: EarlierWork) {
        for index in events.indices {
            guard case .item = events[index].subject, work(of: events[index].subject) == nil else { continue }
            events[index].previous = earlier.last
            events[index].attempt += earlier.attempts
        }
    }

    /// - Throws: `version.conflict` when the run is not as the asker has seen it.
    package func requireMatch(_ asker: Asker) throws(RenError) {
        guard let seen = asker.ifMatch, seen != control else { return }
        throw RenError(
            .versionConflict, "the run's control version is \(control), not \(seen)",
            hint: "look at the run again, and ask again with If-Match: \"\(control)\"")
    }

    private func answer(
        to request: Request, _ now: Timestamp, isPerson: Bool, _ draws: inout Draws
    ) throws(RenError) -> [Event] {
        switch request {
        case .pause(let atOnce, let reason): return try pause(atOnce, reason, now, isPerson)
        case .resume(let takingUp, let reason): return try resume(takingUp, reason, now)
        case .stop(let mode, let reason): return try stop(mode, reason, now)
        case .signal(let name, let payload): return [try signal(name, payload, now)]
        case .retry(let choice): return [Event(.runReopened(try reopening(choice)), .run, at: now)]
        case .skip(let subject, let skip, let reason): return try self.skip(subject, skip, reason, now)
        case .due: return try expire(now, &draws)
        case .engineDied: return engineDied(now, &draws)
        case .begin(let subject, let start):
            let work = try beginnable(subject)
            return [Event(.started(start), subject, at: now, attempt: (work?.attempts ?? 0) + 1)]
        case .keep(let subject, let cause):
            try requireEvaluated(subject)
            return [Event(.kept(), subject, at: now, cause: cause)]
        case .doubt(let subject, let cause):
            let work = try beginnable(subject) ?? Work()
            var doubted = event(.unknown(.inputChanged), subject, work, now)
            doubted.cause = cause
            return [doubted]
        case .pass(let subject, let operands):
            _ = try beginnable(subject)
            return [Event(.skipped(.when, operands: operands), subject, at: now)]
        case .fail(let subject, let failure, let instead):
            return [try fail(subject, failure, instead, now)]
        case .attemptEnded(let subject, let token, let end):
            return attemptEnded(subject, token, end, now, &draws)
        case .checkpoint(let subject, let token, let payload):
            guard let work = work(of: subject), work.running?.token == token else {
                throw RenError(.attemptStale, "a checkpoint came after its attempt had ended")
            }
            return [event(.checkpointed, subject, work, now, payload: payload)]
        case .decided(let node, let way, let operands):
            try requireOpen(node)
            return [Event(.decided(way: way, operands: operands), .node(node), at: now)]
        case .wait(let node, let wait):
            try requireOpen(node)
            return [Event(.waiting(wait), .node(node), at: now)]
        case .openMap(let node, let opening, let contents):
            try requireOpen(node)
            return [Event(.mapOpened(opening), .node(node), at: now, payload: PayloadMark(contents))]
        case .end(let node, let outcome, let failure, let value):
            try requireOpen(node)
            return [Event(.runEnding(outcome, failure), .node(node), at: now, payload: value.map(PayloadMark.init))]
        case .output(.success(let payload)):
            return [Event(.runSucceeded, .run, at: now, payload: PayloadMark(payload))]
        case .output(.failure(let failure)):
            return [Event(.runFailed(failure), .run, at: now)]
        }
    }

    // MARK: Control

    private func pause(
        _ atOnce: Bool, _ reason: String?, _ now: Timestamp, _ isPerson: Bool
    ) throws(RenError) -> [Event] {
        try requireNotEnding()
        // A person's pause takes the place of ren's: the run then stays paused when there is room again.
        let isTakenOver = isHeldForDisk && isPerson
        if !isTakenOver, phase == .paused || phase == .pausing && !atOnce {
            throw RenError(
                .runPaused, phase == .paused ? "the run is paused already" : "the run is pausing already",
                hint: "ren resume goes on with it")
        }
        let request = Event(.runPauseRequested(now: atOnce, reason: reason), .run, at: now)
        guard atOnce else { return [request] }
        return [request]
            + runningSubjects.filter { !isOnce($0) }.map { subject in
                event(.interrupted(.pause), subject, work(of: subject)!, now)
            }
    }

    private func resume(_ takingUp: Bool, _ reason: String?, _ now: Timestamp) throws(RenError) -> [Event] {
        if takingUp {
            if isEnded { try requireNotEnding() }
        } else {
            try requireNotEnding()
            guard phase == .paused || phase == .pausing else {
                throw RenError(.runNotPaused, "the run is not paused", hint: "ren show tells what it waits for")
            }
        }
        return [Event(.runResumed(reason: reason), .run, at: now)]
    }

    private func stop(_ mode: StopMode, _ reason: String?, _ now: Timestamp) throws(RenError) -> [Event] {
        if isEnded { try requireNotEnding() }
        return [Event(.runStopRequested(mode, reason: reason), .run, at: now)]
    }

    func requireNotEnding() throws(RenError) {
        switch phase {
        case .running, .pausing, .paused: return
        case .stopping, .ending:
            throw RenError(
                .runEnding, "the run is ending", hint: "only stop is possible now: ren stop --now ends it at once")
        case .ended(let status):
            throw RenError(.runFinished, "the run has ended: \(status.rawValue)", hint: "ren show prints its summary")
        case .quarantined:
            throw RenError(
                .runQuarantined, "the run is quarantined: a record of it cannot be read or folded",
                hint: "ren journal verify names the record")
        }
    }

    private func signal(_ name: String, _ payload: Payload, _ now: Timestamp) throws(RenError) -> Event {
        try requireNotEnding()
        guard payload.bytes.count <= Self.signalBytesMax else {
            throw RenError(
                .payloadTooLarge, "the data of signal “\(name)” has \(payload.bytes.count) bytes; 1 MiB is possible",
                hint: "hand large data over as a file that a function reads")
        }
        let pauses = plan.pauses.filter { $0.signal == nil || $0.signal == name }
        guard !pauses.isEmpty else {
            let names = plan.pauses.compactMap(\.signal)
            let near = nearest(to: name, in: names).map { "did you mean “\($0)”?" }
            throw RenError(
                .signalUnknown, "no pause of this flow asks for a signal “\(name)”",
                hint: near
                    ?? (names.isEmpty ? "the flow has no pause" : "it asks for: \(names.joined(separator: ", "))"))
        }
        let waiting = pauses.filter { !self[$0.node].isSettled }
        guard let pause = waiting.first else {
            throw RenError(
                .signalAnswered, "signal “\(name)” has been answered", hint: "ren show tells what the run waits for")
        }
        if let form = pause.form { try check(payload, against: form, signal: name) }
        return Event(.signalReceived(name: name), .run, at: now, payload: PayloadMark(payload))
    }

    private static let signalBytesMax = 1 << 20

    private func check(_ payload: Payload, against form: JSONSchema, signal: String) throws(RenError) {
        let value: JSON
        do {
            value = try JSON(parsing: payload.bytes, limits: .payload)
        } catch {
            throw RenError(.signalInvalid, "the data of signal “\(signal)” is not JSON: \(error.message)")
        }
        let violations = form.validate(value)
        guard violations.isEmpty else {
            throw RenError(
                .signalInvalid,
                "the data of signal “\(signal)” does not fit the pause's form: "
                    + violations.map(\.description).joined(separator: "; "),
                hint: "ren show prints what the pause asks for")
        }
    }

    // MARK: Beginning

    /// The work of a subject of which an attempt may begin; nil for an item that never began.
    private func beginnable(_ subject: Event.Subject) throws(RenError) -> Work? {
        guard let node = subject.node, !isHeld, open.contains(node) else { throw stale(subject) }
        switch subject {
        case .item(_, let item):
            guard let map = self[node].map, self[node].phase == .mapping,
                !map.isExceeded(plan.tolerance(of: node), for: item)
            else {
                throw stale(subject)
            }
            guard let work = map.open[item] else {
                guard map.again.contains(item) || item.index >= map.next && item.index < map.total else {
                    throw stale(subject)
                }
                return nil
            }
            guard work.running == nil else { throw stale(subject) }
            return work
        default:
            guard self[node].phase == .pending, self[node].work.running == nil else { throw stale(subject) }
            return self[node].work
        }
    }

    private func requireOpen(_ node: NodeNumber) throws(RenError) {
        guard !isHeld, open.contains(node), self[node].phase == .pending else { throw stale(.node(node)) }
    }

    /// It was evaluated because it was its turn.
    private func requireEvaluated(_ subject: Event.Subject) throws(RenError) {
        if case .node(let node) = subject { try requireOpen(node) } else { _ = try beginnable(subject) }
    }

    private func stale(_ subject: Event.Subject) -> RenError {
        RenError(.attemptStale, "\(subject) is not to begin now")
    }

    /// What fails without an attempt, or after the last one.
    private func fail(
        _ subject: Event.Subject, _ failure: Failure, _ instead: Payload?, _ now: Timestamp
    ) throws(RenError) -> Event {
        if case .item = subject {
            _ = try beginnable(subject)
            return Event(.failed(failure), subject, at: now)
        }
        guard let node = subject.node, open.contains(node), self[node].work.running == nil else { throw stale(subject) }
        let fact = instead == nil ? Fact.failed(failure) : .succeeded(instead: failure)
        return event(fact, subject, self[node].work, now, payload: instead)
    }

    // MARK: Helpers

    func event(_ fact: Fact, _ subject: Event.Subject, _ work: Work, _ now: Timestamp, payload: Payload? = nil) -> Event
    {
        Event(fact, subject, at: now, attempt: work.attempts, payload: payload.map(PayloadMark.init))
    }

    /// Whether the attempts of `subject` are never repeated after they began.
    package func isOnce(_ subject: Event.Subject) -> Bool {
        subject.node.map { plan.once($0) } ?? false
    }

    /// What is running, in flow order, items by index.
    var runningSubjects: [Event.Subject] {
        guard running > 0 else { return [] }
        return open.flatMap { node -> [Event.Subject] in
            if let map = self[node].map {
                return map.open.filter { $0.value.running != nil }.keys.sorted().map { .item(node, $0) }
            }
            return self[node].work.running == nil ? [] : [.node(node)]
        }
    }
}

extension MapState {
    /// Whether so many items failed that no attempt begins any more, but for those of `chosen` items.
    package func isExceeded(_ tolerance: Node.Tolerance) -> Bool {
        tolerance.isExceeded(failed: counts.failed, total: total)
    }

    /// Whether so many items failed that no attempt of this one begins any more.
    package func isExceeded(_ tolerance: Node.Tolerance, for item: ItemIndex) -> Bool {
        isExceeded(tolerance) && !chosen.contains(item)
    }
}
