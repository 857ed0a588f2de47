package import Logging
package import Ren
package import RenCore
package import RenEngine
package import RenJSON
package import RenJournal
package import RenWebSocket

/// What the handlers of routes and streams work with.
package final class Backend: Sendable {
    package let session: Session
    package let logger: Logger
    package let gate: Gate
    package let readiness = Readiness()
    package let metrics = ServiceMetrics()
    /// Of all listeners together.
    package let connections: ConnectionRegistry
    package let started: ContinuousClock.Instant
    /// Events as text, progress and keys: made once for all who read them.
    package let readings: SharedReadings
    let console: ConsoleFiles
    let inspection: Inspection?

    package var journal: StoreJournal { session.journal }
    package var engine: Engine { session.engine }

    /// - Parameters:
    ///   - gate: by default one whose token nobody knows, for the Unix socket alone.
    ///   - inspector: of the whole journal; nil: there are no routes for that.
    ///   - consoleFolder: where the files of the console are read at every request; nil: those of the binary.
    package init(
        _ session: Session, logger: Logger, gate: Gate = Gate(), connections: ConnectionRegistry = ConnectionRegistry(),
        inspector: (any JournalInspector)? = nil, consoleFolder: String? = nil
    ) {
        self.session = session
        self.logger = logger
        self.gate = gate
        self.connections = connections
        inspection = inspector.map(Inspection.init)
        console = ConsoleFiles(folder: consoleFolder)
        started = .now
        let engine = session.engine
        readings = SharedReadings(session.journal, directory: session.directory) { engine.now() }
    }

    /// The run that a path means: its id in full, as programs name it.
    ///
    /// - Throws: `run.not_found`.
    package func run(_ id: String) throws(RenError) -> RunRow {
        try readings.run(id)
    }

    /// All routes of the service, in the order of `/openapi.json`.
    package var routes: [Route] {
        consoleRoutes + indexRoutes + healthRoutes + flowRoutes + runRoutes + commandRoutes + functionRoutes
            + workerRoutes + nodeRoutes + [stateRoute, lineageRoute] + logRoutes + eventRoutes + resultRoutes
            + proofRoutes
            + retentionRoutes + inspectionRoutes
    }

    /// Schemas that routes refer to, by name.
    package static let schemas: [String: JSON] = [
        baseSchemas, flowSchemas, runSchemas, functionSchemas, nodeSchemas, stateSchemas, eventSchemas, proofSchemas,
        lineageSchemas, inspectionSchemas,
    ].reduce(into: [:]) { $0.merge($1) { first, _ in first } }
}
