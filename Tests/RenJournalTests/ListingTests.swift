import RenCore
import RenJSON
import RenTestKit
import Testing

@testable import RenJournal

@Suite("Lists of runs, flows and artifacts")
struct ListingTests {
    private static let begin = Timestamp(nanoseconds: 1_770_000_000_000_000_000)

    /// 260 runs, one per second, some of them ended.
    private func runs() throws -> StoreJournal {
        let journal = MemoryJournal.make()
        for number in 0..<260 {
            var history = HistoryBuilder(
                "\(number % 2 == 0 ? "even" : "odd")-\(number)", at: Self.begin + .seconds(number))
            history.create(flow: number % 3 == 0 ? "orders" : "products")
            switch number % 5 {
            case 0: history.add(.runSucceeded)
            case 1: history.add(.runFailed(Failure("a", "b")))
            case 2: history.add(.waiting(SignalWait(signal: "s", message: "", until: nil)), .node(0))
            case 3: history.add(.runPaused)
            default: history.start(.node(0))
            }
            try journal.appendAndWait(history.take().events, to: journal.reserveRun(), after: .none)
        }
        return journal
    }

    @Test(
        "Pages of runs are all that match, latest first, once each",
        arguments: [
            (nil, nil, nil, nil), (.status(.succeeded), nil, nil, nil), (.waiting, nil, nil, nil),
            (.open, "orders", nil, nil), (nil, nil, "odd-1", nil), (nil, nil, "ord", 100..<200),
            (.status(.paused), "products", "even", 3..<250), (.status(.stopped), nil, nil, nil), (nil, "x", nil, nil),
        ] as [(RunQuery.Status?, String?, String?, Range<Int>?)])
    func runs(_ status: RunQuery.Status?, _ flow: String?, _ text: String?, _ seconds: Range<Int>?) throws {
        let journal = try runs()
        var query = RunQuery()
        (query.status, query.flow, query.text) = (status, flow, text)
        query.startedAfter = seconds.map { Self.begin + .seconds($0.lowerBound) }
        query.startedBefore = seconds.map { Self.begin + .seconds($0.upperBound) }
        let expected = try journal.read { view throws(RenError) in
            try view.runs(limit: 1_000) { row in
                switch status {
                case .status(let status)?: guard row.status == status else { return false }
                case .waiting?: guard row.isWaiting else { return false }
                case .open?: guard row.status.isOpen else { return false }
                case nil: break
                }
                let isInTime = seconds?.contains(Int((row.created - Self.begin).nanoseconds / 1_000_000_000)) ?? true
                return isInTime && row.flowName == flow ?? row.flowName
                    && (row.id.hasPrefix(text ?? "") || row.flowName.hasPrefix(text ?? ""))
            }.map(\.id)
        }
        for limit in [1, 7, 100, 1_000] {
            query.limit = limit
            query.cursor = nil
            var found: [String] = []
            repeat {
                let page = try journal.runs(query)
                #expect(page.runs.count <= limit)
                found += page.runs.map(\.id)
                query.cursor = page.next.flatMap { RunCursor($0.text) }
            } while query.cursor != nil
            #expect(found == expected, "pages of \(limit)")
        }
    }

    @Test("A cursor is read as it is written", arguments: ["", "1", "1-", "-1-2", "1-2-3", "a-1", "1-2"])
    func cursor(_ text: String) {
        #expect(RunCursor(text)?.text == (text == "1-2" ? text : nil))
    }

    @Test("Flows come by name with their versions, the last registered first")
    func flows() throws {
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("journal")
        let names = ["b", "a", "b", "ab", "c", "b"]
        for (number, name) in names.enumerated() {
            history.add(.flowRegistered(name: name), payload: Array("{\"v\":\(number)}".utf8))
        }
        try journal.appendAndWait(history.take().events, to: .journal, after: .none)
        let flows = try journal.flows()
        #expect(flows.map(\.name) == ["a", "ab", "b", "c"])
        #expect(flows[2].versions.map(\.sequence.rawValue) == [6, 3, 1])
        #expect(flows[2].versions.map(\.hash) == [5, 2, 0].map { Digest(hashing: Array("{\"v\":\($0)}".utf8)) })
        #expect(flows[2].versions[0].registered > flows[2].versions[1].registered)
        var paged: [FlowVersions] = []
        while true {
            let page = try journal.flows(after: paged.last?.name, limit: 1)
            if page.isEmpty { break }
            paged += page
        }
        #expect(paged == flows)
        #expect(try journal.flows(limit: 0) == [])
    }

    @Test("The artifacts of a run are those that its results name")
    func artifacts() throws {
        let journal = MemoryJournal.make()
        func reference(_ number: UInt8, _ pad: Int = 0) -> JSON {
            [
                "pad": .string(String(repeating: "x", count: pad)),
                "in": [
                    ["artifact": .string("sha256:\(Digest(hashing: [number]))"), "name": "n\(number)", "bytes": 12]
                ],
            ]
        }
        var runs: [RunNumber] = []
        for numbers in [[1, 2, 3, 4], [5]] as [[UInt8]] {
            var history = HistoryBuilder("run-\(numbers)")
            // What a run was given does not make an artifact its own.
            history.create(input: String(decoding: reference(9).compact, as: UTF8.self))
            for (item, number) in numbers.enumerated() {
                history.start(.item(0, item))
                // Inline, in one chunk, in several.
                history.succeed(.item(0, item), reference(number, [0, 3_000, 200_000, 10][item]).compact)
            }
            history.succeed(.node(1), Array(#"{"artifact":"sha256:12","text":"sha256:"}"#.utf8))
            let run = journal.reserveRun()
            try journal.appendAndWait(history.take().events, to: run, after: .none)
            runs.append(run)
        }
        let page = try journal.artifacts(of: runs[0])
        #expect(page.artifacts.map(\.name) == ["n1", "n2", "n3", "n4"] && page.next == nil)
        #expect(page.artifacts.map(\.subject) == (0..<4).map { .item(0, $0) })
        #expect(page.artifacts.allSatisfy { $0.byteCount == 12 })
        var paged: [ArtifactMention] = []
        var next: RunVersion? = RunVersion.none
        while let version = next {
            let page = try journal.artifacts(of: runs[0], after: version, limit: 1)
            paged += page.artifacts
            next = page.next
        }
        #expect(paged == page.artifacts)
        for number in [1, 2, 3, 4, 5, 9] as [UInt8] {
            let owners = try runs.indices.filter {
                try journal.artifact(Digest(hashing: [number]), of: runs[$0])?.hash == Digest(hashing: [number])
            }
            #expect(owners == (number == 9 ? [] : number == 5 ? [1] : [0]), "artifact \(number)")
        }
    }
}
