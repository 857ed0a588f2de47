import RenCore
import RenJSON
package import RenJournal
import Synchronization

/// What every journal must do: the same list is run against LMDB, memory and a faulty one without faults.
///
/// A check gets an empty journal and gives back what it found wrong; nothing means that it holds.
package struct JournalConformance: Sendable, CustomStringConvertible {
    package typealias Problems = [String]

    package let description: String
    package let run: @Sendable (any Journal) async throws -> Problems

    private init(_ name: String, _ run: @escaping @Sendable (any Journal) async throws -> Problems) {
        description = name
        self.run = run
    }

    package static var all: [JournalConformance] {
        [
            .init("sequences and versions count from 1 without gaps", countsWithoutGaps),
            .init("a wrong expected version refuses the batch alone", refusesWrongVersion),
            .init("completions come in the order of submits", answersInOrder),
            .init("what was decided on a batch that failed fails with it", failsWhatFollows),
            .init("the same id, flow and input give the run that is there", givesExistingRun),
            .init("a fork begins with its parent's events, and is written when its rows are there", forks),
            .init("a request with a known key is answered from the journal and writes nothing", repeatsRequests),
            .init("payloads of all sizes come back, whole and in parts", keepsPayloads),
            .init("a batch over 17 MiB is refused and leaves its neighbours alone", refusesLargeBatch),
            .init("a replaced checkpoint is deleted with the next event, the last one at the end", deletesCheckpoints),
            .init("pages follow each other without gap or repeat", pages),
            .init("a feed gives everything once, then waits for more", feeds),
            .init("a view does not see what is written later", isolatesViews),
            .init("runs are found by id, unique beginning and @names", findsRuns),
            .init("rows of run, nodes and items tell what happened", foldsRows),
            .init(
                "items are found by key once their map is open, and what never opened counts for nothing",
                findsItemsByKey),
            .init("items without key are found by index", findsItemsByIndex),
            .init("the run of no run begins by itself", keepsJournalRun),
            .init("after close everything is refused", refusesAfterClose),
            .init("flows and functions are found by hash, name and set", findsFlowsAndFunctions),
        ]
    }

    // MARK: Order

    static func countsWithoutGaps(_ journal: any Journal) throws -> Problems {
        var problems: Problems = []
        var histories = ["a", "b"].map { HistoryBuilder($0) }
        let runs = histories.map { _ in journal.reserveRun() }
        for index in histories.indices { histories[index].create() }
        for step in 0..<10 {
            for index in histories.indices {
                let batch = histories[index].take()
                let receipt = try journal.appendAndWait(batch.events, to: runs[index], after: batch.after)
                problems.expect(receipt.version == histories[index].version, "receipt says version \(receipt.version)")
                histories[index].start(.node(step))
                histories[index].succeed(.node(step))
            }
        }
        try journal.read { view throws(RenError) in
            let records = try view.records(from: JournalSequence(1))
            problems.expect(
                records.map(\.sequence.rawValue) == Array(1...UInt64(records.count)), "the sequences have gaps")
            for (index, run) in runs.enumerated() {
                let versions = records.filter { $0.run == run }.map(\.version.rawValue)
                problems.expect(versions == Array(1...19), "run \(index) has versions \(versions)")
                for version in versions {
                    let sequence = try view.sequence(of: run, RunVersion(version))
                    let found = try sequence.flatMap { sequence throws(RenError) in try view.record(at: sequence) }
                    problems.expect(
                        found?.run == run && found?.version.rawValue == version, "the index misses \(run) \(version)")
                }
                problems.expect(try view.sequence(of: run, RunVersion(20)) == nil, "a version behind the last is found")
            }
        }
        return problems
    }

    static func refusesWrongVersion(_ journal: any Journal) throws -> Problems {
        var problems: Problems = []
        var history = HistoryBuilder("a")
        let run = journal.reserveRun()
        history.create()
        let first = history.take()
        problems.expectError("version.conflict") {
            try journal.appendAndWait(first.events, to: run, after: RunVersion(7))
        }
        try journal.appendAndWait(first.events, to: run, after: .none)
        history.start(.node(0))
        let second = history.take()
        problems.expectError("version.conflict") {
            try journal.appendAndWait(second.events, to: run, after: .none)
        }
        problems.expectError("version.conflict") {
            try journal.appendAndWait(second.events, to: RunNumber(99), after: .none)
        }
        let head = try journal.read { view throws(RenError) in try view.head() }
        problems.expect(head.sequence.rawValue == 1, "\(head.sequence) events instead of 1")
        try journal.appendAndWait(second.events, to: run, after: second.after)
        return problems
    }

    static func answersInOrder(_ journal: any Journal) async throws -> Problems {
        let order = Mutex<[Int]>([])
        var history = HistoryBuilder("a")
        let run = journal.reserveRun()
        history.create()
        for number in 0..<300 {
            let batch = history.take()
            journal.submit(
                Batch(run: run, after: batch.after, events: batch.events) { result in
                    if case .success = result { order.withLock { $0.append(number) } }
                })
            history.start(.node(number))
        }
        let last = history.take()
        try await journal.append(last.events, to: run, after: last.after)
        var problems: Problems = []
        problems.expect(order.withLock { $0 } == Array(0..<300), "answers came out of order or failed")
        let queued = journal.queuedBytes
        problems.expect(queued >= 0, "\(queued) bytes are queued")
        return problems
    }

    static func failsWhatFollows(_ journal: any Journal) async throws -> Problems {
        var history = HistoryBuilder("a")
        let run = journal.reserveRun()
        history.create()
        let first = history.take()
        try await journal.append(first.events, to: run, after: first.after)
        let codes = Mutex<[String]>([])
        history.add(.checkpointed, .node(0), payload: [UInt8](repeating: 49, count: 18 << 20))
        for _ in 0..<2 {
            let batch = history.take()
            journal.submit(
                Batch(run: run, after: batch.after, events: batch.events) { result in
                    if case .failure(let error) = result { codes.withLock { $0.append(error.code.rawValue) } }
                })
            history.start(.node(1))
        }
        // Another attempt, decided on what is stored, goes through.
        var again = HistoryBuilder("a")
        again.create()
        _ = again.take()
        again.start(.node(0))
        let batch = again.take()
        try await journal.append(batch.events, to: run, after: batch.after)
        let found = codes.withLock { $0 }
        return found == ["payload.too_large", "payload.too_large"] ? [] : ["the two failures are \(found)"]
    }

    // MARK: Ids

    static func givesExistingRun(_ journal: any Journal) throws -> Problems {
        var problems: Problems = []
        func create(input: String) throws -> Receipt {
            var history = HistoryBuilder("mine")
            history.create(input: input)
            let batch = history.take()
            return try journal.appendAndWait(batch.events, to: journal.reserveRun(), after: .none)
        }
        let first = try create(input: "{\"limit\":1}")
        let second = try create(input: "{\"limit\":1}")
        problems.expect(!first.isExisting && second.isExisting && second.run == first.run, "it was not recognised")
        problems.expectError("run.exists") { _ = try create(input: "{\"limit\":2}") }
        let head = try journal.read { view throws(RenError) in try view.head() }
        problems.expect(head.sequence.rawValue == 1, "\(head.sequence) events instead of 1")
        return problems
    }

    static func repeatsRequests(_ journal: any Journal) async throws -> Problems {
        var problems: Problems = []
        func batch(_ key: String, body: UInt8 = 1, id: String) throws(RenError) -> [Event] {
            var history = HistoryBuilder(id)
            history.create()
            history.succeed(.node(0))
            var events = history.take().events
            events[0].request = try RequestMark(key: key, digest: Digest(hashing: [body]))
            return events
        }
        // All of these may be one commit: only the first of them does anything.
        let receipts = Mutex<[Receipt]>([])
        for number in 0..<5 {
            journal.submit(
                Batch(run: journal.reserveRun(), after: .none, events: try batch("k", id: "run-\(number)")) { result in
                    if case .success(let receipt) = result { receipts.withLock { $0.append(receipt) } }
                })
        }
        let last = try await journal.append(try batch("k", id: "later"), to: journal.reserveRun(), after: .none)
        let all = receipts.withLock { $0 } + [last]
        problems.expect(all.map(\.replayed) == [false] + Array(repeating: true, count: 5), "not each but one replayed")
        for var receipt in all {
            receipt.replayed = false
            problems.expect(receipt == all[0], "a repetition gets \(receipt) instead of \(all[0])")
        }
        problems.expectError("request.key_reused") {
            try journal.appendAndWait(batch("k", body: 2, id: "other"), to: journal.reserveRun(), after: .none)
        }
        try journal.read { view throws(RenError) in
            problems.expect(try view.head().sequence.rawValue == 2, "more than the first request was written")
            let row = try view.request("k")
            problems.expect(
                row?.run == all[0].run && row?.first == all[0].first && row?.last == all[0].last
                    && row?.version == all[0].version && row?.digest == Digest(hashing: [1]), "the row is \(row as Any)"
            )
            problems.expect(try view.request("K") == nil, "an unknown key is known")
            problems.expect(try view.request("") == nil, "no key is known")
        }
        // What was decided on the repetition was decided on nothing.
        let run = journal.reserveRun()
        problems.expectError("request.replayed") {
            journal.submit(Batch(run: run, after: .none, events: try batch("k", id: "again")) { _ in })
            var history = HistoryBuilder("again")
            history.start(.node(1))
            try journal.appendAndWait(history.take().events, to: run, after: RunVersion(2))
        }
        return problems
    }

    static func findsRuns(_ journal: any Journal) throws -> Problems {
        var problems: Problems = []
        for (id, flow) in [("apple", "products"), ("apricot", "orders"), ("banana", "products")] {
            var history = HistoryBuilder(id)
            history.create(flow: flow)
            if id != "banana" { history.add(.runSucceeded, payload: [49]) }
            let batch = history.take()
            try journal.appendAndWait(batch.events, to: journal.reserveRun(), after: .none)
        }
        let rows: [(name: String, found: String)] = [
            ("apple", "apple"), ("b", "banana"), ("apr", "apricot"), ("@last", "banana"), ("@last:orders", "apricot"),
            ("@running", "banana"), ("ap", "run.ambiguous"), ("cherry", "run.not_found"), ("", "run.not_found"),
            ("@last:nothing", "run.not_found"),
        ]
        for row in rows {
            do throws(RenError) {
                let id = try journal.read { view throws(RenError) in try view.findRun(row.name).id }
                problems.expect(id == row.found, "\(row.name) finds \(id)")
            } catch { problems.expect(error.code.rawValue == row.found, "\(row.name) gives \(error.code.rawValue)") }
        }
        try journal.read { view throws(RenError) in
            problems.expect(try view.openRuns().count == 1, "there is not one open run")
            problems.expect(try view.runs(limit: 2).map(\.id) == ["banana", "apricot"], "the list begins wrongly")
            problems.expect(
                try view.runs(limit: 9, before: RunNumber(2)).map(\.id) == ["apple"], "the next page is wrong")
            problems.expect(try view.runs(in: .succeeded).count == 2, "the index by status is wrong")
            problems.expect(
                try view.runs(limit: 9) { $0.flowName == "products" }.map(\.id) == ["banana", "apple"],
                "the filter is wrong")
        }
        return problems
    }

    // MARK: Payloads

    private static let sizes = [
        2, RecordCodec.inlinePayloadMax, RecordCodec.inlinePayloadMax + 1, RecordCodec.chunkBytes,
        RecordCodec.chunkBytes + 1, 3 * RecordCodec.chunkBytes, 5_000_000,
    ]

    static func keepsPayloads(_ journal: any Journal) throws -> Problems {
        var problems: Problems = []
        var random = SeededRandom(seed: 1)
        var history = HistoryBuilder("a")
        let run = journal.reserveRun()
        history.create()
        let payloads = sizes.map { size in (0..<size).map { _ in UInt8(32 + random.below(90)) } }
        let versions = payloads.enumerated().map { history.succeed(.node($0.offset), $0.element) }
        let batch = history.take()
        try journal.appendAndWait(batch.events, to: run, after: .none)
        try journal.read { view throws(RenError) in
            for (version, payload) in zip(versions, payloads) {
                problems.expect(try view.payload(run, version) == payload, "\(payload.count) bytes differ")
                problems.expect(try view.payloadLength(run, version) == payload.count, "a length differs")
                for _ in 0..<5 {
                    let start = random.below(payload.count)
                    let end = start + random.below(payload.count - start + 1)
                    let part = try view.payload(run, version, range: start..<end)
                    problems.expect(part == Array(payload[start..<end]), "bytes \(start)..<\(end) differ")
                }
                let rest = try view.payload(run, version, range: 1..<payload.count + 10)
                problems.expect(rest.count == payload.count - 1, "a range over the end gives \(rest.count) bytes")
            }
            let mark = try view.recorded(run, versions[0])?.event.payload
            problems.expect(mark?.hash == Digest(hashing: payloads[0]), "the hash differs")
            do throws(RenError) {
                _ = try view.payload(run, RunVersion(99))
                problems.append("a payload of no event was found")
            } catch { problems.expect(error.code == .payloadMissing, "no event gives \(error.code)") }
        }
        return problems
    }

    static func refusesLargeBatch(_ journal: any Journal) async throws -> Problems {
        var problems: Problems = []
        var histories = ["a", "b", "c"].map { HistoryBuilder($0) }
        let sizes = [5, 17 << 20, 16 << 20]
        let results = Mutex<[String]>([])
        for index in histories.indices {
            histories[index].create()
            histories[index].succeed(.node(0), [UInt8](repeating: 49, count: sizes[index]))
            let batch = histories[index].take()
            journal.submit(
                Batch(run: journal.reserveRun(), after: .none, events: batch.events) { result in
                    results.withLock { results in
                        switch result {
                        case .success: results.append("ok")
                        case .failure(let error): results.append(error.code.rawValue)
                        }
                    }
                })
        }
        try await journal.append([], to: .journal, after: Batch.anyVersion)
        let found = results.withLock { $0 }
        problems.expect(found == ["ok", "payload.too_large", "ok"], "the answers are \(found)")
        return problems
    }

    static func deletesCheckpoints(_ journal: any Journal) throws -> Problems {
        var problems: Problems = []
        var history = HistoryBuilder("a")
        let run = journal.reserveRun()
        history.create()
        history.openMap(NodeNumber(0), total: 2)
        let large = [UInt8](repeating: 49, count: 100_000)
        func store() throws {
            let batch = history.take()
            try journal.appendAndWait(batch.events, to: run, after: batch.after)
        }
        func isKept(_ version: RunVersion) throws -> Bool {
            do throws(RenError) {
                return try journal.read { view throws(RenError) in try view.payload(run, version).count > 0 }
            } catch {
                if error.code == .payloadMissing { return false }
                throw error
            }
        }
        for subject in [Event.Subject.item(0, 1), .node(1)] {
            history.start(subject)
            let first = history.add(.checkpointed, subject, payload: large)
            try store()
            problems.expect(try isKept(first), "the first checkpoint of \(subject) is gone at once")
            history.add(.interrupted(.pause), subject)
            history.start(subject)
            try store()
            problems.expect(try isKept(first), "the checkpoint of \(subject) is gone with the attempt")
            let second = history.add(.checkpointed, subject, payload: large)
            let small = history.add(.checkpointed, subject, payload: [49])
            let third = history.add(.checkpointed, subject, payload: large)
            try store()
            problems.expect(try !isKept(first) && !isKept(second), "replaced checkpoints of \(subject) are kept")
            problems.expect(try isKept(small) && isKept(third), "a checkpoint of \(subject) is gone too early")
            history.succeed(subject)
            try store()
            problems.expect(try !isKept(third), "the last checkpoint of \(subject) is kept behind its end")
        }
        let report = try Verifier(journal).run()
        problems.expect(report.isClean && report.deletedPayloads == 6, "verify finds \(report.findings)")
        return problems
    }
}

extension [String] {
    mutating func expect(_ holds: Bool, _ otherwise: @autoclosure () -> String) {
        if !holds { append(otherwise()) }
    }

    mutating func expectError(_ code: String, _ body: () throws -> Void) {
        do {
            try body()
            append("there was no error \(code)")
        } catch let error as RenError {
            expect(error.code.rawValue == code, "the error is \(error.code.rawValue), not \(code)")
        } catch { append("\(error)") }
    }
}
