import Foundation
import LMDB
import RenCore
import RenJSON
import RenTestKit
import Testing

@testable import RenJournal

/// Snapshots are caches: with them, without them and with damaged ones, the state at a version is the same.
@Suite("Snapshots")
struct SnapshotTests {
    /// A flow with so many functions that nothing holds back.
    static let plan: Plan = {
        let nodes = JSONObject(
            members: (0..<70).map { .init(key: "n\($0)", value: ["function": "f", "once": .bool($0 == 3)]) })
        do {
            return Plan(try FlowDecoder.decode(stored: JSON.object(["flow": "wide", "nodes": .object(nodes)]).compact))
        } catch { preconditionFailure("\(error)") }
    }()

    /// A map that goes on and on, among other things, with snapshots as an engine writes them.
    private struct Long {
        let opened: OpenedMemory
        let run: RunNumber
        let plans: [Plan]
        /// The node with the map.
        let map: Int
        var state: RunState
        var snapshots = SnapshotWriter()
        /// The next snapshot is not written, as when the disk is full.
        var losesNext = false
        private var history = HistoryBuilder("long")
        private var random = SeededRandom(seed: 3)

        init() throws {
            opened = try OpenedMemory()
            run = opened.journal.reserveRun()
            plans = [SnapshotTests.plan]
            map = 1
            state = RunState(plans: plans)
            history.create()
            history.start(.node(40))
            history.openMap(NodeNumber(1), total: 9_000)
            try commit()
        }

        /// A fork in which the nodes 1 and 2 are the other way round, and node 40 is gone.
        init(_ parent: Long, at version: RunVersion) throws {
            opened = parent.opened
            run = opened.journal.reserveRun()
            plans = parent.plans + [Plan(SnapshotTests.plan.flow)]
            map = 2
            state = RunState(plans: plans)
            try state.fold(parent.run, through: version, from: opened.journal)
            let last = try opened.journal.read { view throws(RenError) in try view.recorded(parent.run, version) }
            var nodes: [NodeNumber?] = (0..<70).map { NodeNumber($0) }
            (nodes[1], nodes[2], nodes[40]) = (NodeNumber(2), NodeNumber(1), nil)
            history = parent.history.fork("fork", at: version, hash: last!.runHash, nodes: nodes)
            try commit()
        }

        /// Items begin 50 at a time; some fail and are tried again, some are skipped.
        mutating func goOn(items: Range<Int>) throws {
            for start in stride(from: items.lowerBound, to: items.upperBound, by: 50) {
                let batch = start..<min(start + 50, items.upperBound)
                for item in batch { history.start(.item(map, item)) }
                for item in batch where item % 211 != 0 {
                    switch random.below(20) {
                    case 0: history.add(.skipped(.when, operands: nil), .item(map, item))
                    case 1: fail(.item(map, item), retry: true)
                    case 2: fail(.item(map, item), retry: false)
                    default: history.succeed(.item(map, item))
                    }
                }
                try commit()
            }
        }

        private mutating func fail(_ item: Event.Subject, retry: Bool) {
            let failure = Failure("ValueError\(random.below(4))", "no price", frame: "shop.py:41 in fetch")
            history.add(.attemptFailed(failure, retryAt: retry ? history.time + .seconds(60) : nil), item)
            if !retry { history.add(.failed(failure), item) }
        }

        private mutating func commit() throws {
            let (after, events) = history.take()
            try opened.journal.appendAndWait(events, to: run, after: after)
            for event in events { state.apply(event) }
            guard let rows = snapshots.next(state) else { return }
            guard !losesNext else {
                losesNext = false
                return
            }
            let answer = Handover<Result<Receipt, RenError>>()
            opened.journal.submit(
                Batch(run: run, after: state.version, events: [], snapshot: rows) { answer.give($0) })
            _ = try answer.wait().get()
        }

        /// Folded from the first event on.
        func folded(upTo end: RunVersion) throws -> RunState {
            var state = RunState(plans: plans)
            try state.fold(run, through: end, from: opened.journal)
            return state
        }

        func newest(upTo end: RunVersion) throws -> RunVersion? {
            try opened.journal.read { view throws(RenError) in
                try view.snapshot(of: run, upTo: end, plans: plans)?.state.version
            }
        }
    }

    @Test("At any version the state is that of the newest snapshot and at most 2,000 events and a batch")
    func anyVersion() throws {
        var long = try Long()
        try long.goOn(items: 0..<5_500)
        var random = SeededRandom(seed: 1)
        let last = long.state.version
        #expect(last.rawValue > 11_000)
        for _ in 0..<40 {
            let version = RunVersion(1 + random.below(Int(last.rawValue)))
            let state = try RunState(folding: long.run, plan: Self.plan, through: version, from: long.opened.journal)
            #expect(try state == long.folded(upTo: version), "version \(version)")
            let newest = try long.newest(upTo: version)
            #expect((newest ?? .none) <= version && version.rawValue - (newest?.rawValue ?? 0) < 2_000 + 200)
        }
        #expect(try RunState(folding: long.run, plan: Self.plan, from: long.opened.journal) == long.state)
    }

