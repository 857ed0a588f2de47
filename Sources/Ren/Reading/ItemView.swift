package import RenCore
package import RenJSON
package import RenJournal

extension ItemWindow.Row {
    /// The object of a row of items.
    package var json: JSONObject {
        [
            "index": JSON(index.rawValue), "key": .string(key), "state": .string(state.name),
            "attempts": JSON(attempts), "begun": JSON(begun), "ended": JSON(ended),
            "milliseconds": JSON(duration.map { $0.nanoseconds / 1_000_000 }), "until": JSON(until),
            "output_bytes": JSON(outputLength), "error": error.map { .object($0.json) } ?? .null,
        ]
    }
}

extension StateCounts {
    /// By name of the state.
    package var json: JSONObject {
        JSONObject(members: WorkState.allCases.map { .init(key: $0.name, value: JSON(self[$0])) })
    }
}

/// One try of an item or a node, with what was recorded of it.
package struct AttemptView: Sendable {
    /// From 1.
    package var number: Int
    package var events: [EventView]

    /// The attempts in which these events of one item or node happened, in order; events of none are left out.
    package static func attempts(of events: [EventView]) -> [AttemptView] {
        var attempts: [AttemptView] = []
        for event in events where event.event.event.attempt > 0 {
            let number = Int(event.event.event.attempt)
            if attempts.last?.number == number {
                attempts[attempts.count - 1].events.append(event)
            } else {
                attempts.append(AttemptView(number: number, events: [event]))
            }
        }
        return attempts
    }

    /// The event with which it began.
    package var start: EventView? {
        events.first { if case .started = $0.event.event.fact { true } else { false } }
    }

    /// The event with which it was over. What a person said behind that is none of it, but of one that nobody knew the
    /// end of it is the end.
    private var end: EventView? {
        let ended = events.last { $0.event.event.fact.endsAttempt }
        if let ended, ended.event.type != .itemUnknown { return ended }
        return events.last { if case .overridden = $0.event.event.fact { true } else { false } } ?? ended
    }

    /// `{"attempt", "begun", "ended", "outcome", "input", "code", "alone", "error", "events"}`; `outcome` is the type of
    /// the event that ended it, without its area.
    package var json: JSONObject {
        let began = start
        let end = end
        var object: JSONObject = [
            "attempt": JSON(number), "begun": JSON(began?.event.event.time), "ended": JSON(end?.event.event.time),
            "outcome": JSON(end.map { String($0.event.type.name.drop { $0 != "." }.dropFirst()) }),
        ]
        let start = began?.event.event.fact.json ?? [:]
        for name in ["input", "code", "alone"] { object[name] = start[name] ?? .null }
        let failed = events.last { $0.event.event.fact.json["error"] != nil }
        object["error"] = failed?.event.event.fact.json["error"] ?? .null
        object["events"] = .array(events.map { .object($0.json) })
        return object
    }
}

extension Fact {
    /// Whether an attempt is over with it.
    fileprivate var endsAttempt: Bool {
        switch self {
        case .succeeded, .attemptFailed, .interrupted, .failed, .unknown, .cancelled: true
        default: false
        }
    }
}

extension RecordedEvent {
    /// Version of the event of the same item or node before this one: where a result was kept of which the map as it is
    /// open now knows no more, the event with that result.
    fileprivate var before: RunVersion {
        var before = event.previous
        if case .kept = event.fact, before == .none { before = event.cause }
        // What does not lead back would lead round for ever.
        return before < version ? before : .none
    }
}

extension JournalReading {
    private static var scanMax: UInt64 { 100_000 }
    private static var eventsMax: Int { 1_000 }
    private static var page: UInt64 { 1_000 }

    /// What was recorded of one item or node, in order: the last 1,000 events of it.
    ///
    /// - Parameter last: version of the last one; `.none` where no row tells, as for an item that runs its first attempt:
    ///   then it is looked for among the run's last 100,000 events, the newest first.
    package func events(
        of run: RunNumber, _ subject: Event.Subject, last: RunVersion
    ) throws(RenError) -> [RecordedEvent] {
        var version = last
        if version == .none { version = try lastEvent(of: run, subject) }
        var found: [RecordedEvent] = []
        while version > .none, found.count < Self.eventsMax {
            let page = try read { [version] view throws(RenError) in
                var page: [RecordedEvent] = []
                var next = version
                while next > .none, page.count < 100, let event = try view.recorded(run, next) {
                    page.append(event)
                    next = event.before
                }
                return page
            }
            guard let first = page.last else { break }
            found += page
            version = first.before
        }
        return found.reversed()
    }

    private func lastEvent(of run: RunNumber, _ subject: Event.Subject) throws(RenError) -> RunVersion {
        var end = try read { view throws(RenError) in try view.version(of: run).rawValue }
        let least = end > Self.scanMax ? end - Self.scanMax : 0
        while end > least {
            let start = end > least + Self.page ? end - Self.page : least
            let events = try read { view throws(RenError) in
                try view.page(of: run, after: RunVersion(start), limit: Int(end - start))
            }
            if let last = events.last(where: { $0.event.subject == subject }) { return last.version }
            end = start
        }
        return .none
    }
}
