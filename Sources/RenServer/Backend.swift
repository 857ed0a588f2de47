package import Logging
package import Ren
package import RenCore
package import RenEngine
package import RenJSON
package import RenJournal

/// What the handlers of routes and streams work with.
package final class Backend: Sendable {
    package let session: Session
    package let logger: Logger
    package let started: ContinuousClock.Instant

    package var journal: StoreJournal { session.journal }
    package var engine: Engine { session.engine }

    package init(_ session: Session, logger: Logger) {
        self.session = session
        self.logger = logger
        started = .now
    }

    /// The run that a path means: its id in full, as programs name it.
    ///
    /// - Throws: `run.not_found`.
    package func run(_ id: String) throws(RenError) -> RunRow {
        let row = try journal.read { view throws(RenError) -> RunRow? in
            guard let number = try view.runNumber(id: id) else { return nil }
            return try view.run(number)
        }
        guard let row, row.number != .journal else {
            throw RenError(.runNotFound, "there is no run \(id.prefix(200))", hint: "GET /api/v1/runs lists them")
        }
        return row
    }

    /// All routes of the service, in the order of `/openapi.json`.
    package var routes: [Route] {
        indexRoutes + healthRoutes + flowRoutes + runRoutes + commandRoutes + functionRoutes + workerRoutes + nodeRoutes
            + logRoutes + eventRoutes + resultRoutes
    }

    /// Schemas that routes refer to, by name.
    package static let schemas: [String: JSON] = [
        baseSchemas, flowSchemas, runSchemas, functionSchemas, nodeSchemas, eventSchemas,
    ].reduce(into: [:]) { $0.merge($1) { first, _ in first } }
}
