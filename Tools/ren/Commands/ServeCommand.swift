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
            REN_LISTEN, else listen in ren.yaml, else 127.0.0.1:7360. The flows of ren.yaml are registered.
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
        try FunctionOptions.require(files)
        let flows = try project?.flowFiles() ?? []
        Signals.watch()
        let session = try await Session(try data.path, sessionOptions(project, files))
        do {
            try await serve(session, options, files, flows, project)
        } catch {
            await session.close()
            throw error
        }
        await session.close()
        ServiceLog.logger(isVerbose: verbose).notice("stopped")
        leave(.success)
    }

    private func serve(
        _ session: Session, _ options: HTTPService.Options, _ files: [String], _ flows: [String], _ project: Project?
    ) async throws {
        let logger = ServiceLog.logger(isVerbose: verbose)
        let gate = Gate(token: try TokenFile(session.directory).open())
        let backend = Backend(
            session, logger: logger, gate: gate, inspector: ChildInspector(directory: session.directory.path),
            consoleFolder: consoleFolder)
        backend.readiness.isStarting()
        let (listening, start) = AsyncStream<Never>.makeStream()
        let http = try HTTPService(backend, options) { addresses in
            Self.greet(session, addresses)
            start.finish()
        }
        let carrier = RunCarrier(
            session: session, backend: backend, files: files, flows: flows, install: functions.policy(project),
            logger: logger, listening: listening)
        let pruner = HourlyPruning(session: session, retention: project?.retention, logger: logger)
        let group = ServiceGroup(services: [http, carrier, pruner], logger: ServiceLog.quiet)
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
        var options = Session.Options(command: "ren serve", project)
        options.carries = .all
        options.functionFiles = files
        options.install = functions.install || project?.environments == .install ? .yes : .no
        let logger = ServiceLog.logger(isVerbose: verbose)
        options.onStorageLevel = { level, use in
            logger.log(level: level == .normal ? .notice : .warning, "\(Words.storage(level, use))")
        }
        return options
    }
}

/// Loads functions and takes up all open runs once the service listens, and ends the process when the journal fails.
private struct RunCarrier: Service {
    struct StorageLost: Error {
        var error: RenError
    }

    let session: Session
    let backend: Backend
    let files: [String]
    /// Files of flows, to be registered.
    let flows: [String]
    let install: FunctionLoader.Install
    let logger: Logger
    /// How long calls may go on when the end was asked for.
    private static let patience = Duration.seconds(10)

    /// Ends when the service takes connections.
    let listening: AsyncStream<Never>

    func run() async throws {
        for await _ in listening {}
        // A service that could not listen says why itself.
        guard !Task.isCancelled else { return }
        await loadFunctions()
        await registerFlows()
        try await session.carryOpenRuns()
        for (number, error) in session.unready.sorted(by: { $0.key < $1.key }) {
            logger.warning("run number \(number) waits: \(error.message)")
        }
        backend.readiness.isReady()
        let carried = await session.engine.carriedRuns().count
        logger.notice("ready, carrying \(Words.count(carried, "run"))")
        let failure = await cancelWhenGracefulShutdown { await session.failure() }
        // What this started ends on its own, so that the next start need not do it again.
        guard let failure else { return await session.engine.drain(for: Self.patience) }
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

    /// A file that is wrong is told here; the service goes on with the others.
    private func registerFlows() async {
        for file in flows {
            do {
                guard let flow = try FlowFile.load(file).flow else { continue }
                _ = try await session.register(flow, by: Asker(by: "serve"))
            } catch let errors as FlowErrors {
                logger.warning("the flow in \(file) is not registered: \(errors.errors[0].message)")
            } catch {
                logger.warning("the flow in \(file) is not registered: \((error as? RenError)?.message ?? "\(error)")")
            }
        }
    }
}

/// Deletes what retention says: at the start, and every hour.
private struct HourlyPruning: Service {
    private static let pause = Duration.seconds(60 * 60)

    let session: Session
    /// Nil still goes on with what a crash has interrupted.
    let retention: Retention?
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await prune()
                // Cancelling wakes it; the loop then ends.
                try? await Task.sleep(for: Self.pause)
            }
        }
    }

    private func prune() async {
        do throws(RenError) {
            let outcome = try await session.prune(by: retention ?? Retention())
            for step in [Pruning.Step.payloads, .histories] where outcome.count(step) > 0 {
                logger.notice("pruned \(step.rawValue) of \(Words.count(outcome.count(step), "run"))")
            }
        } catch {
            // A journal that cannot be written any more ends the service by itself.
            logger.warning("nothing can be pruned now: \(error.message)")
        }
    }
}
