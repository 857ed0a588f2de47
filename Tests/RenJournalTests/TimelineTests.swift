import RenCore
import RenTestKit
import Testing

@testable import RenJournal

@Suite("Times and timelines")
struct TimelineTests {
    @Test(
        "A byte tells a duration to an eighth",
        arguments: [
            (0, 1), (1, 9), (2, 13), (3, 17), (6, 23), (7, 25), (999, 80), (1_000, 80), (60_000, 127), (3_600_000, 174),
            (Int64.max, 255), (-5, 1),
        ] as [(Int64, UInt8)])
    func logScale(_ milliseconds: Int64, _ byte: UInt8) {
        #expect(LogScale.byte(milliseconds) == byte)
    }

    @Test("Every byte's least duration is of its step, and greater ones have greater bytes")
    func logScaleIsOrdered() throws {
        #expect(LogScale.milliseconds(0) == nil)
        var last: UInt8 = 0
        for value in [0...5_000, 1 << 40...1 << 40].joined() as FlattenSequence<[ClosedRange<Int64>]> {
            let byte = LogScale.byte(value)
            #expect(byte >= last)
            last = byte
            guard byte < 255 else { continue }
            let least = try #require(LogScale.milliseconds(byte))
            #expect(least <= value && LogScale.byte(least) == byte, "\(value)")
        }
    }

    @Test(
        "Percentiles are nearest ranks",
        arguments: [
            ([], 50, nil), ([7], 50, 7), ([7], 100, 7), ([1, 2], 50, 1), ([1, 2], 51, 2), (Array(1...100), 95, 95),
            (Array(1...100), 99, 99), (Array(1...10), 99, 10), (Array(1...10), 0, 1),
        ] as [([Int64], Int, Int64?)])
    func percentiles(_ values: [Int64], _ percent: Int, _ expected: Int64?) {
        #expect(Percentile.of(values, percent) == expected)
    }

    @Test(
        "The stretches looked at are all, or even parts of a long map",
        arguments: [0, 1, 999, 100_000, 100_001, 10_000_000])
    func sampled(_ begun: Int) {
        let stretches = NodeTimes.sampled(begun)
        #expect(stretches.reduce(0) { $0 + $1.count } == min(begun, 100_000))
        #expect(stretches.first?.lowerBound == 0 && stretches.last?.upperBound == begun)
        for (one, next) in zip(stretches, stretches.dropFirst()) { #expect(one.lowerBound < next.lowerBound) }
    }

    /// A map of 40 items, of which `settled` take 1, 2, 3… ms each, one after the other.
    private func map(_ settled: Int) throws -> (journal: StoreJournal, run: RunNumber, end: Timestamp) {
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("a")
        history.create()
        history.openMap(NodeNumber(0), total: 40)
        for item in 0..<settled {
            let begin = history.time
            history.start(.item(0, item))
            history.time = begin + .milliseconds(item + 1)
            history.succeed(.item(0, item))
        }
        let end = history.time
        let run = journal.reserveRun()
        try journal.appendAndWait(history.take().events, to: run, after: .none)
        return (journal, run, end)
    }

    @Test("Rate and ETA are hidden under 20 samples", arguments: [(19, false), (20, true), (40, true)])
    func times(_ settled: Int, _ hasRate: Bool) throws {
        let (journal, run, end) = try map(settled)
        let times = try #require(try journal.times(of: run, NodeNumber(0), now: end))
        #expect(times.samples == settled && !times.isApproximate)
        #expect(times.p50 == .milliseconds((settled + 1) / 2) && times.max == .milliseconds(settled))
        #expect((times.rate != nil) == hasRate)
        #expect((times.eta != nil) == (hasRate && settled < 40))
        if settled == 20 {
            // 20 of 40 took all of the time since the run began.
            let begin = try #require(try journal.read { view throws(RenError) in try view.run(run)?.created })
            let eta = try #require(times.eta).nanoseconds - (end - begin).nanoseconds
            #expect(abs(eta) < 1_000_000)
        }
        // Long ago it had a rate.
        let later = try journal.times(of: run, NodeNumber(0), now: end + .seconds(301))
        #expect(later?.rate == nil && later?.p50 == times.p50)
        #expect(try journal.times(of: run, NodeNumber(1), now: end) == nil)
    }

    @Test("Buckets count what began, ended and ran", arguments: [1, 7, 50, 500, 9_999])
    func buckets(_ count: Int) throws {
        let journal = MemoryJournal.make()
        var random = SeededRandom(seed: UInt64(count))
        var history = RandomHistory(seed: UInt64(count), items: 60)
        var run: RunNumber?
        for _ in 0..<300 {
            let batch = history.next { journal.reserveRun() }
            if batch.run != .journal { run = run ?? batch.run }
            try journal.appendAndWait(batch.events, to: batch.run, after: batch.after)
        }
        let number = try #require(run)
        let (row, events) = try journal.read { view throws(RenError) in
            (try view.run(number), try view.page(of: number, after: .none, limit: .max).map(\.event))
        }
        let created = try #require(row).created
        let span = (events.map(\.time).max()! - created).nanoseconds
        for part in 0..<3 {
            let from = part == 0 ? nil : created + .nanoseconds(Int64(random.below(Int(span / 2))))
            let to = part == 0 ? nil : created + .nanoseconds(span / 2 + Int64(random.below(Int(span / 2))))
            let timeline = try #require(
                try journal.timeline(of: number, from: from, to: to, buckets: count, now: created + .nanoseconds(span)))
            #expect(timeline.bucketCount <= min(count, 500))
            let naive = Naive(events, timeline)
            #expect(timeline.lanes.map(\.node) == naive.lanes.keys.sorted())
            for lane in timeline.lanes {
                #expect(lane.buckets == naive.lanes[lane.node], "node \(lane.node), \(count)")
            }
        }
    }

