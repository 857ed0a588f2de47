import RenCore
import RenJSON
import RenJournal
import RenWorkers
import Synchronization

/// A map that is read and ready to be opened: what `map.opened` says, with its payload and keys.
struct ReadMap: Sendable {
    var opening: MapOpening
    var contents: MapContents
    /// A computed list stands in the payload itself, and is found again there.
    var isComputed: Bool
    var payload: Payload
    /// Nil for a map without `key`.
    var keys: SortedKeys?

    /// How much is read on the engine's thread; `MapOpener` takes more.
    enum Reach { case short, any }

    /// The source goes over `Reach.short`.
    struct Long: Error {}

    static let shortItems = KeyRows.commitRows
    static let shortBytes = 1 << 20

    /// - Throws: `Failure` `NotAList`, `DuplicateKey`, `InputTooLarge`, or what evaluation throws; `Long`.
    init(_ number: NodeNumber, in scope: RunScope, _ evaluator: Evaluator, _ reach: Reach) throws {
        let node = scope.state.plan.flow.nodes[number.index]
        guard let each = node.each else { preconditionFailure("node \(number) is no map") }
        var concurrency: Int?
        if let setting = each.concurrency { concurrency = try evaluator.integer(setting, in: scope) }
        let source = try MapReading(each.source, scope: scope, evaluator: evaluator, reach)
        if reach == .short, each.key != nil, source.total > Self.shortItems { throw Long() }
        let text = each.key == nil ? nil : try Self.keys(source, node, scope, evaluator)
        contents = MapContents(total: source.total, elements: source.elements)
        opening = MapOpening(total: source.total, source: source.hash, concurrency: concurrency)
        isComputed = source.computed != nil
        let bytes = contents.payload(keys: text, values: source.computed)
        guard bytes.count <= RunScope.valueMax else { throw Self.tooLarge(bytes.count) }
        payload = Payload(hashing: bytes)
        keys = SortedKeys(payload: bytes)
        if let (first, second, key) = keys?.duplicate {
            throw Failure(
                Failure.Name.duplicateKey,
                "the key “\(key)” stands twice: elements \(first) and \(second) of \(node.name)")
        }
    }

    /// The keys of all elements as a JSON array.
    private static func keys(
        _ source: MapReading, _ node: Node, _ scope: RunScope, _ evaluator: Evaluator
    ) throws -> [UInt8] {
        var text = [UInt8(ascii: "[")]
        try source.forEach { index, element in
            let key = try scope.key(
                of: RunScope.Item(element: element, index: ItemIndex(index), key: nil), node, evaluator)
            if index > 0 { text.append(UInt8(ascii: ",")) }
            text += JSON.string(key).compact
            guard text.count <= RunScope.valueMax else { throw tooLarge(text.count) }
        }
        text.append(UInt8(ascii: "]"))
        return text
    }

    private static func tooLarge(_ count: Int) -> Failure {
        Failure(
            Failure.Name.inputTooLarge, "the list with its keys has \(count) bytes or more; 16 MiB are possible")
    }
}

/// Reads long maps on a thread of its own and fills the table `keys` there, so that the engine's thread goes on with
/// other runs: a map of 1,000,000 keys takes seconds. One map at a time.
final class MapOpener: Sendable {
    /// One map on its way; belongs to the mailbox that asked.
    final class Job: Sendable {
        private let outcome = Mutex<Result<ReadMap, any Error>?>(nil)
        private let cancelled = Atomic<Bool>(false)

        /// What came out of it; nil while it goes on.
        var result: Result<ReadMap, any Error>? { outcome.withLock { $0 } }

        fileprivate func finish(_ result: Result<ReadMap, any Error>) { outcome.withLock { $0 = result } }

        /// Nobody waits for it any more: the run has ended, or is folded again.
        func cancel() { cancelled.store(true, ordering: .relaxed) }

        var isCancelled: Bool { cancelled.load(ordering: .relaxed) }
    }

    private let run: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let journal: any Journal
    private let post: @Sendable ([Inbox.Message]) -> Void

    /// On a thread of its own.
    convenience init(_ journal: any Journal, post: @escaping @Sendable ([Inbox.Message]) -> Void) {
        let thread = ThreadExecutor(name: "ren-maps")
        self.init(journal, run: { thread.run($0) }, post: post)
    }

    /// - Parameter run: carries the reading of a map out, now or later.
    init(
        _ journal: any Journal, run: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void,
        post: @escaping @Sendable ([Inbox.Message]) -> Void
    ) {
        self.run = run
        self.journal = journal
        self.post = post
    }

    /// Begins to read the map of `node`; tells the inbox when the job has its result, or why its keys cannot be stored.
    ///
    /// - Parameter state: of which everything is committed.
    func open(_ node: NodeNumber, of run: RunNumber, _ state: RunState, artifacts: String?) -> Job {
        let job = Job()
        self.run { [journal, post] in
            guard !job.isCancelled else { return }
            let scope = RunScope(state: state, values: RunValues(run: run, journal: journal, artifacts: artifacts))
            var message = Inbox.Message.committed(run)
            do {
                let map = try ReadMap(node, in: scope, Evaluator(), .any)
                do throws(RenError) {
                    try Self.fill(map.keys, of: run, node, in: journal, for: job)
                    job.finish(.success(map))
                } catch {
                    message = .failed(run, [], error)
                }
            } catch {
                job.finish(.failure(error))
            }
            if !job.isCancelled { post([message]) }
        }
        return job
    }

    private static func fill(
        _ keys: SortedKeys?, of run: RunNumber, _ node: NodeNumber, in journal: any Journal, for job: Job
    ) throws(RenError) {
        while !job.isCancelled {
            let leftovers = try journal.read { view throws(RenError) in try view.leftovers(run, node) }
            if leftovers.isEmpty { break }
            try journal.changeAndWait(leftovers)
        }
        guard let keys else { return }
        for start in stride(from: 0, to: keys.count, by: KeyRows.commitRows) where !job.isCancelled {
            try journal.changeAndWait(keys.rows(of: run, node, from: start))
            Failpoint.afterKeys.pass()
        }
    }
}
