import Foundation
import LMDB
import RenCore
import RenJSON
import RenTestKit
import Testing

@testable import RenJournal

@Suite("Windows of items")
struct WindowTests {
    /// A map in a journal, and what a naive fold of its history says of each item.
    private struct Sample {
        struct Item {
            var state = WorkState.pending
            var attempts = 0
            var begun: Timestamp?
            var ended: Timestamp?
            var failure: Failure?
            var hasRow = false
        }

        let journal: StoreJournal
        let run: RunNumber
        let node = NodeNumber(0)
        var keys: [String]
        var items: [Item]
        var end: Timestamp

        /// Items begin in order, as the core begins them; how they go on is drawn.
        init(seed: UInt64, items count: Int, on journal: StoreJournal, keyed: Bool) throws {
            self.journal = journal
            run = journal.reserveRun()
            var random = SeededRandom(seed: seed)
            keys = (0..<count).map { keyed ? "Key-\($0 * 7_919 % 10_007)-\($0)" : String($0) }
            var items = Array(repeating: Item(), count: count)
            var history = HistoryBuilder("run-\(seed)")
            history.create()
            let contents: JSON = ["keys": keyed ? .array(keys.map { .string($0) }) : .null, "values": []]
            history.add(
                .mapOpened(MapOpening(total: count, source: Digest(hashing: [3]), concurrency: nil)), .node(0),
                payload: contents.compact)
            var next = 0
            let long = String(repeating: "a long word and ", count: 30)
            for _ in 0..<count * 3 where next < count * 3 / 4 || random.oneIn(3) {
                history.time = history.time + .milliseconds(Int64(random.below(900)))
                let time = history.time
                if random.oneIn(2), next < count {
                    items[next].begun = time
                    if random.oneIn(9) {
                        history.add(.skipped(.when, operands: nil), .item(0, next))
                        items[next].state = .skipped
                        items[next].ended = time
                        items[next].hasRow = true
                    } else {
                        history.start(.item(0, next))
                        items[next].state = .running
                        items[next].attempts = 1
                    }
                    next += 1
                    continue
                }
                let open = (0..<next).filter { !items[$0].state.isSettled && items[$0].state != .unknown }
                guard !open.isEmpty else { continue }
                let item = open[random.below(open.count)]
                guard items[item].state == .running else {
                    history.start(.item(0, item))
                    items[item].state = .running
                    items[item].attempts += 1
                    continue
                }
                items[item].hasRow = true
                let words = ["timed out", "404", long + "x", long + "y"]
                let failure = Failure("Error", words[random.below(4)], frame: "shop.py:\(random.below(2))")
                func settle(_ fact: Fact, _ state: WorkState, payload: [UInt8]? = nil) {
                    history.add(fact, .item(0, item), payload: payload)
                    items[item].state = state
                    items[item].ended = time
                }
                switch random.below(9) {
                case 0:
                    history.add(.attemptFailed(failure, retryAt: time + .seconds(1)), .item(0, item))
                    items[item].state = .retrying
                    items[item].failure = failure
                case 1:
                    history.add(.attemptFailed(failure, retryAt: nil), .item(0, item))
                    items[item].failure = failure
                    settle(.failed(failure), .failed)
                    items[item].ended = time + .milliseconds(1)
                case 2:
                    history.add(.interrupted(.worker), .item(0, item))
                    items[item].state = .ready
                case 3: settle(.cancelled, .cancelled)
                case 4:
                    history.add(.unknown(.timeout), .item(0, item))
                    items[item].state = .unknown
                default: settle(.succeeded(instead: nil), .succeeded, payload: [49])
                }
            }
            self.items = items
            end = history.time
            let batch = history.take()
            let rows = SortedKeys(payload: contents.compact).map { $0.rows(of: run, NodeNumber(0)) }
            try journal.appendAndWait(batch.events, keys: rows.map { [$0] } ?? [], to: run, after: batch.after)
        }

        /// The indexes that a query means, in its order.
        func expected(_ query: ItemQuery, _ last: Timestamp) -> [Int] {
            let matching = items.indices.filter { index in
                let item = items[index]
                if let state = query.state, item.state != state { return false }
                if let problem = query.problem,
                    item.failure?.fingerprint != problem || item.state == .succeeded
                {
                    return false
                }
                switch query.search {
                case .contains(let text)?: return keys[index].lowercased().contains(text.lowercased())
                case .prefix(let text)?: return keys[index].lowercased().hasPrefix(text.lowercased())
                case nil: return true
                }
            }
            func weight(_ index: Int) -> Int64 {
                let item = items[index]
                switch query.order {
                case .index, .key: return 0
                case .slowest:
                    guard item.hasRow, let begun = item.begun else { return .min }
                    return ((item.ended ?? last) - begun).nanoseconds
                case .newest: return item.ended?.nanoseconds ?? .min
                case .attempts: return item.begun == nil ? .min : Int64(item.attempts)
                }
            }
            guard query.order == .key, keys[0] != "0" else {
                return matching.sorted { (weight($1), $0) < (weight($0), $1) }
            }
            return matching.sorted { keys[$0].utf8.lexicographicallyPrecedes(keys[$1].utf8) }
        }
    }

