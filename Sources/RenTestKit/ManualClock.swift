package import RenCore
import RenEngine
import Synchronization

/// A clock that stands still until a test moves it.
package final class ManualClock: EngineClock {
    private struct Sleeper {
        var until: Timestamp
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: Timestamp
        var last = 0
        var sleepers: [Int: Sleeper] = [:]
        /// Cancelled before they slept.
        var cancelled: Set<Int> = []

        mutating func takeDue() -> [Sleeper] {
            let due = sleepers.filter { $0.value.until <= now }
            for number in due.keys { sleepers[number] = nil }
            return due.values.sorted { $0.until < $1.until }
        }
    }

    private let state: Mutex<State>

    package init(_ start: Timestamp = Timestamp(nanoseconds: 1_770_000_000_000_000_000)) {
        state = Mutex(State(now: start))
    }

    package func now() -> Timestamp { state.withLock(\.now) }

    /// The earliest time that somebody sleeps until.
    package var nextWake: Timestamp? { state.withLock { $0.sleepers.values.map(\.until).min() } }

    /// Moves the time, and wakes those whose time has come.
    package func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now = state.now + duration
            return state.takeDue()
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    package func sleep(until time: Timestamp) async throws {
        let number = state.withLock { state in
            state.last += 1
            return state.last
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer = state.withLock { state -> Result<Void, any Error>? in
                    if state.cancelled.remove(number) != nil { return .failure(CancellationError()) }
                    if time <= state.now { return .success(()) }
                    state.sleepers[number] = Sleeper(until: time, continuation: continuation)
                    return nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                let sleeper = state.sleepers.removeValue(forKey: number)
                if sleeper == nil { state.cancelled.insert(number) }
                return sleeper
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}
