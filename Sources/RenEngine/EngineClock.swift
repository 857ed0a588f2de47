package import RenCore
import Synchronization

/// Where the engine takes time from. `RenTestKit` has a manual one.
package protocol EngineClock: Sendable {
    /// UTC that never goes back while the engine lives, whatever the wall clock does.
    func now() -> Timestamp

    /// Returns when `now()` has reached `time`, or throws when the task is cancelled.
    func sleep(until time: Timestamp) async throws
}

/// `now` = anchor + continuous clock, which counts sleep; the anchor is never before the last recorded time.
package struct SystemClock: EngineClock {
    private let anchor: Timestamp
    private let start = ContinuousClock.now

    /// - Parameter last: time of the journal's last event, so that recorded time never goes back.
    package init(last: Timestamp) {
        anchor = max(Timestamp.wallClock(), last)
    }

    package func now() -> Timestamp {
        anchor + (ContinuousClock.now - start)
    }

    package func sleep(until time: Timestamp) async throws {
        try await Task.sleep(until: start + (time - anchor), clock: .continuous)
    }
}
