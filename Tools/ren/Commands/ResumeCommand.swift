import ArgumentParser
import Ren
import RenClient
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
        guard let session = try await ReopenedRun.become(data, command: "ren resume", project) else {
            leave(try await ask(project))
        }
        leave(
            try await ReopenedRun.with(session) { service in
                let row = try session.journal.read { view throws(RenError) in try RunName.find(name, in: view) }
                try row.checkOpen()
                let report = RunReport(id: row.id, options: output, showsProgress: !noProgress)
                let resumed = ReopenedRun(
                    session: session, service: service, functions: functions, report: report, project: project)
                return try await resumed.follow(row, "goes on") { loaded in
                    try await session.takeUp(row.number, functions: loaded, by: Asker(by: "cli"))
                }
            })
    }

    // MARK: As a client of the engine that is there

    private func ask(_ project: Project?) async throws -> ExitCode {
        let row = try Reading(data).run(name)
        try row.checkOpen()
        let files = functions.files.isEmpty ? nil : try FunctionOptions.named(functions.files)
        let directory = try data.directory
        Signals.watch()
        try await EnginePath.take(in: directory) { client in
            try await goOn(row.id, client, files, project)
        } nobody: {
            throw RenError(
                .engineGone, "the engine of \(directory.path) has just gone", hint: "run the command again")
        }
        let report = RunReport(id: row.id, options: output, showsProgress: !noProgress)
        report.announce(
            "\(row.flowName) \(row.id)  goes on in the engine that is there; Ctrl-C leaves it running", in: directory)
        return try await FollowedRun(row.id, data, report).followToEnd()
    }

    private func goOn(
        _ run: String, _ client: Client, _ files: [Client.FunctionFile]?, _ project: Project?
    ) async throws(RenError) {
        do throws(RenError) {
            _ = try await functions.withInstalling(project) { install throws(RenError) in
                try await client.resume(run, reason: nil, functions: files, install: install)
            }
        } catch {
            // One that goes on already is followed all the same.
            guard error.code == .runNotPaused else { throw error }
        }
    }
}

extension RunRow {
    /// - Throws: `run.finished`, `run.quarantined`.
    func checkOpen() throws(RenError) {
        guard !status.isOpen else { return }
        throw RenError(
            status == .quarantined ? .runQuarantined : .runFinished, "run \(id) has ended: \(status.name)",
            hint: "ren show \(id) prints its summary")
    }
}
