package import RenCore
import RenEngine
import RenJournal
import Synchronization

/// Which runs an engine carries (SEMANTICS.md 9).
extension Session {
    package var carries: JournalOpening.Carries { options.carries }

    /// Open runs that cannot go on yet, and why: their functions are missing. Nothing was written about them, and they
    /// have burnt no attempt.
    package var unready: [RunNumber: RenError] { waiting.withLock { $0 } }

    /// Takes up every open run, each with the functions that it was started with; for an engine that carries all.
    ///
    /// What is wrong with one run keeps no other from going on: it is quarantined, or waits in `unready`.
    /// - Throws: what keeps the list of runs from being read.
    package func carryOpenRuns() async throws(RenError) {
        await carry(try journal.read { view throws(RenError) in try view.openRuns() })
    }

    /// Tries the runs in `unready` again.
    package func retryUnready() async {
        await carry(unready.keys.sorted())
    }

    /// Carries the run on as an engine does that carries all: its journal says nothing of it.
    ///
    /// Nothing happens to a run that has ended or is carried already.
    /// - Throws: why it cannot go on; it is in `unready` then, unless it is quarantined.
    package func carry(_ number: RunNumber) async throws(RenError) {
        var sets = LoadedSets()
        do {
            try await carry(number, &sets)
        } catch {
            waiting.withLock { $0[number] = error.code == .runQuarantined ? nil : error }
            throw error
        }
        waiting.withLock { $0[number] = nil }
    }

    /// Each set is loaded once for all its runs, also when that fails.
    private typealias LoadedSets = [Digest: Result<LoadedFunctions, RenError>]

    private func carry(_ numbers: [RunNumber]) async {
        var sets = LoadedSets()
        for number in numbers {
            do throws(RenError) {
                try await carry(number, &sets)
                waiting.withLock { $0[number] = nil }
            } catch {
                // The journal tells of a quarantined run; nothing keeps the others from going on.
                waiting.withLock { $0[number] = error.code == .runQuarantined ? nil : error }
            }
        }
    }

    private func carry(_ number: RunNumber, _ sets: inout LoadedSets) async throws(RenError) {
        let row = try journal.read { view throws(RenError) in try view.run(number) }
        guard let row, row.status.isOpen, await engine.state(of: number) == nil else { return }
        var loaded = LoadedFunctions()
        if let set = row.functions {
            if sets[set] == nil {
                do throws(RenError) {
                    sets[set] = .success(try await functions.recorded(set))
                } catch {
                    sets[set] = .failure(error)
                }
            }
            loaded = try sets[set]!.get()
        }
        let (plans, functions) = try await prepare(number, loaded)
        try await engine.carry(number, plans: plans, functions: functions)
    }

    // MARK: Clients of an engine inside `ren run`

    /// Open runs that this engine carries for others.
    ///
    /// - Parameter own: the run that the engine is there for.
    package func openClientRuns(besides own: RunNumber?) async throws(RenError) -> [RunNumber] {
        let carried = await engine.carriedRuns()
        return try journal.read { view throws(RenError) in
            var open: [RunNumber] = []
            for number in carried where number != own {
                if try view.run(number)?.status.isOpen == true { open.append(number) }
            }
            return open
        }
    }

    /// Returns when no run is open that this engine carries for others; earlier when it is cancelled or closed. It does not
    /// return when the journal fails: see `failure`.
    package func waitUntilClientsAreDone(besides own: RunNumber?) async throws(RenError) {
        while true {
            // Read first: whatever ends a run after this wakes us.
            let head = try journal.read { view throws(RenError) in try view.head().sequence }
            guard try await !openClientRuns(besides: own).isEmpty, await journal.waitForEvents(after: head)
            else { return }
        }
    }

    // MARK: The engine to others

    /// Tells in `ren.lock` where this engine is reached: name → address.
    package func announce(addresses: [String: String]) throws(RenError) {
        try lock.withLock { lock throws(RenError) in try lock?.update(addresses: addresses) }
    }

    /// Returns when the journal takes nothing any more: the process must end (exit 74). Nil when the engine was closed, or
    /// when cancelled. For one waiter.
    package func failure() async -> RenError? {
        for await error in engine.failures { return error }
        return nil
    }
}
