package import RenJSON

/// What is asked of a run. `admit` answers with events, or refuses with an error that the asker can act on.
package enum Request: Sendable {
    case pause(now: Bool, reason: String?)
    /// `takingUp`: an engine that carries only its own runs takes this one up, paused or not.
    case resume(takingUp: Bool, reason: String?)
    case stop(StopMode, reason: String?)
    case signal(name: String, payload: Payload)
    /// Nodes and items run again, also of a run that has ended.
    case retry(RetryChoice)
    /// A person says how a node or item ended.
    case skip(Event.Subject, Skip, reason: String?)
    /// The earliest time that the run waits for has come.
    case due
    /// The engine that carried the run is gone; ends what was in flight.
    case engineDied

    /// The shell has prepared an attempt and reserved its slot.
    case begin(Event.Subject, AttemptStart)
    /// Evaluated afresh after a reopening, its input is the recorded one: the result of the event `cause` stands.
    case keep(Event.Subject, cause: RunVersion)
    /// It has the result of the event `cause` and must not run twice, but its input has changed.
    case doubt(Event.Subject, cause: RunVersion)
    /// `when` said no; the operands that it read.
    case pass(Event.Subject, operands: JSON)
    /// The shell could not prepare or evaluate; `instead` is the evaluated value of `on_error: {value}`.
    case fail(Event.Subject, Failure, instead: Payload?)
    case attemptEnded(Event.Subject, token: RunVersion, AttemptEnd)
    case checkpoint(Event.Subject, token: RunVersion, Payload)

    case decided(NodeNumber, way: String, operands: JSON)
    case wait(NodeNumber, SignalWait)
    case openMap(NodeNumber, MapOpening, contents: Payload)
    case end(NodeNumber, RunOutcome, Failure?, value: Payload?)
    case output(Result<Payload, Failure>)
}

/// What the journal knows of an item that was settled in the map as it is open now: the state forgets it.
package struct EarlierWork: Hashable, Sendable {
    package var attempts: UInt32
    /// Version of its last event.
    package var last: RunVersion

    package init(attempts: UInt32, last: RunVersion) {
        self.attempts = attempts
        self.last = last
    }
}

/// How an attempt ended, as the worker or the pool tells it (SEMANTICS.md 3).
package enum AttemptEnd: Sendable {
    case returned(Payload)
    case raised(Failure, permanent: Bool, retryAfter: Duration?)
    /// Silent past its `heartbeat`.
    case silent
    /// Its worker died; `alone` when no other call was in it.
    case workerDied(alone: Bool, how: String)
    /// Its worker was killed for another call's timeout.
    case neighbourKilled
    /// `ren.Interrupted`: the function stopped cleanly because of a pause or stop.
    case interrupted
}

/// SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014): random draws as an argument.
package struct Draws: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
