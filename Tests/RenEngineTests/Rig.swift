import Foundation
import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenTestKit
import RenWorkers
import RenYAML
import Testing

/// A real engine over a journal that can be made to fail, with time and functions under the test's control.
final class Rig: Sendable {
    let journal: FaultyJournal
    let clock: ManualClock
    let worker: ScriptedWorker
    let engine: Engine

    /// - Parameters:
    ///   - journal: what an earlier rig has left; a fresh one in memory unless given.
    ///   - slots: of each kind.
    ///   - script: what each call does.
    init(
        on journal: (any Journal)? = nil, clock: ManualClock = ManualClock(), slots: Int = 16,
        openRunsMax: Int = 10_000, script: @escaping ScriptedWorker.Script = { _ in .hold }
    ) {
        self.journal = FaultyJournal(journal ?? MemoryJournal.make())
        self.clock = clock
        let engine = Engine(
            journal: self.journal, clock: clock, logs: nil, artifacts: nil, seed: 1, openRunsMax: openRunsMax)
        self.engine = engine
        worker = ScriptedWorker(
            signatures: [], slots: [.swift: slots, .blocking: slots, .asynchronous: slots, .alone: slots],
            sink: { engine.receive($0) }, script: script)
    }

    /// - Parameter nodes: the mapping below `nodes:` of a flow, as YAML.
    static func plan(_ nodes: String) throws -> Plan {
        let lines = nodes.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        let flow = try FlowDecoder.decode(YAML.parse(Array("flow: rig\nnodes:\n\(lines)".utf8)))
        var signatures: [String: FunctionSignature] = [:]
        for node in flow.nodes {
            if let call = node.call { signatures[call.name] = FunctionSignature(name: call.name, language: .python) }
        }
        return Plan(flow, signatures: signatures)
    }

    private var functions: RunFunctions {
        RunFunctions(
            set: nil,
            signatures: Dictionary(
                uniqueKeysWithValues: ["f", "g"].map { ($0, FunctionSignature(name: $0, language: .python)) }),
            swift: worker, workers: worker)
    }

    @discardableResult
    func start(_ nodes: String, id: String = "a", input: JSON = [:]) async throws -> RunNumber {
        try await answer(nodes, id: id, input: input).run
    }

    /// - Parameter key: of the request; its digest is that of the flow and the input.
    func answer(
        _ nodes: String, id: String = "a", input: JSON = [:], key: String? = nil, paused: Bool = false
    ) async throws -> Answer {
        let plan = try Self.plan(nodes)
        let creation = RunCreation(
            id: id, flow: Digest(hashing: plan.flow.source.compact), flowName: "rig", functions: nil)
        return try await engine.start(
            creation, plan: plan, input: Payload(hashing: input.compact), functions: functions, paused: paused,
            by: Self.asker(key, of: Array(nodes.utf8) + input.compact))
    }

    /// Somebody who sends `body`, under `key`.
    static func asker(_ key: String? = nil, of body: [UInt8] = []) throws -> Asker {
        Asker(by: "test", request: try key.map { try RequestMark(key: $0, digest: Digest(hashing: body)) })
    }

    func takeUp(_ run: RunNumber, _ nodes: String, by asker: Asker = Asker(by: "test")) async throws {
        try await engine.takeUp(run, plans: [Self.plan(nodes)], functions: functions, by: asker)
    }

    func carry(_ run: RunNumber, _ nodes: String) async throws {
        try await engine.carry(run, plans: [Self.plan(nodes)], functions: functions)
    }

    // MARK: What is to be seen

    /// Types of a run's events, as `node.started 0` and `item.started 0[2]`.
    func events(of run: RunNumber) throws -> [String] {
        try journal.read { view throws(RenError) in
            try view.page(of: run, after: .none, limit: 200_000).map { recorded in
                switch recorded.event.subject {
                case .run: recorded.type.name
                case .node(let node): "\(recorded.type.name) \(node)"
                case .item(let node, let item): "\(recorded.type.name) \(node)[\(item)]"
                }
            }
        }
    }

    func count(_ event: String, of run: RunNumber) throws -> Int {
        try events(of: run).count { $0 == event }
    }

    func status(of run: RunNumber) throws -> String? {
        try journal.read { view throws(RenError) in try view.run(run)?.status.name }
    }

    /// The call of `node` that runs, once it does.
    func held(_ node: String, attempt: Int = 1) async throws -> Call {
        try await eventually("attempt \(attempt) of \(node) runs") {
            self.worker.held.first { $0.node == node && $0.attempt == attempt }
        }
    }
}

/// Waits for a condition that other threads bring about.
///
/// - Throws: when it has not come about after 120 s: on a busy machine a task may wait long for its turn.
@discardableResult
func eventually<Found: Sendable>(
    _ what: String, _ find: () async throws -> Found?, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> Found {
    let deadline = ContinuousClock.now + .seconds(120)
    while ContinuousClock.now < deadline {
        if let found = try await find() { return found }
        await Task.yield()
    }
    Issue.record("waited in vain: \(what)", sourceLocation: sourceLocation)
    throw CancellationError()
}

extension Bool {
    /// For `eventually`: nil until it holds.
    var orNil: Bool? { self ? true : nil }
}

/// A place for a journal that is opened more than once, removed with the last reference.
final class LMDBPlace {
    private let path = NSTemporaryDirectory() + "ren-tests-\(UUID().uuidString)"
    /// The one that was opened last.
    private(set) var journal: StoreJournal?

    init() throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit {
        // A directory that is left behind harms no other test.
        try? FileManager.default.removeItem(atPath: path)
    }

    func open(mapSizeBytes: Int = 256 << 20) throws -> StoreJournal {
        var options = JournalOptions()
        options.durability = .none
        options.ballastBytes = 0
        options.mapSizeBytes = mapSizeBytes
        let opened = try LMDBJournal.open(directory: path + "/journal", options: options)
        journal = opened
        return opened
    }
}

/// Which journal a test runs on.
enum JournalKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory, lmdb

    var testDescription: String { rawValue }

    func make() throws -> StoreJournal {
        switch self {
        case .memory: return MemoryJournal.make()
        case .lmdb:
            var options = JournalOptions()
            options.durability = .none
            options.ballastBytes = 0
            options.mapSizeBytes = 256 << 20
            let path = NSTemporaryDirectory() + "ren-tests-\(UUID().uuidString)"
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            return try LMDBJournal.open(directory: path + "/journal", options: options)
        }
    }
}
