import RenCore
import RenJSON
import Testing

/// A run told in a few words, for tables: `a ok, m 3, m[1] failed, m ok, run failed`.
struct Story {
    private(set) var state: RunState
    private var time = Timestamp(nanoseconds: 1_700_000_000_000_000_000)

    /// - Parameters:
    ///   - nodes: the mapping below `nodes:` of a flow, as YAML.
    ///   - words: what happened, in order.
    init(_ nodes: String, _ words: String = "", semantics: Int = RunCreation.current) throws {
        state = RunState(plan: try Self.plan(nodes))
        var creation = Self.creation
        creation.semantics = semantics
        tell(Event(.runCreated(creation), .run, at: time, payload: Self.value))
        try go(words)
    }

    static func plan(_ nodes: String) throws -> Plan {
        let lines = nodes.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        return Plan(try FlowFixtures.flow("flow: story\nnodes:\n\(lines)"))
    }

    static let creation = RunCreation(
        id: "s", flow: Digest(hex: String(repeating: "a", count: 64))!, flowName: "story",
        functions: nil)
    static let value = PayloadMark(
        Payload(bytes: Array("1".utf8), hash: Digest(hex: String(repeating: "b", count: 64))!))
    static let failure = Failure("ValueError", "it broke")

    mutating func go(_ words: String) throws {
        for phrase in words.split(separator: ", ") {
            let parts = phrase.split(separator: " ")
            try tell(String(parts[0]), String(parts[1]))
        }
    }

    mutating func tell(_ event: Event) {
        var event = event
        time = time + .seconds(1)
        event.time = time
        state.record(&event)
    }

    private mutating func tell(_ who: String, _ what: String) throws {
        guard who != "run" else { return try tellRun(what) }
        let subject = try self.subject(who)
        let node = try #require(subject.node)
        if let total = Int(what) {
            let opening = MapOpening(total: total, source: Story.creation.flow, concurrency: nil)
            return tell(Event(.mapOpened(opening), .node(node), at: time, payload: Self.value))
        }
        let isMap = state[node].map != nil
        func event(_ fact: Fact, _ payload: PayloadMark? = nil) -> Event {
            Event(fact, subject, at: time, attempt: state.work(of: subject)?.attempts ?? 0, payload: payload)
        }
        switch what {
        case "started": tell(Event(.started(Self.start), subject, at: time, attempt: 1))
        case "ok":
            if case .item = subject { tell(Event(.started(Self.start), subject, at: time, attempt: 1)) }
            let isWhole = if case .node = subject { isMap } else { false }
            tell(event(.succeeded(instead: nil), isWhole ? nil : Self.value))
        case "failed": tell(event(.failed(Self.failure)))
        case "retrying": tell(event(.attemptFailed(Self.failure, retryAt: time + .seconds(9))))
        case "unknown": tell(event(.unknown(.engineDied)))
        case "cancelled": tell(event(.cancelled))
        case "not-taken": tell(event(.skipped(.notTaken, operands: nil)))
        case "upstream-failed": tell(event(.skipped(.upstreamFailed, operands: nil)))
        case "then", "else": tell(event(.decided(way: what, operands: [:])))
        case "waits": tell(event(.waiting(SignalWait(signal: "go", message: "?", until: nil))))
        case "ends": tell(event(.runEnding(.failed, Self.failure)))
        case "given": tell(event(.overridden(reason: nil), Self.value))
        default: Issue.record("no such word: \(what)")
        }
    }

    private mutating func tellRun(_ what: String) throws {
        switch what {
        case "failed": tell(Event(.runFailed(Self.failure), .run, at: time))
        case "succeeded": tell(Event(.runSucceeded, .run, at: time, payload: Self.value))
        case "stopping": tell(Event(.runStopRequested(.cancel, reason: nil), .run, at: time))
        case "stopped": tell(Event(.runStopped, .run, at: time))
        case "timeout": tell(Event(.runEnding(.failed, Self.failure), .run, at: time))
        default: Issue.record("no such word: \(what)")
        }
    }

    static let start = AttemptStart(input: creation.flow, code: nil)

    /// `m` or `m[3]`.
    func subject(_ text: String) throws -> Event.Subject {
        let parts = text.split { $0 == "[" || $0 == "]" }
        let node = try number(String(parts[0]))
        return parts.count == 1 ? .node(node) : .item(node, ItemIndex(try #require(Int(parts[1]))))
    }

    func number(_ name: String) throws -> NodeNumber { try #require(state.plan.number(of: name), "no node \(name)") }

    /// `m=1,3 | a b | c | d`: items, again, affected, and what is kept of what had settled.
    func text(_ sets: Reopening) -> String {
        func names(_ nodes: [NodeNumber]) -> String {
            nodes.map { state.plan.flow.nodes[$0.index].name }.joined(separator: " ")
        }
        let items = sets.items.sorted { $0.key < $1.key }.map { "\(names([$0.key]))=\($0.value)" }
        return [items.joined(separator: " "), names(sets.again), names(sets.affected), names(sets.kept(in: state))]
            .joined(separator: " | ")
    }

    /// The events that a request gives, recorded; its error is thrown.
    @discardableResult
    mutating func ask(_ request: Request) throws -> [Event] {
        var draws = Draws(seed: 1)
        let events = try state.admit(request, at: time, by: Asker(by: "test"), draws: &draws)
        for event in events { tell(event) }
        return events
    }

    /// `a=succeeded b=pending`
    var statuses: String {
        zip(state.plan.flow.nodes, state.nodes).map { "\($0.name)=\($1.status)" }.joined(separator: " ")
    }
}
