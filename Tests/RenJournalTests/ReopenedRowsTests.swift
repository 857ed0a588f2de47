import LMDB
import RenCore
import RenJSON
import RenTestKit
import Testing

@testable import RenJournal

/// SEMANTICS.md 7, as rows show it.
@Suite("Rows of what is opened again")
struct ReopenedRowsTests {
    private static func reopening(
        again: [Int] = [], items: [Int: [Int]] = [:], affected: [Int] = []
    ) -> Reopening {
        var reopening = Reopening()
        reopening.again = again.map { NodeNumber($0) }
        reopening.affected = affected.map { NodeNumber($0) }
        for (node, items) in items { reopening.items[NodeNumber(node)] = ItemRanges(items.map { ItemIndex($0) }) }
        return reopening
    }

    /// A journal to which one history is written bit by bit.
    private struct Written {
        let journal = MemoryJournal.make()
        let run: RunNumber
        var history = HistoryBuilder("a")

        init() {
            run = journal.reserveRun()
            history.create()
        }

        /// Stores what was added, and checks that rebuilding gives the same rows.
        mutating func store() throws {
            let batch = history.take()
            try journal.appendAndWait(batch.events, to: run, after: batch.after)
            let live = try Tables.derived(of: journal)
            try journal.rebuildProjections()
            #expect(try Tables.derived(of: journal).difference(from: live) == nil)
        }

        func node(_ node: Int) throws -> NodeRow? {
            try journal.read { view throws(RenError) in try view.node(run, NodeNumber(node)) }
        }

        func row() throws -> RunRow? { try journal.read { view throws(RenError) in try view.run(run) } }

        func window(_ query: ItemQuery = ItemQuery()) throws -> ItemWindow? {
            try journal.items(of: run, NodeNumber(0), query)
        }

        /// The states of a map's items by the heat map, the window and what is asked for one by one: all must agree.
        func states() throws -> [WorkState] {
            var heat = try Heatmap(journal, run, NodeNumber(0), by: .state)
            let bytes = try heat?.next() ?? []
            let rows = try window()?.rows ?? []
            #expect(rows.map(\.state.rawValue) == bytes)
            var counts = StateCounts()
            for row in rows {
                counts[row.state] += 1
                #expect(try journal.item(of: run, NodeNumber(0), row.index) == row)
            }
            #expect(try node(0)?.map?.counts == counts)
            for state in WorkState.allCases {
                var query = ItemQuery()
                query.state = state
                for order in ItemQuery.Order.allCases {
                    query.order = order
                    let found = try #require(try window(query))
                    #expect(Set(found.rows.map(\.index)) == Set(rows.filter { $0.state == state }.map(\.index)))
                    #expect(found.total == counts[state], "\(state) \(order)")
                }
            }
            return rows.map(\.state)
        }
    }

    private static let failure = Failure("Error", "no")

    @Test(
        "A run that had ended runs again; one that runs stays as it is",
        arguments: [
            ([.runFailed(failure)], [], RunStatus.running), ([.runSucceeded], [], .running),
            ([.runStopRequested(.now, reason: nil), .runStopped], [], .running), ([], [], .running),
            ([.runPauseRequested(now: false, reason: nil)], [], .pausing),
            ([.runPauseRequested(now: false, reason: nil), .runPaused], [], .paused),
        ] as [([Fact], [Int], RunStatus)])
    func runs(_ facts: [Fact], _ again: [Int], _ status: RunStatus) throws {
        var written = Written()
        for fact in facts { written.history.add(fact) }
        try written.store()
        let takenUp = try written.row()?.takenUp
        written.history.add(.runReopened(Self.reopening(again: again)), by: "cli")
        try written.store()
        let row = try written.row()
        #expect(row?.status == status && row?.ended == nil && row?.error == nil)
        #expect(row?.control == row?.version)
        #expect(try #require(row?.takenUp) > #require(takenUp))
        #expect(try written.journal.read { view throws(RenError) in try view.openRuns() } == [written.run])
    }

