import ArgumentParser
import Ren
import RenClient
import RenCore
import RenJSON
import RenJournal

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a flow and follow it until it ends or waits for a person.",
        discussion: """
            With an engine at work in the data directory (ren serve, another ren run) it is the client of that one, and \
            Ctrl-C only stops watching. Without one it is the engine itself: Ctrl-C pauses the run, lets what is in flight finish and leaves; ren resume goes on with it. Twice leaves \
            at once, and nothing that was finished is done again. With --id the same command again goes on with the \
            run, or prints the result of one that has ended.
            """,
        aliases: ["r"])

    @Argument(help: "A flow file, YAML or JSON; or the name of a flow: one of ren.yaml, else a registered one.")
    var flow: String

    @OptionGroup var functions: FunctionOptions
    @OptionGroup var input: InputOption

    @Option(name: .long, help: "The run's id; taken by an equal run, that one goes on.")
    var id: String?

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    @Flag(name: .customLong("no-progress"), help: "No progress on standard error.")
    var noProgress = false

    func run() async throws {
        try output.require(.human, .json)
        if let id { try Identifier.check(runID: id) }
        let source = try FlowSource.find(flow, data)
        let check = FlowFile.check(source.bytes, as: source.format, file: source.path)
        guard let flow = check.flow else { throw FlowErrors(check.errors) }
        if !check.warnings.isEmpty { Terminal.complain(Findings.text(check.warnings, word: "warning")) }
        let input = try input.value(for: flow.source["input"])
        _ = try flow.accept(input: input)
        for warning in InputOption.undeclared(input, in: flow.source["input"]) {
            Terminal.complain("warning: \(Terminal.escaped(warning))")
        }
        let project = try Project.find(from: source.path ?? SystemFile.currentDirectory)
        let files = try flow.callsFunctions || !functions.files.isEmpty ? functions.all(with: project) : []
        try FunctionOptions.require(files)
        let request = RunRequest(
            source: source, flow: flow, check: check, input: input, files: files, project: project)
        guard let session = try await EnginePath.become(try data.path, options(project)) else {
            leave(try await ask(request))
        }
        let service = EngineService(session)
        service.start()
        do {
            leave(try await start(session, service, request))
        } catch {
            await service.stop()
            await session.close()
            throw error
        }
    }

    /// What is to be run.
    private struct RunRequest {
        var source: FlowSource
        var flow: Flow
        var check: FlowCheck
        var input: JSON
        var files: [String]
        var project: Project?
    }

    // MARK: As the engine

    private func start(
        _ session: Session, _ service: EngineService, _ request: RunRequest
    ) async throws -> ExitCode {
        let flow = request.flow
        let loaded = try await session.functions.load(
            request.files, install: functions.policy(request.project)
        ) { Terminal.complain(Terminal.escaped($0)) }
        let errors = FunctionCheck.errors(of: flow, in: request.check.document, signatures: loaded.signatures)
        guard errors.isEmpty else {
            let hinted = FunctionOptions.hinted(errors, known: loaded.signatures.count)
            throw FlowErrors(hinted.map { $0.named(request.source.path ?? self.flow) })
        }
        Signals.watch()
        let started = try await session.start(
            flow, input: request.input, id: id, functions: loaded, by: Asker(by: "cli"))
        let report = RunReport(id: started.id, options: output, showsProgress: !noProgress)
        let live = LiveRun(session: session, service: service, number: started.number, report: report)
        guard !started.isNew else {
            report.announce(
                "\(flow.name) \(started.id)  started; Ctrl-C pauses and leaves, ren resume goes on",
                in: session.directory)
            return try await live.follow()
        }
        let status = try session.journal.read { view throws(RenError) in try view.run(started.number)?.status }
        guard status?.isOpen == true else { return try await live.finish() }
        report.announce("\(flow.name) \(started.id)  goes on", in: session.directory)
        try await session.takeUp(started.number, functions: loaded, by: Asker(by: "cli"))
        return try await live.follow()
    }

    // MARK: As a client of the engine that is there

    private func ask(_ request: RunRequest) async throws -> ExitCode {
        let flow = request.flow
        let files = try FunctionOptions.named(request.files)
        let source = request.source
        let directory = try data.directory
        Signals.watch()
        let (run, isNew) = try await EnginePath.take(in: directory) { client in
            let version = try await client.register(flow: source.bytes, isYAML: source.format == .yaml)
            let started = try await functions.withInstalling(request.project) { install throws(RenError) in
                try await client.start(
                    flow: version.flow, hash: version.hash, input: request.input, id: id, functions: files,
                    install: install)
            }
            return (started.run, started.isNew)
        } nobody: {
            throw RenError(
                .engineGone, "the engine of \(directory.path) has just gone", hint: "run the command again")
        }
        let report = RunReport(id: run, options: output, showsProgress: !noProgress)
        let followed = try FollowedRun(run, data, report)
        report.announce(
            "\(flow.name) \(run)  \(isNew ? "started" : "goes on") in the engine that is there; Ctrl-C leaves it running",
            in: directory)
        return try await followed.followToEnd()
    }

    private func options(_ project: Project?) -> Session.Options {
        var options = Session.Options(command: "ren run \(flow)", project)
        options.onStorageLevel = { Terminal.complain(Words.storage($0, $1)) }
        return options
    }
}

extension Flow {
    /// Whether any node is a function.
    var callsFunctions: Bool { nodes.contains { $0.call != nil } }
}

extension RenError {
    func named(_ file: String) -> RenError {
        var error = self
        error.file = self.file ?? file
        return error
    }
}
