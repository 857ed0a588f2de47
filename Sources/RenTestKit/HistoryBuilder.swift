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
    /// What each event was about, and whether it began an attempt.
    private var log: [(subject: Event.Subject, isStart: Bool)] = []

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
        let previous = last[subject] ?? .none
        let isStart = if case .started = fact { true } else { false }
        note(subject, isStart: isStart)
        var event = Event(
            fact, subject, at: time, attempt: subject == .run ? 0 : attempts[subject] ?? 0,
            previous: previous, cause: cause, by: by)
        event.payload = payload.map { PayloadMark(Payload(hashing: $0)) }
        events.append(event)
        time = time + .milliseconds(1)
        return version
    }

    private mutating func note(_ subject: Event.Subject, isStart: Bool) {
        if isStart { attempts[subject, default: 0] += 1 }
        log.append((subject, isStart))
        version = version.next
        if subject != .run { last[subject] = version }
    }

    /// The history of a fork, which begins with its `run.forked`.
    ///
    /// - Parameters:
    ///   - version: of this history, after which the fork goes on.
    ///   - hash: R of that version.
    package func fork(
        _ id: String, at version: RunVersion, hash: Digest, nodes: [NodeNumber?]? = nil, once: [NodeNumber] = [],
        reopening: Reopening = Reopening(), input: String? = nil
    ) -> HistoryBuilder {
        var fork = HistoryBuilder(id, at: time)
        for (subject, isStart) in log.prefix(Int(version.rawValue)) { fork.note(subject, isStart: isStart) }
        if let nodes { fork.renumber(nodes) }
        fork.taken = version
        let creation = RunCreation(
            id: id, flow: Digest(hashing: Array("products \(nodes == nil)".utf8)), flowName: "products",
            functions: Digest(hashing: [1]))
        fork.add(
            .runForked(
                Fork(
                    creation: creation, parent: self.id, version: version, hash: hash, nodes: nodes, once: once,
                    reopening: reopening)), by: "cli", payload: input.map { Array($0.utf8) })
        return fork
    }

    private mutating func renumber(_ nodes: [NodeNumber?]) {
        func renumbered<T>(_ table: [Event.Subject: T]) -> [Event.Subject: T] {
            table.reduce(into: [:]) { result, entry in
                if let subject = entry.key.renumbered(nodes) { result[subject] = entry.value }
            }
        }
        last = renumbered(last)
        attempts = renumbered(attempts)
        log = log.map { ($0.subject.renumbered(nodes) ?? .run, $0.isStart) }
    }

    /// The next event of `subject` is linked to none, like that of an item that begins anew.
    package mutating func forget(_ subject: Event.Subject) { last[subject] = nil }

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
    /// Nil when its node is gone.
    package func renumbered(_ nodes: [NodeNumber?]) -> Event.Subject? {
        switch self {
        case .run: .run
        case .node(let node): nodes[node.index].map { .node($0) }
        case .item(let node, let item): nodes[node.index].map { .item($0, item) }
        }
    }

    package static func item(_ node: Int, _ item: Int) -> Event.Subject { .item(NodeNumber(node), ItemIndex(item)) }
    package static func node(_ node: Int) -> Event.Subject { .node(NodeNumber(node)) }
}
