import ArgumentParser
import Ren
import RenCore
import RenEngine
import RenJournal

/// Follows a run that this process carries, until it rests; shared by `run` and `resume`.
struct LiveRun {
    let session: Session
    let service: EngineService
    let number: RunNumber
    let report: RunReport

    /// - Returns: what the process ends with.
    func follow() async throws -> ExitCode {
        let painter = Task { [self] in await paint() }
        let listener = Task { [self] in await listen() }
        let rest = await session.engine.rest(of: number)
        listener.cancel()
        painter.cancel()
        await painter.value
        await listener.value
        if case .storageFailed(let error) = rest {
            // Nothing can be written any more, so there is nothing to close; the next start reads what is true.
            Complaint(error, status: .storage).print()
            leave(.storage)
        }
        return try await finish()
    }

    /// Prints where the run stands, waits for the runs of clients, and closes the session.
    func finish() async throws -> ExitCode {
        let hasClients = try await !session.openClientRuns(besides: number).isEmpty
        // What is printed is read when this engine has left, unless it stays.
        let summary = try RunSummary(number, in: session.journal, engineHolds: hasClients)
        let output = try summary.output(in: session.journal)
        if hasClients { report.print(summary, output) }
        await ClientRuns(session: session, service: service, own: number).leave()
        if !hasClients { report.print(summary, output) }
        if Signals.received == Signals.terminate, summary.row.status.isOpen { return .terminated }
        return .of(summary.row.status)
    }

    // MARK: While it runs

    private func paint() async {
        guard var view = report.makeProgress() else { return }
        while let state = await session.engine.state(of: number) {
            let progress = await session.engine.progress(of: number)
            view.show(
                state.plan.flow.nodes.indices.map { index in
                    NodeProgress(NodeNumber(index), in: state, progress[NodeNumber(index)])
                })
            do {
                try await Task.sleep(for: .milliseconds(200))
            } catch {
                break  // the run has come to rest
            }
        }
        view.finish()
    }

    /// The first Ctrl-C pauses the run; the second never gets here.
    private func listen() async {
        guard await Signals.wait() else { return }
        let running = await session.engine.state(of: number)?.running ?? 0
        Terminal.complain(
            "\npausing: \(Words.count(running, "call")) in flight may finish; again to leave at once (nothing is lost)")
        do {
            try await session.engine.ask(number, .pause(now: false, reason: "interrupted"), by: Asker(by: "cli"))
        } catch
            where error.code == .runPaused || error.code == .runEnding || error.code == .runFinished
            || error.code == .runNotFound
        {
            // It rests, or is about to.
        } catch {
            Complaint(error).print()
        }
    }
}
