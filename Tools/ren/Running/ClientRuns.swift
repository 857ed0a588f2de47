import ArgumentParser
import Ren
import RenCore
import RenJournal

/// The runs of other terminals that this engine carries: it stays until they are done.
struct ClientRuns {
    let session: Session
    let service: EngineService
    /// The run that the engine is there for; nil when its own request failed.
    let own: RunNumber?

    /// Waits for them, and closes the session; Ctrl-C leaves at once.
    func leave() async {
        await wait()
        await service.stop()
        // Those that the last requests began.
        await wait()
        await session.close()
    }

    private func wait() async {
        do throws(RenError) {
            let others = try await session.openClientRuns(besides: own)
            guard !others.isEmpty else { return }
            Terminal.complain(
                "stays for \(Words.count(others.count, "run")) of other terminals; Ctrl-C leaves (nothing is lost)")
        } catch {
            return Complaint(error).print()
        }
        Signals.watch()
        await withTaskGroup { group in
            group.addTask { [self] in
                do throws(RenError) {
                    try await session.waitUntilClientsAreDone(besides: own)
                } catch {
                    Complaint(error).print()
                }
            }
            // One that came while our own run was followed has paused that; it is not meant for those of others.
            if Signals.received == nil { group.addTask { _ = await Signals.wait() } }
            await group.next()
            group.cancelAll()
        }
    }

    /// Carries `body` out, for which this process has become the engine. When it fails, that is said at once, and the
    /// runs of others go on to their ends.
    static func sparing(
        _ session: Session, _ body: (EngineService) async throws -> ExitCode
    ) async throws -> ExitCode {
        let service = EngineService(session)
        service.start()
        do {
            return try await body(service)
        } catch {
            let complaint = Complaint(caught: error)
            complaint?.print()
            await ClientRuns(session: session, service: service, own: nil).leave()
            guard let complaint else { throw error }
            return complaint.status
        }
    }
}
