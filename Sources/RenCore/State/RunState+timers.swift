/// Timers are derived: each waiting state carries its time, and the shell arms the earliest.
extension RunState {
    /// The earliest moment at which something follows from time alone; nil when nothing does.
    ///
    /// - Parameter now: leaves out retries that were due by then: they wait for a slot, not for time.
    package func nextDue(after now: Timestamp? = nil) -> Timestamp? {
        var earliest: Timestamp?
        func consider(_ time: Timestamp?) {
            guard let time else { return }
            earliest = min(earliest ?? time, time)
        }
        func consider(_ work: Work) {
            switch work.phase {
            case .ready: break
            case .running(let running): consider(running.deadline)
            case .retrying(let until):
                guard !isHeld, now.map({ until > $0 }) ?? true else { return }
                consider(until)
            }
        }
        for node in open {
            let state = self[node]
            consider(state.work)
            if case .waiting(let wait) = state.phase, !isHeld { consider(wait.until) }
            if let map = state.map {
                for work in map.open.values { consider(work) }
            }
        }
        switch phase {
        case .running: consider(flowDeadline)
        case .stopping(_, let deadline): consider(running > 0 ? deadline : nil)
        case .ending(let ending): consider(hasCancellable ? ending.deadline : nil)
        case .pausing, .paused, .ended, .quarantined: break
        }
        return earliest
    }

    /// When the flow's own `timeout` is over, if the run is not paused until then.
    var flowDeadline: Timestamp? {
        plan.flowTimeout.map { begun + pausedBefore + $0 }
    }

    /// An ending run waits for `once` attempts however long they take.
    private var hasCancellable: Bool {
        runningSubjects.contains { !isOnce($0) }
    }
}
