import RenCore
import Synchronization

/// How far a run is durable: written by the journal's writer thread, read by the engine, with no message between.
final class Watermark: Sendable {
    private let version: Atomic<UInt64>

    init(_ version: RunVersion) {
        self.version = Atomic(version.rawValue)
    }

    func store(_ version: RunVersion) {
        self.version.store(version.rawValue, ordering: .releasing)
    }

    func load() -> RunVersion {
        RunVersion(rawValue: version.load(ordering: .acquiring))
    }
}
