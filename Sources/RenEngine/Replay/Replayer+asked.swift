import RenCore
import RenJSON
import RenJournal

/// What came from outside: it must have been admissible in the state before it.
extension Replayer {
    /// What `admit` makes of the request must begin with the event.
    mutating func asked(_ request: Request, earlier: EarlierWork? = nil, _ event: Event) -> Verdict {
        do {
            let events = try state.admit(
                request, at: event.time, by: Asker(by: event.by), earlier: earlier, draws: &draws)
            return compare(events, with: event, .asked)
        } catch {
            return .diverges(.nothing(error.message))
        }
    }

    func created(_ creation: RunCreation, _ event: Event) throws(RenError) -> Verdict {
        let flow = state.plan.flow
        guard creation.flow == Digest(hashing: flow.source.compact) else {
            return .diverges(.nothing("the recorded flow is not the one whose hash it names"))
        }
        guard creation.semantics <= RunCreation.current else {
            return .diverges(.nothing("a newer ren made it: its semantics have number \(creation.semantics)"))
        }
        guard event.payload != nil else { return .diverges(.nothing("it has no input")) }
        guard let bytes = try bytes(of: RunVersion(1)) else { return .taken(.asked) }
        do {
            let input = try JSON(parsing: bytes, limits: .payload)
            guard try flow.accept(input: input).compact == bytes else {
                return .diverges(.nothing("its input lacks defaults of the flow"))
            }
        } catch let error as RenError {
            return .diverges(.nothing(error.message))
        } catch {
            return .diverges(.nothing("its input is not JSON"))
        }
        return .follows(.asked)
    }

    mutating func signalled(_ name: String, _ event: Event) throws(RenError) -> Verdict {
        guard let bytes = try bytes(of: state.version.next) else { return .taken(.asked) }
        return asked(.signal(name: name, payload: Payload(hashing: bytes)), event)
    }

    /// The flow's timeout ends the run.
    mutating func expired(_ event: Event) -> Verdict {
        do {
            let events = try state.admit(.due, at: event.time, draws: &draws)
            // Attempts whose time was over too may have ended otherwise before it.
            return compare(Array(events.suffix(1)), with: event, .asked)
        } catch {
            return .diverges(.nothing("the flow's timeout is not over: \(error.message)"))
        }
    }

    /// The payload of an event; nil when it is not kept any more.
    func bytes(of version: RunVersion) throws(RenError) -> [UInt8]? {
        do {
            return try values.payload(version)
        } catch {
            guard error.code.isPayloadGone else { throw error }
            return nil
        }
    }

    // MARK: Attempts

    /// How an attempt ended, or what it saved: its function and its worker say that, so it need only have been possible.
    mutating func reported(_ event: Event) -> Verdict {
        if case .resultRejected(let reason) = event.fact { return rejected(reason, event) }
        guard let work = state.work(of: event.subject), work.running != nil else {
            return .diverges(.nothing("no attempt of it is running"))
        }
        guard event.attempt == work.attempts else {
            return .diverges(.nothing("attempt \(work.attempts) of it is running, not \(event.attempt)"))
        }
        if let objection = objection(to: event, work) { return .diverges(.nothing(objection)) }
        if case .attemptFailed(let failure, nil) = event.fact, isFinal(event.subject) {
            due = [Event(.failed(failure), event.subject, at: event.time, attempt: work.attempts)]
            dueKind = .reported
        }
        return .follows(.reported)
    }

    private func rejected(_ reason: RejectReason, _ event: Event) -> Verdict {
        if let token = state.work(of: event.subject)?.running?.token, token == event.cause {
            return .diverges(.nothing("its attempt is running, so its result stands"))
        }
        let expected: RejectReason = state.isEnded ? .finished : .stale
        guard reason == expected, event.cause <= state.version else {
            var event = event
            event.fact = .resultRejected(expected)
            return .diverges(.event(event))
        }
        return .follows(.reported)
    }

    /// Nothing is evaluated before a failure of it is recorded.
    private func isFinal(_ subject: Event.Subject) -> Bool {
        guard case .node(let node) = subject, case .value = state.plan.flow.nodes[node.index].onError else {
            return true
        }
        return false
    }

    private func objection(to event: Event, _ work: Work) -> String? {
        let once = isKnown(event.subject, work.code) ? state.isOnce(event.subject) : nil
        switch event.fact {
        case .succeeded, .checkpointed: return event.payload == nil ? "it has no payload" : nil
        case .unknown: return once == false ? "only attempts with once end so" : nil
        case .interrupted(.pause): return isStopping ? "the run stops" : nil
        case .interrupted(.stop): return isStopping ? nil : "the run does not stop"
        case .interrupted(.engine): return once == true ? "an attempt with once ends as unknown" : nil
        case .interrupted(.worker):
            if once == true { return "an attempt with once ends as unknown" }
            return work.workerDeaths > 0 ? "its worker died before: from the second time on the attempt failed" : nil
        case .attemptFailed(_, let retryAt?):
            guard retryAt >= event.time else { return "its retry was due before it failed" }
            guard once != nil, let node = event.subject.node else { return nil }
            let policy = state.plan.retry(of: node)
            if work.counted + 1 >= policy.attempts { return "no attempt is left" }
            // Attempts whose time is over together are judged together.
            if state.time < event.time, case .item(_, let item) = event.subject,
                state[node].map?.isExceeded(state.plan.tolerance(of: node), for: item) == true
            {
                return "too many items failed"
            }
            return nil
        default: return nil
        }
    }

    private var isStopping: Bool {
        switch state.phase {
        case .stopping, .ending: true
        case .running, .pausing, .paused, .ended, .quarantined: false
        }
    }

    /// Whether the plan knows the function as it was when it was called, with what its decorator says.
    func isKnown(_ subject: Event.Subject, _ code: Digest?) -> Bool {
        guard let node = subject.node, let signature = state.plan.signature(of: node) else { return false }
        return signature.codeHash == code
    }
}
