import Foundation
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenWorkers
import Synchronization
import Testing

/// SEMANTICS.md 7: a fork, run to its end, is what a fresh run with the same inputs and overrides is.
@Suite("Forks", .timeLimit(.minutes(10)))
struct ForkTests {
    private static let flow = """
        flow: forked
        input:
          type: object
          properties: {count: {type: integer}, factor: {type: integer}, bad: {type: array}}
        nodes:
          list: {function: list, with: {count: {var: input.count}}}
          double:
            function: item
            each: {var: nodes.list.output}
            key: {var: item.id}
            after: [list]
            with: {n: {var: item.n}, factor: {var: input.factor}, bad: {var: input.bad}}
            tolerate: 1
            concurrency: 2
            retry: {attempts: 2, every: 1ms}
          many: {condition: {">": [{var: nodes.double.succeeded}, 2]}, after: [double]}
          sum: {function: sum, after: [many.then], with: {all: {var: nodes.double.items}}}
          few: {function: few, after: [many.else], with: {n: {var: nodes.double.succeeded}}}
          again:
            function: item
            each: {var: nodes.double.items}
            after: [double]
            with: {n: {var: item}, factor: 2, bad: []}
          risky: {function: risky, with: {factor: {var: input.factor}}}
          rescue: {function: few, after: [risky.failed], with: {n: 100}}
          last:
            function: join
            after: [sum, few, again, rescue]
            join: settled
            with:
              sum: {var: nodes.sum.output}
              few: {var: nodes.few.output}
              again: {var: nodes.again.items}
              rescue: {var: nodes.rescue.output}
              way: {var: nodes.many.way}
        output: {var: nodes.last.output}
        """

    /// The functions, which give what `given` says for a node or item of a run instead of what they compute.
    private final class Functions: Sendable {
        let given = Mutex<[String: [String: JSON]]>([:])
        /// Calls that were made, by run.
        let calls = Mutex<[String: Int]>([:])

        func give(_ outputs: [ForkWords.Output], to run: String) {
            given.withLock { given in
                for output in outputs {
                    given[run, default: [:]][output.key.map { "\(output.node)/\($0)" } ?? output.node] = output.value
                }
            }
        }

        func calls(of run: String) -> Int { calls.withLock { $0[run] ?? 0 } }

        func register(in session: Session) {
            func add(_ name: String, _ body: @escaping @Sendable (JSON) throws -> JSON) {
                session.swift.register(FunctionSignature(name: name)) { [self] bytes, context in
                    calls.withLock { $0[context.run, default: 0] += 1 }
                    let place = context.key.map { "\(context.node)/\($0)" } ?? context.node
                    if let value = given.withLock({ $0[context.run]?[place] }) { return value.compact }
                    return try body(JSON(parsing: bytes, limits: .payload)).compact
                }
            }
            @Sendable func number(_ value: JSON?) -> Int64 { value?.integerValue ?? 0 }
            add("list") { input in
                .array((0..<number(input["count"])).map { ["id": .string("k\($0)"), "n": .integer($0)] })
            }
            add("item") { input in
                if input["bad"]?.arrayValue?.contains(input["n"] ?? .null) == true { throw Broken() }
                return .integer(number(input["n"]) * number(input["factor"]))
            }
            add("sum") { input in .integer((input["all"]?.arrayValue ?? []).reduce(0) { $0 + number($1) }) }
            add("few") { input in .integer(-number(input["n"])) }
            add("risky") { input in
                if number(input["factor"]) > 4 { throw Broken() }
                return "well"
            }
            add("join") { $0 }
        }
    }

    private struct Broken: Error {}

    /// What a run came to, as expressions could tell it.
    private struct Outcome: Equatable {
        var status: String
        var nodes: [String: String]
        var outputs: [String: JSON]
        var items: [String: [JSON]]
    }

    private static func json(_ bytes: [UInt8]) -> JSON { (try? JSON(parsing: bytes, limits: .payload)) ?? "broken" }

    /// What is different in a fork.
    private struct Change: Sendable {
        var what: String
        var settings: [ForkWords.Setting] = []
        var outputs: [ForkWords.Output] = []
    }

    private static let changes = [
        Change(what: "nothing"),
        Change(what: "another factor", settings: [.init(path: "input.factor", value: 7)]),
        Change(what: "another count", settings: [.init(path: "input.count", value: 2)]),
        Change(
            what: "another list",
            outputs: [
                .init(
                    node: "list", key: nil,
                    value: [
                        ["id": "k3", "n": 3], ["id": "k1", "n": 1], ["id": "new", "n": 9], ["id": "k0", "n": 5],
                    ])
            ]),
        Change(what: "a value for risky", outputs: [.init(node: "risky", key: nil, value: "given")]),
        Change(what: "a value for an item", outputs: [.init(node: "double", key: "k1", value: 1000)]),
    ]

    /// A session with the functions, and what fresh runs come to.
    private final class Shop {
        let session: Session
        let functions = Functions()
        let flow: Flow
        let input: JSON
        private let scratch: Scratch
        private var expected: [String: Outcome] = [:]

