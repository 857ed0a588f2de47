import RenCore
import RenWorkers

/// Which attempt each call belongs to: the way back for reports.
final class CallTable {
    struct Route {
        var run: RunNumber
        var subject: Event.Subject
        /// The attempt's token: the version of its `started`.
        var token: RunVersion
        var slot: Slots.Kind
        var heartbeat: Duration?
        var lastSign: Timestamp
    }

    private(set) var routes: [CallID: Route] = [:]
    private var last: UInt64 = 0

    func open(_ route: Route) -> CallID {
        last += 1
        routes[CallID(rawValue: last)] = route
        return CallID(rawValue: last)
    }

    func close(_ call: CallID) -> Route? {
        routes.removeValue(forKey: call)
    }

    func sign(_ call: CallID, at time: Timestamp) {
        routes[call]?.lastSign = time
    }
}
