package import RenCore
import RenJournal

/// Requests of people: each with a key has one effect, and every repetition gets the same answer (SEMANTICS.md 8).
extension Engine {
    /// What the journal knows of a request; nil when it never came, or was refused.
    ///
    /// - Throws: `request.key_reused` when the key belongs to another request.
    package nonisolated func known(_ mark: RequestMark) throws(RenError) -> Answer? {
        guard let row = try journal.read({ view throws(RenError) in try view.request(mark.key) }) else { return nil }
        guard row.digest == mark.digest else { throw .keyReused(mark.key) }
        return Answer(row)
    }

    /// Has `body` carry a request out, unless its key is known or on its way: then nothing of it is admitted.
    func answered(
        _ asker: Asker, _ body: (@escaping Effects.Reply) -> Void
    ) async throws(RenError) -> Answer {
        let result: Result<Answer, RenError> = await withCheckedContinuation { continuation in
            // Looked at in here: on the way to this closure the actor may have done other things.
            if let storageFailure { return continuation.resume(returning: .failure(storageFailure)) }
            let reply: Effects.Reply = { continuation.resume(returning: $0) }
            guard let mark = asker.request else { return body(reply) }
            guard requests.enter(mark, reply) else { return }
            let requests = requests
            do throws(RenError) {
                if let known = try known(mark) {
                    requests.leave(mark.key, .success(known))
                } else {
                    body { requests.leave(mark.key, $0) }
                }
            } catch {
                requests.leave(mark.key, .failure(error))
            }
        }
        return try result.get()
    }

    /// Adds facts to the run `journal` and returns when they are durable.
    @discardableResult
    package func append(
        _ facts: [(Fact, PayloadMark?)], by asker: Asker = Asker()
    ) async throws(RenError) -> Answer {
        precondition(!facts.isEmpty, "no fact to append")
        return try await answered(asker) { reply in
            var events = stamped(facts)
            events[0].by = asker.by
            events[0].request = asker.request
            var batch = Batch(run: .journal, after: Batch.anyVersion, events: events) { result in
                reply(
                    result.map { receipt in
                        var answer = Answer(receipt)
                        answer.isNew = !receipt.isExisting && !receipt.replayed
                        return answer
                    })
            }
            batch.isUrgent = true
            journal.submit(batch)
        }
    }

    /// Why a run that this engine does not carry cannot be asked anything.
    func notCarried(_ number: RunNumber) -> RenError {
        do {
            let row = try journal.read { view throws(RenError) in try view.run(number) }
            if let row, row.status == .quarantined {
                return RenError(.runQuarantined, "the run is quarantined", hint: "ren journal verify names the record")
            }
            if let row, !row.status.isOpen {
                return RenError(
                    .runFinished, "the run has ended: \(row.status.name)", hint: "ren show prints its summary")
            }
            return RenError(.runNotFound, "this engine does not carry run number \(number)")
        } catch {
            return error
        }
    }
}
