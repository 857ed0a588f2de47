package import RenCore

/// What can be read of a journal, in this process or written by another.
package protocol JournalReading: AnyObject, Sendable {
    /// Lends a consistent view of the last commit, on any thread, while the writer goes on. Keep it short (1,000
    /// records or 100 ms): while it lasts, the file grows with each commit. The view cannot leave the closure.
    ///
    /// A closure of more than one statement names its error: `{ view throws(RenError) in … }`.
    /// - Throws: what `body` throws; `storage.busy` when all reader slots are taken; `storage.failed`.
    func read<R>(_ body: (borrowing JournalView) throws(RenError) -> R) throws(RenError) -> R

    /// Waits until an event behind `sequence` is stored; false when the journal was closed or the task cancelled.
    func waitForEvents(after sequence: JournalSequence) async throws(RenError) -> Bool
}

/// The ordered, durable store of all events: in LMDB, in memory, or faulty for tests.
package protocol Journal: JournalReading {
    /// Queues events for the writer. Never waits for I/O; encodes and hashes on the calling thread.
    ///
    /// The completion gets `payload.too_large`, `run.exists`, `version.conflict` (`after` was not the last version, or a
    /// fork does not fit its parent; after a batch that failed, the later ones of its run get that batch's error),
    /// `run.not_found` (a fork's parent), `fork.too_deep`, `storage.full` (nothing was
    /// written; go on when there is room) or `storage.failed` (nothing more will be written: leave with 74).
    func submit(_ batch: Batch)

    /// A number for a run about to be created, never given twice by this process. It becomes durable with
    /// `run.created`.
    func reserveRun() -> RunNumber

    /// Calls `body` with how full the storage is: now, and on the writer's thread whenever that is measured, at most a
    /// second of commits or a hundredth of the map later. Must be quick. One watcher; a journal in memory never calls.
    func watchStorage(_ body: @escaping @Sendable (StorageUse) -> Void)

    /// Bytes submitted and not answered yet. At 64 MiB workers are not to be read.
    var queuedBytes: Int { get }

    /// Writes what is queued, then ends the writer. What is submitted later fails.
    func close()
}

extension Journal {
    /// Waits until the rows of a fork's nodes and items are made from its past; returns at once for any other run.
    ///
    /// - Throws: `journal.damaged` when an event of its past cannot be read: then nothing of the fork is written until
    ///   the journal is opened again.
    package func waitUntilPrepared(_ run: RunNumber) async throws(RenError) {
        // An empty batch is answered when its run takes batches.
        try await append([], to: run, after: Batch.anyVersion)
    }

    /// Appends and waits for the commit.
    @discardableResult
    package func append(
        _ events: [Event], to run: RunNumber, after: RunVersion
    ) async throws(RenError) -> Receipt {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Receipt, RenError>, Never>) in
            submit(Batch(run: run, after: after, events: events) { continuation.resume(returning: $0) })
        }
        return try result.get()
    }

    /// Appends and blocks the calling thread until the commit: for tools and tests, never on a cooperative thread.
    @discardableResult
    package func appendAndWait(
        _ events: [Event], keys: [KeyRows] = [], to run: RunNumber, after: RunVersion
    ) throws(RenError) -> Receipt {
        let answer = Handover<Result<Receipt, RenError>>()
        submit(Batch(run: run, after: after, events: events, keys: keys) { answer.give($0) })
        return try answer.wait().get()
    }
}
