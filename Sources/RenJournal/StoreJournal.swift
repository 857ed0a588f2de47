package import RenCore
import Synchronization

/// The journal over a store: the same code for LMDB (`LMDBJournal.open`) and memory (`MemoryJournal.make`).
package final class StoreJournal: Journal {
    private let store: any Store
    private let writer: JournalWriter
    private let nextRun: Mutex<RunNumber>

    /// Starts the writer's thread.
    ///
    /// - Parameter onStorageFault: called on the writer's thread when nothing can be written any more.
    init(
        _ store: any Store, onStorageFault: @escaping @Sendable (RenError) -> Void = { _ in }
    ) throws(RenError) {
        self.store = store
        let state = try store.read { snapshot throws(RenError) in try JournalState.load(from: snapshot) }
        nextRun = Mutex(state.nextRun)
        writer = try JournalWriter(store, state, onStorageFault: onStorageFault)
    }

    /// A journal that goes on from another one in memory: what is tried in it is gone with it.
    package static func over(_ base: any JournalReading) throws(RenError) -> StoreJournal {
        try StoreJournal(OverlayStore(base))
    }

    deinit { writer.close() }

    package func submit(_ batch: Batch) { writer.submit(batch) }

    package func reserveRun() -> RunNumber {
        nextRun.withLock { next in
            defer { next = next.next }
            return next
        }
    }

    package func watchStorage(_ body: @escaping @Sendable (StorageUse) -> Void) {
        writer.storageWatch.watch(body)
        if let use = store.use() { body(use) }
    }

    package var queuedBytes: Int { writer.queuedBytes }

    package func close() { writer.close() }

    /// Closes, and gives the files back as soon as nothing reads them any more, though references to the journal remain:
    /// it can be opened again then. What is read later fails.
    package func giveBack() {
        close()
        store.close()
    }

    package func read<R>(_ body: (borrowing JournalView) throws(RenError) -> R) throws(RenError) -> R {
        try store.read { snapshot throws(RenError) in
            let view = JournalView(snapshot)
            return try body(view)
        }
    }

    package func waitForEvents(after sequence: JournalSequence) async -> Bool {
        await writer.signal.wait(after: sequence)
    }

    /// One commit of what is being pruned, on the writer's thread.
    ///
    /// - Returns: whether there may be more.
    func pruneStep() throws(RenError) -> Bool {
        try writer.perform { committer throws(RenError) in try Pruner.step(committer.store) }
    }

    /// Empties all projections and folds them again from the events, in commits of 5,000, on the writer's thread.
    /// Readers see them incomplete meanwhile.
    ///
    /// - Parameter end: the last event to fold, for tests of prefixes; the journal then takes no more batches.
    package func rebuildProjections(upTo end: JournalSequence? = nil) throws(RenError) {
        try writer.perform { committer throws(RenError) in try committer.rebuild(upTo: end) }
    }
}

package enum MemoryJournal {
    /// An empty journal that is gone with its last reference.
    package static func make() -> StoreJournal {
        do {
            let store = MemoryStore()
            try Rebuild.writeFormat(in: store)
            return try StoreJournal(store)
        } catch {
            // Nothing in memory can fail before the first event.
            preconditionFailure("a journal in memory: \(error)")
        }
    }
}
