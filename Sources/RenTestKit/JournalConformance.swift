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
            .init("payloads of all sizes come back, whole and in parts", keepsPayloads),
            .init("a batch over 17 MiB is refused and leaves its neighbours alone", refusesLargeBatch),
            .init("a replaced checkpoint is deleted with the next event, the last one at the end", deletesCheckpoints),
            .init("pages follow each other without gap or repeat", pages),
            .init("a feed gives everything once, then waits for more", feeds),
            .init("a view does not see what is written later", isolatesViews),
            .init("runs are found by id, unique beginning and @names", findsRuns),
            .init("rows of run, nodes and items tell what happened", foldsRows),
            .init("the run of no run begins by itself", keepsJournalRun),
            .init("after close everything is refused", refusesAfterClose),
            .init("flows and functions are found by hash, name and set", findsFlowsAndFunctions),
        ]
    }

    // MARK: Order

    private static func countsWithoutGaps(_ journal: any Journal) throws -> Problems {
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

    private static func refusesWrongVersion(_ journal: any Journal) throws -> Problems {
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

    private static func answersInOrder(_ journal: any Journal) async throws -> Problems {
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

    private static func failsWhatFollows(_ journal: any Journal) async throws -> Problems {
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

    private static func givesExistingRun(_ journal: any Journal) throws -> Problems {
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

    private static func findsRuns(_ journal: any Journal) throws -> Problems {
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
            problems.expect(try view.runs(limit: 9, before: RunNumber(2)).map(\.id) == ["apple"], "the next page is wrong")
            problems.expect(try view.runs(in: .succeeded).count == 2, "the index by status is wrong")
            problems.expect(
                try view.runs(limit: 9) { $0.flowName == "products" }.map(\.id) == ["banana", "apple"], "the filter is wrong")
        }
        return problems
    }

    // MARK: Payloads

    private static let sizes = [
        2, RecordCodec.inlinePayloadMax, RecordCodec.inlinePayloadMax + 1, RecordCodec.chunkBytes,
        RecordCodec.chunkBytes + 1, 3 * RecordCodec.chunkBytes, 5_000_000,
    ]

    private static func keepsPayloads(_ journal: any Journal) throws -> Problems {
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

    private static func refusesLargeBatch(_ journal: any Journal) async throws -> Problems {
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

    private static func deletesCheckpoints(_ journal: any Journal) throws -> Problems {
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

    // MARK: Reading

    private static func pages(_ journal: any Journal) throws -> Problems {
        var problems: Problems = []
        var history = RandomHistory(seed: 3)
        for _ in 0..<120 {
            let batch = history.next { journal.reserveRun() }
            try journal.appendAndWait(batch.events, to: batch.run, after: batch.after)
        }
        try journal.read { view throws(RenError) in
            let all = try view.records(from: JournalSequence(1), limit: .max)
            var paged: [RecordedEvent] = []
            while true {
                let page = try view.records(from: paged.last?.sequence.next ?? JournalSequence(1), limit: 7)
                if page.isEmpty { break }
                paged += page
            }
            problems.expect(paged.map(\.sequence) == all.map(\.sequence), "pages differ from the whole")
            let newest = try view.records(before: nil, limit: .max)
            problems.expect(newest.map(\.sequence) == all.map(\.sequence).reversed(), "backwards it differs")
            for run in Set(all.map(\.run)) {
                let own = all.filter { $0.run == run }
                var versions: [RunVersion] = []
                while true {
                    let page = try view.page(of: run, after: versions.last ?? .none, limit: 5)
                    if page.isEmpty { break }
                    versions += page.map(\.version)
                }
                problems.expect(versions == own.map(\.version), "the pages of run \(run) differ")
                for event in own {
                    let version = try view.version(of: run, at: event.sequence)
                    problems.expect(version == event.version, "run \(run) at \(event.sequence) is \(version)")
                }
            }
        }
        return problems
    }

    private static func feeds(_ journal: any Journal) async throws -> Problems {
        var history = RandomHistory(seed: 4)
        let reserve = { journal.reserveRun() }
        for _ in 0..<20 {
            let batch = history.next(reserve: reserve)
            try await journal.append(batch.events, to: batch.run, after: batch.after)
        }
        let middle = JournalSequence(7)
        let reader = Task { () throws -> [JournalSequence] in
            var feed = JournalFeed(journal, after: middle)
            var seen: [JournalSequence] = []
            while true {
                let page = try await feed.next()
                if page.isEmpty { return seen }
                seen += page.map(\.sequence)
            }
        }
        for _ in 0..<50 {
            let batch = history.next(reserve: reserve)
            try await journal.append(batch.events, to: batch.run, after: batch.after)
        }
        let head = try journal.read { view throws(RenError) in try view.head().sequence }
        journal.close()
        let seen = try await reader.value
        let expected = (middle.rawValue + 1...head.rawValue).map { JournalSequence(rawValue: $0) }
        return seen == expected ? [] : ["the feed gave \(seen.count) events instead of \(expected.count)"]
    }

    private static func isolatesViews(_ journal: any Journal) throws -> Problems {
        var problems: Problems = []
        var history = HistoryBuilder("a")
        let run = journal.reserveRun()
        history.create()
        let first = history.take()
        try journal.appendAndWait(first.events, to: run, after: .none)
        history.start(.node(0))
        let second = history.take()
        try journal.read { view throws(RenError) in
            let before = try view.head()
            try journal.appendAndWait(second.events, to: run, after: second.after)
            problems.expect(try view.head() == before, "the view moved")
            problems.expect(try view.nodes(of: run).isEmpty, "the view sees a later row")
        }
        let nodes = try journal.read { view throws(RenError) in try view.nodes(of: run).count }
        problems.expect(nodes == 1, "a new view misses the commit")
        return problems
    }

    // MARK: Rows

    private static func foldsRows(_ journal: any Journal) throws -> Problems {
        var problems: Problems = []
        var history = HistoryBuilder("a")
        let run = journal.reserveRun()
        history.create()
        history.openMap(NodeNumber(0), total: 5)
        let begun = history.time
        for item in 0..<4 { history.start(.item(0, item)) }
        let retry = history.time + .seconds(5)
        history.succeed(.item(0, 0))
        history.add(.attemptFailed(Failure("ValueError", "no price in sku-1"), retryAt: retry), .item(0, 1))
        history.add(.attemptFailed(Failure("ValueError", "no price in sku-2"), retryAt: nil), .item(0, 2))
        history.add(.failed(Failure("ValueError", "no price in sku-2")), .item(0, 2))
        history.add(.waiting(SignalWait(signal: "approve", message: "Look", until: nil)), .node(1))
        func store() throws {
            let batch = history.take()
            try journal.appendAndWait(batch.events, to: run, after: batch.after)
        }
        try store()
        try journal.read { view throws(RenError) in
            let counts = try view.node(run, NodeNumber(0))?.map?.counts ?? StateCounts()
            let found = [WorkState.succeeded, .retrying, .failed, .running, .pending].map { counts[$0] }
            problems.expect(found == [1, 1, 1, 1, 1], "the counts are \(found)")
            let items = try view.items(of: run, NodeNumber(0))
            problems.expect(items.map(\.index.rawValue) == [0, 1, 2], "rows of items \(items.map(\.index))")
            problems.expect(items[0].row.begun == begun, "item 0 began at \(items[0].row.begun)")
            problems.expect(items[1].row.until == retry, "item 1 waits until something else")
            let failed = try view.items(of: run, NodeNumber(0), in: .failed)
            problems.expect(failed.map(\.index.rawValue) == [2], "failed items are \(failed.map(\.index))")
            let groups = try view.problems(of: run)
            problems.expect(groups.count == 1, "\(groups.count) groups of problems")
            problems.expect(groups.first?.attempts == 2 && groups.first?.failures == 1, "the group counts wrongly")
            problems.expect(try view.run(run)?.isWaiting == false, "a run with running items waits")
        }
        history.succeed(.item(0, 1))
        history.succeed(.item(0, 3))
        history.add(.skipped(.when, operands: nil), .item(0, 4))
        history.add(.mapClosed(MapCounts()), .node(0))
        history.succeed(.node(0))
        try store()
        let isWaiting = try journal.read { view throws(RenError) in try view.run(run)?.isWaiting }
        problems.expect(isWaiting == true, "a run of which only a pause is left does not wait")
        let signal = history.add(.signalReceived(name: "approve"), by: "cli", payload: [49])
        history.add(.succeeded(instead: nil), .node(1), cause: signal)
        history.add(.runSucceeded, payload: [50])
        try store()
        try journal.read { view throws(RenError) in
            let row = try view.run(run)
            problems.expect(row?.status == .succeeded && row?.ended != nil, "the run is \(String(describing: row?.status))")
            problems.expect(row?.nodeCounts[.succeeded] == 2, "nodes are counted wrongly")
            problems.expect(try view.node(run, NodeNumber(1))?.output?.version == signal, "the signal is not the output")
            problems.expect(try view.openRuns().isEmpty, "an ended run is open")
        }
        return problems
    }

    private static func keepsJournalRun(_ journal: any Journal) throws -> Problems {
        var problems: Problems = []
        var history = HistoryBuilder("journal")
        for carries in [JournalOpening.Carries.all, .own] {
            history.add(.journalOpened(JournalOpening(carries: carries, ren: "0.1.0")))
            try journal.appendAndWait(history.take().events, to: .journal, after: Batch.anyVersion)
        }
        var run = HistoryBuilder("a")
        run.create()
        try journal.appendAndWait(run.take().events, to: journal.reserveRun(), after: .none)
        try journal.read { view throws(RenError) in
            let last = try view.lastOpening()
            problems.expect(last?.opening.carries == .own && last?.sequence.rawValue == 2, "the last opening is \(last as Any)")
            problems.expect(try view.version(of: .journal).rawValue == 2, "the run journal has another version")
            problems.expect(try view.runs(limit: 9).count == 1, "the run journal is in the list")
            if let row = try view.run(RunNumber(1)) {
                problems.expect(try view.isCarried(row, engineHolds: true), "the run is not carried")
                problems.expect(try !view.isCarried(row, engineHolds: false), "the run is carried by nobody")
            }
        }
        return problems
    }

    private static func findsFlowsAndFunctions(_ journal: any Journal) throws -> Problems {
        var problems: Problems = []
        var history = HistoryBuilder("journal")
        let texts = ["{\"flow\":\"a\"}", "{\"flow\":\"a\",\"nodes\":{}}", "{\"flow\":\"ab\"}"].map { Array($0.utf8) }
        for (text, name) in zip(texts, ["a", "a", "ab"]) { history.add(.flowRegistered(name: name), payload: text) }
        let set = Digest(hashing: [1])
        for (index, text) in [(0, "one"), (1, "two"), (0, "one, changed")] {
            let file = FunctionFile(set: set, index: index, count: 2, path: "/f\(index).py", signatures: [])
            history.add(.functionsRecorded(file), payload: Array(text.utf8))
        }
        try journal.appendAndWait(history.take().events, to: .journal, after: .none)
        try journal.read { view throws(RenError) in
            let hashes = texts.map { Digest(hashing: $0) }
            problems.expect(try view.flows(named: "a") == [hashes[1], hashes[0]], "the versions of a differ")
            problems.expect(try view.flow(hashes[2])?.bytes == texts[2], "the flow ab differs")
            problems.expect(try view.flow(set) == nil, "an unknown hash finds a flow")
            let files = try view.functions(of: set)
            problems.expect(files.map(\.file.path) == ["/f0.py", "/f1.py"], "the files are \(files.map(\.file.path))")
            let bytes = try view.payload(at: files[0].sequence)
            problems.expect(bytes == Array("one, changed".utf8), "an old content is found")
            problems.expect(try view.functions(of: hashes[0]).isEmpty, "an unknown set has files")
        }
        return problems
    }

    private static func refusesAfterClose(_ journal: any Journal) throws -> Problems {
        var problems: Problems = []
        journal.close()
        journal.close()
        var history = HistoryBuilder("a")
        history.create()
        problems.expectError("storage.failed") {
            try journal.appendAndWait(history.take().events, to: journal.reserveRun(), after: .none)
        }
        return problems
    }
}

extension [String] {
    fileprivate mutating func expect(_ holds: Bool, _ otherwise: @autoclosure () -> String) {
        if !holds { append(otherwise()) }
    }

    fileprivate mutating func expectError(_ code: String, _ body: () throws -> Void) {
        do {
            try body()
            append("there was no error \(code)")
        } catch let error as RenError {
            expect(error.code.rawValue == code, "the error is \(error.code.rawValue), not \(code)")
        } catch { append("\(error)") }
    }
}
