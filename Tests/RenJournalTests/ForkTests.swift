import LMDB
import RenCore
import RenJSON
import RenTestKit
import Synchronization
import Testing

@testable import RenJournal

/// SEMANTICS.md 7: a fork is a run whose first versions are its parent's records.
@Suite("Forks")
struct ForkTests {
    /// A journal with a run that has a map in flight, and what is needed to fork it anywhere.
    private struct Sample {
        let journal: StoreJournal
        var history: HistoryBuilder
        let run: RunNumber
        static let keys: JSON = ["keys": ["a", "b", "c", "d"]]
        static let large = [UInt8](repeating: 50, count: 70_000)

        init(_ journal: StoreJournal) throws {
            self.journal = journal
            run = journal.reserveRun()
            history = HistoryBuilder("parent")
            history.create(input: #"{"limit":4}"#)
            history.start(.node(0))  // 2
            history.succeed(.node(0), Self.large)
            history.start(.node(1))  // 4: a `once` node that runs on
            history.add(
                .mapOpened(MapOpening(total: 4, source: Digest(hashing: [3]), concurrency: nil)), .node(2),
                payload: Self.keys.compact)  // 5
            history.start(.item(2, 0))
            history.succeed(.item(2, 0), Array("\"zero\"".utf8))  // 7
            history.start(.item(2, 1))
            history.add(.attemptFailed(Failure("Error", "no"), retryAt: history.time + .seconds(9)), .item(2, 1))
            history.start(.item(2, 2))  // 10
            history.add(.checkpointed, .item(2, 2), payload: Self.large)  // 11
            history.start(.item(2, 3))  // 12: its first attempt, without a row
            history.add(.waiting(SignalWait(signal: "go", message: "?", until: history.time)), .node(3))  // 13
            let rows = SortedKeys(payload: Self.keys.compact).map { [$0.rows(of: run, NodeNumber(2))] } ?? []
            let batch = history.take()
            try journal.appendAndWait(batch.events, keys: rows, to: run, after: batch.after)
        }

        func hash(_ run: RunNumber, _ version: Int) throws -> Digest {
            try journal.read { view throws(RenError) in
                guard let found = try view.recorded(run, RunVersion(version)) else { throw .closed }
                return found.runHash
            }
        }

        func fork(
            _ id: String, at version: Int, nodes: [NodeNumber?]? = nil, once: [NodeNumber] = [],
            reopening: Reopening = Reopening(), input: String? = nil
        ) throws -> HistoryBuilder {
            history.fork(
                id, at: RunVersion(version), hash: try hash(run, version), nodes: nodes, once: once,
                reopening: reopening, input: input)
        }

        @discardableResult
        func append(_ history: inout HistoryBuilder, to run: RunNumber? = nil) throws -> Receipt {
            let batch = history.take()
            return try journal.appendAndWait(batch.events, to: run ?? journal.reserveRun(), after: batch.after)
        }

        func waitUntilPrepared(_ run: RunNumber) throws {
            try journal.appendAndWait([], to: run, after: Batch.anyVersion)
        }

        /// All rows of a run, but for the run's own.
        func rows(of run: RunNumber) throws -> Tables {
            try Tables([.nodes, .items, .problems], of: journal).of(run)
        }
    }

    private static func onBoth(_ body: (StoreJournal) throws -> Void) throws {
        try body(MemoryJournal.make())
        let directory = try TestDirectory()
        try body(directory.open())
    }

    private static func expectRebuilt(_ journal: StoreJournal, _ comment: Comment = "") throws {
        let live = try Tables([.meta] + StoreTable.derived, of: journal)
        try journal.rebuildProjections()
        #expect(try Tables([.meta] + StoreTable.derived, of: journal).difference(from: live) == nil, comment)
        let report = try Verifier(journal).run()
        #expect(report.findings == [], comment)
    }

