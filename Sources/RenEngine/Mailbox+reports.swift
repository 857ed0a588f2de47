import RenCore
import RenJSON
import RenJournal
import RenWorkers

extension Mailbox {
    /// A call has returned. Late returns of attempts that ended otherwise are recorded as rejected.
    ///
    /// - Returns: the mailbox, if there is something to admit.
    func take(_ end: AttemptEnd, of call: CallID, _ route: CallTable.Route) -> Mailbox? {
        let isLate = state.work(of: route.subject)?.running?.token != route.token
        if isLate {
            switch end {
            case .returned, .raised: break
            case .silent, .workerDied, .neighbourKilled, .interrupted: return nil
            }
        }
        returned(call, route)
        incoming.append(Incoming(request: .attemptEnded(route.subject, token: route.token, checked(end))))
        return self
    }

    /// A result stands for the artifacts that it names: they are there, or it is refused.
    private func checked(_ end: AttemptEnd) -> AttemptEnd {
        guard case .returned(let payload) = end, let folder = values.artifacts,
            let missing = ArtifactReference.missing(in: payload.bytes, from: folder)
        else { return end }
        let failure = Failure(
            Failure.Name.badResult,
            "it names the artifact sha256:\(missing.hash), which is not there in that size: ctx.artifact makes them")
        return .raised(failure, permanent: false, retryAfter: nil)
    }

    /// Hands over the next page of a lazy argument: outputs of the items that succeeded, in order.
    func page(_ call: CallID, _ route: CallTable.Route, request: Int, argument: String, from: Int) {
        guard let host = functions.host(of: route.slot), let node = route.subject.node,
            let source = plan.lazyArguments(of: node).first(where: { $0.name == argument })?.source
        else { return }
        let indexes = RunScope(state: state, values: values).succeeded(source, state[source])
        guard from < indexes.count else { return host.page(call, request: request, values: [], next: nil) }
        var page: [[UInt8]] = []
        var size = 0
        do {
            for value in try values.outputs(of: source, Array(indexes[from..<min(from + 512, indexes.count)])) {
                guard page.isEmpty || size + value.count < 4 << 20 else { break }
                page.append(value)
                size += value.count
            }
        } catch {
            return host.page(call, request: request, values: [], next: nil)
        }
        let next = from + page.count
        host.page(call, request: request, values: page, next: next < indexes.count ? next : nil)
    }

    func write(_ line: LogLine, _ route: CallTable.Route?, at time: Timestamp) {
        log?.write(
            line.level, line.text, at: time, node: route?.subject.node.map { plan.flow.nodes[$0.index].name },
            key: route.flatMap { name(of: $0.subject) },
            attempt: route.map { state.work(of: $0.subject)?.attempts ?? 0 } ?? 0,
            fields: line.fields, event: state.version)
    }

    /// An item's key, evaluated from its element; nil when it cannot be read now.
    func name(of subject: Event.Subject) -> String? {
        guard case .item(let number, let index) = subject, let map = state[number].map else { return nil }
        // The key only labels a log line: a value that cannot be read costs the label.
        guard let element = try? values.element(index, of: number, opened: map) else { return nil }
        let item = RunScope.Item(element: element, index: index, key: nil)
        return (try? scope.key(of: item, plan.flow.nodes[number.index], evaluator)) ?? String(index.rawValue)
    }
}

extension RunLog {
    /// Writes the events that people look for in a log: failures and what a run as a whole does.
    func note(_ event: Event, version: RunVersion, of mailbox: Mailbox) {
        func line(_ level: LogLine.Level, _ text: String) {
            write(
                level, text, at: event.time, node: event.subject.node.map { mailbox.plan.flow.nodes[$0.index].name },
                key: mailbox.name(of: event.subject), attempt: event.attempt, event: version)
        }
        switch event.fact {
        case .attemptFailed(let failure, let retryAt?):
            line(.warning, "attempt failed: \(failure.text); next at \(retryAt.iso8601)")
        case .failed(let failure): line(.error, "failed: \(failure.text)")
        case .unknown(let reason): line(.error, "outcome unknown (\(reason.rawValue)): a person must decide")
        case .interrupted(let cause): line(.info, "interrupted (\(cause.rawValue))")
        case .resultRejected: line(.warning, "a late result was rejected")
        case .waiting(let wait): line(.info, "waits for signal “\(wait.signal)”: \(wait.message)")
        case .runCreated: line(.info, "run created")
        case .runReopened: line(.info, "opened again")
        case .runForked(let fork): line(.info, "forked from \(fork.parent) at its event \(fork.version)")
        case .overridden: line(.info, "given a value by a person")
        case .runPauseRequested: line(.info, "pause requested")
        case .runPaused: line(.info, "paused")
        case .runResumed: line(.info, "resumed")
        case .runStopRequested: line(.info, "stop requested")
        case .runEnding(let outcome, _): line(.info, "ending: \(outcome.rawValue)")
        case .runStopped: line(.info, "stopped")
        case .runSucceeded: line(.info, "succeeded")
        case .runFailed(let failure): line(.error, "run failed: \(failure.text)")
        default: break
        }
    }
}
