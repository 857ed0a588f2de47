import LMDB
import RenCore
import RenTestKit
import Testing

@testable import RenJournal

/// What was shown of a run at an event is what is shown as of it later.
@Suite("As of an event")
struct PastTests {
    /// What lists showed of a run after a commit.
    private struct Seen {
        var run: RunNumber
        var sequence: JournalSequence
        var row: RunRow
        var nodes: [(number: NodeNumber, row: NodeRow)]
        var problems: [[UInt8]]
        var windows: [NodeNumber: ItemWindow]
    }

    @Test("Rows, counts, problems and items of random histories", arguments: 1...12)
    func random(_ seed: UInt64) throws {
        let journal = MemoryJournal.make()
        var histories = RandomHistory(seed: seed, items: 60)
        var seen: [Seen] = []
        // Nodes that have ended the run and yet go on, as no node does that was not opened again.
        var ends: [RunNumber: Set<NodeNumber>] = [:]
        for _ in 0..<150 {
            let batch = histories.next(reserve: { journal.reserveRun() })
            let after = batch.run == .journal ? Batch.anyVersion : batch.after
            let receipt = try journal.appendAndWait(batch.events, to: batch.run, after: after)
            guard batch.run != .journal else { continue }
            for case (.runEnding, let node?) in batch.events.map({ ($0.fact, $0.subject.node) }) {
                ends[batch.run, default: []].insert(node)
            }
            seen.append(try Self.look(journal, batch.run, receipt.last))
        }
        for then in seen {
            let past = try journal.past(of: then.run, at: then.sequence, plans: [SnapshotTests.plan])
            let about: Comment = "seed \(seed), run \(then.run) at \(then.sequence)"
            #expect(past.row.status == then.row.status && past.row.version == then.row.version, about)
            #expect(past.row.control == then.row.control && past.row.hash == then.row.hash, about)
            #expect(past.problems.map(\.stored) == then.problems, about)
            #expect(past.asOf.sequence == then.sequence, about)
            for (number, row) in then.nodes {
                let found = try #require(past.nodes[number.index])
                #expect(found.state == row.state && found.last == row.last, "node \(number): \(about)")
                if ends[then.run]?.contains(number) == true { continue }
                #expect(found.stored == row.stored, "node \(number): \(about)")
            }
            #expect(past.nodes.count { $0 != nil } == then.nodes.count, about)
            for (node, window) in then.windows { try Self.compare(window, past, node, journal, about) }
        }
    }

    private static func look(
        _ journal: StoreJournal, _ run: RunNumber, _ sequence: JournalSequence
    ) throws -> Seen {
        var seen = try journal.read { view throws(RenError) in
            Seen(
                run: run, sequence: sequence, row: try view.run(run)!, nodes: try view.nodes(of: run),
                problems: try view.problems(of: run).map(\.stored), windows: [:])
        }
        for (number, row) in seen.nodes where row.map != nil {
            seen.windows[number] = try journal.items(of: run, number, ItemQuery())
        }
        return seen
    }

    private static func compare(
        _ window: ItemWindow, _ past: PastRun, _ node: NodeNumber, _ journal: StoreJournal, _ about: Comment
    ) throws {
        let then = try #require(try journal.items(of: past, node, ItemQuery()))
        #expect(then.total == window.total && then.counts == window.counts, about)
        for (old, new) in zip(window.rows, then.rows) {
            #expect(old.index == new.index && old.key == new.key && old.state == new.state, "\(old) \(new) \(about)")
            // An item that runs its first attempt has no row to be shown from: its event tells more.
            guard old.begun != nil else { continue }
            #expect(old == new, about)
        }
        for state in WorkState.allCases {
            var query = ItemQuery()
            query.state = state
            (query.offset, query.limit) = (1, 5)
            let some = try #require(try journal.items(of: past, node, query))
            let wanted = window.rows.filter { $0.state == state }.map(\.index)
            #expect(some.total == wanted.count, "\(state) \(about)")
            #expect(some.rows.map(\.index) == Array(wanted.dropFirst().prefix(5)), "\(state) \(about)")
        }
    }