    @Test("A fork goes on with the next version, its parent's chain and all that can be read of its past")
    func birth() throws {
        try Self.onBoth { journal in
            let sample = try Sample(journal)
            var fork = try sample.fork("fork", at: 12, input: #"{"limit":5}"#)
            fork.add(.overridden(reason: "by hand"), .item(2, 3), payload: [49])
            let events = try journal.read { view throws(RenError) in try view.head().sequence.rawValue }
            let receipt = try sample.append(&fork)
            let run = receipt.run
            #expect(receipt.version == RunVersion(14))
            #expect(receipt.last.rawValue == events + 2, "nothing of the past is written again")
            try sample.waitUntilPrepared(run)
            fork.start(.node(4))
            #expect(try sample.append(&fork, to: run).version == RunVersion(15))
            try journal.read { view throws(RenError) in
                let row = try view.run(run)
                #expect(row?.parent == sample.run && row?.preparing == nil && row?.status == .running)
                #expect(row?.segments == [.init(run: sample.run, through: RunVersion(12))])
                #expect(try view.forks(of: sample.run) == [run])
                #expect(try view.dependents(of: sample.run) == [run])
                #expect(try view.runNumber(id: "fork") == run)
                let page = try view.page(of: run, after: .none)
                #expect(page.map(\.version.rawValue) == Array(1...15))
                #expect(page.map(\.run) == Array(repeating: sample.run, count: 12) + Array(repeating: run, count: 3))
                #expect(page.map(\.sequence).sorted() == page.map(\.sequence))
                #expect(try view.page(of: run, after: RunVersion(11), limit: 2).map(\.version.rawValue) == [12, 13])
                var versions: [UInt64] = []
                try view.history(of: run, from: RunVersion(10)) { version, _ in
                    versions.append(version.rawValue)
                    return version < RunVersion(14) ? .continue : .stop
                }
                #expect(versions == [10, 11, 12, 13, 14])
                for event in page {
                    #expect(try view.sequence(of: run, event.version) == event.sequence)
                    #expect(try view.version(of: run, at: event.sequence) == event.version)
                    #expect(try view.recorded(run, event.version)?.sequence == event.sequence)
                }
                #expect(try view.version(of: run, at: JournalSequence(13)) == RunVersion(12), "13 is not its event")
                #expect(try view.payload(run, RunVersion(3)) == Sample.large)
                #expect(try view.payload(run, RunVersion(3), range: 69_990..<80_000).count == 10)
                #expect(try view.payloadLength(run, RunVersion(14)) == 1)
                #expect(try view.itemIndex(run, NodeNumber(2), key: "c") == ItemIndex(2))
                #expect(try view.itemIndex(run, NodeNumber(2), key: "2") == nil)
                #expect(try !view.hasKeys(run, NodeNumber(2)), "the parent's keys are not copied")
            }
            var feed = JournalFeed(journal, after: JournalSequence(0), run: run)
            #expect(try feed.nextIfAny().map(\.version.rawValue) == Array(1...15))
            #expect(try feed.nextIfAny().isEmpty)
            try Self.expectRebuilt(journal)
        }
    }

    @Test("What was in flight is ready, a `once` node unknown, a pause asks again; the parent's rows stay")
    func inFlight() throws {
        try Self.onBoth { journal in
            let sample = try Sample(journal)
            let before = try sample.rows(of: sample.run)
            for (once, item) in [([1, 2].map { NodeNumber($0) }, WorkState.unknown), ([NodeNumber(1)], .ready)] {
                var fork = try sample.fork("fork \(item)", at: 13, once: once)
                let run = try sample.append(&fork).run
                try sample.waitUntilPrepared(run)
                try journal.read { view throws(RenError) in
                    let nodes = try view.nodes(of: run)
                    #expect(nodes.map(\.row.state) == [.succeeded, .unknown, .running, .pending])
                    let items = try view.items(of: run, NodeNumber(2))
                    #expect(items.map(\.row.state) == [.succeeded, .ready, item, item])
                    #expect(items.map(\.row.attempts) == [1, 1, 1, 1])
                    var counts = StateCounts()
                    for (_, row) in items { counts[row.state] += 1 }
                    #expect(nodes[2].row.map?.counts == counts)
                    #expect(try view.run(run)?.nodeCounts[.pending] == 1)
                    #expect(try view.problems(of: run).map(\.attempts) == [1])
                    #expect(items.allSatisfy { $0.row.checkpoint == nil }, "the parent's checkpoint is not its own")
                }
                // What settles in the fork leaves the parent's checkpoint alone.
                fork.start(.item(2, 2))
                fork.succeed(.item(2, 2))
                try sample.append(&fork, to: run)
            }
            #expect(try sample.rows(of: sample.run) == before)
            #expect(
                try journal.read { view throws(RenError) in try view.payload(sample.run, RunVersion(11)) }
                    == Sample.large)
            try Self.expectRebuilt(journal)
        }
    }

