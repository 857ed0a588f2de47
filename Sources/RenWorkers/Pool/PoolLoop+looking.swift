import NIOCore
import RenCore

/// What people see of the pool, and what they may do to a worker.
extension PoolLoop {
    private static let endedMax = 8

    func snapshot() -> PoolSnapshot {
        let living = workers.values.sorted { $0.number < $1.number }.map(snapshot)
        return PoolSnapshot(workers: living + lastEnded, restarts: lostCount, parked: slots.parkedReason)
    }

    private func snapshot(_ worker: Worker) -> WorkerSnapshot {
        WorkerSnapshot(
            number: worker.number, process: worker.process, state: state(of: worker), isAlone: worker.role == .alone,
            calls: calls(of: worker), age: .nanoseconds((NIODeadline.now() - worker.startedAt).nanoseconds),
            callsDone: worker.callsDone, lastErrorLines: worker.lastErrorLines,
            residentBytes: worker.process.flatMap(Files.residentBytes))
    }

    private func state(of worker: Worker) -> WorkerSnapshot.State {
        switch worker.connection.phase {
        case .spawned: worker.connection.isRetired ? .stopping : .starting
        case .ready: worker.connection.isRetired ? .stopping : .ready
        case .leaving, .killed: .stopping
        case .gone: .exited
        }
    }

    /// Keeps what there is to see of a process that is gone.
    func remember(_ worker: Worker, _ status: String) {
        if case .leaving = worker.connection.phase {} else if !isClosing { lostCount += 1 }
        var last = snapshot(worker)
        (last.state, last.end, last.calls, last.residentBytes) = (.exited, status, [], nil)
        lastEnded.append(last)
        if lastEnded.count > Self.endedMax { lastEnded.removeFirst() }
    }

    /// Whether no call is anywhere in the pool.
    var isIdle: Bool { hasNoneWaiting && workers.values.allSatisfy(\.connection.calls.isEmpty) }

    /// - Returns: whether there is such a process.
    func restart(_ number: Int, _ mode: RestartMode) -> Bool {
        guard let worker = workers[number] else { return false }
        retire(worker)
        if mode == .now {
            worker.connection.kill(.restarted(alone: worker.role == .alone))
            worker.killGroup()
        }
        slots.want()
        recount()
        grow()
        settle()
        return true
    }
}