        init(_ input: JSON) async throws {
            self.input = input
            flow = try #require(FlowFile.check(Array(ForkTests.flow.utf8), as: .yaml).flow)
            scratch = try Scratch()
            var options = Session.Options()
            options.slots = 4
            options.journal.durability = .none
            session = try await Session(scratch.path + "/data", options)
            functions.register(in: session)
        }

        func fresh(_ id: String, _ input: JSON) async throws -> RunNumber {
            let run = try await session.start(
                flow, input: input, id: id, functions: LoadedFunctions(), by: Asker(by: "test")
            ).number
            _ = await session.engine.rest(of: run)
            return run
        }

        func row(_ run: RunNumber) throws -> RunRow {
            try #require(try session.journal.read { view throws(RenError) in try view.run(run) })
        }

        /// Every record as the chains bind it.
        func records(of run: RunNumber) throws -> [Digest] {
            try session.journal.read { view throws(RenError) in
                try view.page(of: run, after: .none).flatMap { [$0.runHash, $0.journalHash] }
            }
        }

        /// What a fresh run with the change comes to.
        func expect(_ change: Change) async throws -> Outcome {
            if let known = expected[change.what] { return known }
            var changed = try #require(input.objectValue)
            for setting in change.settings { changed[String(setting.path.dropFirst(6))] = setting.value }
            let id = "fresh-\(expected.count)"
            functions.give(change.outputs, to: id)
            let outcome = try outcome(of: try await fresh(id, .object(changed)))
            expected[change.what] = outcome
            return outcome
        }

        /// Forks `parent` at its version, and runs the fork to its end.
        ///
        /// - Returns: nil when there is no such item then.
        func fork(_ parent: RunRow, at version: UInt64, _ change: Change, id: String?) async throws -> RunNumber? {
            var words = ForkWords()
            words.at = try session.journal.read { view throws(RenError) in
                try view.sequence(of: parent.number, RunVersion(rawValue: version))
            }
            words.settings = change.settings
            words.outputs = change.outputs
            let fork: Session.Started
            do {
                fork = try await session.fork(words, of: parent, id: id, functions: nil, by: Asker(by: "test"))
            } catch {
                if error.code == .itemNotFound { return nil }
                throw error
            }
            _ = await session.engine.rest(of: fork.number)
            return fork.number
        }

        func outcome(of run: RunNumber) throws -> Outcome {
            let flow = flow
            return try session.journal.read { view throws(RenError) in
                var outcome = Outcome(
                    status: try view.run(run)?.status.name ?? "", nodes: [:], outputs: [:], items: [:])
                for (number, row) in try view.nodes(of: run) {
                    let name = flow.nodes[number.index].name
                    outcome.nodes[name] = row.state.name + (row.way.map { " \($0)" } ?? "")
                    guard row.state == .succeeded else { continue }
                    if let output = row.output {
                        outcome.outputs[name] = ForkTests.json(try view.payload(run, output.version))
                    }
                    // Of a map that failed it would be chance how many items had begun.
                    guard let map = row.map else { continue }
                    var items: [JSON] = []
                    for index in 0..<map.total {
                        guard let item = try view.item(run, number, ItemIndex(index)) else { continue }
                        if let version = item.output {
                            items.append(ForkTests.json(try view.payload(run, version)))
                        } else {
                            items.append(.string(item.state.name))
                        }
                    }
                    outcome.items[name] = items
                }
                return outcome
            }
        }
    }

    @Test(
        "At every event of a run, and of forks of it, with and without changes",
        arguments: [
            (["count": 4, "factor": 3, "bad": []], 1), (["count": 4, "factor": 9, "bad": [2]], 3),
            (["count": 3, "factor": 2, "bad": [0, 1]], 5), (["count": 0, "factor": 1, "bad": []], 4),
        ] as [(JSON, Int)])
    func everywhere(_ input: JSON, _ step: Int) async throws {
        let shop = try await Shop(input)
        let parent = try await shop.fresh("parent", input)
        let before = try shop.records(of: parent)
        let row = try shop.row(parent)
        var made = 0
        var spared = 0
        var forks: [RunNumber] = []
        for version in stride(from: 1, through: row.version.rawValue, by: step) {
            for change in Self.changes {
                let id = "fork-\(version)-\(made)"
                guard let fork = try await shop.fork(row, at: version, change, id: id) else { continue }
                made += 1
                let wanted = try await shop.expect(change)
                #expect(try shop.outcome(of: fork) == wanted, "\(change.what) at version \(version)")
                guard change.what == "nothing" else { continue }
                forks.append(fork)
                spared += shop.functions.calls(of: "parent") - shop.functions.calls(of: id)
            }
        }
        #expect(made >= 5 * (Int(row.version.rawValue) / step))
        #expect(spared > 0)
        #expect(try shop.records(of: parent) == before, "the parent has changed")

        // Forks of forks, at each of their events.
        let child = try shop.row(try #require(forks.randomElement()))
        for version in stride(from: 1, through: child.version.rawValue, by: 3) {
            for change in [Self.changes[0], Self.changes[1], Self.changes[3]] {
                let fork = try #require(try await shop.fork(child, at: version, change, id: nil))
                let wanted = try await shop.expect(change)
                #expect(try shop.outcome(of: fork) == wanted, "\(change.what) at version \(version) of a fork")
            }
        }
        await shop.session.close()
    }
}
