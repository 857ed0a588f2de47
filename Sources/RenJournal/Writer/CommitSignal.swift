import RenCore
import Synchronization

/// Tells tasks that the journal has got further.
final class CommitSignal: Sendable {
    private struct State {
        var head: JournalSequence
        var isClosed = false
        var nextID = 0
        var waiting: [Int: (after: JournalSequence, continuation: CheckedContinuation<Bool, Never>)] = [:]
    }

    private let state: Mutex<State>

    init(head: JournalSequence) {
        state = Mutex(State(head: head))
    }

    func advance(to head: JournalSequence) {
        let due = state.withLock { state in
            state.head = head
            let due = state.waiting.filter { $0.value.after < head }
            for id in due.keys { state.waiting[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in due { continuation.resume(returning: true) }
    }

    func close() {
        let all = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [:] }
            return state.waiting.values.map(\.continuation)
        }
        for continuation in all { continuation.resume(returning: false) }
    }

    /// True once there are events behind `sequence`, also after closing; false when there will be none, or when the
    /// task is cancelled.
    func wait(after sequence: JournalSequence) async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if state.head > sequence { return true }
                    if state.isClosed || Task.isCancelled { return false }
                    state.waiting[id] = (sequence, continuation)
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiting = state.withLock { $0.waiting.removeValue(forKey: id) }
            waiting?.continuation.resume(returning: false)
        }
    }
}
