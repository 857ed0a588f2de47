import RenCore
import RenJournal
import RenWorkers
import Synchronization

/// What other threads tell the engine. Many messages make one turn of the loop.
final class Inbox: Sendable {
    enum Message: Sendable {
        case report(CallReport)
        /// A commit that someone waits for.
        case committed(RunNumber)
        /// A commit failed: the working state is ahead of a journal that will never follow.
        case failed(RunNumber, [Mailbox.Incoming], RenError)
        case storage(StorageUse)
        /// A snapshot was not written: the next one must not build on it.
        case snapshotLost(RunNumber)
    }

    private struct State {
        var messages: [Message] = []
        var isScheduled = false
    }

    private let state = Mutex(State())

    /// - Returns: whether the loop must be woken.
    func add(_ messages: [Message]) -> Bool {
        state.withLock { state in
            state.messages += messages
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
    }

    func take() -> [Message] {
        state.withLock { state in
            state.isScheduled = false
            defer { state.messages = [] }
            return state.messages
        }
    }
}
