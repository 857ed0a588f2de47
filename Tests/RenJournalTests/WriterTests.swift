import RenCore
import RenTestKit
import Synchronization
import Testing

@testable import RenJournal

@Suite("The writer")
struct WriterTests {
    /// Answers by the number of the batch, as code or `ok`.
    final class Answers: Sendable {
        let all = Mutex<[Int: String]>([:])

        func completion(_ number: Int) -> @Sendable (Result<Receipt, RenError>) -> Void {
            { [self] result in
                all.withLock { all in
                    switch result {
                    case .success: all[number] = "ok"
                    case .failure(let error): all[number] = error.code.rawValue
                    }
                }
            }
        }
    }

    final class Flag: Sendable {
        let value = Mutex(false)
        let torn = Mutex(0)
    }

    /// Lets batches pile up: the first commit waits until it is opened.
    final class Gate: Sendable {
        private let handover = Handover<Void>()
        func open() { handover.give(()) }
        func wait() { handover.wait() }
    }

    private func batch(_ name: String, _ payload: [UInt8]) -> [Event] {
        var history = HistoryBuilder(name)
        history.create()
        history.succeed(.node(0), payload)
        return history.take().events
    }

    @Test("A poisoned batch fails alone, whatever commit it is in", arguments: 1...20 as ClosedRange<UInt64>)
    func poisonedBatch(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let store = try BreakingStore()
        let gate = Gate()
        let poison = Array("\"poison\"".utf8)
        store.rules.withLock { rules in
            rules.poison = poison
            rules.onBegin = { gate.wait() }
        }
        let journal = try StoreJournal(store)
        let answers = Answers()
        let count = 2 + random.below(30)
        let guilty = Set((0...random.below(3)).map { _ in random.below(count) })
        var runs: [RunNumber] = []
        for number in 0..<count {
            let run = journal.reserveRun()
            runs.append(run)
            let payload = guilty.contains(number) ? poison : Array("\"\(number)\"".utf8)
            journal.submit(
                Batch(
                    run: run, after: .none, events: batch("run-\(number)", payload),
                    completion: answers.completion(number)))
        }
        gate.open()
        try journal.appendAndWait([], to: .journal, after: Batch.anyVersion)
        for number in 0..<count {
            let isGuilty = guilty.contains(number)
            let answer = answers.all.withLock { $0[number] }
            #expect(answer == (isGuilty ? "internal" : "ok"), "seed \(seed), batch \(number)")
            let row = try journal.read { view throws(RenError) in try view.run(runs[number]) }
            #expect((row == nil) == isGuilty, "seed \(seed), batch \(number)")
        }
        #expect(try Verifier(journal).run().findings == [], "seed \(seed)")
        let live = try Tables.derived(of: journal)
        try journal.rebuildProjections()
        #expect(try Tables.derived(of: journal).difference(from: live) == nil, "seed \(seed)")
        #expect(journal.queuedBytes == 0)
    }

