import RenCore
import RenJSON
import RenJournal
import RenTestKit
import RenYAML
import Testing

/// Runs written by hand, event by event, in a journal in memory.
struct Story {
    let journal = MemoryJournal.make()
    let flow: Flow
    let hash: Digest

    /// - Parameter nodes: the mapping below `nodes:` of a flow, as YAML.
    init(_ nodes: String, top: String = "") throws {
        let text =
            "flow: told\n\(top)\nnodes:\n" + nodes.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        flow = try FlowDecoder.decode(YAML.parse(Array(text.utf8)))
        let payload = Payload(hashing: flow.source.compact)
        hash = payload.hash
        try register(flow)
    }

    func register(_ flow: Flow) throws {
        let payload = Payload(hashing: flow.source.compact)
        let event = Event(
            .flowRegistered(name: flow.name), .run, at: Timestamp(nanoseconds: 1), payload: PayloadMark(payload))
        try journal.appendAndWait([event], to: .journal, after: Batch.anyVersion)
    }

    /// A run `id`, created with `input`.
    func begin(_ id: String = "r", input: String = "{}", flow other: Digest? = nil) -> HistoryBuilder {
        var history = HistoryBuilder(id)
        let creation = RunCreation(id: id, flow: other ?? hash, flowName: "told", functions: nil)
        history.add(.runCreated(creation), by: "cli", payload: Array(input.utf8))
        return history
    }

    @discardableResult
    func write(_ history: HistoryBuilder) throws -> RunRow {
        var history = history
        let run = journal.reserveRun()
        let batch = history.take()
        try journal.appendAndWait(batch.events, to: run, after: batch.after)
        return try #require(try journal.read { view throws(RenError) in try view.run(run) })
    }

    func node(_ name: String) -> Event.Subject {
        .node(flow.nodes.firstIndex { $0.name == name } ?? flow.nodes.count)
    }

    func item(_ name: String, _ index: Int) -> Event.Subject {
        .item(flow.nodes.firstIndex { $0.name == name } ?? flow.nodes.count, index)
    }
}

extension HistoryBuilder {
    /// A map over numbers, each an item of that index.
    mutating func open(_ node: Event.Subject, _ count: Int, concurrency: Int? = nil) {
        let list = (0..<count).map(String.init).joined(separator: ",")
        add(
            .mapOpened(MapOpening(total: count, source: Digest(hashing: Array(list.utf8)), concurrency: concurrency)),
            node, payload: Array("{\"keys\":null,\"values\":[\(list)]}".utf8))
    }

    mutating func fail(_ subject: Event.Subject, _ name: String = "Gone", retryAfter: Duration? = nil) {
        add(.attemptFailed(Failure(name, "no page"), retryAt: retryAfter.map { time + $0 }), subject)
        if retryAfter == nil { add(.failed(Failure(name, "no page")), subject) }
    }
}
