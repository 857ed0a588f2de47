package import RenCore
import RenEngine
package import RenJournal

/// Runs that come out of the past of others (SEMANTICS.md 7).
extension Session {
    /// Makes a fork and carries it.
    ///
    /// - Parameter functions: nil: those that the parent was started with.
    /// - Throws: `fork.*`, `node.not_found`, `item.not_found`, `input.invalid`, `id.invalid`, `run.exists`,
    ///   `function.*`, `storage.*`.
    package func fork(
        _ words: ForkWords, of parent: RunRow, id: String?, functions: LoadedFunctions?, by asker: Asker
    ) async throws(RenError) -> Started {
        if let id { try Identifier.check(runID: id) }
        if let mark = asker.request, let known = try engine.known(mark) {
            try await takeUpUnlessEnded(known.run, functions: functions, by: Asker(by: asker.by))
            return Started(id: try row(known.run).id, answer: known)
        }
        let loaded = try await self.functions(of: parent, functions)
        let run = runFunctions(loaded)
        let now = engine.now()
        let draft = try ForkDraft(
            words, of: parent, id: id ?? newRunID(), functions: loaded.set, signatures: run.signatures, in: journal,
            at: now)
        try requireFunctions(of: draft.state.plan.flow, run, id: parent.id)
        let answer = try await engine.fork(
            draft.events(at: now), id: draft.fork.creation.id, after: draft.fork.version, by: asker)
        let row = try row(answer.run)
        if row.status.isOpen {
            try await engine.carry(
                answer.run, plans: journal.plans(of: row, signatures: run.signatures), functions: run)
        }
        return Started(id: row.id, answer: answer)
    }

    private func row(_ number: RunNumber) throws(RenError) -> RunRow {
        guard let row = try journal.read({ view throws(RenError) in try view.run(number) }) else {
            throw RenError(.runNotFound, "there is no run number \(number)")
        }
        return row
    }
}
