import ArgumentParser
import Ren
import RenCore
import RenEngine
import RenJournal

/// Follows a run that this process carries, until it rests; shared by `run` and `resume`.
struct LiveRun {
    let session: Session
    let number: RunNumber
    let id: String
    let options: OutputOptions
    let showsProgress: Bool

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

    /// Prints where the run stands, and closes the session.
    func finish() async throws -> ExitCode {
        let summary = try RunSummary(number, in: session.journal, engineHolds: true)
        let output = try summary.output(in: session.journal)
        await session.close()
        print(summary, output)
        if Signals.received == Signals.terminate, summary.row.status.isOpen { return .terminated }
        return .of(summary.row.status)
    }

    /// A line before the progress.
    func announce(_ text: String) {
        guard showsProgress, options.output == .human else { return }
        Terminal.complain("ren \(renVersion) · data \(session.directory.path)\n\(text)")
    }

    // MARK: While it runs

    private func paint() async {
        guard showsProgress, options.output == .human || Terminal.errorsCanRepaint else { return }
        var view = ProgressView(run: id, style: Style(options.color, isTerminal: Terminal.errorsCanRepaint))
        while let state = await session.engine.state(of: number) {
            view.show(state, await session.engine.progress(of: number))
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
        while Signals.received == nil {
            do {
                try await Task.sleep(for: .milliseconds(50))
            } catch {
                return
            }
        }
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

    // MARK: At the end

    private func print(_ summary: RunSummary, _ output: [UInt8]?) {
        guard options.output == .human else { return Terminal.printJSON(summary.report(output: output)) }
        var lines = [summary.text(options.style)]
        if let output {
            lines.append(
                "Output\n  " + Terminal.escaped(String(decoding: output.prefix(1000), as: UTF8.self).shortened(to: 500))
            )
        }
        lines.append("Anchor\n  \(summary.anchor)")
        Terminal.print(lines.joined(separator: "\n"))
    }
}
