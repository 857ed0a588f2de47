import RenCore

// How one event changes a row. The rows follow what `RunState.apply` folds, in the words that people see.

extension RunRow {
    mutating func apply(_ event: Event, at place: ProjectionFold.Place) {
        if event.fact.isControl { control = place.version }
        switch event.fact {
        case .runCreated: takenUp = place.sequence
        case .runPauseRequested: status = .pausing
        case .runPaused: status = .paused
        case .runResumed:
            takenUp = place.sequence
            if status == .pausing || status == .paused { status = .running }
        case .runStopRequested: status = .stopping
        case .runEnding(_, let failure):
            status = .ending
            if let failure { error = ErrorSummary(failure) }
        case .runStopped: end(.stopped, event)
        case .runSucceeded: end(.succeeded, event)
        case .runFailed(let failure):
            end(.failed, event)
            error = ErrorSummary(failure)
        case .runQuarantined(_, let reason):
            status = .quarantined
            error = ErrorSummary(Failure("Quarantined", reason))
        case .runReopened:
            takenUp = place.sequence
            guard status == .succeeded || status == .failed || status == .stopped else { break }
            status = .running
            ended = nil
            error = nil
        case .runForked: takenUp = place.sequence
        default: break
        }
    }

    private mutating func end(_ status: RunStatus, _ event: Event) {
        self.status = status
        ended = event.time
    }

    /// What an end node has begun goes on to its end, unless that node was opened again.
    mutating func resumeEnding(_ reopening: Reopening) {
        guard let node = endNode else { return }
        if reopening.again.contains(node) || reopening.affected.contains(node) {
            endNode = nil
        } else if status == .running {
            status = .ending
        }
    }

    /// What a `journal.pruned` leaves of the row: of a pruned history no more than what the records say that stay.
    mutating func prune(_ step: Pruning.Step) {
        pruned = max(pruned ?? step, step)
        guard step == .histories else { return }
        updated = ended ?? updated
        control = version
        takenUp = first
        nodeCounts = StateCounts()
        (activeNodes, waitingNodes, problemGroups) = (0, 0, 0)
        (endNode, preparing) = (nil, nil)
        if status != .failed { error = nil }
    }

    mutating func count(_ liveness: NodeRow.Liveness?, by change: Int) {
        switch liveness {
        case .active: activeNodes += change
        case .waiting: waitingNodes += change
        case .idle, nil: break
        }
    }
}

extension NodeRow {
    mutating func apply(_ event: Event, at place: ProjectionFold.Place, obsolete: inout [JournalSequence]) {
        if case .resultRejected = event.fact {
            last = place.version
            return
        }
        let wasWaiting = state == .waiting
        // It was opened again.
        if state == .pending, last > .none { begun = event.time }
        last = place.version
        attempts = max(attempts, event.attempt)
        until = nil
        switch event.fact {
        case .started: state = .running
        case .checkpointed: keep(event, at: place, &checkpoint, &obsolete)
        case .succeeded(let instead):
            settle(.succeeded, event, &obsolete)
            if let payload = event.payload {
                output = OutputReference(version: place.version, length: payload.length)
            } else if wasWaiting, event.cause > .none {
                // A pause hands on the payload of the signal that ended it.
                output = OutputReference(version: event.cause)
            }
            error = instead.map(ErrorSummary.init)
        case .attemptFailed(let failure, let retryAt):
            state = retryAt == nil ? .running : .retrying
            until = retryAt
            error = ErrorSummary(failure)
        case .interrupted: state = .ready
        case .failed(let failure):
            settle(.failed, event, &obsolete)
            error = ErrorSummary(failure)
        case .unknown: state = .unknown
        case .skipped(let reason, _):
            settle(.skipped, event, &obsolete)
            skip = reason
        case .cancelled: settle(.cancelled, event, &obsolete)
        case .decided(let way, _):
            settle(.succeeded, event, &obsolete)
            self.way = way.cut(toUTF8: 200)
        case .waiting(let wait):
            state = .waiting
            signal = wait.signal.cut(toUTF8: 200)
            message = wait.message.cut(toUTF8: 300)
            until = wait.until
        case .mapOpened(let opening):
            state = .running
            map = MapSummary(opened: place.version, total: opening.total)
        case .kept:
            let kept = recorded
            settle(.succeeded, event, &obsolete)
            output = kept?.output
            // Nothing ran: it took what it had taken.
            if let kept { (begun, ended) = (kept.begun, kept.ended) }
        case .overridden:
            if state.isSettled { begun = event.time }
            reopen(keeping: false)
            settle(.succeeded, event, &obsolete)
            output = event.payload.map { OutputReference(version: place.version, length: $0.length) }
        case .runEnding(let outcome, let failure):
            settle(outcome == .succeeded ? .succeeded : .failed, event, &obsolete)
            error = failure.map(ErrorSummary.init)
        default: break
        }
    }

