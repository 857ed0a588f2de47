package import RenCore
package import RenEngine
package import RenJournal
import RenWorkers
import Synchronization

/// What opens runs again (SEMANTICS.md 7).
extension Session {
    /// Opens a run again, or asks it of one that goes on; one that nobody carries is taken up.
    ///
    /// - Parameter functions: for a run that is taken up; nil: those that it was started with.
    /// - Throws: what `takeUp` and `ask` throw.
    package func reopen(
        _ number: RunNumber, _ request: Request, functions: LoadedFunctions?, by asker: Asker
    ) async throws(RenError) -> Answer {
        if let mark = asker.request, let known = try engine.known(mark) {
            try await takeUpUnlessEnded(number, functions: functions, by: Asker(by: asker.by))
            return known
        }
        if await engine.state(of: number) == nil {
            // One that nobody knows of, or that can never go on, is refused before its functions are looked for.
            let row = try journal.read { view throws(RenError) in try view.run(number) }
            guard let row, row.status != .quarantined else {
                return try await engine.ask(number, request, by: asker)
            }
            let (plans, functions) = try await prepare(number, functions)
            if let answer = try await engine.takeUp(
                number, plans: plans, functions: functions, asking: request, by: asker)
            {
                waiting.withLock { $0[number] = nil }
                return answer
            }
        }
        return try await engine.ask(number, request, by: asker)
    }

    /// A skip of a run that has ended opens it again; of one that goes on, it is asked as anything else is.
    package func skip(_ number: RunNumber, _ request: Request, by asker: Asker) async throws(RenError) -> Answer {
        let row = try journal.read { view throws(RenError) in try view.run(number) }
        guard let row, !row.status.isOpen else { return try await ask(number, request, by: asker) }
        return try await reopen(number, request, functions: nil, by: asker)
    }

    /// What `request` would open, without asking it.
    ///
    /// - Throws: what `admit` refuses.
    package func reopening(_ row: RunRow, _ request: Request) async throws(RenError) -> ReopeningView {
        let state = await engine.state(of: row.number)
        return try ReopeningView(of: row, request, in: journal, state: state)
    }
}