    @Test("What is queued goes into one commit, up to 1,000 batches and behind 4 MiB")
    func commitCaps() {
        func batch(_ size: Int) -> PreparedBatch {
            var history = HistoryBuilder("a")
            history.create()
            history.succeed(.node(0), [UInt8](repeating: 49, count: size))
            return PreparedBatch(
                Batch(run: RunNumber(1), after: .none, events: history.take().events, completion: { _ in }))
        }
        func commits(_ sizes: [Int]) -> [Int] {
            let queue = WriterQueue()
            for size in sizes { #expect(queue.add(batch(size))) }
            queue.close()
            #expect(!queue.add(batch(1)))
            var counts: [Int] = []
            while case .batches(let taken) = queue.take(patienceMilliseconds: 1) { counts.append(taken.count) }
            return counts
        }
        let mebibyte = 1 << 20
        #expect(commits([1, 1, 1]) == [3])
        #expect(commits(Array(repeating: 1, count: 2_500)) == [1_000, 1_000, 500])
        // The batch that crosses 4 MiB is the last of its commit; one that is larger by itself goes alone.
        #expect(commits([3 * mebibyte, 3 * mebibyte, 1]) == [2, 1])
        #expect(commits([1, 5 * mebibyte, 1]) == [1, 1, 1])
        #expect(commits([16 * mebibyte, 16 * mebibyte]) == [1, 1])
    }

    @Test("What a person waits for goes first when there is more than a commit, and nothing overtakes its own run")
    func urgentFirst() {
        func batch(
            _ run: Int, _ urgent: Bool = false, isEmpty: Bool = false, keys: [KeyRows] = []
        ) -> PreparedBatch {
            var history = HistoryBuilder("a")
            history.create()
            var batch = Batch(
                run: RunNumber(run), after: .none, events: isEmpty ? [] : history.take().events, keys: keys,
                completion: { _ in })
            batch.isUrgent = urgent
            return PreparedBatch(batch)
        }
        func order(_ batches: [PreparedBatch], behind crowd: Int) -> [Int] {
            let queue = WriterQueue()
            for number in 0..<crowd { _ = queue.add(batch(1_000 + number)) }
            for batch in batches { _ = queue.add(batch) }
            queue.close()
            var order: [Int] = []
            while case .batches(let taken) = queue.take(patienceMilliseconds: 1) {
                order += taken.map { Int($0.batch.run.rawValue) }
            }
            return order
        }
        // Run 1 has a result and then an answer; run 2 an answer; run 0 a fact and a mere question of how far it is.
        let batches = [
            batch(1), batch(3), batch(0), batch(0, isEmpty: true), batch(1, true), batch(3), batch(2, true), batch(4),
        ]
        #expect(order(batches, behind: 0) == [1, 3, 0, 0, 1, 3, 2, 4], "one commit holds them all")
        let crowded = order(batches, behind: 1_000)
        #expect(crowded.prefix(4) == [1, 0, 1, 2])
        #expect(crowded[4...] == (1_000..<2_000) + [3, 0, 3, 4])
        // Keys without events are no mere question.
        let keys = [KeyRows(run: RunNumber(1), node: NodeNumber(0))]
        #expect(order([batch(0, isEmpty: true, keys: keys), batch(1, true)], behind: 1_000).prefix(2) == [0, 1])
    }

    @Test("A full disk fails what does not fit, frees the ballast once, and goes on")
    func diskFull() throws {
        let store = try BreakingStore()
        let journal = try StoreJournal(store)
        let full = RenError(.storageFull, "full")
        func append(_ name: String) -> String {
            do throws(RenError) {
                _ = try journal.appendAndWait(batch(name, [49]), to: journal.reserveRun(), after: .none)
                return "ok"
            } catch { return error.code.rawValue }
        }
        #expect(append("a") == "ok")
        // The commit, and the try alone; then the ballast makes room.
        store.rules.withLock {
            $0.commits = [full, full]; $0.room = 1
        }
        #expect(append("b") == "ok")
        #expect(store.rules.withLock { $0.roomsMade } == 1)
        store.rules.withLock { $0.commits = [full, full] }
        #expect(append("c") == "storage.full")
        #expect(append("c") == "ok")
        #expect(try Verifier(journal).run().isClean)
    }

    @Test(
        "A storage that failed is told once, and everything is refused from then on",
        arguments: ["not committed", "unknown"])
    func storageFault(_ outcome: String) throws {
        let store = try BreakingStore()
        let faults = Mutex<[RenError]>([])
        let journal = try StoreJournal(store) { error in faults.withLock { $0.append(error) } }
        let error = RenError(.storageFailed, "outcome: \(outcome)")
        store.rules.withLock { $0.commits = [error] }
        for name in ["a", "b", "c"] {
            #expect(throws: error) {
                try journal.appendAndWait(batch(name, [49]), to: journal.reserveRun(), after: .none)
            }
        }
        #expect(faults.withLock { $0 } == [error])
        // What was committed stays readable.
        #expect(try journal.read { view throws(RenError) in try view.head().sequence.rawValue } == 0)
    }