    /// The same counts, bucket by bucket: for each the whole history is folded anew.
    private struct Naive {
        var lanes: [NodeNumber: [Timeline.Bucket]] = [:]

        init(_ events: [Event], _ timeline: Timeline) {
            let maps = Set(
                events.compactMap { event -> NodeNumber? in
                    if case .mapOpened = event.fact { event.subject.node } else { nil }
                })
            for node in Set(events.compactMap(\.subject.node)) {
                var buckets = Array(repeating: Timeline.Bucket(), count: timeline.bucketCount)
                for number in buckets.indices {
                    var (running, waiting): (Set<Event.Subject>, Set<Event.Subject>) = ([], [])
                    var isInside = false
                    for event in events
                    where (event.subject.node == node || event.fact.isEnd) && event.time <= timeline.to {
                        let place = timeline.bucket(of: event.time) ?? -1
                        guard place <= number else { break }
                        if place == number, !isInside {
                            isInside = true
                            (buckets[number].running, buckets[number].waiting) = (running.count, waiting.count)
                        }
                        let isSum = event.subject == .node(node) && maps.contains(node)
                        switch event.fact {
                        case .runSucceeded, .runFailed, .runStopped: waiting = []
                        case .started:
                            running.insert(event.subject)
                            waiting.remove(event.subject)
                            if place == number { buckets[number].started += 1 }
                        case .waiting: waiting.insert(event.subject)
                        case .attemptFailed, .interrupted:
                            running.remove(event.subject)
                            waiting.insert(event.subject)
                        case .succeeded, .failed, .unknown, .skipped, .cancelled:
                            running.remove(event.subject)
                            waiting.remove(event.subject)
                            guard place == number, !isSum else { break }
                            if case .succeeded = event.fact { buckets[number].succeeded += 1 }
                            if case .failed = event.fact { buckets[number].failed += 1 }
                        default: break
                        }
                        guard isInside else { continue }
                        buckets[number].running = max(buckets[number].running, running.count)
                        buckets[number].waiting = max(buckets[number].waiting, waiting.count)
                    }
                    if !isInside { (buckets[number].running, buckets[number].waiting) = (running.count, waiting.count) }
                }
                if buckets.contains(where: { $0 != .init() }) { lanes[node] = buckets }
            }
        }
    }

