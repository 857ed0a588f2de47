import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a flow here and follow it until it ends or waits for a person.",
        discussion: """
            Ctrl-C pauses the run, lets what is in flight finish and leaves; ren resume goes on with it. Twice leaves \
            at once, and nothing that was finished is done again. With --id the same command again goes on with the \
            run, or prints the result of one that has ended.
            """,
        aliases: ["r"])

    @Argument(help: "A flow file, YAML or JSON.")
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
        let check = try FlowFile.load(flow)
        guard let flow = check.flow else { throw FlowErrors(check.errors) }
        if !check.warnings.isEmpty { Terminal.complain(Findings.text(check.warnings, word: "warning")) }
        let input = try input.value(for: flow.source["input"])
        _ = try flow.accept(input: input)
        for warning in InputOption.undeclared(input, in: flow.source["input"]) {
            Terminal.complain("warning: \(Terminal.escaped(warning))")
        }
        let project = try Project.find(from: self.flow)
        let files = try flow.callsFunctions || !functions.files.isEmpty ? functions.all(with: project) : []
        for file in files where !SystemFile.exists(file) {
            throw RenError(
                .fileNotFound, "there is no file \(file)",
                hint: file.hasPrefix("/") ? nil : "paths of -f are relative to the folder you are in")
        }
        let session = try await Session(try data.path, options(project))
        do {
            leave(try await start(session, flow, check, input, files, project))
        } catch {
            await session.close()
            throw error
        }
    }

    private func start(
        _ session: Session, _ flow: Flow, _ check: FlowCheck, _ input: JSON, _ files: [String], _ project: Project?
    ) async throws -> ExitCode {
        let loaded = try await session.functions.load(files, install: functions.policy(project)) { line in
            Terminal.complain(Terminal.escaped(line))
        }
        let errors = FunctionCheck.errors(of: flow, in: check.document, signatures: loaded.signatures)
        guard errors.isEmpty else {
            let hinted = FunctionOptions.hinted(errors, known: loaded.signatures.count)
            throw FlowErrors(hinted.map { $0.named(self.flow) })
        }
        Signals.watch()
        let started = try await session.start(flow, input: input, id: id, functions: loaded, by: Asker(by: "cli"))
        let live = LiveRun(
            session: session, number: started.number, id: started.id, options: output, showsProgress: !noProgress)
        guard !started.isNew else {
            live.announce("\(flow.name) \(started.id)  started; Ctrl-C pauses and leaves, ren resume goes on")
            return try await live.follow()
        }
        let status = try session.journal.read { view throws(RenError) in try view.run(started.number)?.status }
        guard status?.isOpen == true else { return try await live.finish() }
        live.announce("\(flow.name) \(started.id)  goes on")
        try await session.takeUp(started.number, functions: loaded, by: Asker(by: "cli"))
        return try await live.follow()
    }

    private func options(_ project: Project?) -> Session.Options {
        var options = Session.Options()
        options.command = "ren run \(flow)"
        options.processes = project?.processes
        options.slots = project?.slots
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