    @Test("After a commit that failed, what was decided on it fails for the same reason")
    func followersFail() throws {
        let store = try BreakingStore()
        let gate = Gate()
        let journal = try StoreJournal(store)
        let run = journal.reserveRun()
        try journal.appendAndWait(batch("a", [49]), to: run, after: .none)
        store.rules.withLock { rules in
            rules.onBegin = { gate.wait() }
            rules.poison = Array("\"poison\"".utf8)
        }
        let answers = Answers()
        var history = HistoryBuilder("a")
        history.create()
        history.succeed(.node(0), [49])
        _ = history.take()
        for number in 0..<3 {
            history.succeed(.node(1 + number), Array((number == 0 ? "\"poison\"" : "1").utf8))
            let batch = history.take()
            journal.submit(
                Batch(run: run, after: batch.after, events: batch.events, completion: answers.completion(number)))
        }
        gate.open()
        try journal.appendAndWait([], to: .journal, after: Batch.anyVersion)
        #expect(answers.all.withLock { $0 } == [0: "internal", 1: "internal", 2: "internal"])
        // Decided again on what is stored, it goes on.
        var again = HistoryBuilder("a")
        again.create()
        again.succeed(.node(0), [49])
        _ = again.take()
        again.start(.node(1))
        let batch = again.take()
        #expect(try journal.appendAndWait(batch.events, to: run, after: batch.after).version.rawValue == 3)
    }

    @Test(
        "A faulty journal fails as ordered",
        arguments: [
            (FaultyJournal.Fault.notCommitted, "storage.full", 0, "ok"), (.diskFull, "storage.full", 0, "ok"),
            (.unknownButWritten, "storage.failed", 2, "storage.failed"),
            (.unknownAndLost, "storage.failed", 0, "storage.failed"),
        ] as [(FaultyJournal.Fault, String, UInt64, String)])
    func faulty(_ fault: FaultyJournal.Fault, _ code: String, _ written: UInt64, _ next: String) throws {
        let journal = FaultyJournal(MemoryJournal.make())
        func append(_ name: String) -> String {
            do throws(RenError) {
                _ = try journal.appendAndWait(batch(name, [49]), to: journal.reserveRun(), after: .none)
                return "ok"
            } catch { return error.code.rawValue }
        }
        journal.failNext(fault)
        #expect(append("a") == code)
        #expect(try journal.read { view throws(RenError) in try view.head().sequence.rawValue } == written)
        #expect(append("b") == next)
        #expect(journal.submitted == 2)
    }

    @Test("A lost answer never comes, though the events are there")
    func lostAnswer() throws {
        let journal = FaultyJournal(MemoryJournal.make(), faults: [0: .answerLost])
        let answers = Answers()
        journal.submit(
            Batch(
                run: journal.reserveRun(), after: .none, events: batch("a", [49]), completion: answers.completion(0)))
        try journal.appendAndWait([], to: .journal, after: Batch.anyVersion)
        #expect(answers.all.withLock { $0.isEmpty })
        #expect(try journal.read { view throws(RenError) in try view.head().sequence.rawValue } == 2)
    }

    @Test("Readers on other threads see whole commits while the writer writes")
    func readersSeeWholeCommits() throws {
        let directory = try TestDirectory()
        let journal = try directory.open()
        let isDone = Flag()
        let looks = (0..<3).map { _ in Handover<Result<Int, RenError>>() }
        for answer in looks {
            // Threads of their own: tasks that never wait would take all threads there are for tasks.
            Thread {
                var count = 0
                do throws(RenError) {
                    while !isDone.value.withLock({ $0 }) {
                        let isWhole = try journal.read { view throws(RenError) in
                            let head = try view.head().sequence
                            let row = try view.run(RunNumber(1))
                            // One run: its last event is the head, and its row says so.
                            return row?.last ?? JournalSequence(0) == head
                                && row?.version.rawValue ?? 0 == head.rawValue
                        }
                        if !isWhole { isDone.torn.withLock { $0 += 1 } }
                        count += 1
                    }
                    answer.give(.success(count))
                } catch { answer.give(.failure(error)) }
            }.detach()
        }
        var history = HistoryBuilder("a")
        let run = journal.reserveRun()
        history.create()
        for number in 0..<300 {
            let batch = history.take()
            try journal.appendAndWait(batch.events, to: run, after: batch.after)
            history.start(.node(number))
            history.succeed(.node(number), [49])
        }
        isDone.value.withLock { $0 = true }
        for answer in looks { #expect(try answer.wait().get() > 0) }
        #expect(isDone.torn.withLock { $0 } == 0)
    }
}
