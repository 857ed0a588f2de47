package import RenCore
package import RenJournal
import Synchronization

/// A journal that fails chosen batches, over one that works.
package final class FaultyJournal: Journal {
    package enum Fault: Sendable {
        /// Nothing is written; the error says so.
        case notCommitted
        /// Nothing is written: `storage.full`.
        case diskFull
        /// It is written, and the error says that nobody knows; from then on everything is refused.
        case unknownButWritten
        /// It is not written, and the error says that nobody knows; from then on everything is refused.
        case unknownAndLost
        /// It is written, and the completion never comes, as if the process had died right after the commit.
        case answerLost
    }

    private struct State {
        var submitted = 0
        var faults: [Int: Fault] = [:]
        /// What befalls every batch for now.
        var standing: Fault?
        /// Batches that wait until the test lets them go on.
        var held: [Batch]?
        var refusal: RenError?
        var watcher: (@Sendable (StorageUse) -> Void)?
    }

    private let journal: any Journal
    private let state: Mutex<State>

    /// - Parameter faults: by the number of the submit, from 0.
    package init(_ journal: any Journal, faults: [Int: Fault] = [:]) {
        self.journal = journal
        state = Mutex(State(faults: faults))
    }

    /// How many batches were submitted so far.
    package var submitted: Int { state.withLock { $0.submitted } }

    /// The next submit fails so, or the one after so many others.
    package func failNext(_ fault: Fault, after others: Int = 0) {
        state.withLock { $0.faults[$0.submitted + others] = fault }
    }

    /// Every batch fails so until this is called with nil.
    package func failAll(_ fault: Fault?) {
        state.withLock { $0.standing = fault }
    }

    /// Batches wait from now on, in order, as if the disk were slow.
    package func hold() {
        state.withLock { $0.held = $0.held ?? [] }
    }

    /// Hands on the batches that wait, and holds none any more.
    package func letGo() {
        while let batch = nextHeld() { pass(batch) }
    }

    private func nextHeld() -> Batch? {
        state.withLock { state in
            guard state.held?.isEmpty == false else {
                state.held = nil
                return nil
            }
            return state.held?.removeFirst()
        }
    }

    package func submit(_ batch: Batch) {
        let isHeld = state.withLock { state in
            state.held?.append(batch)
            return state.held != nil
        }
        if !isHeld { pass(batch) }
    }

    private func pass(_ batch: Batch) {
        let (fault, refusal) = state.withLock { state -> (Fault?, RenError?) in
            defer { state.submitted += 1 }
            return (state.faults[state.submitted] ?? state.standing, state.refusal)
        }
        if let refusal { return batch.completion(.failure(refusal)) }
        switch fault {
        case nil: journal.submit(batch)
        case .notCommitted: refuse(batch, RenError(.storageFull, "not committed (injected)"))
        case .diskFull: refuse(batch, RenError(.storageFull, "the disk is full (injected)"))
        case .unknownAndLost:
            stop()
            refuse(batch, Self.unknown)
        case .unknownButWritten:
            stop()
            var written = batch
            written.completion = { _ in batch.completion(.failure(Self.unknown)) }
            journal.submit(written)
        case .answerLost:
            var written = batch
            written.completion = { _ in }
            journal.submit(written)
        }
    }

    /// Answers in order, on the writer's thread, as the journal itself would: an empty batch carries the answer.
    private func refuse(_ batch: Batch, _ error: RenError) {
        journal.submit(
            Batch(run: .journal, after: Batch.anyVersion, events: []) { _ in batch.completion(.failure(error)) })
    }

    private func stop() { state.withLock { $0.refusal = Self.unknown } }

    private static let unknown = RenError(.storageFailed, "the commit failed, outcome: unknown (injected)")

    package func reserveRun() -> RunNumber { journal.reserveRun() }
    package func watchStorage(_ body: @escaping @Sendable (StorageUse) -> Void) {
        state.withLock { $0.watcher = body }
        journal.watchStorage(body)
    }

    /// As if the journal had measured this.
    package func measure(_ use: StorageUse) { state.withLock { $0.watcher }?(use) }

    package var queuedBytes: Int { journal.queuedBytes }
    package func close() { journal.close() }

    package func read<R>(_ body: (borrowing JournalView) throws(RenError) -> R) throws(RenError) -> R {
        try journal.read(body)
    }

    package func waitForEvents(after sequence: JournalSequence) async throws(RenError) -> Bool {
        try await journal.waitForEvents(after: sequence)
    }
}