    @Test(
        "A window is what a fold of the whole history gives, whatever filter, search, order and offset",
        arguments: 1...6 as ClosedRange<UInt64>)
    func isNaiveFold(_ seed: UInt64) throws {
        let directory = try TestDirectory()
        for (place, journal) in [MemoryJournal.make(), try directory.open()].enumerated() {
            let keyed = (seed + UInt64(place)) % 2 == 0
            let sample = try Sample(seed: seed, items: seed == 6 ? 2_300 : 140, on: journal, keyed: keyed)
            let last = try journal.read { view throws(RenError) in try view.head().time }
            let problems = try journal.read { view throws(RenError) in try view.problems(of: sample.run) }
            var random = SeededRandom(seed: seed &+ 99)
            for number in 0..<120 {
                var query = ItemQuery()
                query.order = ItemQuery.Order.allCases[number % 5]
                if random.oneIn(2) { query.state = WorkState.allCases[random.below(10)] }
                if random.oneIn(4), let problem = problems.first(where: { _ in random.oneIn(2) }) {
                    query.problem = problem.fingerprint
                }
                if random.oneIn(3) {
                    query.search = random.oneIn(2) ? .contains("1\(random.below(4))") : .prefix("kEY-1")
                }
                query.offset = random.oneIn(2) ? 0 : random.below(150)
                query.limit = random.oneIn(2) ? 1_000 : random.below(30)
                let expected = sample.expected(query, last)
                let window = try #require(try journal.items(of: sample.run, sample.node, query))
                let context: Comment = "seed \(seed), \(keyed ? "keys" : "indexes"), \(query)"
                #expect(window.total == expected.count, context)
                let part = Array(expected.dropFirst(query.offset).prefix(query.limit))
                #expect(window.rows.map(\.index.index) == part, context)
                for row in window.rows {
                    let item = sample.items[row.index.index]
                    #expect(row.state == item.state && row.key == sample.keys[row.index.index], context)
                    #expect(row.attempts == item.attempts && row.ended == item.ended, context)
                }
            }
        }
    }

    @Test("A heat map has one byte for each item", arguments: [31, 32] as [UInt64])
    func heatmap(_ seed: UInt64) throws {
        let count = seed == 31 ? 2_500 : 70_000
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("a")
        history.create()
        history.openMap(NodeNumber(0), total: count)
        for item in 0..<1_700 { history.start(.item(0, item)) }
        for item in stride(from: 0, to: 1_700, by: 3) { history.succeed(.item(0, item)) }
        let run = journal.reserveRun()
        try journal.appendAndWait(history.take().events, to: run, after: .none)
        for quantity in Heatmap.Quantity.allCases {
            var map = try #require(try Heatmap(journal, run, NodeNumber(0), by: quantity))
            var bytes: [UInt8] = []
            while let page = try map.next() {
                #expect(page.count <= Heatmap.pageBytes)
                bytes += page
            }
            #expect(bytes.count == count)
            let expected = (0..<count).map { item -> UInt8 in
                if item >= 1_700 { return 0 }
                switch quantity {
                case .state: return (item % 3 == 0 ? WorkState.succeeded : .running).rawValue
                case .attempts: return 1
                // 1,700 events after the start of item 0 it ends, and each third ends a millisecond after the one before.
                case .ms: return item % 3 == 0 ? LogScale.byte(Int64(1_700 - item + item / 3)) : 0
                }
            }
            #expect(bytes == expected, "by \(quantity)")
        }
        #expect(try Heatmap(journal, run, NodeNumber(1), by: .state) == nil)
    }

    /// 100,001 of 100,005 items have begun. Made once: it takes a second.
    private static let long = Result { () throws -> (journal: StoreJournal, run: RunNumber) in
        let journal = MemoryJournal.make()
        let run = journal.reserveRun()
        var history = HistoryBuilder("a")
        history.create()
        history.openMap(NodeNumber(0), total: 100_005)
        for item in 0..<100_001 {
            history.start(.item(0, item))
            if item % 20_000 == 0 || item == 100_000 {
                let batch = history.take()
                try journal.appendAndWait(batch.events, to: run, after: batch.after)
            }
        }
        return (journal, run)
    }

