import RenCore
import RenJSON
import RenJournal

extension JournalConformance {
    // MARK: Pages and feeds

    static func pages(_ journal: any Journal) throws -> Problems {
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

    static func feeds(_ journal: any Journal) async throws -> Problems {
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

    static func isolatesViews(_ journal: any Journal) throws -> Problems {
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

    static func foldsRows(_ journal: any Journal) throws -> Problems {
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
            problems.expect(
                row?.status == .succeeded && row?.ended != nil, "the run is \(String(describing: row?.status))")
            problems.expect(row?.nodeCounts[.succeeded] == 2, "nodes are counted wrongly")
            problems.expect(
                try view.node(run, NodeNumber(1))?.output?.version == signal, "the signal is not the output")
            problems.expect(try view.openRuns().isEmpty, "an ended run is open")
        }
        return problems
    }

    static func keepsJournalRun(_ journal: any Journal) throws -> Problems {
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
            problems.expect(
                last?.opening.carries == .own && last?.sequence.rawValue == 2, "the last opening is \(last as Any)")
            problems.expect(try view.version(of: .journal).rawValue == 2, "the run journal has another version")
            problems.expect(try view.runs(limit: 9).count == 1, "the run journal is in the list")
            if let row = try view.run(RunNumber(1)) {
                problems.expect(try view.isCarried(row, engineHolds: true), "the run is not carried")
                problems.expect(try !view.isCarried(row, engineHolds: false), "the run is carried by nobody")
            }
        }
        return problems
    }

    static func findsFlowsAndFunctions(_ journal: any Journal) throws -> Problems {
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

    static func refusesAfterClose(_ journal: any Journal) throws -> Problems {
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
