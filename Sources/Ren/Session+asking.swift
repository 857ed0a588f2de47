package import RenCore
package import RenEngine
import RenJournal
import RenWorkers

/// What people ask of runs, whether this engine carries them or not (SEMANTICS.md 9).
extension Session {
    /// Asks something of a run; of one that is not carried as a passer-by does, who does not go on with it.
    ///
    /// - Throws: `run.not_found`, `run.finished`, `run.quarantined`, what `admit` refuses, `request.key_reused`,
    ///   `storage.*`.
    package func ask(_ number: RunNumber, _ request: Request, by asker: Asker) async throws(RenError) -> Answer {
        let row = try journal.read { view throws(RenError) in try view.run(number) }
        guard let row, row.status.isOpen, await engine.state(of: number) == nil else {
            return try await engine.ask(number, request, by: asker)
        }
        let plans = try journal.plans(of: row, swift: swift.signatures)
        return try await engine.pass(number, request, plans: plans, by: asker)
    }

    /// Goes on with a run: one that is paused, and one that is not carried, which is taken up.
    ///
    /// - Parameter functions: for a run that is taken up; nil: those that it was started with.
    /// - Throws: what `takeUp` and `ask` throw.
    package func resume(
        _ number: RunNumber, functions: LoadedFunctions?, reason: String?, by asker: Asker
    ) async throws(RenError) -> Answer {
        if let mark = asker.request, let known = try engine.known(mark) {
            // The answer is the one of the first time; that the run is carried is what it promised.
            try await takeUpUnlessEnded(number, functions: functions, by: Asker(by: asker.by))
            return known
        }
        let row = try journal.read { view throws(RenError) in try view.run(number) }
        if row?.status.isOpen == true, await engine.state(of: number) == nil,
            let answer = try await takeUp(number, functions: functions, reason: reason, by: asker)
        {
            return answer
        }
        return try await engine.ask(number, .resume(takingUp: false, reason: reason), by: asker)
    }
}