    @Test("A fork decided on something else is refused, and an equal one is the run that is there")
    func refusals() throws {
        let sample = try Sample(MemoryJournal.make())
        func code(_ body: () throws -> Void) -> String? {
            do { try body() } catch let error as RenError { return error.code.rawValue } catch { return "\(error)" }
            return nil
        }
        func birth(_ id: String = "new", parent: String = "parent", at version: Int, hash: Digest) -> String? {
            var events = sample.history.fork(id, at: RunVersion(min(version, 13)), hash: hash).events
            guard case .runForked(var fork) = events[0].fact else { return nil }
            fork.parent = parent
            fork.version = RunVersion(version)
            events[0].fact = .runForked(fork)
            return code {
                try sample.journal.appendAndWait(
                    events, to: sample.journal.reserveRun(), after: RunVersion(version))
            }
        }
        let hash = try sample.hash(sample.run, 5)
        #expect(birth(at: 6, hash: hash) == "version.conflict")
        #expect(birth(at: 14, hash: hash) == "version.conflict")
        #expect(birth(at: 0, hash: hash) == "version.conflict")
        #expect(birth(parent: "nobody", at: 5, hash: hash) == "run.not_found")
        #expect(birth("parent", at: 5, hash: hash) == "run.exists")
        #expect(birth("journal", at: 5, hash: hash) == "id.invalid")
        var first = try sample.fork("fork", at: 5, input: "{}")
        let receipt = try sample.append(&first)
        var again = try sample.fork("fork", at: 5, input: "{}")
        let second = try sample.append(&again)
        #expect(second.isExisting && second.run == receipt.run)
        #expect(birth("fork", at: 5, hash: hash) == "run.exists", "another input")
        var reopening = Reopening()
        reopening.again = [NodeNumber(0)]
        var other = try sample.fork("fork", at: 5, reopening: reopening, input: "{}")
        #expect(code { try sample.append(&other) } == "run.exists")
        var created = HistoryBuilder("fork")
        created.create(flow: "products", input: "{}")
        #expect(code { try sample.append(&created) } == "run.exists")
        let wrong = try sample.fork("wrong", at: 5).events
        #expect(
            code { try sample.journal.appendAndWait(wrong, to: sample.journal.reserveRun(), after: RunVersion(4)) }
                == "version.conflict")
        #expect(try sample.journal.read { view throws(RenError) in try view.forks(of: sample.run).count } == 1)
    }

