package import RenCore
import RenEngine
package import RenJournal

/// What `ren pause`, `stop` and `signal` do when no engine holds the directory (SEMANTICS.md 9).
///
/// It takes the directory for an instant, asks (`Passing`), and leaves.
package enum PasserBy {
    package struct Outcome: Sendable {
        package var run: RunNumber
        package var id: String
        /// The sequence of the last event that was written.
        package var sequence: JournalSequence
        package var phase: RunState.Phase
    }

    /// - Parameter find: the run that is meant.
    /// - Throws: `engine.running` when an engine holds the directory; `run.quarantined` when the run cannot be folded;
    ///   what `admit` refuses; what the journal throws.
    package static func ask(
        _ request: Request, of find: (borrowing JournalView) throws(RenError) -> RunRow, in directory: DataDirectory,
        by: String, command: String
    ) throws(RenError) -> Outcome {
        let lock = try lock(directory, command)
        defer { withExtendedLifetime(lock) {} }
        let journal = try LMDBJournal.open(directory: directory.journal)
        defer { journal.close() }
        let (row, last) = try journal.read { view throws(RenError) in
            (try find(view), try view.head().time)
        }
        let (answer, phase) = try Passing.ask(
            request, of: row, plans: try journal.plans(of: row), in: journal, at: SystemClock(last: last).now(),
            by: Asker(by: by))
        return Outcome(run: row.number, id: row.id, sequence: answer.last, phase: phase)
    }

    static func lock(_ directory: DataDirectory, _ command: String) throws(RenError) -> EngineLock {
        do {
            return try EngineLock.acquire(
                in: directory, as: .current(command: command, carries: nil, started: Timestamp.wallClock()))
        } catch  where error.code == .engineLocked {
            throw RenError(
                .engineRunning,
                "an engine is at work here that cannot be asked (\(error.message))",
                hint:
                    "a program that embeds ren serves no socket: ask there, or end it; an engine that starts answers soon"
            )
        }
    }
}

extension RenError.Code {
    /// Somebody else is the engine of the directory, and cannot be asked.
    package static let engineRunning = Self("engine.running")
}
