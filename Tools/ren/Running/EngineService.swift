import Logging
import Ren
import RenCore
import RenServer
import ServiceLifecycle

/// The API of the engine that this process is, on the Unix socket of its data directory (`ren run`, `ren resume`).
actor EngineService {
    private let session: Session
    private var group: ServiceGroup?
    private var task: Task<Void, Never>?
    private var isStopped = false

    /// A run that is over in an instant is not held up by a service that nobody could have found.
    private static let delay = Duration.milliseconds(10)

    /// How long requests that were accepted may go on when the run has ended.
    private static let drain = Duration.seconds(2)

    init(_ session: Session) {
        self.session = session
    }

    /// Begins to listen beside whatever else is done: a run does not wait for it.
    nonisolated func start() {
        Task { await open() }
    }

    private func open() async {
        // Nobody cancels it.
        try? await Task.sleep(for: Self.delay)
        guard !isStopped else { return }
        do throws(RenError) {
            let logger = ServiceLog.logger(isVerbose: false)
            var options = HTTPService.Options()
            options.drain = Self.drain
            let service = try HTTPService(Backend(session, logger: logger), options)
            let group = ServiceGroup(services: [service], logger: ServiceLog.quiet)
            self.group = group
            task = Task {
                do {
                    try await group.run()
                } catch {
                    // The run goes on; it cannot be asked from elsewhere.
                    let reason = (error as? RenError)?.message ?? "\(error)"
                    Terminal.complain("warning: no other terminal can ask this engine: \(Terminal.escaped(reason))")
                }
            }
        } catch {
            Complaint(error).print()
        }
    }

    /// Lets requests finish that were accepted, and takes no more.
    func stop() async {
        isStopped = true
        await group?.triggerGracefulShutdown()
        await task?.value
    }
}