    @Test("What a person mended is out of its group as of any event, also what had failed before the last snapshot")
    func mended() throws {
        let opened = try OpenedMemory()
        let journal = opened.journal
        let run = journal.reserveRun()
        let failure = Failure("ValueError", "no price")
        var history = HistoryBuilder("r")
        var state = RunState(plans: [SnapshotTests.plan])
        var snapshots = SnapshotWriter()
        var seen: [Seen] = []
        func commit() throws {
            let (after, events) = history.take()
            let receipt = try journal.appendAndWait(events, to: run, after: after)
            for event in events { state.apply(event) }
            if let rows = snapshots.next(state) {
                let answer = Handover<Result<Receipt, RenError>>()
                journal.submit(Batch(run: run, after: state.version, events: [], snapshot: rows) { answer.give($0) })
                _ = try answer.wait().get()
            }
            seen.append(try Self.look(journal, run, receipt.last))
        }
        func reopen(again: [Int] = [], _ items: [Int]) {
            var reopening = Reopening()
            reopening.again = again.map { NodeNumber($0) }
            if !items.isEmpty { reopening.items = [NodeNumber(0): ItemRanges(items.map { ItemIndex($0) })] }
            history.time = history.time + .seconds(60)
            history.add(.runReopened(reopening))
            for item in items { history.forget(.item(0, item)) }
        }
        func fail(_ subject: Event.Subject) {
            history.start(subject)
            history.add(.attemptFailed(failure, retryAt: nil), subject)
            history.add(.failed(failure), subject)
        }
        func close() {
            history.add(.mapClosed(MapCounts()), .node(0))
            history.add(.failed(Failure(Failure.Name.tooManyFailed, "too many")), .node(0))
            history.add(.runFailed(failure))
        }
        history.create()
        history.openMap(NodeNumber(0), total: 1_100)
        fail(.node(5))
        for item in 0..<1_100 {
            guard item % 100 > 0 else {
                fail(.item(0, item))
                continue
            }
            history.start(.item(0, item))
            history.succeed(.item(0, item))
        }
        close()
        try commit()
        #expect(snapshots.base != nil)
        reopen(again: [5], [0, 100, 200])
        try commit()
        history.start(.item(0, 0))
        history.succeed(.item(0, 0))
        history.add(.overridden(reason: nil), .item(0, 300), payload: Array("1".utf8))
        fail(.item(0, 100))
        try commit()
        fail(.node(5))
        history.start(.item(0, 200))
        history.succeed(.item(0, 200))
        close()
        try commit()
        reopen(again: [5], [100, 400])
        try commit()
        reopen(again: [0], [])
        try commit()
        for then in seen {
            let past = try journal.past(of: run, at: then.sequence, plans: [SnapshotTests.plan])
            #expect(past.problems.map(\.stored) == then.problems, "\(then.row.version)")
            for (number, row) in then.nodes {
                let found = past.nodes[number.index]
                #expect(found?.begun == row.begun && found?.ended == row.ended, "\(then.row.version) node \(number)")
            }
        }
    }