    @Test(
        "What an end node began goes on to its end, unless that node is opened again",
        arguments: [([1], [], RunStatus.ending), ([2], [], .running), ([1], [2], .running)])
    func endNodes(_ again: [Int], _ affected: [Int], _ status: RunStatus) throws {
        var written = Written()
        written.history.start(.node(1))
        written.history.add(.failed(Self.failure), .node(1))
        written.history.add(.runEnding(.failed, Self.failure), .node(2))
        written.history.add(.runFailed(Self.failure))
        written.history.add(.runReopened(Self.reopening(again: again, affected: affected)))
        try written.store()
        #expect(try written.row()?.status == status)
        // A fork of it is no other.
        let hash = try #require(try written.row()?.hash)
        let fork = written.history.fork("fork", at: written.history.version, hash: hash).events
        let run = written.journal.reserveRun()
        try written.journal.appendAndWait(fork, to: run, after: written.history.version)
        try written.journal.appendAndWait([], to: run, after: Batch.anyVersion)
        #expect(try written.journal.read { view throws(RenError) in try view.run(run)?.status } == status)
    }

    @Test("A node that is opened again is pending with its attempts; kept, it has the output that it had")
    func nodes() throws {
        var written = Written()
        for node in 0..<3 {
            written.history.start(.node(node))
            written.history.add(.attemptFailed(Self.failure, retryAt: nil), .node(node))
            written.history.start(.node(node))
        }
        written.history.add(.failed(Self.failure), .node(0))
        let result = written.history.succeed(.node(1), Array("[1]".utf8))
        written.history.succeed(.node(2))
        written.history.add(.waiting(SignalWait(signal: "go", message: "", until: nil)), .node(3))
        let signal = written.history.add(.signalReceived(name: "go"), payload: [49])
        let paused = written.history.add(.succeeded(instead: nil), .node(3), cause: signal)
        written.history.add(.decided(way: "then", operands: .null), .node(4))
        written.history.add(.runFailed(Self.failure))
        try written.store()
        let output = try written.node(1)?.output
        #expect(output?.version == result && output?.length == 3)
        written.history.add(.runReopened(Self.reopening(again: [0, 4], affected: [1, 2, 3, 9])))
        try written.store()
        for node in 0...4 {
            let row = try written.node(node)
            #expect(row?.state == .pending && row?.attempts == (node < 3 ? 2 : 0), "node \(node)")
            #expect(row?.output == nil && row?.error == nil && row?.ended == nil && row?.way == nil, "node \(node)")
        }
        #expect(try written.node(9) == nil, "what had not begun has no row")
        #expect(try written.row()?.nodeCounts[.pending] == 5)
        written.history.add(.kept(), .node(1), cause: result)
        written.history.add(.kept(), .node(3), cause: paused)
        written.history.add(.overridden(reason: "seen"), .node(2), payload: Array("\"mine\"".utf8))
        written.history.start(.node(0))
        try written.store()
        #expect(try written.node(1)?.output == output)
        #expect(try written.node(3)?.output?.version == signal)
        #expect(try written.node(2)?.output?.length == 6)
        #expect(try (0..<4).map { try written.node($0)?.state } == [.running, .succeeded, .succeeded, .succeeded])
        #expect(try written.node(0)?.attempts == 3)
    }