    private mutating func settle(_ state: WorkState, _ event: Event, _ obsolete: inout [JournalSequence]) {
        self.state = state
        ended = event.time
        recorded = nil
        drop(&checkpoint, &obsolete)
    }

    /// The node is to begin anew; the numbers of its attempts go on.
    ///
    /// - Parameter keeping: the result it had may stand.
    mutating func reopen(keeping: Bool) {
        var fresh = NodeRow(begun: begun)
        fresh.attempts = attempts
        fresh.last = last
        fresh.checkpoint = checkpoint
        if keeping, map == nil {
            fresh.recorded = state == .succeeded && error == nil ? result : recorded
        }
        self = fresh
    }

    private var result: Recorded? {
        output.map { Recorded(output: $0, begun: begun, ended: ended ?? begun) }
    }

    /// Items of its map are opened again.
    mutating func reopenMap(at time: Timestamp) {
        if state.isSettled { begun = time }
        state = .running
        ended = nil
        error = nil
    }

    /// Where a fork begins, what was in flight counts as interrupted.
    ///
    /// - Parameter once: what was running may have had its effect.
    mutating func interrupt(once: Bool, at time: Timestamp) {
        if !state.isSettled, state != .unknown, state != .pending { begun = time }
        until = nil
        switch state {
        case .running where map == nil: state = once ? .unknown : .ready
        case .retrying: state = .ready
        case .waiting: state = .pending  // it asks again
        default: break
        }
    }
}

extension ItemRow {
    mutating func apply(_ event: Event, at place: ProjectionFold.Place, obsolete: inout [JournalSequence]) {
        if case .resultRejected = event.fact {
            // That of a settled item is linked to nothing: `last` still leads to the item's result.
            if event.previous > .none { last = place.version }
            return
        }
        last = place.version
        attempts = max(attempts, event.attempt)
        until = nil
        switch event.fact {
        case .started: state = .running
        case .checkpointed: keep(event, at: place, &checkpoint, &obsolete)
        case .succeeded(let instead):
            settle(.succeeded, event, &obsolete)
            outputLength = event.payload?.length
            error = instead.map(ErrorSummary.init)
        case .kept:
            settle(.succeeded, event, &obsolete)
            result = event.cause
        case .overridden:
            settle(.succeeded, event, &obsolete)
            outputLength = event.payload?.length
            error = nil
        case .attemptFailed(let failure, let retryAt):
            state = retryAt == nil ? .running : .retrying
            until = retryAt
            error = ErrorSummary(failure)
        case .interrupted: state = .ready
        case .failed(let failure):
            settle(.failed, event, &obsolete)
            error = ErrorSummary(failure)
        case .unknown: state = .unknown
        case .skipped: settle(.skipped, event, &obsolete)
        case .cancelled: settle(.cancelled, event, &obsolete)
        default: break
        }
    }

    private mutating func settle(_ state: WorkState, _ event: Event, _ obsolete: inout [JournalSequence]) {
        self.state = state
        ended = event.time
        result = nil
        drop(&checkpoint, &obsolete)
    }

    /// A settled item is to begin again in the same map.
    mutating func reopen() {
        state = .ready
        ended = nil
        outputLength = nil
        result = nil
    }

    /// See `NodeRow.interrupt`.
    mutating func interrupt(once: Bool) {
        state = once && state == .running ? .unknown : .ready
        until = nil
    }
}

/// Takes the place of the last checkpoint; only payloads in chunks are ever deleted, and never an ancestor's.
private func keep(
    _ event: Event, at place: ProjectionFold.Place, _ checkpoint: inout JournalSequence?,
    _ obsolete: inout [JournalSequence]
) {
    drop(&checkpoint, &obsolete)
    guard !place.isInherited, let payload = event.payload, payload.length > RecordCodec.inlinePayloadMax else { return }
    checkpoint = place.sequence
}

private func drop(_ checkpoint: inout JournalSequence?, _ obsolete: inout [JournalSequence]) {
    if let sequence = checkpoint { obsolete.append(sequence) }
    checkpoint = nil
}
