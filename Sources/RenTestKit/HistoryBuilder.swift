package import RenCore
import RenJournal

/// Writes the events of one run by hand, keeping versions, `previous` and times right.
package struct HistoryBuilder: Sendable {
    package let id: String
    /// Events since the last `take`.
    package private(set) var events: [Event] = []
    /// Version of the last event.
    package private(set) var version = RunVersion.none
    /// Version before the events that `take` will give.
    package private(set) var taken = RunVersion.none
    /// Time of the next event; each is a millisecond after the one before.
    package var time: Timestamp
    private var last: [Event.Subject: RunVersion] = [:]
    private var attempts: [Event.Subject: UInt32] = [:]

    /// - Parameter id: of the run; `journal` for the run of that name.
    package init(_ id: String, at time: Timestamp = Timestamp(nanoseconds: 1_770_000_000_000_000_000)) {
        self.id = id
        self.time = time
    }

    /// Adds an event and gives its version.
    @discardableResult
    package mutating func add(
        _ fact: Fact, _ subject: Event.Subject = .run, cause: RunVersion = .none, by: String? = nil,
        payload: [UInt8]? = nil
    ) -> RunVersion {
        if case .started = fact { attempts[subject, default: 0] += 1 }
        var event = Event(
            fact, subject, at: time, attempt: subject == .run ? 0 : attempts[subject] ?? 0,
            previous: subject == .run ? .none : last[subject] ?? .none, cause: cause, by: by)
        event.payload = payload.map { PayloadMark(Payload(hashing: $0)) }
        events.append(event)
        version = version.next
        time = time + .milliseconds(1)
        if subject != .run { last[subject] = version }
        return version
    }

    /// The events added since the last call, and the version that they follow.
    package mutating func take() -> (after: RunVersion, events: [Event]) {
        defer {
            events = []
            taken = version
        }
        return (taken, events)
    }

    // MARK: What tests write most

    @discardableResult
    package mutating func create(flow name: String = "products", input: String = "{}") -> RunVersion {
        let creation = RunCreation(
            id: id, flow: Digest(hashing: Array(name.utf8)), flowName: name, functions: Digest(hashing: [1]))
        return add(.runCreated(creation), by: "cli", payload: Array(input.utf8))
    }

    @discardableResult
    package mutating func start(_ subject: Event.Subject) -> RunVersion {
        let input = Digest(hashing: Array("\(id) \(subject) \(version)".utf8))
        return add(.started(AttemptStart(input: input, code: Digest(hashing: [2]))), subject)
    }

    @discardableResult
    package mutating func succeed(_ subject: Event.Subject, _ result: [UInt8] = Array("true".utf8)) -> RunVersion {
        add(.succeeded(instead: nil), subject, payload: result)
    }

    @discardableResult
    package mutating func openMap(_ node: NodeNumber, total: Int) -> RunVersion {
        let opening = MapOpening(total: total, source: Digest(hashing: [3]), concurrency: nil)
        return add(.mapOpened(opening), .node(node), payload: Array("{}".utf8))
    }
}

extension Event.Subject {
    package static func item(_ node: Int, _ item: Int) -> Event.Subject { .item(NodeNumber(node), ItemIndex(item)) }
    package static func node(_ node: Int) -> Event.Subject { .node(NodeNumber(node)) }
}
