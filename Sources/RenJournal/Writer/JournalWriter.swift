import RenCore
import Synchronization

/// The one thread that writes: it takes what is queued when the last commit ended, commits it, answers, and so on.
///
/// LMDB's write transaction belongs to the thread that began it, so nothing is awaited between begin and end.
///
/// `@unchecked Sendable`: `committer`, `fault`, `nextHouseKeeping`, `gauge`, `held` and `isPreparationHalted` are touched
/// by the writer's thread alone; the rest never changes after `init` or guards itself.
final class JournalWriter: @unchecked Sendable {
    private static let houseKeepingMilliseconds = 10_000

    let signal: CommitSignal
    let storageWatch = StorageWatch()
    private let queue = WriterQueue()
    private let store: any Store
    private let onStorageFault: @Sendable (RenError) -> Void
    private var committer: Committer
    /// Set when the storage failed: everything is refused from then on.
    private var fault: RenError?
    private var nextHouseKeeping = ContinuousClock.now
    private var gauge = StorageGauge()
    /// Batches of forks that are preparing, in order.
    private var held: [PreparedBatch] = []
    /// There was no room for the rows of a fork: tried again with the next housekeeping.
    private var isPreparationHalted = false
    private let thread = Handover<Thread>()
    /// The thread was joined, or left to end by itself.
    private let isOver = Mutex(false)

    init(
        _ store: any Store, _ state: JournalState, onStorageFault: @escaping @Sendable (RenError) -> Void
    ) throws(RenError) {
        self.store = store
        self.onStorageFault = onStorageFault
        committer = try Committer(store, state)
        signal = CommitSignal(head: state.head)
        thread.give(Thread { [self] in run() })
    }

    var queuedBytes: Int { queue.queuedBytes }

    func submit(_ batch: Batch) {
        let prepared = PreparedBatch(batch)
        if !queue.add(prepared) { batch.completion(.failure(.closed)) }
    }

    /// Runs `body` on the writer's thread and waits for it.
    func perform<R: Sendable>(
        _ body: @escaping @Sendable (inout Committer) throws(RenError) -> R
    ) throws(RenError) -> R {
        let answer = Handover<Result<R, RenError>>()
        let isQueued = queue.add(job: { [self] in
            do throws(RenError) { answer.give(.success(try body(&committer))) } catch { answer.give(.failure(error)) }
        })
        guard isQueued else { throw .closed }
        return try answer.wait().get()
    }

    /// Writes what is queued and ends the thread; waits for that, unless it is the one that calls.
    func close() {
        queue.close()
        let thread = thread.wait()
        isOver.withLock { isOver in
            guard !isOver else { return }
            if thread.isCurrent { thread.detach() } else { thread.join() }
            isOver = true
        }
    }

    // MARK: On the writer's thread

    private func run() {
        while true {
            switch queue.take(patienceMilliseconds: hasForkToPrepare ? 0 : Self.houseKeepingMilliseconds) {
            case .batches(let batches): write(batches)
            case .job(let job): job()
            case .idle: break
            case .end:
                for batch in held { batch.batch.completion(.failure(.closed)) }
                signal.close()
                return
            }
            if hasForkToPrepare { prepareFork() }
            releaseHeld()
            if ContinuousClock.now >= nextHouseKeeping {
                store.keepHouse()
                isPreparationHalted = false
                nextHouseKeeping = .now + .milliseconds(Self.houseKeepingMilliseconds)
                gauge.isDue = true
            }
            if gauge.isDue, let use = gauge.measure(store) { storageWatch.tell(use) }
        }
    }

    private func write(_ batches: [PreparedBatch]) {
        let results = commit(batches)
        for (result, batch) in zip(results, batches) {
            guard let result else {
                held.append(batch)
                continue
            }
            batch.batch.completion(result)
            queue.answered(batch.byteCount)
        }
        signal.advance(to: committer.state.head)
        gauge.count(batches)
    }

    /// Commits the batches together; when that fails, one by one, so that only the guilty one pays.
    private func commit(_ batches: [PreparedBatch]) -> [Result<Receipt, RenError>?] {
        if let fault { return batches.map { _ in .failure(fault) } }
        do {
            return try committer.commit(batches)
        } catch {
            if report(error) { return batches.map { _ in .failure(error) } }
        }
        return batches.map(commitAlone)
    }

    private func commitAlone(_ batch: PreparedBatch) -> Result<Receipt, RenError>? {
        if let fault { return .failure(fault) }
        while true {
            do {
                return try committer.commit([batch])[0]
            } catch {
                // With the ballast gone there may be room: once, since it is there once.
                if error.code == .storageFull, store.makeRoom() { continue }
                _ = report(error)
                committer.failed(batch, error)
                return .failure(error)
            }
        }
    }

    // MARK: Rows of forks

    private var hasForkToPrepare: Bool { committer.hasForkToPrepare && fault == nil && !isPreparationHalted }

    private func prepareFork() {
        do { try committer.prepareFork() } catch {
            if error.code == .storageFull, store.makeRoom() { return }
            isPreparationHalted = true
            _ = report(error)
        }
    }

    /// What waited for the rows of a fork goes on when they are there, or never will be.
    private func releaseHeld() {
        let ready = held.filter { fault != nil || !committer.isPreparing($0.batch.run) }
        guard !ready.isEmpty else { return }
        held.removeAll { fault != nil || !committer.isPreparing($0.batch.run) }
        write(ready)
    }

    /// Whether the error ends all writing; says so to the owner then.
    private func report(_ error: RenError) -> Bool {
        guard error.code == .storageFailed else { return false }
        fault = error
        onStorageFault(error)
        return true
    }
}

extension RenError {
    static let closed = RenError(
        .storageFailed, "the journal was closed; nothing of this was written", hint: "open it again")
}
