import Foundation
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenWorkers
import Synchronization
import Testing

/// What a trial of a flow says of a run is what a fork with that flow then does.
@Suite("What if", .timeLimit(.minutes(10)))
struct WhatIfTests {
    private static let products = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
            "fixtures/products/products.yaml")

    struct Edit: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// What stands in the flow, and what instead.
        var changes: [(String, String)]

        init(_ name: String, _ changes: [(String, String)]) {
            testDescription = name
            self.changes = changes
        }
    }

    static let edits = [
        Edit("nothing", []),
        Edit(
            "renamed node",
            [
                ("  images:\n", "  pictures:\n"), ("nodes.images.", "nodes.pictures."),
                ("after: [images]", "after: [pictures]"),
            ]),
        Edit(
            "changed argument",
            [
                (
                    "with: {fingerprints: {var: nodes.images.items}}",
                    "with: {fingerprints: {var: nodes.images.items}, near: 3}"
                )
            ]
        ),
        Edit(
            "new branch",
            [
                (
                    "  too-few:\n",
                    """
                      many: {after: [scrape], condition: {">": [{var: nodes.scrape.succeeded}, 5]}}
                      notice: {after: [many.then], function: export.notice, with: {count: {var: nodes.scrape.total}}}
                      calm: {after: [many.else], function: export.notice, with: {count: 0}}
                      too-few:

                    """
                )
            ]),
        Edit(
            "removed node",
            [
                ("  review:\n    after: [similarity]\n", ""), ("    when: {var: input.review}\n", ""),
                ("    pause: {message: Check the pairs, signal: approve, timeout: 24h}\n", ""),
                ("after: [similarity, review]", "after: [similarity]"),
            ]),
        Edit("changed condition", [("{var: nodes.scrape.total}, 0.9]", "{var: nodes.scrape.total}, 2]")]),
        Edit(
            "changed argument of a map", [("with: {url: {var: item.url}}", "with: {url: {var: item.url}, deep: true}")]),
        Edit("changed argument at the head", [("limit: {var: input.limit}}", "limit: 7}")]),
        Edit(
            "changed tolerance",
            [("    with: {page: {var: item}}\n    tolerate: 5%", "    with: {page: {var: item}}\n    tolerate: 50%")]),
        Edit(
            "removed map",
            [
                ("  images:\n    after: [scrape]\n", "  pages:\n    after: [list]\n"),
                ("nodes.images.items", "nodes.scrape.items"), ("nodes.images.succeeded", "nodes.scrape.succeeded"),
                ("after: [images]", "after: [scrape]"),
                ("each: {var: nodes.scrape.items}", "each: {var: nodes.list.output}"),
                ("function: images.fingerprint", "function: shop.scrape"),
                ("with: {page: {var: item}}", "with: {url: {var: item.url}}"),
            ]),
        Edit("order alone", [("    after: [similarity, review]", "    after: [review, similarity, list]")]),
    ]

    /// The functions, which give another result in each run.
    private final class Functions: Sendable {
        let isBroken = Atomic<Bool>(false)
        /// They give the same in each.
        let giveSame = Atomic<Bool>(false)

        func register(_ products: Int64, in session: Session) {
            for name in [
                "shop.list_products", "shop.scrape", "images.fingerprint", "similarity.pairs", "export.workbook",
                "export.notice",
            ] {
                session.swift.register(FunctionSignature(name: name)) { [self] bytes, context in
                    let input = try JSON(parsing: bytes, limits: .payload)
                    let source = giveSame.load(ordering: .relaxed) ? "same" : context.run
                    if name == "shop.list_products" {
                        let count = min(input["limit"]?.integerValue ?? 0, products)
                        return JSON.array(
                            (0..<count).map { ["sku": .string("P\($0)"), "url": .string("\(source)/\($0)")] }
                        ).compact
                    }
                    if name == "similarity.pairs", isBroken.load(ordering: .relaxed) { throw Broken() }
                    let key: JSON = context.key.map { .string($0) } ?? .null
                    return JSON.object(["sku": key, "from": .string(source)]).compact
                }
            }
        }
    }

    private struct Broken: Error {}

    private struct Shop {
        let session: Session
        let functions = Functions()
        let text: String
        private let scratch: Scratch

        /// - Parameter flow: instead of the sample.
        init(products: Int64 = 12, flow: String? = nil) async throws {
            text =
                try flow
                ?? String(contentsOf: WhatIfTests.products, encoding: .utf8)
                .replacingOccurrences(of: "every: 1s", with: "every: 1ms")
            scratch = try Scratch()
            var options = Session.Options()
            options.slots = 4
            options.journal.durability = .none
            session = try await Session(scratch.path + "/data", options)
            functions.register(products, in: session)
        }

        func flow(_ edit: Edit) throws -> FlowCheck {
            var text = text
            for (old, new) in edit.changes {
                try #require(text.contains(old), "\(old) is not in the flow")
                text = text.replacingOccurrences(of: old, with: new)
            }
            let check = FlowFile.check(Array(text.utf8), as: .yaml)
            try #require(check.flow != nil, "\(check.errors)")
            return check
        }

        func start(_ id: String) async throws -> RunRow {
            let flow = try #require(try flow(edits[0]).flow)
            let run = try await session.start(
                flow, input: ["shop": "http://shop"], id: id, functions: LoadedFunctions(), by: Asker(by: "test")
            ).number
            _ = await session.engine.rest(of: run)
            return try row(run)
        }

        func row(_ run: RunNumber) throws -> RunRow {
            try #require(try session.journal.read { view throws(RenError) in try view.run(run) })
        }

        func head() throws -> JournalSequence {
            try session.journal.read { view throws(RenError) in try view.head().sequence }
        }

        func draft(_ words: ForkWords, _ parent: RunRow) throws -> ForkView {
            ForkView(
                try ForkDraft(
                    words, of: parent, id: "", swift: session.swift.signatures, in: session.journal,
                    at: session.engine.now()))
        }

        func predict(_ words: ForkWords, _ flow: FlowCheck, _ parent: RunRow) throws -> WhatIfView {
            let before = try head()
            let view = try WhatIfView(
                of: parent, words, flow: flow, swift: session.swift.signatures, in: session.journal,
                directory: session.directory, at: session.engine.now())
            #expect(try head() == before, "something was written")
            return view
        }

        /// A fork with the flow, at its rest.
        func fork(_ words: ForkWords, _ flow: FlowCheck, _ parent: RunRow) async throws -> Real {
            var words = words
            words.flow = try await session.register(try #require(flow.flow)).hash
            let fork = try await session.fork(words, of: parent, id: nil, functions: nil, by: Asker(by: "test")).number
            _ = await session.engine.rest(of: fork)
            return try Real(try row(fork), try #require(flow.flow), in: session.journal)
        }
    }

    /// What a fork did, by its own events alone.
    private struct Real {
        struct Node {
            var events: Set<String> = []
            var status = ""
            var way: String?
            /// By key: what there was of it in the fork.
            var items: [String: Set<String>] = [:]

            func has(_ type: String) -> Bool { events.contains("node." + type) }
            var ran: Bool { has("started") || items.values.contains { $0.contains("item.started") } }
            var reused: Bool {
                status == "succeeded" && !ran && !has("overridden") && !has("decided") && !has("waiting")
            }
        }

        var nodes: [String: Node] = [:]

        init(_ row: RunRow, _ flow: Flow, in journal: any JournalReading) throws {
            var nodes: [String: Node] = [:]
            try journal.read { view throws(RenError) in
                for (number, node) in try view.nodes(of: row.number) {
                    nodes[flow.nodes[number.index].name] = Node(status: node.state.name, way: node.way)
                }
            }
            var names = EventNames(journal)
            var version = row.inherited.next
            while true {
                let page = try journal.read { view throws(RenError) in try view.page(of: row.number, after: version) }
                guard let last = page.last else { break }
                for recorded in page {
                    guard let number = recorded.event.subject.node else { continue }
                    let name = flow.nodes[number.index].name
                    switch recorded.event.subject {
                    case .item(_, let item):
                        let key = try names.key(of: item, number, in: row.number)
                        nodes[name, default: Node()].items[key, default: []].insert(recorded.type.name)
                    default: nodes[name, default: Node()].events.insert(recorded.type.name)
                    }
                }
                version = last.version
            }
            self.nodes = nodes
        }
    }

    /// What functions give that run again.
    private enum Answer { case other, same }

    private func compare(
        _ view: WhatIfView, with real: Real, _ before: Real, _ answer: Answer, _ comment: String
    ) {
        for node in view.nodes {
            let comment: Comment = "\(node.name) \(node.what) (\(node.why)) \(comment)"
            guard let now = real.nodes[node.name] else {
                #expect(node.what == .gone, comment)
                continue
            }
            switch node.what {
            case .kept: #expect(now.reused || now.has("decided") && now.way == node.ways.before, comment)
            case .runs: #expect(now.ran, comment)
            case .decided, .turned: #expect(now.has("decided") && now.way == node.ways.now, comment)
            case .depends: #expect(answer == .same || !now.reused, comment)
            case .skipped: #expect(now.status == "skipped", comment)
            case .ends: #expect(now.has("ending") || now.events.contains("run.ending"), comment)
            case .failed: #expect(now.status == "failed", comment)
            case .cancelled: #expect(["cancelled", "pending"].contains(now.status), comment)
            case .unknown: #expect(now.status == "unknown", comment)
            case .asks: #expect(now.has("waiting"), comment)
            case .gone: Issue.record("\(node.name) is there")
            }
            #expect(
                !now.has("attempt_failed") && !now.items.values.contains { $0.contains("item.attempt_failed") }, comment
            )
            guard let items = node.items, node.what != .depends, items.counts[.depends] == nil else { continue }
            let started = now.items.filter { $0.value.contains("item.started") }.map(\.key)
            #expect(Set(items.running) == Set(started), comment)
            #expect(items.counts[.runs] ?? 0 == started.count, comment)
            let kept = now.items.count { $0.value.contains("item.kept") }
            if now.has("map_opened") || now.has("opened") { #expect(items.counts[.kept] ?? 0 == kept, comment) }
        }
        #expect(Set(view.nodes.filter { $0.what != .gone }.map(\.name)) == Set(real.nodes.keys))
        #expect(
            Set(view.nodes.filter { $0.what == .gone }.map(\.name))
                == Set(before.nodes.keys).subtracting(real.nodes.keys))
    }

    @Test("A fork then does what was said of it", arguments: edits, [true, false])
    func prediction(_ edit: Edit, _ failed: Bool) async throws {
        for answer in [Answer.other, .same] {
            let shop = try await Shop()
            shop.functions.giveSame.store(answer == .same, ordering: .relaxed)
            shop.functions.isBroken.store(failed, ordering: .relaxed)
            let parent = try await shop.start("parent")
            #expect(parent.status == (failed ? .failed : .succeeded))
            shop.functions.isBroken.store(false, ordering: .relaxed)
            let flow = try shop.flow(edit)
            let before = try Real(parent, try #require(try shop.flow(Self.edits[0]).flow), in: shop.session.journal)
            // Within the maps too, and where a node with once runs.
            for version in [1, 2, 3, 9, 20, 33, 50, parent.version.rawValue - 2, parent.version.rawValue] {
                var words = ForkWords()
                words.at = try shop.session.journal.read { view throws(RenError) in
                    try view.sequence(of: parent.number, RunVersion(rawValue: version))
                }
                let view = try shop.predict(words, flow, parent)
                let real = try await shop.fork(words, flow, parent)
                compare(view, with: real, before, answer, "\(edit.testDescription) at \(version), \(answer)")
            }
            await shop.session.close()
        }
    }

    @Test("It says of each node what becomes of it, and why", arguments: zip(edits, tables))
    func table(_ edit: Edit, _ expected: String) async throws {
        let shop = try await Shop()
        let parent = try await shop.start("parent")
        let view = try shop.predict(ForkWords(), try shop.flow(edit), parent)
        #expect(view.nodes.map(Self.line).joined(separator: "\n") == expected)
        await shop.session.close()
    }

    private static func line(_ node: WhatIfView.Node) -> String {
        let ways: String =
            switch node.what {
            case .turned: " \(node.ways.before ?? "")→\(node.ways.now ?? "")"
            case .decided: " \(node.ways.now ?? "")"
            default: ""
            }
        let items = WhatIfView.What.allCases.compactMap { what in
            node.items?.counts[what].map { " \(what)=\($0)" }
        }
        return "\(node.name) \(node.what)\(ways)\(items.joined())" + (node.why.isEmpty ? "" : ": \(node.why)")
    }

    /// Of `edits`, where the run has succeeded.
    private static let tables = [
        """
        list kept
        scrape kept kept=12
        images kept kept=12
        enough kept
        similarity kept
        review skipped: as before
        export kept
        too-few skipped: as before
        """,
        """
        list kept
        scrape kept kept=12
        pictures runs runs=12: new
        enough depends: reads pictures
        similarity depends: reads pictures
        review depends: follows similarity
        export depends: follows similarity, review
        too-few depends: follows enough
        images gone gone=12
        """,
        """
        list kept
        scrape kept kept=12
        images kept kept=12
        enough kept
        similarity runs: with changed
        review skipped: when says no, follows similarity
        export depends: reads similarity
        too-few skipped: as before
        """,
        """
        list kept
        scrape kept kept=12
        images kept kept=12
        enough kept
        similarity kept
        review skipped: as before
        export kept
        many decided then: new
        notice runs: new
        calm skipped: new, not taken
        too-few skipped: as before
        """,
        """
        list kept
        scrape kept kept=12
        images kept kept=12
        enough kept
        similarity kept
        export kept: same input
        too-few skipped: as before
        review gone
        """,
        """
        list kept
        scrape kept kept=12
        images kept kept=12
        enough turned then→else: condition changed
        similarity skipped: not taken
        review skipped: not taken
        export skipped: not taken
        too-few ends
        """,
        """
        list kept
        scrape runs runs=12: with changed
        images depends depends=12: reads scrape
        enough depends: reads scrape, images
        similarity depends: reads images
        review depends: follows similarity
        export depends: reads scrape
        too-few depends: follows enough
        """,
        """
        list runs: with changed
        scrape depends depends=12: reads list
        images depends depends=12: reads scrape
        enough depends: reads scrape, images
        similarity depends: reads images
        review depends: follows similarity
        export depends: reads scrape
        too-few depends: follows enough
        """,
        """
        list kept
        scrape kept kept=12
        images kept kept=12: same input
        enough kept
        similarity kept: same input
        review skipped: when says no
        export kept: same input
        too-few skipped: not taken
        """,
        """
        list kept
        scrape kept kept=12
        pages runs runs=12: new
        enough kept: condition changed
        similarity runs: with changed
        review skipped: when says no, follows similarity
        export depends: reads similarity
        too-few skipped: not taken
        images gone gone=12
        """,
        """
        list kept
        scrape kept kept=12
        images kept kept=12
        enough kept
        similarity kept
        review skipped: as before
        export kept: same input
        too-few skipped: as before
        """,
    ]

    @Test("What has not ended runs, what has its result keeps it, item by item")
    func halfway() async throws {
        let shop = try await Shop()
        let parent = try await shop.start("parent")
        var words = ForkWords()
        // In the middle of the first map, whose first items have ended.
        words.at = try shop.session.journal.read { view throws(RenError) in
            var ended = 0
            for recorded in try view.page(of: parent.number, after: .none, limit: 1_000) {
                if recorded.type.name == "item.succeeded" { ended += 1 }
                if ended == 3 { return recorded.sequence }
            }
            return nil
        }
        let view = try shop.predict(words, try shop.flow(Self.edits[2]), parent)
        let scrape = try #require(view.nodes.first { $0.name == "scrape" })
        #expect(Self.line(scrape) == "scrape runs kept=3 runs=9: had not ended")
        #expect(scrape.items?.running.count == 9)
        // What a fork says before anything is tried, by its state alone.
        let fork = try shop.draft(words, parent)
        #expect(fork.nodes.first { $0.name == "scrape" }?.items == [.kept: 3, .again: 9])
        #expect(fork.nodes.first { $0.name == "images" }?.what == .again)
        #expect(fork.totals.items == [.kept: 3, .again: 9])
        #expect(fork.totals.nodes[.again] == fork.nodes.count - (fork.totals.nodes[.kept] ?? 0))
        await shop.session.close()
    }

    @Test("A fork with another output says what is looked at again, and which node with once asks a person first")
    func outputs() async throws {
        let flow = """
            flow: given
            nodes:
              list: {function: shop.list_products, with: {limit: 3}}
              same: {function: export.notice, with: {shop: {var: input.shop}}}
              send: {after: [list], function: export.workbook, with: {all: {var: nodes.list.output}}, once: true}
            """
        let shop = try await Shop(flow: flow)
        let parent = try await shop.start("parent")
        var words = ForkWords()
        words.outputs = [ForkWords.Output(node: "list", key: nil, value: [])]
        let asks = try shop.draft(words, parent)
        #expect(asks.nodes.map(\.what) == [.given, .kept, .asks] && asks.sets.asking == ["send"])
        words.again = ["send"]
        let compared = try shop.draft(words, parent)
        #expect(compared.nodes.map(\.what) == [.given, .kept, .compared] && compared.sets.asking.isEmpty)
        await shop.session.close()
    }

    @Test("People are asked where they would be")
    func people() async throws {
        let flow = """
            flow: asking
            nodes:
              list: {function: shop.list_products, with: {limit: 3}}
              big: {after: [list], condition: {">": [{var: nodes.list.output.0.sku}, "A"]}}
              send: {after: [big], function: export.workbook, with: {way: {var: nodes.big.way}}, once: true}
              ask: {after: [send], pause: {message: Go?, signal: go}}
              tell: {after: [ask], function: export.notice, with: {shop: {var: input.shop}}}
            """
        let shop = try await Shop(flow: flow)
        let run = try await shop.start("parent").number
        let signal = Request.signal(name: "go", payload: Payload(hashing: Array("true".utf8)))
        try await shop.session.engine.ask(run, signal, by: Asker(by: "test"))
        #expect(await shop.session.engine.rest(of: run) ?? .ended(.succeeded) == .ended(.succeeded))
        func lines(_ old: String, _ new: String) throws -> [String] {
            let view = try shop.predict(ForkWords(), try shop.flow(Edit("", [(old, new)])), try shop.row(run))
            return view.nodes.map(Self.line)
        }
        #expect(
            try lines("\"A\"", "\"Z\"") == [
                "list kept", "big turned then→else: condition changed", "send unknown: once: a person decides",
                "ask kept: same input, follows send", "tell kept: same input",
            ])
        #expect(
            try lines("Go?", "Really?") == [
                "list kept", "big kept", "send kept", "ask asks: pause changed", "tell kept: same input, follows ask",
            ])
        await shop.session.close()
    }

    @Test("A map of 10,000 items that would all run is tried within seconds")
    func large() async throws {
        let shop = try await Shop(products: 10_000)
        let parent = try await shop.start("parent")
        let began = ContinuousClock.now
        let view = try shop.predict(ForkWords(), try shop.flow(Self.edits[6]), parent)
        let scrape = try #require(view.nodes.first { $0.name == "scrape" })
        #expect(scrape.items?.counts == [.runs: 10_000])
        // In a debug build it takes about 2 s; the machine may have other work.
        #expect(ContinuousClock.now - began < .seconds(20))
        await shop.session.close()
    }

    @Test("Beside the engine that carries it, a run is tried as far as it has got")
    func whileItRuns() async throws {
        let shop = try await Shop()
        let gate = AsyncStream<Void>.makeStream()
        let began = AsyncStream<Void>.makeStream()
        shop.session.swift.register(FunctionSignature(name: "similarity.pairs")) { _, _ in
            began.continuation.finish()
            for await _ in gate.stream {}
            return Array("1".utf8)
        }
        let flow = try #require(try shop.flow(Self.edits[0]).flow)
        let run = try await shop.session.start(
            flow, input: ["shop": "http://shop"], id: "live", functions: LoadedFunctions(), by: Asker(by: "test")
        ).number
        for await _ in began.stream {}
        let view = try shop.predict(ForkWords(), try shop.flow(Self.edits[4]), try shop.row(run))
        #expect(
            view.nodes.map(Self.line) == [
                "list kept", "scrape kept kept=12", "images kept kept=12", "enough kept",
                "similarity runs: had not ended", "export depends: reads similarity", "too-few skipped: as before",
                "review gone",
            ])
        gate.continuation.finish()
        #expect(await shop.session.engine.rest(of: run) == .ended(.succeeded))
        await shop.session.close()
    }

    @Test("What there is not is refused, and nothing is written")
    func refused() async throws {
        let shop = try await Shop()
        let parent = try await shop.start("parent")
        let unknown = try shop.flow(Edit("", [("similarity.pairs", "similarity.pears")]))
        do {
            _ = try shop.predict(ForkWords(), unknown, parent)
            Issue.record("the function is not there")
        } catch let errors as FlowErrors {
            #expect(errors.errors.map(\.code) == [.functionUnknown])
        }
        var words = ForkWords()
        words.at = JournalSequence(1)
        #expect(throws: RenError.self) { try shop.predict(words, try shop.flow(Self.edits[0]), parent) }
        await shop.session.close()
    }
}
