import Foundation
import RenCore
import RenJSON
import RenJournal
import RenWorkers
import RenYAML
import Testing

@testable import RenEngine

/// One run on a stage: the real mailbox and a real journal, with functions and time under the test's control.
///
/// After each step the state folded from the journal must equal the working state, and every event must have been
/// admitted in order, so each row of a table also proves that the journal is enough.
final class Stage {
    let journal: any Journal
    let functions = StagedFunctions()
    private let plan: Plan
    private let run: RunNumber
    private let calls = CallTable()
    private(set) var mailbox: Mailbox
    private(set) var now = Timestamp(nanoseconds: 1_700_000_000_000_000_000)
    private var draws = Draws(seed: 7)
    private var lastError: RenError?

    /// - Parameters:
    ///   - nodes: the mapping below `nodes:` of a flow, as YAML.
    ///   - top: other keys of the flow, as YAML.
    init(
        _ nodes: String, top: String = "", input: JSON = [:], on kind: JournalKind,
        language: FunctionSignature.Language = .python, paused: Bool = false
    ) throws {
        let text =
            "flow: staged\n\(top)\nnodes:\n" + nodes.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        let flow = try FlowDecoder.decode(YAML.parse(Array(text.utf8)))
        let signatures = Self.signatures(of: flow, language)
        plan = Plan(flow, signatures: signatures)
        journal = try kind.make()
        run = journal.reserveRun()
        let functions = RunFunctions(
            set: nil, signatures: signatures, swift: self.functions, workers: self.functions)
        mailbox = Mailbox(
            number: run, state: RunState(plan: plan), plans: [plan], functions: functions, journal: journal,
            calls: calls, opener: MapOpener(journal) { _ in }, log: nil, artifacts: nil, watermark: Watermark(.none))
        let creation = RunCreation(
            id: "staged", flow: Digest(hashing: flow.source.compact), flowName: "staged", functions: nil)
        mailbox.create(creation, input: Payload(hashing: input.compact), paused: paused, at: now, by: Asker(by: "test"))
        {
            _ in
        }
        try settle()
    }

    /// The plan of a flow whose functions are known by name and language alone.
    static func plan(of flow: Flow, language: FunctionSignature.Language = .python) -> Plan {
        Plan(flow, signatures: signatures(of: flow, language))
    }

    private static func signatures(
        of flow: Flow, _ language: FunctionSignature.Language
    ) -> [String: FunctionSignature] {
        let names = flow.nodes.compactMap { $0.call?.name }
        return Dictionary(names.map { ($0, FunctionSignature(name: $0, language: language)) }) { first, _ in first }
    }

    // MARK: What happens

    /// Lets the run go as far as it can, commit by commit.
    func settle() throws {
        var isRead = false
        repeat {
            try advance()
            // A map that is opened anew is read on another thread, which removes the keys of its earlier opening first.
            isRead = !mailbox.openings.isEmpty
            while mailbox.openings.values.contains(where: { $0.result == nil }) { usleep(1_000) }
        } while isRead
        let folded = try RunState(folding: run, plan: plan, from: journal)
        #expect(folded == mailbox.state, "the journal gives another state than the engine works on")
    }

    private func advance() throws {
        repeat {
            guard let work = mailbox.advance(at: now, draws: &draws) else { break }
            let result = try journal.appendAndWait(work.events, keys: work.keys, to: run, after: work.after)
            mailbox.submitted = result.version
            work.effects.release(result)
            mailbox.watermark.store(result.version)
        } while mailbox.awaitsCommit || mailbox.isHungry && functions.hasFreeSlots
    }

    /// Ends the oldest call of `unit` that has not returned.
    ///
    /// - Returns: what it was the attempt of.
    @discardableResult
    func end(_ unit: String, _ end: AttemptEnd) throws -> (subject: Event.Subject, token: RunVersion) {
        let call = try #require(functions.call(of: unit), "no call of \(unit) is running: \(functions.running)")
        functions.returned(call)
        let route = try #require(calls.close(call.id))
        _ = mailbox.take(end, of: call.id, route)
        try settle()
        return (route.subject, route.token)
    }

    func succeed(_ unit: String, _ value: JSON = .null) throws {
        try end(unit, .returned(Payload(hashing: value.compact)))
    }

    func fail(_ unit: String, _ name: String = "ValueError", permanent: Bool = false, retryAfter: Duration? = nil)
        throws
    {
        try end(unit, .raised(Failure(name, "it broke"), permanent: permanent, retryAfter: retryAfter))
    }

    /// Asks something of the run; the error of a refusal is thrown.
    func ask(_ request: Request, by: String? = "test", ifMatch: RunVersion? = nil) throws {
        lastError = nil
        let box = ErrorBox()
        mailbox.incoming.append(
            Mailbox.Incoming(request: request, by: Asker(by: by, ifMatch: ifMatch)) {
                if case .failure(let error) = $0 { box.error = error }
            })
        try settle()
        if let error = box.error { throw error }
    }