    @Test("Pauses and restarts in the stretch are told")
    func bands() throws {
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("a")
        let begin = history.time
        history.create()
        for seconds in [10, 30] {
            history.time = begin + .seconds(seconds)
            history.add(.runPaused)
            history.time = begin + .seconds(seconds + 5)
            if seconds == 10 { history.add(.runResumed(reason: nil)) }
        }
        let run = journal.reserveRun()
        try journal.appendAndWait(history.take().events, to: run, after: .none)
        var opened = HistoryBuilder("journal", at: begin)
        for seconds in [0, 12, 60] {
            opened.time = begin + .seconds(seconds)
            opened.add(.journalOpened(JournalOpening(carries: .all, ren: "1")))
            opened.add(.journalClosed)
        }
        try journal.appendAndWait(opened.take().events, to: .journal, after: .none)
        func timeline(_ from: Int, _ to: Int) throws -> (pauses: [[Int64?]], restarts: [Int64]) {
            let found = try #require(
                try journal.timeline(
                    of: run, from: begin + .seconds(from), to: begin + .seconds(to), buckets: 4,
                    now: begin + .seconds(50)))
            func seconds(_ time: Timestamp) -> Int64 { (time - begin).nanoseconds / 1_000_000_000 }
            return (found.pauses.map { [seconds($0.from), $0.to.map(seconds)] }, found.restarts.map(seconds))
        }
        #expect(try timeline(0, 50).pauses == [[10, 15], [30, nil]])
        #expect(try timeline(0, 50).restarts == [0, 12])
        #expect(try timeline(16, 29).pauses == [])
        // What comes after the stretch is not looked at.
        #expect(try timeline(11, 12).pauses == [[10, nil]])
        #expect(try timeline(40, 100).pauses == [[30, nil]])
        #expect(try timeline(40, 100).restarts == [60])
        #expect(try journal.timeline(of: RunNumber(77), buckets: 4, now: begin) == nil)
    }

    @Test("As of an event, nothing behind it is told, also of its own time")
    func asOf() throws {
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("a")
        let begin = history.time
        func add(_ body: (inout HistoryBuilder) -> Void) {
            history.time = begin
            body(&history)
        }
        add { $0.create() }
        add { $0.start(.node(0)) }
        add { $0.succeed(.node(0)) }
        add { $0.start(.node(1)) }
        add { $0.add(.runPaused) }
        history.time = begin + .seconds(9)
        history.add(.runFailed(Failure("Failed", "too few")))
        let run = journal.reserveRun()
        try journal.appendAndWait(history.take().events, to: run, after: .none)
        var opened = HistoryBuilder("journal", at: begin)
        opened.add(.journalOpened(JournalOpening(carries: .all, ren: "1")))
        try journal.appendAndWait(opened.take().events, to: .journal, after: .none)

        func timeline(_ sequence: UInt64?, to: Timestamp? = nil) throws -> Timeline {
            let asOf = sequence.map { JournalSequence(rawValue: $0) }
            return try #require(
                try journal.timeline(of: run, to: to, buckets: 1, now: begin + .seconds(20), asOf: asOf))
        }
        let first = try timeline(1)
        #expect(first.lanes.isEmpty && first.pauses.isEmpty && first.asOf == JournalSequence(1))
        #expect(try timeline(2).lanes.map(\.buckets) == [[.init(started: 1, running: 1)]])
        #expect(try timeline(3).lanes.map { $0.buckets[0].succeeded } == [1])
        #expect(try timeline(4).lanes.count == 2 && timeline(4).pauses.isEmpty)
        #expect(try timeline(5).pauses == [.init(from: begin, to: nil)])
        // The time of the event is the end of what is known; the run ended behind it.
        #expect(try timeline(5).to <= begin + .milliseconds(1) && timeline(6).to == begin + .seconds(9))
        #expect(
            try timeline(6).restarts.isEmpty && timeline(7).restarts == [begin] && timeline(nil).restarts == [begin])
        let wide = try #require(
            try journal.timeline(
                of: run, to: begin + .seconds(10), buckets: 10, now: begin + .seconds(20), asOf: JournalSequence(5)))
        #expect(wide.lanes[1].buckets.map(\.running) == [1] + Array(repeating: 0, count: 9))
        #expect(throws: RenError.self) { try timeline(99) }
    }

    private static let flaky = Failure("TimeoutError", "read timed out")

    /// Item 0 fails and is tried again late, item 1 fails for good at once, item 2 is interrupted and goes on; node 1
    /// waits for a signal. All times are seconds after the begin.
    private func waits() throws -> (journal: StoreJournal, run: RunNumber, begin: Timestamp) {
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("a")
        let begin = history.time
        func at(_ seconds: Int, _ fact: Fact, _ subject: Event.Subject) {
            history.time = begin + .seconds(seconds)
            history.add(fact, subject)
        }
        let start = Fact.started(AttemptStart(input: Digest(hashing: [1]), code: nil))
        history.create()
        history.openMap(NodeNumber(0), total: 4)
        for item in 0..<3 { at(1, start, .item(0, item)) }
        at(2, .attemptFailed(Self.flaky, retryAt: begin + .seconds(4)), .item(0, 0))
        at(2, .attemptFailed(Self.flaky, retryAt: nil), .item(0, 1))
        at(2, .failed(Self.flaky), .item(0, 1))
        at(3, .interrupted(.engine), .item(0, 2))
        at(5, start, .item(0, 2))
        at(6, .waiting(SignalWait(signal: "approve", message: "?", until: nil)), .node(1))
        at(7, start, .item(0, 0))
        at(8, .succeeded(instead: nil), .item(0, 0))
        at(9, .attemptFailed(Self.flaky, retryAt: begin + .seconds(90)), .item(0, 2))
        at(10, .runFailed(Self.flaky), .run)
        let run = journal.reserveRun()
        try journal.appendAndWait(history.take().events, to: run, after: .none)
        return (journal, run, begin)
    }

    @Test("Few nodes and items have bars: attempts, and what they waited for")
    func bars() throws {
        let (journal, run, begin) = try waits()
        func bars(_ from: Int, _ to: Int) throws -> [[String]] {
            let timeline = try #require(
                try journal.timeline(
                    of: run, from: begin + .seconds(from), to: begin + .seconds(to), buckets: 10, now: begin))
            func seconds(_ time: Timestamp?) -> String {
                time.map { "\(($0 - begin).nanoseconds / 1_000_000_000)" } ?? ""
            }
            return timeline.lanes.flatMap { lane in
                (lane.bars ?? []).map { bar in
                    [bar.item.map { "\($0.rawValue)" } ?? "node"]
                        + bar.spans.map {
                            "\($0.kind) \($0.attempt) \(seconds($0.from))-\(seconds($0.to)) \($0.end?.name ?? "")"
                        }
                }
            }
        }
        #expect(
            try bars(0, 20) == [
                [
                    "0", "attempt 1 1-2 item.attempt_failed", "retryWait 1 2-4 ", "queue 1 4-7 item.started",
                    "attempt 2 7-8 item.succeeded",
                ],
                ["1", "attempt 1 1-2 item.attempt_failed"],
                [
                    "2", "attempt 1 1-3 item.interrupted", "queue 1 3-5 item.started",
                    "attempt 2 5-9 item.attempt_failed",
                    "retryWait 2 9-10 run.failed",
                ],
                ["node", "signalWait 0 6-10 run.failed"],
            ])
        // What began before goes on in it; what has not ended in it has no end.
        #expect(
            try bars(5, 6) == [
                ["0", "queue 1 4- "], ["2", "queue 1 3-5 item.started", "attempt 2 5- "], ["node", "signalWait 0 6- "],
            ])
        #expect(try bars(3, 4).last == ["0", "retryWait 1 2-4 ", "queue 1 4- "])
        #expect(try bars(11, 20) == [])
    }

    @Test("Another attempt that is due at once waits for its turn only")
    func dueAtOnce() throws {
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("a")
        history.create()
        history.start(.node(0))
        history.add(.attemptFailed(Self.flaky, retryAt: history.time), .node(0))
        history.time = history.time + .seconds(1)
        history.start(.node(0))
        let run = journal.reserveRun()
        try journal.appendAndWait(history.take().events, to: run, after: .none)
        let timeline = try journal.timeline(of: run, buckets: 1, now: history.time)
        #expect(timeline?.lanes[0].bars?[0].spans.map(\.kind) == [.attempt, .queue, .attempt])
    }

    @Test("What waits is counted once the time has passed: a failure for good never waited")
    func waiting() throws {
        let (journal, run, begin) = try waits()
        let timeline = try #require(
            try journal.timeline(of: run, from: begin, to: begin + .seconds(12), buckets: 12, now: begin))
        #expect(
            timeline.lanes.map { $0.buckets.map(\.waiting) } == [
                [0, 0, 1, 2, 2, 2, 1, 1, 0, 1, 1, 0], [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0],
            ])
        #expect(timeline.lanes[0].buckets.map(\.failed).reduce(0, +) == 1)
    }

    @Test("Two hundred items in a stretch have no bars, one less have", arguments: [199, 200])
    func manyBars(_ count: Int) throws {
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("a")
        history.create()
        history.openMap(NodeNumber(0), total: 600)
        for item in 0..<300 {
            history.start(.item(0, item))
            history.succeed(.item(0, item))
        }
        let from = history.time
        for item in 300..<300 + count { history.start(.item(0, item)) }
        let to = history.time
        for item in 300..<300 + count { history.succeed(.item(0, item)) }
        let run = journal.reserveRun()
        try journal.appendAndWait(history.take().events, to: run, after: .none)
        func bars(_ to: Timestamp?) throws -> [Timeline.Bar]? {
            try journal.timeline(of: run, from: from, to: to, buckets: 5, now: history.time)?.lanes[0].bars
        }
        for end in [to, nil] {
            #expect(try bars(end)?.map { $0.item?.index } == (count < 200 ? Array(300..<300 + count) : nil))
        }
    }

    @Test("One item of endless attempts has no bar either")
    func manySpans() throws {
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("a")
        history.create()
        for _ in 0..<Timeline.spansMax / 2 {
            history.start(.node(0))
            history.add(.interrupted(.engine), .node(0))
        }
        let early = history.time
        history.start(.node(0))
        let run = journal.reserveRun()
        try journal.appendAndWait(history.take().events, to: run, after: .none)
        func spans(_ to: Timestamp?) throws -> Int? {
            try journal.timeline(of: run, to: to, buckets: 5, now: history.time)?.lanes[0].bars?[0].spans.count
        }
        #expect(try spans(early + .milliseconds(-1)) == Timeline.spansMax)
        #expect(try spans(nil) == nil)
    }

    @Test("Items that wait when their map ends, wait no longer")
    func mapEnds() throws {
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("a")
        let begin = history.time
        history.create()
        history.openMap(NodeNumber(0), total: 1)
        history.start(.item(0, 0))
        history.add(.attemptFailed(Self.flaky, retryAt: begin + .seconds(90)), .item(0, 0))
        history.time = begin + .seconds(2)
        history.add(.cancelled, .node(0))
        history.time = begin + .seconds(9)
        history.add(.runPaused)
        let run = journal.reserveRun()
        try journal.appendAndWait(history.take().events, to: run, after: .none)
        let timeline = try #require(
            try journal.timeline(of: run, from: begin, to: begin + .seconds(9), buckets: 9, now: begin))
        #expect(timeline.lanes[0].buckets.map(\.waiting) == [1, 1, 1, 0, 0, 0, 0, 0, 0])
        #expect(timeline.lanes[0].bars?[0].spans.last?.to == begin + .seconds(2))
    }
}

extension Fact {
    fileprivate var isEnd: Bool {
        switch self {
        case .runSucceeded, .runFailed, .runStopped: true
        default: false
        }
    }
}