    @Test("Items that are opened again are ready in a map that runs, and keep what they had failed with")
    func items() throws {
        var written = Written()
        written.history.openMap(NodeNumber(0), total: 5)
        for item in 0..<4 { written.history.start(.item(0, item)) }
        written.history.succeed(.item(0, 0))
        written.history.add(.failed(Self.failure), .item(0, 1))
        written.history.add(.failed(Self.failure), .item(0, 2))
        written.history.add(.mapClosed(MapCounts()), .node(0))
        written.history.add(.failed(Self.failure), .node(0))
        // 3 runs and 4 is pending: neither is settled.
        written.history.add(.runReopened(Self.reopening(items: [0: [1, 2, 3, 4]])))
        try written.store()
        #expect(try written.states() == [.succeeded, .ready, .ready, .running, .pending])
        #expect(try written.node(0)?.state == .running && written.node(0)?.ended == nil)
        #expect(try written.row()?.activeNodes == 1)
        #expect(try written.window()?.rows[1].error?.name == "Error")
        // As the core links them: an item that begins anew is linked to nothing.
        written.history.forget(.item(0, 1))
        written.history.start(.item(0, 1))
        try written.store()
        #expect(try written.states() == [.succeeded, .running, .ready, .running, .pending])
        written.history.succeed(.item(0, 1), Array("12".utf8))
        written.history.add(.overridden(reason: nil), .item(0, 2), payload: Array("123".utf8))
        try written.store()
        #expect(try written.states() == [.succeeded, .succeeded, .succeeded, .running, .pending])
        #expect(try written.window()?.rows.map(\.outputLength) == [4, 2, 3, nil, nil])
        #expect(try written.window()?.rows[1].attempts == 2)
        #expect(try written.window()?.rows[2].error == nil)
        #expect(
            try written.journal.read { view throws(RenError) in try view.problems(of: written.run).isEmpty },
            "none of them has failed any more")
    }

    /// What is counted of the run's groups: name, failed now, attempts that ever failed.
    private static func problems(_ written: Written) throws -> [String] {
        try written.journal.read { view throws(RenError) in
            try view.problems(of: written.run).map { "\($0.name) \($0.failures) \($0.attempts)" }
        }
    }

    @Test("A group of failures counts what has failed now: not what was given a value, or began again")
    func problems() throws {
        var written = Written()
        // Its event tells which group a cut text is of.
        let long = Failure("Long", String(repeating: "no price of it ", count: 40) + "1", frame: "a.py:1")
        func fail(_ subject: Event.Subject, _ failure: Failure = Self.failure) {
            written.history.add(.attemptFailed(failure, retryAt: nil), subject)
            written.history.add(.failed(failure), subject)
        }
        written.history.openMap(NodeNumber(0), total: 6)
        for item in 0..<6 { written.history.start(.item(0, item)) }
        for item in 0..<4 { fail(.item(0, item)) }
        for item in 4..<6 { fail(.item(0, item), long) }
        written.history.start(.node(1))
        fail(.node(1))
        written.history.add(.mapClosed(MapCounts()), .node(0))
        written.history.add(.failed(Failure(Failure.Name.tooManyFailed, "6 of 6")), .node(0))
        written.history.add(.runEnding(.failed, Self.failure), .node(2))
        written.history.add(.runFailed(Self.failure))
        try written.store()
        #expect(try Self.problems(written) == ["Error 5 5", "Long 2 2"])

        written.history.add(.runReopened(Self.reopening(items: [0: []])))
        written.history.add(.overridden(reason: nil), .item(0, 0), payload: Array("1".utf8))
        written.history.add(.overridden(reason: nil), .item(0, 4), payload: Array("1".utf8))
        written.history.add(.resultRejected(.finished), .item(0, 1))
        try written.store()
        #expect(try Self.problems(written) == ["Error 4 5", "Long 1 2"])

        written.history.add(.runReopened(Self.reopening(again: [1, 2], items: [0: [1, 5]])))
        try written.store()
        #expect(try Self.problems(written) == ["Error 2 5", "Long 0 2"])
        written.history.forget(.item(0, 1))
        written.history.start(.item(0, 1))
        fail(.item(0, 1), long)
        written.history.start(.node(1))
        fail(.node(1))
        try written.store()
        #expect(try Self.problems(written) == ["Error 3 6", "Long 1 3"])
        let error = try written.journal.read { view throws(RenError) in try view.problems(of: written.run)[0] }
        let failed = try written.journal.failures(of: written.run, error.fingerprint)
        #expect(failed.nodes == [NodeNumber(1)])
        #expect(failed.items == [NodeNumber(0): ItemRanges([ItemIndex(2), ItemIndex(3)])])
        #expect(try written.journal.failures(of: written.run, error.fingerprint, in: [NodeNumber(0)]).nodes.isEmpty)

        // In one commit with what makes the map anew, or another value of it.
        written.history.add(.runReopened(Self.reopening(again: [0])))
        try written.store()
        #expect(try Self.problems(written) == ["Error 1 6", "Long 0 3"])
        written.history.openMap(NodeNumber(0), total: 1)
        written.history.forget(.item(0, 0))
        written.history.start(.item(0, 0))
        fail(.item(0, 0))
        try written.store()
        #expect(try Self.problems(written) == ["Error 2 7", "Long 0 3"])
        written.history.add(.overridden(reason: nil), .node(0), payload: Array("1".utf8))
        written.history.add(.overridden(reason: nil), .node(1), payload: Array("1".utf8))
        try written.store()
        #expect(try Self.problems(written) == ["Error 0 7", "Long 0 3"])
    }

    @Test("A fork counts what has failed in it; a group with nothing left in it is none")
    func problemsOfForks() throws {
        var written = Written()
        for node in 0..<2 {
            written.history.start(.node(node))
            written.history.add(.failed(Self.failure), .node(node))
        }
        try written.store()
        let hash = try #require(try written.row()?.hash)
        let fork = written.history.fork(
            "fork", at: written.history.version, hash: hash, reopening: Self.reopening(again: [1]))
        let run = written.journal.reserveRun()
        try written.journal.appendAndWait(fork.events, to: run, after: written.history.version)
        try written.journal.appendAndWait([], to: run, after: Batch.anyVersion)
        for (run, failures) in [(written.run, 2), (run, 1)] {
            let found = try written.journal.read { view throws(RenError) in try view.problems(of: run) }
            #expect(found.map(\.failures) == [failures])
        }
        written.history.add(.runReopened(Self.reopening(again: [0, 1])))
        try written.store()
        #expect(try Self.problems(written).isEmpty, "nothing of it is left to be told")
    }

    @Test("Begin and end are those of the last time; what was kept took what it had taken, and a fork begins anew")
    func times() throws {
        var written = Written()
        func wait() { written.history.time = written.history.time + .seconds(900) }
        func took(_ node: Int) throws -> Duration? {
            try written.node(node).flatMap { row in row.ended.map { $0 - row.begun } }
        }
        for node in 0..<3 {
            written.history.start(.node(node))
            written.history.time = written.history.time + .seconds(1)
            if node < 2 { written.history.succeed(.node(node)) }
        }
        written.history.add(.failed(Self.failure), .node(2))
        written.history.openMap(NodeNumber(3), total: 1)
        written.history.start(.item(3, 0))
        written.history.add(.failed(Self.failure), .item(3, 0))
        written.history.add(.mapClosed(MapCounts()), .node(3))
        written.history.add(.failed(Failure(Failure.Name.tooManyFailed, "1 of 1")), .node(3))
        written.history.add(.runFailed(Self.failure))
        try written.store()
        let first = try (0..<3).map { try took($0) }
        let result = try #require(try written.node(1)?.output?.version)

        wait()
        let reopened = written.history.time
        written.history.add(.runReopened(Self.reopening(again: [0], items: [3: [0]], affected: [1])))
        try written.store()
        written.history.start(.node(0))
        written.history.time = written.history.time + .seconds(2)
        written.history.succeed(.node(0))
        written.history.add(.kept(), .node(1), cause: result)
        written.history.add(.overridden(reason: nil), .node(2), payload: Array("1".utf8))
        try written.store()
        for node in [0, 3] { #expect(try #require(try written.node(node)).begun >= reopened) }
        #expect(try #require(try took(0)) < .seconds(10))
        #expect(try took(1) == first[1])
        #expect(try #require(try took(2)) < .seconds(10))

        wait()
        let hash = try #require(try written.row()?.hash)
        let fork = written.history.fork("fork", at: written.history.version, hash: hash)
        let run = written.journal.reserveRun()
        try written.journal.appendAndWait(fork.events, to: run, after: written.history.version)
        try written.journal.appendAndWait([], to: run, after: Batch.anyVersion)
        let rows = try written.journal.read { view throws(RenError) in try view.nodes(of: run) }
        #expect(rows[3].row.begun == fork.events[0].time, "what was open begins anew")
        for node in 0..<3 { #expect(try rows[node].row.begun == written.node(node)?.begun, "what had ended had ended") }
    }

    @Test("Rows of an earlier opening of a map count for nothing; kept items may come before their turn")
    func secondOpening() throws {
        var written = Written()
        written.history.openMap(NodeNumber(0), total: 8)
        var results: [RunVersion] = []
        for item in 0..<8 {
            written.history.start(.item(0, item))
            results.append(written.history.succeed(.item(0, item), Array(repeating: 49, count: item + 1)))
        }
        written.history.add(.mapClosed(MapCounts()), .node(0))
        written.history.add(.succeeded(instead: nil), .node(0))
        written.history.add(.runReopened(Self.reopening(affected: [0])))
        try written.store()
        try written.journal.read { view throws(RenError) in
            let node = NodeNumber(0)
            #expect(try view.items(of: written.run, node).isEmpty)
            #expect(try view.item(written.run, node, ItemIndex(0)) == nil)
            #expect(try view.itemIndex(written.run, node, key: "0") == nil)
        }
        #expect(try written.window() == nil)

        written.history.openMap(NodeNumber(0), total: 6)
        for item in 0..<8 { written.history.forget(.item(0, item)) }
        try written.store()
        #expect(try written.states() == Array(repeating: .pending, count: 6))
        written.history.start(.item(0, 0))
        written.history.add(.kept(), .item(0, 3), cause: results[7])
        written.history.add(.kept(), .item(0, 5), cause: results[0])
        written.history.start(.item(0, 4))
        try written.store()
        #expect(try written.states() == [.running, .pending, .pending, .succeeded, .running, .succeeded])
        #expect(try written.window()?.rows.map(\.outputLength) == [nil, nil, nil, 8, nil, 1])
        #expect(try written.window()?.rows.prefix(3).map(\.attempts) == [1, 0, 0], "those without a row")
        try written.journal.read { view throws(RenError) in
            let row = try view.item(written.run, NodeNumber(0), ItemIndex(3))
            #expect(row?.output == results[7] && row?.result == results[7])
            #expect(try view.items(of: written.run, NodeNumber(0)).map(\.index.rawValue) == [3, 4, 5])
        }
        written.history.start(.item(0, 1))
        written.history.succeed(.item(0, 1))
        written.history.start(.item(0, 2))
        written.history.add(.failed(Self.failure), .item(0, 4))
        try written.store()
        #expect(try written.states() == [.running, .succeeded, .running, .succeeded, .failed, .succeeded])
        let times = try written.journal.times(of: written.run, NodeNumber(0), now: written.history.time)
        #expect(times?.samples == 2, "what was kept took no time")
        written.history.succeed(.item(0, 0))
        written.history.succeed(.item(0, 2))
        try written.store()
        #expect(try written.states() == [.succeeded, .succeeded, .succeeded, .succeeded, .failed, .succeeded])
    }

    @Test("A map that opens again has the keys of its new items alone")
    func keys() throws {
        for journal in [MemoryJournal.make(), try TestDirectory().open()] {
            var history = HistoryBuilder("a")
            let run = journal.reserveRun()
            let node = NodeNumber(0)
            history.create()
            func open(_ keys: [String]) throws {
                let contents: JSON = ["keys": .array(keys.map { .string($0) }), "values": []]
                history.add(
                    .mapOpened(MapOpening(total: keys.count, source: Digest(hashing: [3]), concurrency: nil)),
                    .node(0), payload: contents.compact)
                // As the engine does it: what was there goes first.
                let old = try journal.read { view throws(RenError) in try view.leftovers(run, node) }
                if !old.isEmpty { try journal.changeAndWait(old) }
                let rows = try #require(SortedKeys(payload: contents.compact)).rows(of: run, node)
                let batch = history.take()
                try journal.appendAndWait(batch.events, keys: [rows], to: run, after: batch.after)
            }
            try open(["a", "b", "c"])
            history.add(.runReopened(Self.reopening(again: [0])))
            try open(["c", "d"])
            func indexes() throws -> [Int?] {
                try journal.read { view throws(RenError) in
                    var found: [Int?] = []
                    for key in ["a", "b", "c", "d"] { found.append(try view.itemIndex(run, node, key: key)?.index) }
                    return found
                }
            }
            #expect(try indexes() == [nil, nil, 0, 1])
            let live = try Tables.derived(of: journal)
            try journal.rebuildProjections()
            #expect(try Tables.derived(of: journal).difference(from: live) == nil)
            #expect(try indexes() == [nil, nil, 0, 1])
        }
    }

    @Test("The timeline of a fork goes back into its past, and nothing of that runs behind the fork")
    func timeline() throws {
        var written = Written()
        let begin = written.history.time
        written.history.start(.node(0))
        written.history.start(.node(1))
        written.history.succeed(.node(0))
        written.history.add(.runPauseRequested(now: false, reason: nil))
        written.history.add(.runPaused)
        try written.store()
        written.history.time = begin + .seconds(10)
        let hash = try #require(try written.row()?.hash)
        var fork = written.history.fork(
            "fork", at: written.history.version, hash: hash, nodes: [NodeNumber(1), NodeNumber(0)])
        fork.time = begin + .seconds(20)
        fork.start(.node(0))
        let end = fork.time
        let run = written.journal.reserveRun()
        for events in [Array(fork.events.prefix(1)), Array(fork.events.dropFirst())] {
            try written.journal.appendAndWait(events, to: run, after: Batch.anyVersion)
        }
        let timeline = try #require(
            try written.journal.timeline(of: run, from: begin, to: end, buckets: 20, now: end))
        #expect(timeline.lanes.map(\.node.rawValue) == [0, 1], "in the numbers of the fork's own flow")
        let running = timeline.lanes.map { lane in lane.buckets.map(\.running) }
        #expect(running[0] == Array(repeating: 1, count: 10) + Array(repeating: 0, count: 9) + [1])
        #expect(running[1].reduce(0, +) == 1 && timeline.lanes[1].buckets[0].succeeded == 1)
        #expect(timeline.pauses.count == 1 && timeline.pauses[0].to == begin + .seconds(10))
    }
}