    @Test("Only what changed is written again; no value has more than 1,800 bytes")
    func incremental() throws {
        var long = try Long()
        try long.goOn(items: 0..<5_000)
        let rows = try Tables([.snapshots], of: long.opened.journal).rows
        #expect(rows.allSatisfy { $0.value.count <= 1_800 })
        func versions(_ kind: UInt8, _ number: UInt8) -> Int {
            Set(rows.filter { $0.key[8] == kind && $0.key[14] == number }.map { Array($0.key.suffix(8)) }).count
        }
        let roots = versions(0, 0)
        #expect(roots > 4)
        #expect(versions(1, 0) == roots, "the page with the map's node changes each time")
        #expect(versions(1, 2) == 1, "nodes that nothing happened to are written once")
        #expect(versions(2, 1) < versions(2, 0), "the second page of items begins later")
    }

    @Test("An engine goes on with the snapshots of the one before")
    func goesOn() throws {
        var long = try Long()
        try long.goOn(items: 0..<1_500)
        long.snapshots = try RunState.newest(of: long.run, plans: [Self.plan], in: long.opened.journal).snapshots
        #expect(long.snapshots.base != nil)
        try long.goOn(items: 1_500..<4_000)
        let version = try #require(try long.newest(upTo: long.state.version))
        #expect(
            try RunState(folding: long.run, plan: Self.plan, through: version, from: long.opened.journal)
                == long.folded(upTo: version))
        #expect(long.state.version.rawValue - version.rawValue < 2_200)
    }

    @Test("A fork has its ancestor's snapshots up to where it begins, and its own from there on")
    func fork() throws {
        var long = try Long()
        try long.goOn(items: 0..<3_000)
        let point = RunVersion(4_500)
        var fork = try Long(long, at: point)
        let journal = long.opened.journal
        #expect(try fork.newest(upTo: point) == long.newest(upTo: point))
        #expect(try #require(try fork.newest(upTo: point)) > RunVersion(2_000))
        #expect(try fork.newest(upTo: point.next) == point.next, "its first one")
        let next = try #require(fork.state[NodeNumber(2)].map).next
        try fork.goOn(items: next..<next + 1_500)
        #expect(fork.state.version.rawValue > 7_000)
        let own = try RunState.newest(of: fork.run, plans: fork.plans, in: journal)
        #expect(own.snapshots.base?.version == own.state.version && own.state.version > point)
        var random = SeededRandom(seed: 2)
        let some = (0..<20).map { _ in RunVersion(1 + random.below(Int(fork.state.version.rawValue))) }
        for version in some + [point, point.next] {
            let state = try RunState(folding: fork.run, plans: fork.plans, through: version, from: journal)
            #expect(try state == fork.folded(upTo: version), "version \(version)")
        }
        #expect(try RunState(folding: fork.run, plans: fork.plans, from: journal) == fork.state)
        // Without the fork's own snapshots the ancestor's are built on, but no page of them is written again.
        for row in try Tables([.snapshots], of: journal).rows where row.key[7] == UInt8(fork.run.rawValue) {
            try long.opened.delete(row.key, in: .snapshots)
        }
        let inherited = try RunState.newest(of: fork.run, plans: fork.plans, in: journal)
        #expect(inherited.state.version <= point && inherited.state.version > .none)
        #expect(inherited.snapshots.base == nil)
        #expect(try RunState(folding: fork.run, plans: fork.plans, from: journal) == fork.state)
    }

    @Test("What builds on a snapshot that was not written counts as none; once that is known, the next one is whole")
    func lost() throws {
        var long = try Long()
        try long.goOn(items: 0..<1_100)
        let first = try #require(try long.newest(upTo: long.state.version))
        long.losesNext = true
        try long.goOn(items: 1_100..<3_200)
        #expect(!long.losesNext && long.state.version.rawValue > 6_000)
        #expect(try long.newest(upTo: long.state.version) == first)
        #expect(try RunState(folding: long.run, plan: Self.plan, from: long.opened.journal) == long.state)
        long.snapshots.forget()
        try long.goOn(items: 3_200..<3_300)
        #expect(try #require(try long.newest(upTo: long.state.version)).rawValue > 6_000)
        #expect(try RunState(folding: long.run, plan: Self.plan, from: long.opened.journal) == long.state)
    }

    @Test("Each row, damaged or lost: the same states")
    func damage() throws {
        var long = try Long()
        try long.goOn(items: 0..<2_600)
        let last = long.state.version
        let newest = try #require(try long.newest(upTo: last))
        let expected = try long.folded(upTo: last)
        var fallen = 0
        for (number, row) in try Tables([.snapshots], of: long.opened.journal).rows.enumerated() {
            var damaged = row.value
            let place = (number * 31) % damaged.count
            damaged[place] ^= 1 << (number % 8)
            for bytes in [damaged, Array(row.value.dropLast(3)), []] {
                if bytes.isEmpty {
                    try long.opened.delete(row.key, in: .snapshots)
                } else {
                    try long.opened.put(bytes, for: row.key, in: .snapshots)
                }
                let state = try RunState(folding: long.run, plan: Self.plan, from: long.opened.journal)
                #expect(state == expected, "row \(number), \(row.key)")
                if try long.newest(upTo: last) != newest { fallen += 1 }
            }
            try long.opened.put(row.value, for: row.key, in: .snapshots)
        }
        #expect(fallen > 20, "damage leads to an older snapshot")
        #expect(try long.newest(upTo: last) == newest)
    }

    @Test("A page of the past in the place of a lost one shows, and so does one of another layout")
    func stale() throws {
        var long = try Long()
        try long.goOn(items: 0..<2_600)
        let rows = try Tables([.snapshots], of: long.opened.journal).rows
        let newest = try #require(try long.newest(upTo: long.state.version))
        // The item page exists at each version; without the last one, the one before is the newest.
        let items = try #require(rows.last { $0.key[8] == 2 && $0.key[14] == 0 })
        #expect(items.key.suffix(8).elementsEqual(withUnsafeBytes(of: newest.rawValue.bigEndian, Array.init)))
        try long.opened.delete(items.key, in: .snapshots)
        #expect(try #require(try long.newest(upTo: long.state.version)) < newest)
        try long.opened.put(items.value, for: items.key, in: .snapshots)
        #expect(try long.newest(upTo: long.state.version) == newest)
        for root in rows where root.key[8] == 0 {
            let version = root.key.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            // Behind the byte for the next part and the seal; sealed again, as another ren would have.
            var bytes = Array(root.value.dropFirst(9))
            bytes[3] &+= 1
            let seal = SnapshotRows.seal(SnapshotRows.Place(.root), RunVersion(rawValue: version), bytes)
            let value = [root.value[0]] + withUnsafeBytes(of: seal.bigEndian, Array.init) + bytes
            try long.opened.put(value, for: root.key, in: .snapshots)
        }
        #expect(try long.newest(upTo: long.state.version) == nil)
    }

    @Test("It is written behind its events or not at all, and belongs to no rebuilt table")
    func order() throws {
        var long = try Long()
        try long.goOn(items: 0..<300)
        var early = SnapshotWriter()
        var ahead = long.state
        while ahead.version.rawValue < 2_500 { ahead.apply(Event(.runResumed(reason: nil), .run, at: ahead.time)) }
        let next = early.next(ahead)
        let rows = try #require(next)
        let answer = Handover<Result<Receipt, RenError>>()
        let before = try Tables([.snapshots], of: long.opened.journal)
        long.opened.journal.submit(
            Batch(run: long.run, after: ahead.version, events: [], snapshot: rows) { answer.give($0) })
        guard case .failure(let error) = answer.wait() else {
            Issue.record("a snapshot of events that are not there")
            return
        }
        #expect(error.code == .versionConflict)
        #expect(try Tables([.snapshots], of: long.opened.journal) == before)
        try long.goOn(items: 300..<1_500)
        let kept = try Tables([.snapshots], of: long.opened.journal)
        #expect(!kept.rows.isEmpty)
        try long.opened.journal.rebuildProjections()
        #expect(try Tables([.snapshots], of: long.opened.journal) == kept)
    }

    @Test("A journal from before snapshots is read without the table, and gets it without a rebuild")
    func older() throws {
        let other = try TestDirectory()
        let tables = StoreTable.allCases.filter { $0 != .snapshots }
        var rows: [Tables.Row] = []
        do {
            let journal = try other.open()
            var history = HistoryBuilder("r")
            history.create()
            try journal.appendAndWait(history.take().events, to: journal.reserveRun(), after: .none)
            rows = try Tables(tables, of: journal).rows
            journal.close()
        }
        let directory = try TestDirectory()
        try FileManager.default.createDirectory(
            atPath: directory.data.journal, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        do {
            var options = Environment.Options(access: .create, tables: tables.map(\.name))
            options.mapSizeBytes = 1 << 30
            let environment = try Environment(at: directory.data.journal, options: options)
            try environment.write { transaction throws(LMDBError) in
                for row in rows {
                    try transaction.put(row.value, for: Key(bytes: row.key), in: environment.table(row.table.name))
                }
            }
        }
        do {
            let reader = try JournalReader(directory: directory.data.journal, lockIsFree: true)
            let sequence = JournalSequence(1)
            #expect(try reader.past(of: RunNumber(1), at: sequence, plans: [Self.plan]).row.id == "r")
        }
        var options = TestDirectory.options
        options.onRebuild = { _, _ in Issue.record("it was rebuilt") }
        let journal = try directory.open(options)
        #expect(try journal.read { view throws(RenError) in try view.snapshot.count(of: .snapshots) } == 0)
    }
}
