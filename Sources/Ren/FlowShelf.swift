import RenCore
import Synchronization

/// The flows that a program has loaded, by name.
final class FlowShelf: Sendable {
    private let flows = Mutex<[String: Flow]>([:])

    func put(_ flow: Flow) {
        flows.withLock { $0[flow.name] = flow }
    }

    func flow(named name: String) -> Flow? {
        flows.withLock { $0[name] }
    }
}
