import ArgumentParser
import Logging
import Ren
import RenCore
import RenEngine
import RenJournal
import RenServer
import ServiceLifecycle

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Carry all runs of a data directory, and serve the API, until it is stopped.",
        discussion: """
            Ctrl-C or SIGTERM stops it: requests and calls get 10 s, and what was not finished goes on with the next \
            start. A second one leaves at once; nothing that was acknowledged is lost. The address is --listen, else \
            REN_LISTEN, else listen in ren.yaml, else 127.0.0.1:7360.
            """)

    @Option(
        name: .long, help: ArgumentHelp("Where to listen, besides the socket in the directory.", valueName: "host:port")
    )
    var listen: String?

    @Flag(
        name: .customLong("listen-insecure"),
        help: "Other machines may connect too, with the token, over connections that are not encrypted.")
    var allowsRemote = false

    @Option(
        name: .customLong("console-dir"),
        help: ArgumentHelp(
            "Serve the console's files from this folder, for those who work on it.", valueName: "folder"))
    var consoleFolder: String?

    @OptionGroup var functions: FunctionOptions
    @OptionGroup var data: DataOption

    @Flag(name: .shortAndLong, help: "Say more on standard error.")
    var verbose = false

    private static let standard = ListenAddress(host: "127.0.0.1", port: 7360)

    func run() async throws {
        let project = try Project.find(from: SystemFile.currentDirectory)
        var options = HTTPService.Options(tcp: try address(project))
        options.allowsRemote = allowsRemote
        let files = try functions.all(with: project)
        Signals.watch()
        let session = try await Session(try data.path, sessionOptions(project, files))
        do {
            try await serve(session, options, files, project)
        } catch {
            await session.close()
            throw error
        }
        await session.close()
        ServiceLog.logger(isVerbose: verbose).notice("stopped")
        leave(.success)
    }

    private func serve(
        _ session: Session, _ options: HTTPService.Options, _ files: [String], _ project: Project?
    ) async throws {
        let logger = ServiceLog.logger(isVerbose: verbose)
        let gate = Gate(token: try TokenFile(session.directory).open())
        let backend = Backend(session, logger: logger, gate: gate, consoleFolder: consoleFolder)
        backend.readiness.isStarting()
        let (listening, start) = AsyncStream<Never>.makeStream()
        let http = try HTTPService(backend, options) { addresses in
            Self.greet(session, addresses)
            start.finish()
        }
        let carrier = RunCarrier(
            session: session, backend: backend, files: files, install: functions.policy(project), logger: logger,
            listening: listening)
        let group = ServiceGroup(services: [http, carrier], logger: ServiceLog.quiet)
        let stopper = Task {
            guard await Signals.wait() else { return }
            logger.notice("stopping: requests and calls get 10 s; again to leave at once")
            await group.triggerGracefulShutdown()
        }
        defer { stopper.cancel() }
        do {
            try await group.run()
        } catch let lost as RunCarrier.StorageLost {
            // Nothing can be written any more, so there is nothing to close; the next start reads what is true.
            Complaint(lost.error, status: .storage).print()
            leave(.storage)
        }
    }

    private static func greet(_ session: Session, _ addresses: HTTPService.Addresses) {
        let url = addresses.url.map { "\n  api     \($0)/api/v1   (token: \(TokenFile(session.directory).path))" } ?? ""
        Terminal.complain(
            "ren \(renVersion) · data \(session.directory.path)\(url)\n  socket  \(addresses.socket)\n"
                + "  open    ren open   stop: Ctrl-C")
    }

    private func address(_ project: Project?) throws(RenError) -> ListenAddress {
        if let text = listen ?? SystemFile.environment["REN_LISTEN"], !text.isEmpty {
            return try ListenAddress(parsing: text)
        }
        return project?.listen ?? Self.standard
    }

    private func sessionOptions(_ project: Project?, _ files: [String]) -> Session.Options {
        var options = Session.Options()
        options.command = "ren serve"
        options.carries = .all
        options.functionFiles = files
        options.install = functions.install || project?.environments == .install ? .yes : .no
        options.processes = project?.processes
        options.slots = project?.slots
        return options
    }
}

/// Takes up all open runs once the service listens, and ends the process when the journal fails.
private struct RunCarrier: Service {
    struct StorageLost: Error {
        var error: RenError
    }

    let session: Session
    let backend: Backend
    let files: [String]
    let install: FunctionLoader.Install
    let logger: Logger
    /// Ends when the service takes connections.
    let listening: AsyncStream<Never>

    func run() async throws {
        await loadFunctions()
        try await session.carryOpenRuns()
        for (number, error) in session.unready.sorted(by: { $0.key < $1.key }) {
            logger.warning("run number \(number) waits: \(error.message)")
        }
        backend.readiness.isReady()
        for await _ in listening {}
        let carried = await session.engine.carriedRuns().count
        logger.notice("ready, carrying \(Words.count(carried, "run"))")
        let failure = await cancelWhenGracefulShutdown { await session.failure() }
        guard let failure else { return }
        backend.readiness.failed(failure)
        throw StorageLost(error: failure)
    }

    /// What is wrong with the files is told here and again to whoever needs them; the service goes on without.
    private func loadFunctions() async {
        do throws(RenError) {
            _ = try await session.load(files, install: install) { line in logger.notice("\(line)") }
        } catch {
            logger.warning("the function files cannot be used: \(error.message)")
        }
    }
}
