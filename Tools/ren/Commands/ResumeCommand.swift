import ArgumentParser
import Ren
import RenCore
import RenJournal

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Go on with a run: after a pause, a signal, Ctrl-C or a crash.")

    @Argument(help: ArgumentHelp("Without it the only open run, else the last.", valueName: "run"))
    var name: String?

    @OptionGroup var functions: FunctionOptions
    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    @Flag(name: .customLong("no-progress"), help: "No progress on standard error.")
    var noProgress = false

    func run() async throws {
        try output.require(.human, .json)
        _ = try data.existing()
        let project = try Project.find(from: SystemFile.currentDirectory)
        var options = Session.Options()
        options.command = "ren resume"
        options.processes = project?.processes
        options.slots = project?.slots
        let session = try await Session(try data.path, options)
        do {
            leave(try await resume(session, project))
        } catch {
            await session.close()
            throw error
        }
    }

    private func resume(_ session: Session, _ project: Project?) async throws -> ExitCode {
        let row = try session.journal.read { view throws(RenError) in
            try RunName.find(name, in: view)
        }
        guard row.status.isOpen else {
            throw RenError(
                row.status == .quarantined ? .runQuarantined : .runFinished,
                "run \(row.id) has ended: \(row.status.name)", hint: "ren show \(row.id) prints its summary")
        }
        let loaded = try await loadFunctions(session, row, project)
        for file in loaded.changed {
            Terminal.complain(
                "\(Terminal.escaped(file)) has changed since it was recorded; new attempts use it as it is")
        }
        let live = LiveRun(
            session: session, number: row.number, id: row.id, options: output, showsProgress: !noProgress)
        live.announce("\(row.flowName) \(row.id)  goes on; Ctrl-C pauses and leaves")
        Signals.watch()
        try await session.takeUp(row.number, functions: loaded, by: Asker(by: "cli"))
        return try await live.follow()
    }

    /// The files named now, else those that the run was started with.
    private func loadFunctions(
        _ session: Session, _ row: RunRow, _ project: Project?
    ) async throws(RenError) -> LoadedFunctions {
        if functions.files.isEmpty {
            guard let set = row.functions else { return LoadedFunctions() }
            return try await session.functions.recorded(set)
        }
        return try await session.functions.load(functions.files, install: functions.policy(project)) { line in
            Terminal.complain(Terminal.escaped(line))
        }
    }
}