    @Test("A fork before it begins is its ancestor, in the numbers of that flow; then it is what it was itself")
    func fork() throws {
        let journal = MemoryJournal.make()
        let plans = [SnapshotTests.plan, Plan(SnapshotTests.plan.flow)]
        let failure = Failure("ValueError", "no price")
        var history = HistoryBuilder("r")
        history.create()
        history.openMap(NodeNumber(0), total: 5)
        for item in 0..<4 { history.start(.item(0, item)) }
        history.add(.attemptFailed(failure, retryAt: nil), .item(0, 0))
        history.add(.failed(failure), .item(0, 0))
        history.add(.attemptFailed(failure, retryAt: history.time + .seconds(9)), .item(0, 1))
        history.succeed(.item(0, 2))
        history.start(.node(1))
        history.succeed(.node(1))
        history.start(.node(2))
        history.start(.node(3))
        history.add(.waiting(SignalWait(signal: "go", message: "", until: nil)), .node(4))
        let run = journal.reserveRun()
        try journal.appendAndWait(history.take().events, to: run, after: .none)
        let point = history.version
        let place = try #require(try journal.read { view throws(RenError) in try view.recorded(run, point) })
        let before = try Self.look(journal, run, place.sequence)

        // The ancestor goes on otherwise.
        history.succeed(.item(0, 3))
        history.succeed(.node(2))
        try journal.appendAndWait(history.take().events, to: run, after: point)

        var nodes: [NodeNumber?] = (0..<70).map { NodeNumber($0) }
        (nodes[0], nodes[1]) = (NodeNumber(1), NodeNumber(0))
        var reopening = Reopening()
        reopening.affected = [NodeNumber(0)]
        reopening.items = [NodeNumber(1): ItemRanges([ItemIndex(2)])]
        var fork = history.fork(
            "f", at: point, hash: place.runHash, nodes: nodes, once: [NodeNumber(3)], reopening: reopening)
        let number = journal.reserveRun()
        var seen: [Seen] = []
        func commit() throws {
            let (after, events) = fork.take()
            let receipt = try journal.appendAndWait(events, to: number, after: after)
            // Behind the rows of the fork's past.
            try journal.appendAndWait([], to: number, after: receipt.version)
            seen.append(try Self.look(journal, number, receipt.last))
        }
        try commit()
        fork.start(.item(1, 2))
        fork.start(.node(2))
        fork.add(.kept(), .node(0), cause: point)
        try commit()
        fork.add(.attemptFailed(failure, retryAt: nil), .item(1, 2))
        fork.add(.failed(failure), .item(1, 2))
        fork.add(.attemptFailed(failure, retryAt: nil), .node(2))
        fork.add(.failed(failure), .node(2))
        try commit()

        let start = try journal.past(of: number, at: place.sequence, plans: plans)
        #expect(start.state.version == point && start.row.id == "f")
        #expect(start.problems.map(\.stored) == before.problems)
        #expect(start.nodes.compactMap { $0?.stored } == before.nodes.map(\.row.stored))
        for (node, window) in before.windows { try Self.compare(window, start, node, journal, "the ancestor") }
        for then in seen {
            let about: Comment = "\(then.row.version)"
            let past = try journal.past(of: number, at: then.sequence, plans: plans)
            #expect(past.row.version == then.row.version && past.row.hash == then.row.hash, about)
            #expect(past.row.control == then.row.control && past.row.status == then.row.status, about)
            #expect(past.problems.map(\.stored) == then.problems, about)
            for (node, row) in then.nodes where row.map == nil {
                #expect(past.nodes[node.index]?.stored == row.stored, "node \(node): \(about)")
            }
            let window = try #require(then.windows[NodeNumber(1)])
            let items = try #require(try journal.items(of: past, NodeNumber(1), ItemQuery()))
            for (old, new) in zip(window.rows, items.rows) where old.state != .ready || new.state != .pending {
                #expect(old.state == new.state && old.key == new.key, "\(old.index): \(about)")
                if old.begun != nil { #expect(old == new, about) }
            }
        }
    }

    @Test("Orders and filters that need all rows are of the present alone")
    func nowOnly() throws {
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("r")
        history.create()
        history.openMap(NodeNumber(0), total: 3)
        let run = journal.reserveRun()
        let last = try journal.appendAndWait(history.take().events, to: run, after: .none).last
        let past = try journal.past(of: run, at: last, plans: [SnapshotTests.plan])
        for order in [ItemQuery.Order.slowest, .newest, .attempts] {
            var query = ItemQuery()
            query.order = order
            #expect(throws: RenError.self) { try journal.items(of: past, NodeNumber(0), query) }
        }
        var search = ItemQuery()
        search.search = .contains("x")
        #expect(throws: RenError.self) { try journal.items(of: past, NodeNumber(0), search) }
        var byKey = ItemQuery()
        byKey.order = .key
        #expect(try journal.items(of: past, NodeNumber(0), byKey)?.total == 3)
    }

    @Test("Before the run's first event and behind the journal's last there is no state")
    func outside() throws {
        let journal = MemoryJournal.make()
        var other = HistoryBuilder("other")
        other.create()
        try journal.appendAndWait(other.take().events, to: journal.reserveRun(), after: .none)
        var history = HistoryBuilder("r")
        history.create()
        let run = journal.reserveRun()
        try journal.appendAndWait(history.take().events, to: run, after: .none)
        for sequence in [0, 1, 3] {
            do {
                _ = try journal.past(of: run, at: JournalSequence(sequence), plans: [SnapshotTests.plan])
                Issue.record("there is a state at \(sequence)")
            } catch {
                #expect(error.code == .eventNotFound && error.hint != nil, "\(error)")
            }
        }
        #expect(
            try journal.past(of: run, at: JournalSequence(2), plans: [SnapshotTests.plan]).row.version.rawValue == 1)
    }

    @Test("An event leads to what follows from it")
    func effects() throws {
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("r")
        history.create()
        let wait = SignalWait(signal: "go", message: "", until: nil)
        let waiting = history.add(.waiting(wait), .node(3))
        let signal = history.add(.signalReceived(name: "go"), payload: Array("1".utf8))
        let done = history.add(.succeeded(instead: nil), .node(3), cause: signal)
        let run = journal.reserveRun()
        try journal.appendAndWait(history.take().events, to: run, after: .none)
        for (version, effects) in [(waiting, [done]), (signal, [done]), (done, [])] {
            let event = try #require(try journal.read { view throws(RenError) in try view.recorded(run, version) })
            let found = try journal.effects(of: event)
            #expect(found.events.map(\.version) == effects && !found.hasMore)
        }
    }
}

extension Row {
    fileprivate var stored: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return bytes
    }
}
