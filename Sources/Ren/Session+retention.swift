package import RenCore
import RenEngine
package import RenJournal
import RenWorkers
import Synchronization

/// Deletes what retention says, with the files that belong to it.
package enum Retainer {
    /// What was deleted, or would be.
    package struct Outcome: Sendable {
        package var prunings: [Pruning] = []

        package init() {}

        package func count(_ step: Pruning.Step) -> Int {
            prunings.lazy.filter { $0.step == step }.reduce(0) { $0 + $1.runs.count }
        }
    }

    /// Goes on with what a crash has interrupted, and then prunes. Blocks the calling thread until all is gone.
    ///
    /// A run that was reopened since it was chosen is left alone: its announcement is refused and made without it the
    /// next time.
    /// - Throws: `storage.*`, `journal.damaged`.
    package static func prune(
        _ journal: StoreJournal, in directory: DataDirectory, by retention: Retention, at now: Timestamp,
        asker: String? = nil, isCancelled: () -> Bool = { false }
    ) throws(RenError) -> Outcome {
        try journal.finishPruning(isCancelled: isCancelled) { removeLogs(of: $0, in: directory) }
        var outcome = Outcome()
        for pruning in try journal.prunings(by: retention, at: now) where !isCancelled() {
            do throws(RenError) {
                try journal.prune(pruning, at: now, by: asker, isCancelled: isCancelled) {
                    removeLogs(of: $0, in: directory)
                }
                outcome.prunings.append(pruning)
            } catch {
                guard error.code == .versionConflict else { throw error }
            }
        }
        return outcome
    }

    /// What a run said goes with its history.
    private static func removeLogs(of pruning: Pruning, in directory: DataDirectory) {
        guard pruning.step == .histories else { return }
        for run in pruning.runs { SystemFile.removeFolder(directory.run(run.id)) }
    }

    /// What `ren journal prune` does when no engine holds the directory.
    ///
    /// - Throws: `engine.running`, and what `prune` throws.
    package static func passBy(
        _ directory: DataDirectory, by retention: Retention, command: String
    ) throws(RenError) -> Outcome {
        let lock = try PasserBy.lock(directory, command)
        defer { withExtendedLifetime(lock) {} }
        let journal = try LMDBJournal.open(directory: directory.journal)
        defer { journal.close() }
        let last = try journal.read { view throws(RenError) in try view.head().time }
        return try prune(journal, in: directory, by: retention, at: SystemClock(last: last).now(), asker: "cli")
    }
}

extension Session {
    /// One: whoever asks while something is being pruned waits.
    private static let pruning = ThreadExecutor(name: "ren-prune")

    /// Prunes by these rules, on a thread of its own, while the engine goes on. Cancelled, it leaves the rest for the
    /// next time.
    package func prune(by retention: Retention, asker: String? = nil) async throws(RenError) -> Retainer.Outcome {
        let cancellation = Cancellation()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation {
                (continuation: CheckedContinuation<Result<Retainer.Outcome, RenError>, Never>) in
                Self.pruning.run { [self] in
                    do throws(RenError) {
                        let outcome = try Retainer.prune(
                            journal, in: directory, by: retention, at: engine.now(), asker: asker,
                            isCancelled: { cancellation.isAsked.load(ordering: .relaxed) })
                        continuation.resume(returning: .success(outcome))
                    } catch { continuation.resume(returning: .failure(error)) }
                }
            }
        } onCancel: {
            cancellation.isAsked.store(true, ordering: .relaxed)
        }
        return try result.get()
    }
}

private final class Cancellation: Sendable {
    let isAsked = Atomic(false)
}
