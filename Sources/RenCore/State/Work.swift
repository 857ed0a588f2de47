/// How far the attempts at one node or item have come.
package struct Work: Hashable, Sendable {
    package enum Phase: Hashable, Sendable {
        /// May begin when there is a slot: never begun, or interrupted.
        case ready
        case running(Running)
        case retrying(until: Timestamp)
    }

    package struct Running: Hashable, Sendable {
        /// Version of the attempt's `started`: a result that carries another one is dead.
        package var token: RunVersion
        package var deadline: Timestamp?
        package var alone: Bool
    }

    package var phase = Phase.ready
    /// Attempts ever begun; the next one has the next number.
    package var attempts: UInt32 = 0
    /// Attempts that count against `retry`.
    package var counted = 0
    /// Times that a worker died with this call alone in it.
    package var workerDeaths = 0
    /// Times in a row that the engine died while it ran.
    package var engineDeaths = 0
    /// The next attempt has a worker to itself: one of several calls killed their worker, and this may be the one.
    package var nextAlone = false
    /// Active time of the run (`RunState.activeTime`) when the first attempt began.
    package var firstBegun: Duration?
    package var checkpoint: PayloadReference?
    /// What the last attempt began with.
    package var input: Digest?
    package var code: Digest?
    /// Version of the last event of this node or item.
    package var last = RunVersion.none

    package var running: Running? {
        guard case .running(let running) = phase else { return nil }
        return running
    }
}

extension Work {
    /// The work after a reopening: numbers of attempts go on, the budget for retries starts anew.
    var reopened: Work {
        var work = Work()
        work.attempts = attempts
        work.last = last
        return work
    }

    /// Where a fork begins, what was in flight counts as interrupted, and what waits for a retry is due.
    mutating func interrupt() {
        phase = .ready
        firstBegun = nil
    }

    /// Folds an event of an attempt; `version` is the event's own.
    mutating func apply(_ event: Event, version: RunVersion, timeout: Duration?, activeTime: Duration) {
        last = version
        switch event.fact {
        case .started(let start):
            attempts = event.attempt
            nextAlone = false
            firstBegun = firstBegun ?? activeTime
            input = start.input
            code = start.code
            phase = .running(
                Running(
                    token: version, deadline: (start.timeout ?? timeout).map { event.time + $0 }, alone: start.alone))
        case .attemptFailed(_, let retryAt):
            counted += 1
            engineDeaths = 0
            phase = retryAt.map { .retrying(until: $0) } ?? .ready
        case .interrupted(let cause):
            phase = .ready
            engineDeaths = cause == .engine ? engineDeaths + 1 : 0
            workerDeaths += cause == .worker ? 1 : 0
            nextAlone = cause == .sharedWorker
        case .checkpointed:
            checkpoint = event.payload.map { PayloadReference(version: version, length: $0.length, hash: $0.hash) }
        case .resultRejected: break  // it belongs to an attempt that is over
        default: phase = .ready
        }
    }
}