    @Test("Forks of forks read each part of their past where it stands, and number its nodes as their own flow does")
    func segments() throws {
        try Self.onBoth { journal in
            let sample = try Sample(journal)
            // 0 → 1, 1 → 0, 2 → 3, 3 is gone.
            let nodes = [1, 0, 3, nil].map { (number: Int?) in number.map { NodeNumber($0) } }
            var first = try sample.fork("first", at: 13, nodes: nodes, once: [NodeNumber(0)])
            first.succeed(.item(3, 2), Array("2".utf8))  // 15
            let firstRun = try sample.append(&first).run
            try sample.waitUntilPrepared(firstRun)
            first.start(.node(2))  // 16: a new node
            try sample.append(&first, to: firstRun)

            // 0 → 5, 1 is gone, 2 → 0, 3 → 4.
            let again = [5, nil, 0, 4].map { (number: Int?) in number.map { NodeNumber($0) } }
            var second = first.fork(
                "second", at: RunVersion(16), hash: try sample.hash(firstRun, 16), nodes: again)
            let secondRun = try sample.append(&second).run
            try sample.waitUntilPrepared(secondRun)
            // One that shares nothing but the first part, though its parent is a fork.
            var third = second.fork("third", at: RunVersion(7), hash: try sample.hash(secondRun, 7))
            let thirdRun = try sample.append(&third).run
            try sample.waitUntilPrepared(thirdRun)
            try journal.read { view throws(RenError) in
                #expect(
                    try view.run(secondRun)?.segments == [
                        .init(run: sample.run, through: RunVersion(13)), .init(run: firstRun, through: RunVersion(16)),
                    ])
                #expect(try view.nodes(of: firstRun).map(\.number.rawValue) == [0, 1, 2, 3])
                #expect(try view.nodes(of: firstRun).map(\.row.state) == [.unknown, .succeeded, .running, .running])
                #expect(try view.nodes(of: secondRun).map(\.number.rawValue) == [0, 4, 5])
                #expect(try view.nodes(of: secondRun).map(\.row.state) == [.ready, .running, .unknown])
                #expect(
                    try view.items(of: secondRun, NodeNumber(4)).map(\.row.state) == [
                        .succeeded, .ready, .succeeded, .ready,
                    ])
                #expect(try view.payload(secondRun, RunVersion(15)) == Array("2".utf8))
                #expect(try view.itemIndex(secondRun, NodeNumber(4), key: "d") == ItemIndex(3))
                let lineage = try view.lineage(of: secondRun)
                #expect(lineage.forks.map(\.version.rawValue) == [14, 17])
                #expect(lineage.subject(.item(2, 1), at: RunVersion(9)) == .item(4, 1))
                #expect(lineage.subject(.node(0), at: RunVersion(3)) == nil)
                #expect(lineage.subject(.node(2), at: RunVersion(16)) == .node(0))
                #expect(lineage.subject(.node(2), at: RunVersion(17)) == .node(2))
                #expect(lineage.flows.count == 3 && lineage.flow(at: RunVersion(13)) == lineage.flows[0])
                #expect(lineage.flow(at: RunVersion(14)) == lineage.flows[1])
                #expect(try view.run(thirdRun)?.segments == [.init(run: sample.run, through: RunVersion(7))])
                #expect(try view.lineage(of: thirdRun).forks.count == 1)
                #expect(try view.forks(of: secondRun) == [thirdRun])
                #expect(try view.dependents(of: secondRun) == [])
                #expect(try view.dependents(of: sample.run) == [firstRun, secondRun, thirdRun])
                #expect(try view.forks(of: sample.run) == [firstRun])
            }
            try Self.expectRebuilt(journal)
        }
    }

    @Test("A 65th ancestor is too many")
    func depth() throws {
        let sample = try Sample(MemoryJournal.make())
        var history = sample.history
        var run = sample.run
        for number in 1...RunRow.segmentsMax {
            let version = history.version
            history = history.fork("fork-\(number)", at: version, hash: try sample.hash(run, Int(version.rawValue)))
            run = try sample.append(&history).run
        }
        let last = history.version
        history = history.fork("one more", at: last, hash: try sample.hash(run, Int(last.rawValue)))
        #expect(throws: RenError.self) { try sample.append(&history) }
        try sample.waitUntilPrepared(run)
        try sample.journal.read { view throws(RenError) in
            #expect(try view.run(run)?.segments.count == RunRow.segmentsMax)
            #expect(try view.runNumber(id: "one more") == nil)
            #expect(try view.version(of: run) == RunVersion(13 + RunRow.segmentsMax))
        }
        for row in try Tables([.runs], of: sample.journal).rows { #expect(row.value.count <= 1_800) }
        try Self.expectRebuilt(sample.journal)
    }
}

extension Tables {
    /// Those whose key begins with the run.
    func of(_ run: RunNumber) -> Tables {
        filtered { $0.key.withUnsafeBytes { $0.load(UInt64.self, at: 0) } == run.rawValue }
    }
}
