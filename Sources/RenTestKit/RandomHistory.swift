package import RenCore
import RenJSON
import RenJournal

/// Histories of several runs, interleaved, from a seed: every kind of event, attempts that fail, checkpoints and
/// results of all sizes; reopenings and forks where it is told the hashes they go on from. They are what a journal may
/// meet, not what the core would decide.
package struct RandomHistory: Sendable {
    private var random: SeededRandom
    private var runs: [Run] = []
    private var journal = HistoryBuilder("journal")
    private let items: Int
    private let hash: (@Sendable (RunNumber, RunVersion) -> Digest?)?

    fileprivate struct Run {
        var number: RunNumber
        var history: HistoryBuilder
        var isEnded = false
        /// Nodes and items that are between two events: running, or to be tried again.
        var open: [Event.Subject] = []
        var isRunning: Set<Event.Subject> = []
        var nextNode = 0
        var map: NodeNumber?
        var nextItem = 0
        /// Items that began before their turn.
        var keptItems: Set<Int> = []
        /// Nodes and items that may be opened again, and results that may be kept.
        var settled: [Event.Subject] = []
        var results: [RunVersion] = []
        /// The run as it was before, which forks begin from.
        var past: [Run] = []
    }

    /// - Parameters:
    ///   - items: of each map.
    ///   - hash: R of a stored event; nil for histories without forks and reopenings. Each batch must be stored before
    ///     the next one is asked for.
    package init(
        seed: UInt64, items: Int = 40, hash: (@Sendable (RunNumber, RunVersion) -> Digest?)? = nil
    ) {
        random = SeededRandom(seed: seed)
        self.items = items
        self.hash = hash
    }

    /// The next batch, for a run that is there or a new one.
    ///
    /// - Parameter reserve: gives the numbers of new runs.
    package mutating func next(reserve: () -> RunNumber) -> (run: RunNumber, after: RunVersion, events: [Event]) {
        var batch = anyBatch(reserve: reserve)
        // Alone in its batch: then the same events one at a time make the same rows.
        if batch.events.count == 1, batch.events[0].by != nil || batch.run == .journal {
            do {
                let key = "\(batch.run)-\(batch.after)"
                batch.events[0].request = try RequestMark(key: key, digest: Digest(hashing: Array(key.utf8)))
            } catch { preconditionFailure("\(error)") }
        }
        return batch
    }

    private mutating func anyBatch(
        reserve: () -> RunNumber
    ) -> (run: RunNumber, after: RunVersion, events: [Event]) {
        if random.oneIn(12) { return journalBatch() }
        if let hash, !runs.isEmpty, random.oneIn(10) {
            return random.oneIn(2) ? reopen(random.below(runs.count)) : fork(random.below(runs.count), reserve, hash)
        }
        if runs.isEmpty || runs.count < 5 && random.oneIn(6) || runs.allSatisfy(\.isEnded) {
            return begin(reserve())
        }
        let open = runs.indices.filter { !runs[$0].isEnded }
        let index = open[random.below(open.count)]
        var run = runs[index]
        for _ in 0...random.below(6) where !run.isEnded {
            step(&run)
            remember(&run)
        }
        let batch = run.history.take()
        runs[index] = run
        return (run.number, batch.after, batch.events)
    }

    private mutating func begin(_ number: RunNumber) -> (run: RunNumber, after: RunVersion, events: [Event]) {
        var run = Run(number: number, history: HistoryBuilder("run-\(number)"))
        run.history.create(flow: random.oneIn(2) ? "products" : "orders", input: "{\"limit\":\(random.below(100))}")
        let batch = run.history.take()
        runs.append(run)
        return (number, batch.after, batch.events)
    }

    private mutating func journalBatch() -> (run: RunNumber, after: RunVersion, events: [Event]) {
        let set = Digest(hashing: [UInt8(random.below(2))])
        switch random.below(6) {
        case 0: journal.add(.journalOpened(JournalOpening(carries: random.oneIn(2) ? .all : .own, ren: "0.1.0")))
        case 1:
            // Each content is registered once.
            let content = Array("[\(random.below(.max))]".utf8)
            journal.add(.flowRegistered(name: "flow-\(random.below(3))"), payload: content)
        case 2:
            let signatures: JSON = [["name": "shop.scrape", "parameters": ["type": "object"]]]
            let file = FunctionFile(
                set: set, index: random.below(3), count: 3, path: "/home/me/shop.py", signatures: signatures)
            journal.add(.functionsRecorded(file), payload: payload())
        case 3: journal.add(.workerStarted(WorkerNote(set: set, process: 4_711)))
        case 4: journal.add(.functionParked(name: "shop.scrape", set: set, reason: "ImportError: \"httpx\""))
        default: journal.add(.journalClosed)
        }
        let batch = journal.take()
        return (.journal, batch.after, batch.events)
    }

    // MARK: Reopenings and forks

    private func remember(_ run: inout Run) {
        guard hash != nil else { return }
        var copy = run
        copy.past = []
        run.past.append(copy)
    }

    private mutating func reopen(_ index: Int) -> (run: RunNumber, after: RunVersion, events: [Event]) {
        var run = runs[index]
        let reopening = drawReopening(&run)
        run.history.add(.runReopened(reopening), by: "cli")
        run.isEnded = false
        goOn(&run, reopening)
        let batch = run.history.take()
        remember(&run)
        runs[index] = run
        return (run.number, batch.after, batch.events)
    }

    private mutating func fork(
        _ index: Int, _ reserve: () -> RunNumber, _ hash: (RunNumber, RunVersion) -> Digest?
    ) -> (run: RunNumber, after: RunVersion, events: [Event]) {
        let parent = runs[index]
        guard !parent.past.isEmpty else { return reopen(index) }
        var run = parent.past[random.below(parent.past.count)]
        let version = run.history.version
        guard let hash = hash(parent.number, version) else { preconditionFailure("\(parent.number) \(version)") }
        let nodes = random.oneIn(2) ? nil : drawNodes(of: run)
        if let nodes { run.renumber(nodes) }
        var once: [NodeNumber] = []
        for subject in run.isRunning.compactMap(\.node).sorted() where random.oneIn(3) { once.append(subject) }
        run.open.removeAll { run.isRunning.contains($0) && once.contains($0.node!) }
        run.isRunning.removeAll()
        let reopening = drawReopening(&run)
        run.number = reserve()
        run.isEnded = false
        run.history = run.history.fork(
            "run-\(run.number)", at: version, hash: hash, nodes: nodes, once: once, reopening: reopening,
            input: random.oneIn(3) ? "{\"limit\":7}" : nil)
        if random.oneIn(2) { goOn(&run, reopening) }
        let batch = run.history.take()
        remember(&run)
        runs.append(run)
        return (run.number, batch.after, batch.events)
    }

    /// The nodes that have begun in another order, and perhaps one less.
    private mutating func drawNodes(of run: Run) -> [NodeNumber?] {
        var numbers = Array(0..<64)
        for index in 0..<run.nextNode { numbers.swapAt(index, random.below(run.nextNode)) }
        var nodes: [NodeNumber?] = numbers.map { NodeNumber($0) }
        if random.oneIn(2), run.nextNode > 0 { nodes[random.below(run.nextNode)] = nil }
        return nodes
    }

    private mutating func drawReopening(_ run: inout Run) -> Reopening {
        var reopening = Reopening()
        var items: [NodeNumber: [ItemIndex]] = [:]
        for _ in 0..<random.below(5) where !run.settled.isEmpty {
            switch run.settled.remove(at: random.below(run.settled.count)) {
            case .run: break
            case .item(let node, let item):
                items[node, default: []].append(item)
                run.open.append(.item(node, item))
                if random.oneIn(2) { run.history.forget(.item(node, item)) }
            case .node(let node):
                if random.oneIn(2) { reopening.again.append(node) } else { reopening.affected.append(node) }
                run.settled.removeAll { $0.node == node }
                run.open.removeAll { $0.node == node }
                run.isRunning = run.isRunning.filter { $0.node != node }
                if run.map == node { run.map = nil }
                items[node] = nil
            }
        }
        reopening.again.sort()
        reopening.affected.sort()
        reopening.items = items.mapValues { ItemRanges($0) }
        return reopening
    }

    /// What follows a reopening: results that are kept or given, nodes and maps that begin again.
    private mutating func goOn(_ run: inout Run, _ reopening: Reopening) {
        for node in reopening.again + reopening.affected {
            let subject = Event.Subject.node(node)
            switch random.below(4) {
            case 0 where !run.results.isEmpty:
                run.history.add(.kept(), subject, cause: run.results[random.below(run.results.count)])
                run.settled.append(subject)
            case 1:
                run.history.add(.overridden(reason: "seen"), subject, payload: payload())
                run.settled.append(subject)
            case 2 where run.map == nil: openMap(node, &run)
            default: begin(subject, &run)
            }
        }
    }

    private mutating func openMap(_ node: NodeNumber, _ run: inout Run) {
        run.map = node
        run.nextItem = 0
        run.keptItems = []
        run.history.openMap(node, total: items)
        guard hash != nil else { return }
        run.settled.append(.node(node))
        for _ in 0..<random.below(5) where !run.results.isEmpty {
            let item = random.below(items)
            guard run.keptItems.insert(item).inserted else { continue }
            let subject = Event.Subject.item(node, ItemIndex(item))
            run.history.forget(subject)
            run.history.add(.kept(), subject, cause: run.results[random.below(run.results.count)])
            run.settled.append(subject)
        }
    }

    // MARK: One event of a run

    private mutating func step(_ run: inout Run) {
        switch random.below(30) {
        case 0: runEvent(&run)
        case 1...4 where run.nextNode < 30: beginNode(&run)
        case 5...14 where run.map != nil && run.nextItem < items:
            if let map = run.map, !run.keptItems.contains(run.nextItem) {
                let item = Event.Subject.item(map, ItemIndex(run.nextItem))
                run.history.forget(item)
                begin(item, &run)
            }
            run.nextItem += 1
        default:
            guard !run.open.isEmpty else { return beginNode(&run) }
            attempt(run.open[random.below(run.open.count)], &run)
        }
    }

    private mutating func runEvent(_ run: inout Run) {
        switch random.below(8) {
        case 0: run.history.add(.runPauseRequested(now: random.oneIn(2), reason: "lunch"), by: "cli")
        case 1: run.history.add(.runPaused)
        case 2: run.history.add(.runResumed(reason: nil), by: "cli")
        case 3: run.history.add(.signalReceived(name: "approve"), by: "http:me", payload: payload())
        case 4: run.history.add(.runEnding(.failed, Failure("Failed", "too few")), .node(run.nextNode))
        case 5 where random.oneIn(3): end(&run, .runSucceeded, payload())
        case 6 where random.oneIn(3): end(&run, .runFailed(failure()), nil)
        case 7 where random.oneIn(3):
            run.history.add(.runStopRequested(.cancel, reason: nil))
            end(&run, .runStopped, nil)
        default: run.history.add(.runResumed(reason: "go on"))
        }
    }

    private mutating func end(_ run: inout Run, _ fact: Fact, _ payload: [UInt8]?) {
        run.history.add(fact, payload: payload)
        run.isEnded = true
    }

    private mutating func beginNode(_ run: inout Run) {
        let node = Event.Subject.node(run.nextNode)
        run.nextNode += 1
        switch random.below(6) {
        case 0 where run.map == nil || run.nextItem >= items:
            openMap(node.node!, &run)
        case 1: run.history.add(.decided(way: "then", operands: ["nodes.list.output": 3]), node)
        case 2: run.history.add(.skipped(.notTaken, operands: nil), node)
        case 3:
            let wait = SignalWait(signal: "approve", message: "Check the pairs", until: run.history.time + .seconds(60))
            run.history.add(.waiting(wait), node)
            let cause = run.history.add(.signalReceived(name: "approve"), payload: payload())
            run.history.add(.succeeded(instead: nil), node, cause: cause)
        default: begin(node, &run)
        }
    }

    private mutating func begin(_ subject: Event.Subject, _ run: inout Run) {
        run.history.start(subject)
        run.isRunning.insert(subject)
        run.open.append(subject)
    }

    private mutating func attempt(_ subject: Event.Subject, _ run: inout Run) {
        guard run.isRunning.contains(subject) else {
            run.history.start(subject)
            run.isRunning.insert(subject)
            return
        }
        switch random.below(12) {
        case 0, 1:
            run.history.add(.checkpointed, subject, payload: payload())
            return
        case 2:
            run.history.add(.resultRejected(.stale), subject)
            return
        case 3:
            run.history.add(.interrupted(.engine), subject)
        case 4:
            run.history.add(.attemptFailed(failure(), retryAt: run.history.time + .seconds(1)), subject)
        case 5:
            let failure = failure()
            run.history.add(.attemptFailed(failure, retryAt: nil), subject)
            settle(.failed(failure), subject, &run)
        case 6: settle(random.oneIn(2) ? .cancelled : .unknown(.engineDied), subject, &run)
        default: settle(.succeeded(instead: random.oneIn(9) ? failure() : nil), subject, &run, payload())
        }
        run.isRunning.remove(subject)
    }

    private func settle(_ fact: Fact, _ subject: Event.Subject, _ run: inout Run, _ payload: [UInt8]? = nil) {
        let version = run.history.add(fact, subject, payload: payload)
        if payload != nil { run.results.append(version) }
        if hash != nil { run.settled.append(subject) }
        run.open.removeAll { $0 == subject }
        run.isRunning.remove(subject)
    }

    private mutating func failure() -> Failure {
        let names = ["TimeoutError", "HTTPStatusError", "ValueError"]
        let messages = [
            "read timed out after \(random.below(100)) s", "404 for https://shop.test/p/\(random.below(1_000))",
            "no field \"price\" in sku-\(random.below(1_000))", "Größe fehlt",
        ]
        return Failure(
            names[random.below(names.count)], messages[random.below(messages.count)],
            frame: random.oneIn(2) ? "shop.py:\(random.below(3)) in fetch" : nil)
    }

    /// JSON text: mostly small, sometimes at the edges of what is stored inline or in one chunk.
    private mutating func payload() -> [UInt8] {
        let sizes = [2, 20, 200, 1_799, 1_800, 1_801, 5_000, RecordCodec.chunkBytes, RecordCodec.chunkBytes + 1]
        let size = random.oneIn(8) ? sizes[random.below(sizes.count)] : 2 + random.below(300)
        return [UInt8(ascii: "\"")] + (0..<max(0, size - 2)).map { _ in UInt8(97 + random.below(26)) }
            + [UInt8(ascii: "\"")]
    }
}

extension RandomHistory.Run {
    fileprivate mutating func renumber(_ nodes: [NodeNumber?]) {
        open = open.compactMap { $0.renumbered(nodes) }
        isRunning = Set(isRunning.compactMap { $0.renumbered(nodes) })
        settled = settled.compactMap { $0.renumbered(nodes) }
        map = map.flatMap { nodes[$0.index] }
    }
}
