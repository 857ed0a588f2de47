import RenCore

/// What the workers of a pool do at one moment.
package struct PoolSnapshot: Sendable {
    /// Those that live, by number; behind them the last that ended, the newest last.
    package var workers: [WorkerSnapshot]
    /// Processes that ended otherwise than by leaving: they died, or were killed.
    package var restarts: Int
    /// Why nothing can begin now; nil when it can.
    package var parked: String?
}

/// One worker process at one moment.
package struct WorkerSnapshot: Sendable {
    package enum State: String, Sendable {
        /// It has not said hello yet.
        case starting
        case ready
        /// It gets no calls any more.
        case stopping
        case exited
    }

    /// In its pool, from 1, never used again.
    package var number: Int
    package var process: Int32?
    package var state: State
    /// Kept for one call at a time.
    package var isAlone: Bool
    /// Oldest first.
    package var calls: [CurrentCall]
    /// Since it was started; of one that ended, how long it lived.
    package var age: Duration
    package var callsDone: Int
    /// The last lines of its stderr, at most 20 of 400 bytes.
    package var lastErrorLines: [String]
    /// Its resident set; nil where the system does not tell.
    package var residentBytes: Int?
    /// How it ended, in words; nil while it lives.
    package var end: String?
}

/// A call that a worker has at one moment.
package struct CurrentCall: Sendable {
    package var id: CallID
    package var function: String
    package var run: String
    package var node: String
    package var key: String?
    package var attempt: Int
    package var age: Duration

    init(_ call: Call, age: Duration) {
        id = call.id
        function = call.function
        run = call.run
        node = call.node
        key = call.key
        attempt = call.attempt
        self.age = age
    }
}

/// How a worker process is replaced.
package enum RestartMode: Sendable {
    /// It gets no new calls and leaves when those it has are done.
    case afterCalls
    /// It is killed; its calls are interrupted and tried again. A call that had it to itself counts as one whose worker
    /// died: nobody knows what a `once` call had done.
    case now
}