    func signal(_ name: String, _ value: JSON = .null) throws {
        try ask(.signal(name: name, payload: Payload(hashing: value.compact)))
    }

    /// Time passes, and what falls due happens.
    func pass(_ duration: Duration) throws {
        let end = now + duration
        while let due = mailbox.nextDue(after: now), due <= end {
            now = max(now, due)
            mailbox.elapse(now)
            try settle()
        }
        now = end
        mailbox.elapse(now)
        try settle()
    }

    /// The engine dies and another one takes the run up: nothing but the journal is left.
    func crash() throws {
        functions.vanish()
        let state = try RunState(folding: run, plan: plan, from: journal)
        mailbox = Mailbox(
            number: run, state: state, plans: [plan], functions: mailbox.functions, journal: journal, calls: calls,
            opener: MapOpener(journal) { _ in }, log: nil, artifacts: nil, watermark: Watermark(state.version))
        mailbox.incoming.append(Mailbox.Incoming(request: .engineDied))
        mailbox.incoming.append(Mailbox.Incoming(request: .resume(takingUp: true, reason: nil)))
        try settle()
    }

    // MARK: What is to be seen

    func status(_ node: String) throws -> String {
        mailbox.state[try #require(plan.number(of: node), "no node \(node)")].status
    }

    /// `a=succeeded b=failed`, in flow order.
    var statuses: String {
        zip(plan.flow.nodes, mailbox.state.nodes).map { "\($0.name)=\($1.status)" }.joined(separator: " ")
    }

    var phase: RunState.Phase { mailbox.state.phase }

    var runStatus: String {
        switch mailbox.state.phase {
        case .ended(let status): status.rawValue
        case .running: "running"
        case .pausing: "pausing"
        case .paused: "paused"
        case .stopping: "stopping"
        case .ending: "ending"
        case .quarantined: "quarantined"
        }
    }

    /// The run's events from `version` on, as `node.started a`; items as `item.started m[0]`.
    func events(from version: Int = 1) throws -> [String] {
        let run = run
        let nodes = plan.flow.nodes
        return try journal.read { view throws(RenError) in
            try view.page(of: run, after: RunVersion(version - 1), limit: 10_000).map { recorded in
                switch recorded.event.subject {
                case .run: "\(recorded.type.name)"
                case .node(let node): "\(recorded.type.name) \(nodes[node.index].name)"
                case .item(let node, let item): "\(recorded.type.name) \(nodes[node.index].name)[\(item)]"
                }
            }
        }
    }

    func count(_ event: String) throws -> Int {
        try events().count { $0 == event }
    }

    /// The result of the run as JSON.
    func output() throws -> JSON {
        let run = run
        guard let reference = mailbox.state.output else { return .null }
        let bytes = try journal.read { view throws(RenError) in try view.payload(run, reference.version) }
        return try JSON(parsing: bytes, limits: .payload)
    }

    func number(_ node: String) throws -> NodeNumber { try #require(plan.number(of: node), "no node \(node)") }

    /// The outputs of a map's items, as expressions read them.
    func items(of node: String) throws -> JSON {
        let scope = RunScope(state: mailbox.state, values: mailbox.values)
        let bytes = try #require(try scope.load(.node(try number(node), .items)))
        return try JSON(parsing: bytes, limits: .payload)
    }

    /// The types of the events of an item `m[3]`, found from the last one through their links.
    func history(of unit: String) throws -> [String] {
        let run = run
        let parts = unit.split { $0 == "[" || $0 == "]" }
        let node = try number(String(parts[0]))
        let item = ItemIndex(try #require(Int(parts[1])))
        return try journal.read { view throws(RenError) in
            var types: [String] = []
            var version = try view.item(run, node, item)?.last ?? .none
            while let event = try view.recorded(run, version) {
                types.append(event.type.name)
                version = event.event.previous
            }
            return types.reversed()
        }
    }

    func output(of node: String) throws -> JSON? {
        guard case .payload(let reference) = mailbox.state[try #require(plan.number(of: node))].output else {
            return nil
        }
        return try JSON(parsing: mailbox.values.payload(reference.version), limits: .payload)
    }
}

private final class ErrorBox: @unchecked Sendable {
    // SAFETY: written and read on the test's thread only; appendAndWait answers before it returns.
    var error: RenError?
}

/// The journals that every row runs on.
enum JournalKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, lmdb

    var testDescription: String { rawValue }

    func make() throws -> any Journal {
        switch self {
        case .memory: return MemoryJournal.make()
        case .lmdb:
            var options = JournalOptions()
            options.durability = .none
            options.ballastBytes = 0
            options.mapSizeBytes = 64 << 20
            return try LMDBJournal.open(directory: try TemporaryDirectory().path + "/journal", options: options)
        }
    }
}