    @Test(
        "What would look at too many rows is refused; what needs no look is answered",
        arguments: [
            (ItemQuery.Order.slowest, nil, nil, true), (.newest, .failed, nil, true), (.attempts, nil, nil, true),
            (.index, nil, "1", true), (.index, .pending, nil, false), (.key, nil, nil, false),
            (.slowest, .pending, nil, false),
        ] as [(ItemQuery.Order, WorkState?, String?, Bool)])
    func tooMany(_ order: ItemQuery.Order, _ state: WorkState?, _ text: String?, _ isRefused: Bool) throws {
        let (journal, run) = try Self.long.get()
        var query = ItemQuery()
        (query.order, query.state, query.search) = (order, state, text.map { .contains($0) })
        query.limit = 3
        do throws(RenError) {
            let window = try journal.items(of: run, NodeNumber(0), query)
            #expect(!isRefused)
            #expect(window?.total == (state == .pending ? 4 : 100_005))
        } catch {
            #expect(isRefused && error.code == .itemsTooMany && error.hint != nil, "\(error)")
        }
    }

    @Test("Nobody waits: the reading ends")
    func cancels() throws {
        let journal = MemoryJournal.make()
        let sample = try Sample(seed: 1, items: 50, on: journal, keyed: true)
        var query = ItemQuery()
        query.order = .slowest
        #expect(throws: RenError.self) { try journal.items(of: sample.run, sample.node, query) { true } }
        #expect(throws: RenError.self) {
            try journal.timeline(of: sample.run, buckets: 5, now: sample.end) { true }
        }
    }

    @Test("Equal keys are found by the first that repeats one, whatever their order in the table")
    func duplicates() throws {
        var random = SeededRandom(seed: 5)
        for _ in 0..<40 {
            let keys = (0..<60).map { _ in "k\(random.below(900))" }
            var seen: [String: Int] = [:]
            var expected: (Int, Int)?
            for (index, key) in keys.enumerated() where expected == nil {
                if let first = seen[key] { expected = (first, index) }
                seen[key] = index
            }
            let payload: JSON = ["keys": .array(keys.map { .string($0) })]
            let found = try #require(SortedKeys(payload: payload.compact)).duplicate
            #expect(found?.first.index == expected?.0 && found?.second.index == expected?.1, "\(keys)")
        }
    }

    @Test("Rebuilding makes the rows of keys again, in memory and in LMDB")
    func rebuildsKeys() throws {
        let directory = try TestDirectory()
        for journal in [MemoryJournal.make(), try directory.open()] {
            _ = try Sample(seed: 4, items: 300, on: journal, keyed: true)
            let live = try Tables.derived(of: journal)
            #expect(live.rows.count { $0.table == .keys } == 300)
            try journal.rebuildProjections()
            #expect(try Tables.derived(of: journal).difference(from: live) == nil)
        }
    }

    @Test("A reader takes what an older journal has not as empty: tables, and the ends of rows")
    func olderJournal() throws {
        let memory = MemoryJournal.make()
        let made = try Sample(seed: 4, items: 30, on: memory, keyed: true)
        let sample = (run: made.run, head: try memory.read { view throws(RenError) in try view.head() })
        let directory = try TestDirectory()
        try FileManager.default.createDirectory(
            atPath: directory.data.journal, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        let old = StoreTable.allCases.filter { !StoreTable.addedLater.contains($0) }
        do {
            var options = Environment.Options(access: .create, tables: old.map(\.name))
            options.mapSizeBytes = 1 << 30
            let environment = try Environment(at: directory.data.journal, options: options)
            let rows = try Tables(old, of: memory).rows
            try environment.write { transaction throws(LMDBError) in
                for row in rows {
                    // What was added later; the numbers are small here and take one byte.
                    let added = [.runs: 6, .nodes: 3][row.table] ?? 0
                    try transaction.put(
                        row.value.dropLast(added), for: Key(bytes: row.key), in: environment.table(row.table.name))
                }
            }
        }
        let reader = try JournalReader(directory: directory.data.journal, lockIsFree: true)
        #expect(try reader.read { view throws(RenError) in try view.head() } == sample.head)
        let found = try reader.read { view throws(RenError) in
            try view.itemIndex(sample.run, NodeNumber(0), key: "Key-0-0")
        }
        #expect(found == nil)
        let row = try reader.read { view throws(RenError) in try view.run(sample.run) }
        #expect(row?.control == RunVersion.none && row?.segments == [] && row?.preparing == nil)
        #expect(try reader.read { view throws(RenError) in try view.request("key") } == nil)
        #expect(try reader.items(of: sample.run, NodeNumber(0), ItemQuery())?.rows.first?.key == "Key-0-0")
        let live = try memory.items(of: sample.run, NodeNumber(0), ItemQuery())?.rows
        #expect(try reader.items(of: sample.run, NodeNumber(0), ItemQuery())?.rows == live)
    }
}
