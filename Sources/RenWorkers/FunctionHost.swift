package import RenCore
package import RenJSON

/// Names one call for the life of the engine.
package struct CallID: Number {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// An attempt on its way to a function.
package struct Call: Sendable {
    package var id: CallID
    package var function: String
    /// What it runs in; its slot was reserved under this kind.
    package var slot: Slots.Kind
    package var run: String
    package var flow: String
    package var node: String
    package var key: String?
    package var index: Int?
    package var attempt: Int
    /// `run/node/key`, the same for every attempt: for outside systems.
    package var idempotencyKey: String
    package var deadline: Timestamp?
    /// A JSON object of named arguments, without the lazy ones.
    package var arguments: [UInt8]
    /// Arguments that the function reads page by page, with their length.
    package var lazy: [LazyArgument] = []
    /// What an earlier attempt saved.
    package var checkpoint: [UInt8]?

    package struct LazyArgument: Sendable {
        package var name: String
        package var total: Int

        package init(name: String, total: Int) {
            self.name = name
            self.total = total
        }
    }

    package init(
        id: CallID, function: String, slot: Slots.Kind, run: String, flow: String, node: String, key: String?,
        index: Int?, attempt: Int, idempotencyKey: String, deadline: Timestamp?, arguments: [UInt8]
    ) {
        self.id = id
        self.function = function
        self.slot = slot
        self.run = run
        self.flow = flow
        self.node = node
        self.key = key
        self.index = index
        self.attempt = attempt
        self.idempotencyKey = idempotencyKey
        self.deadline = deadline
        self.arguments = arguments
    }
}

/// What a host tells the engine. Each call gets exactly one `ended`; what is said about it after that is dropped.
package enum CallReport: Sendable {
    case ended(CallID, AttemptEnd)
    case progress(CallID, done: Double, total: Double?, text: String?)
    /// A sign of life of the function itself (`check`, `progress`, `checkpoint`).
    case alive(CallID)
    /// The engine answers `saved` when the checkpoint is durable.
    case checkpoint(CallID, request: Int, Payload)
    /// The engine answers `page`.
    case read(CallID, request: Int, argument: String, from: Int)
    case log(LogLine)
    case workerStarted(set: Digest, process: Int32)
    case workerExited(set: Digest, process: Int32, how: String)
    /// Workers of the set die before or without a call: nothing begins until it is unparked.
    case parked(set: Digest, function: String, reason: String)
    case unparked(set: Digest, function: String)
    /// A slot has come free without a call ending (a late return, a new process).
    case slotsFreed
}

/// A line for the log of a run; `call` is nil for what a worker prints outside of calls.
package struct LogLine: Sendable {
    package enum Level: String, Sendable, CaseIterable { case debug, info, warning, error }

    package var call: CallID?
    package var level: Level
    /// At most 8 KiB.
    package var text: String
    package var fields: JSON?

    package init(call: CallID?, level: Level, text: String, fields: JSON? = nil) {
        self.call = call
        self.level = level
        self.text = text
        self.fields = fields
    }
}

/// Where functions run: Swift functions, a pool of worker processes, a script in tests.
///
/// Every method is thread-safe, returns at once and never blocks for I/O: `start` is called on the journal's writer
/// thread right after the commit that holds the attempts. Reports come on any thread, in order for each call.
package protocol FunctionHost: AnyObject, Sendable {
    /// What the host can call, by name. Empty until it is ready.
    var signatures: [String: FunctionSignature] { get }

    /// Slots that are free now, by kind.
    func freeSlots() -> [Slots.Kind: Int]

    /// Takes a slot for a call that will be started or given up.
    func reserve(_ kind: Slots.Kind)

    /// Gives back a slot that was reserved for a call that is not started after all.
    func release(_ kind: Slots.Kind)

    func start(_ calls: [Call])

    /// The attempts are over for the engine (time-out, stop, `--now`), whatever their functions still do.
    ///
    /// The functions get `cancel`; a worker that is not back after 2 s (at once when `kill`) costs its process, and its
    /// other calls end as `neighbourKilled`. The slot stays taken until the function has returned; the one `ended` of
    /// each call still comes then, so that a late result can be recorded as rejected.
    func cancel(_ calls: [CallID], kill: Bool)

    /// The run stops and wants its running attempts back soon; their `ended` still comes.
    func askToStop(_ calls: [CallID])

    /// The run pauses: functions may save a checkpoint and stop, or finish.
    func askToPause(_ calls: [CallID])

    func saved(_ call: CallID, request: Int, refused: String?)

    func page(_ call: CallID, request: Int, values: [[UInt8]], next: Int?)

    /// Ends all calls and processes; returns when none is left.
    func shutDown() async
}
