package import RenCore
import RenJournal

extension Engine {
    /// The runs that have not ended and are carried here.
    package func carriedRuns() -> [RunNumber] { mailboxes.keys.sorted() }

    /// Takes up a run as an engine does that carries all: what was in flight is ended, it goes on, and that is all that
    /// is written; a paused run stays paused.
    ///
    /// - Throws: `run.quarantined`, `storage.*`.
    package func carry(_ number: RunNumber, plans: [Plan], functions: RunFunctions) async throws(RenError) {
        guard let mailbox = try await revive(number, plans, functions) else { return }
        // First, so that nothing begins that the storage has no room for.
        obeyStorage(mailbox)
        step(mailbox)
    }

    /// A mailbox with the state of a run that is in the journal, about to end what was in flight.
    ///
    /// - Returns: nil for a run that is carried already.
    func revive(
        _ number: RunNumber, _ plans: [Plan], _ functions: RunFunctions, by asker: Asker = Asker()
    ) async throws(RenError) -> Mailbox? {
        if let storageFailure { throw storageFailure }
        guard mailboxes[number] == nil else { return nil }
        var (state, snapshots) = try RunState.newest(of: number, plans: plans, in: journal)
        do {
            try state.fold(number, from: journal)
        } catch  where error.code == .journalDamaged {
            throw await quarantine(number, after: state.version, error)
        }
        try state.requireMatch(asker)
        let mailbox = makeMailbox(number, state, plans, functions, id: state.creation?.id ?? "", snapshots)
        mailboxes[number] = mailbox
        mailbox.incoming.append(Mailbox.Incoming(request: .engineDied))
        return mailbox
    }
}
