import RenCore
import RenJSON
import RenJournal
import RenTestKit
import Testing

@testable import RenServer

@Suite("Subscriptions", .timeLimit(.minutes(2)))
struct StreamSubscriptionTests {
    @Test(
        "A place is refused where events are missing: watch.future, watch.compacted",
        arguments: [
            (place: 0, head: 0, first: nil, code: nil), (0, 9, 1, nil), (9, 9, 1, nil), (10, 9, 1, "watch.future"),
            (3, 9, 4, nil), (2, 9, 4, "watch.compacted"), (0, 9, 4, "watch.compacted"),
        ] as [(place: UInt64, head: UInt64, first: UInt64?, code: String?)])
    func missing(_ row: (place: UInt64, head: UInt64, first: UInt64?, code: String?)) {
        var code: String?
        do throws(RenError) {
            try Subscription.check(
                JournalSequence(row.place), JournalSequence(row.head), first: row.first.map { JournalSequence($0) })
        } catch {
            code = error.code.rawValue
        }
        #expect(code == row.code)
    }

    @Test(
        "Every event once and in order, however often a reader stops and comes back, while others write",
        arguments: [UInt64(1), 2, 3, 4])
    func everyEventOnce(_ seed: UInt64) async throws {
        let fixture = StreamFixture()
        let journal = fixture.journal.base
        let batches = 400
        let seen = try await withThrowingTaskGroup(of: (filter: EventFilter, seen: [JournalSequence]).self) { group in
            // Two runs are there before anyone reads, so that readers of one run catch up and then follow.
            let first = try await fixture.addRun("first", items: 700, isEnded: false)
            let filters = [
                EventFilter(.journal), EventFilter(.run(first)), EventFilter(.run(.journal)),
                EventFilter(.journal, types: EventFilter.types(in: ["item"])),
                EventFilter(.journal, node: NodeNumber(0)),
                EventFilter(.run(first), node: NodeNumber(0), item: ItemIndex(333)),
            ]
            var history = RandomHistory(seed: seed)
            for _ in 0..<50 { try await write(&history, to: journal) }
            for (number, filter) in (filters + filters).enumerated() {
                group.addTask {
                    (filter, try await read(fixture, filter, seed: seed &+ UInt64(number), until: batches))
                }
            }
            for _ in 50..<batches { try await write(&history, to: journal) }
            // The mark at which readers stop; none of them reads it as its last by chance.
            try await fixture.addRun("last", items: 0)
            journal.close()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for (filter, sequences) in seen {
            let wanted = try fixture.all().filter { event in
                guard filter.wants(event.type, event.event.subject) else { return false }
                return if case .run(let run) = filter.source { event.run == run } else { true }
            }
            #expect(sequences == wanted.map(\.sequence), "seed \(seed), \(filter)")
        }
        #expect(fixture.journal.openCount == 0)
    }

    private func write(_ history: inout RandomHistory, to journal: StoreJournal) async throws {
        let batch = history.next { journal.reserveRun() }
        try await journal.append(batch.events, to: batch.run, after: batch.after)
    }

    /// Reads to the end of the journal, with pauses and new beginnings at random.
    private func read(
        _ fixture: StreamFixture, _ filter: EventFilter, seed: UInt64, until batches: Int
    ) async throws -> [JournalSequence] {
        var random = SeededRandom(seed: seed)
        var seen: [JournalSequence] = []
        var resume = JournalSequence(0)
        while true {
            var subscription = try await Subscription(
                fixture.readings.pages, filter, since: resume, batch: .milliseconds(random.below(3)))
            for _ in 0..<1 + random.below(6) {
                switch try await subscription.next(patience: .milliseconds(500)) {
                case .events(let events):
                    seen += events.stretches.joined().map { events.block.entries[$0].sequence }
                    resume = events.last
                case .passed(let sequence): resume = sequence
                case .idle: break
                case .ended: return seen
                }
                if random.oneIn(8) { try await Task.sleep(for: .milliseconds(random.below(5))) }
            }
        }
    }

    @Test("The texts are those of the events, also in parts")
    func texts() async throws {
        let fixture = StreamFixture()
        let run = try await fixture.addRun("r", items: 50)
        var subscription = try await Subscription(
            fixture.readings.pages, EventFilter(.run(run), types: EventFilter.types(in: ["item"])), since: .init(0),
            batch: .zero)
        guard case .events(let events) = try await subscription.next(patience: .seconds(5)) else {
            Issue.record("no events")
            return
        }
        #expect(events.count == 100)
        let parts = events.parts(bytesMax: 2_000)
        #expect(parts.count > 5)
        #expect(parts.allSatisfy { $0.byteCount <= 2_000 })
        var numbers: [Int64] = []
        for part in parts {
            for stretch in part.stretches {
                let text = "[" + String(decoding: part.block.text(of: stretch), as: UTF8.self) + "]"
                let json = try JSON(parsing: text)
                numbers += json.arrayValue?.compactMap { $0["sequence"]?.integerValue } ?? []
                #expect(json[0]?["run"] == "r")
            }
        }
        #expect(numbers == (3...102).map { Int64($0) })
    }

    @Test("What nobody wants is told as a bookmark: after 1,000 events, or a second")
    func bookmarks() async throws {
        let fixture = StreamFixture()
        try await fixture.addRun("r", items: 1_500)
        var subscription = try await Subscription(
            fixture.readings.pages, EventFilter(.journal, types: [.workerExited]), since: .init(0), batch: .zero)
        let first = try await subscription.next(patience: .seconds(5))
        guard case .passed(let place) = first else {
            Issue.record("\(first)")
            return
        }
        // A second is over before 1,000 events only where the machine is busy.
        #expect((1...1_300).contains(Int(place.rawValue)))
        var last = place
        while last < (try fixture.head) {
            guard case .passed(let next) = try await subscription.next(patience: .seconds(5)) else { break }
            #expect(next > last)
            last = next
        }
        #expect(last == (try fixture.head))
        guard case .idle = try await subscription.next(patience: .milliseconds(20)) else {
            Issue.record("nothing is there, and nothing to say")
            return
        }
    }

    @Test("Events are read from the journal and written as text once for all who follow")
    func sharing() async throws {
        let fixture = StreamFixture()
        let run = try await fixture.addRun("r", items: 1_000)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    var subscription = try await Subscription(
                        fixture.readings.pages, EventFilter(.run(run)), since: .init(0), batch: .zero)
                    var count = 0
                    while count < 2_003, case .events(let events) = try await subscription.next(patience: .seconds(5)) {
                        count += events.count
                    }
                    return count
                }
            }
            for try await count in group { #expect(count == 2_003) }
        }
        #expect(await fixture.readings.pages.eventsRead == 2_003)
    }

    @Test("A reader that holds what it got holds no transaction, and what it got stays as it was")
    func holdsNothing() async throws {
        let fixture = StreamFixture()
        let run = try await fixture.addRun("r", items: 20, isEnded: false)
        var subscription = try await Subscription(
            fixture.readings.pages, EventFilter(.run(run)), since: .init(0), batch: .zero)
        guard case .events(let events) = try await subscription.next(patience: .seconds(5)) else { return }
        #expect(fixture.journal.openCount == 0)
        let before = Array(events.block.text(of: events.stretches[0]))
        // Others go on in the same block meanwhile.
        var other = try await Subscription(
            fixture.readings.pages, EventFilter(.journal), since: .init(0), batch: .zero)
        try await fixture.addRun("next", items: 300)
        for _ in 0..<3 { _ = try await other.next(patience: .seconds(5)) }
        #expect(Array(events.block.text(of: events.stretches[0])) == before)
        #expect(events.count == 42)
    }

    @Test("A place behind the end is refused")
    func future() async throws {
        let fixture = StreamFixture()
        try await fixture.addRun("r", items: 1)
        let head = try fixture.head
        _ = try await Subscription(fixture.readings.pages, EventFilter(.journal), since: head, batch: .zero)
        await #expect {
            try await Subscription(fixture.readings.pages, EventFilter(.journal), since: head.next, batch: .zero)
        } throws: {
            ($0 as? RenError)?.code.rawValue == "watch.future"
        }
    }

    @Test("A cancelled reader ends")
    func cancelled() async throws {
        let fixture = StreamFixture()
        try await fixture.addRun("r", items: 1)
        let head = try fixture.head
        let task = Task {
            var subscription = try await Subscription(
                fixture.readings.pages, EventFilter(.journal), since: head, batch: .zero)
            return try await subscription.next(patience: .seconds(3600))
        }
        task.cancel()
        guard case .ended = try await task.value else {
            Issue.record("it did not end")
            return
        }
    }
}
