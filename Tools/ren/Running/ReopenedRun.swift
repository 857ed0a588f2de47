import ArgumentParser
import Ren
import RenCore
import RenJournal

/// A run that a command takes up, opens again if need be, and follows as its engine until it rests: `resume`, `retry`,
/// and `skip` of a run that has ended.
struct ReopenedRun {
    let session: Session
    let service: EngineService
    let functions: FunctionOptions
    let report: RunReport
    let project: Project?

    /// Takes the directory to go on with a run; nil when an engine has it.
    static func become(_ data: DataOption, command: String, _ project: Project?) async throws -> Session? {
        var options = Session.Options(command: command, project)
        options.onStorageLevel = { Terminal.complain(Words.storage($0, $1)) }
        return try await EnginePath.become(try data.path, options)
    }

    /// - Parameters:
    ///   - what: is said of the run.
    ///   - ask: is asked to take it up.
    func follow(
        _ row: RunRow, _ what: String, _ ask: (LoadedFunctions) async throws -> Void
    ) async throws -> ExitCode {
        let loaded = try await Self.loadFunctions(functions, row, session, project)
        report.announce("\(row.flowName) \(row.id)  \(what); Ctrl-C pauses and leaves", in: session.directory)
        Signals.watch()
        try await ask(loaded)
        return try await LiveRun(session: session, service: service, number: row.number, report: report).follow()
    }

    /// The files named now, else those that the run was started with; says which of these have changed.
    static func loadFunctions(
        _ functions: FunctionOptions, _ row: RunRow, _ session: Session, _ project: Project?
    ) async throws(RenError) -> LoadedFunctions {
        if functions.files.isEmpty {
            guard let set = row.functions else { return LoadedFunctions() }
            let loaded = try await session.functions.recorded(set)
            for file in loaded.changed {
                Terminal.complain(
                    "\(Terminal.escaped(file)) has changed since it was recorded; new attempts use it as it is")
            }
            return loaded
        }
        return try await session.functions.load(functions.files, install: functions.policy(project)) { line in
            Terminal.complain(Terminal.escaped(line))
        }
    }
}
