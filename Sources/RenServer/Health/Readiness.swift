import HTTPTypes
import RenAPI
package import RenCore
import Synchronization

/// Whether the service does all it is there for, beyond what the storage says.
package final class Readiness: Sendable {
    private let reason = Mutex<RenError?>(nil)

    package init() {}

    /// Until `isReady` what changes something is answered with 503.
    package func isStarting() {
        reason.withLock { $0 = RenError(.starting, "ren takes up its runs", hint: "ask again in a moment") }
    }

    package func isReady() { reason.withLock { $0 = nil } }

    /// The journal takes nothing any more.
    package func failed(_ error: RenError) { reason.withLock { $0 = error } }

    package var hindrance: RenError? { reason.withLock { $0 } }

    /// - Throws: the hindrance, for what is more than reading.
    func require(_ route: Route) throws(RenError) {
        guard route.method != .get, route.access == .token, route.path != IndexPaths.links else { return }
        if let hindrance { throw hindrance }
    }
}

extension RenError.Code {
    package static let starting = Self("starting")
}
