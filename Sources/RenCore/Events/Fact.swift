package import RenJSON

/// What happened. For nodes and items the subject of the event says which: `started` is `node.started` or `item.started`.
package enum Fact: Sendable, Equatable {
    // The run `journal`.
    case journalOpened(JournalOpening)
    case journalClosed
    /// Written before what it tells of is deleted.
    case journalPruned(Pruning)
    /// What stood here was pruned: only its place, its time and its hashes are left. Read from stubs, never written.
    case eventPruned
    /// The payload is the flow's compact JSON; its hash names the version.
    case flowRegistered(name: String)
    /// The payload is the file's bytes.
    case functionsRecorded(FunctionFile)
    case workerStarted(WorkerNote)
    case workerExited(WorkerNote)
    case functionParked(name: String, set: Digest, reason: String)
    case functionUnparked(name: String, set: Digest)

    // A run.
    /// The payload is the input, defaults filled in.
    case runCreated(RunCreation)
    case runPauseRequested(now: Bool, reason: String?)
    case runPaused
    case runResumed(reason: String?)
    case runStopRequested(StopMode, reason: String?)
    /// An end node or the flow's `timeout` ends the run; the payload is the value of `succeed`.
    case runEnding(RunOutcome, Failure?)
    case runStopped
    /// The payload is the run's output.
    case runSucceeded
    case runFailed(Failure)
    case runReopened(Reopening)
    /// The payload is the input, where that was changed.
    case runForked(Fork)
    case runQuarantined(at: RunVersion, reason: String)
    case signalReceived(name: String)

    // A node or an item.
    case started(AttemptStart)
    /// The payload is what the function saved.
    case checkpointed
    /// The payload is the result. With `on_error: {value}` the failure stays readable.
    case succeeded(instead: Failure?)
    case attemptFailed(Failure, retryAt: Timestamp?)
    case interrupted(Interruption)
    case failed(Failure)
    case unknown(UnknownReason)
    case skipped(SkipReason, operands: JSON?)
    case cancelled
    /// Evaluated afresh after a reopening, its input was the recorded one: the result of the event `cause` stands.
    /// Or a person said that it stands, perhaps why.
    case kept(reason: String? = nil)
    /// A person gave the value, which is the payload; it counts as success.
    case overridden(reason: String?)
    case decided(way: String, operands: JSON)
    case waiting(SignalWait)
    case mapOpened(MapOpening)
    case mapClosed(MapCounts)
    case resultRejected(RejectReason)
}

extension Fact {
    /// Whether it changes what a person sees of the run as a whole: `If-Match` compares the version of the last one.
    package var isControl: Bool {
        switch self {
        case .runCreated, .runPauseRequested, .runPaused, .runResumed, .runStopRequested, .runEnding, .runStopped,
            .runSucceeded, .runFailed, .runReopened, .runForked, .runQuarantined, .signalReceived, .overridden:
            true
        case .journalOpened, .journalClosed, .journalPruned, .eventPruned, .flowRegistered, .functionsRecorded,
            .workerStarted, .workerExited, .functionParked, .functionUnparked, .started, .checkpointed, .succeeded,
            .attemptFailed, .interrupted,
            .failed, .unknown, .skipped, .cancelled, .kept, .decided, .waiting, .mapOpened, .mapClosed, .resultRejected:
            false
        }
    }
}

package struct JournalOpening: Hashable, Sendable {
    package enum Carries: String, Sendable { case all, own }

    package var carries: Carries
    /// The version of ren that opened it.
    package var ren: String

    package init(carries: Carries, ren: String) {
        self.carries = carries
        self.ren = ren
    }
}

package struct WorkerNote: Hashable, Sendable {
    package var set: Digest
    package var process: Int32
    /// Exit status or signal, in words, when it ended.
    package var end: String?

    package init(set: Digest, process: Int32, end: String? = nil) {
        self.set = set
        self.process = process
        self.end = end
    }
}

package struct RunCreation: Hashable, Sendable {
    package var id: String
    package var flow: Digest
    package var flowName: String
    /// The set of function files it was started with; nil when it calls none.
    package var functions: Digest?
    /// Raised when the meaning of a construct changes: old runs keep theirs.
    package var semantics: Int

    package init(id: String, flow: Digest, flowName: String, functions: Digest?, semantics: Int = RunCreation.current) {
        self.id = id
        self.flow = flow
        self.flowName = flowName
        self.functions = functions
        self.semantics = semantics
    }

    /// The semantics number of this interpreter.
    ///
    /// 2: items that were opened again begin also where too many others stay failed; before, their map failed at once.
    package static let current = 2
}

package enum StopMode: String, Sendable {
    /// Running attempts get `cancel` and 10 s.
    case cancel
    /// Running attempts may finish.
    case wait
    /// Running attempts are killed.
    case now
}

package enum RunOutcome: String, Sendable { case succeeded, failed }

/// What an attempt began with; its input is recomputed from recorded outputs when needed.
package struct AttemptStart: Hashable, Sendable {
    /// SHA-256 of the arguments as sent.
    package var input: Digest
    /// SHA-256 of the function's file; nil for a Swift function.
    package var code: Digest?
    /// The attempt's time limit where the flow computes it.
    package var timeout: Duration?
    /// The attempt has a worker process to itself.
    package var alone: Bool

    package init(input: Digest, code: Digest?, timeout: Duration? = nil, alone: Bool = false) {
        self.input = input
        self.code = code
        self.timeout = timeout
        self.alone = alone
    }
}

/// Why an attempt ended without counting.
package enum Interruption: String, Sendable {
    /// The engine died while it ran.
    case engine
    /// Its worker died with it alone.
    case worker
    /// Its worker died with others in it: next it is tried alone.
    case sharedWorker = "shared_worker"
    /// Its worker was killed for another call's timeout.
    case neighbour
    /// It ended by `ren.Interrupted`, or was cancelled, because the run pauses.
    case pause
    /// The same for a stop or an end node.
    case stop
}

package enum UnknownReason: String, Sendable {
    case timeout, workerDied = "worker_died", engineDied = "engine_died", stopped
    /// It was running at the event that a fork begins from.
    case forked
    /// A `once` node had succeeded, and what it reads is not what it was.
    case inputChanged = "input_changed"
}

package enum SkipReason: String, Sendable { case notTaken = "not_taken", when, upstreamFailed = "upstream_failed" }

package enum RejectReason: String, Sendable { case stale, finished }

package struct SignalWait: Hashable, Sendable {
    package var signal: String
    package var message: String
    package var until: Timestamp?

    package init(signal: String, message: String, until: Timestamp?) {
        self.signal = signal
        self.message = message
        self.until = until
    }
}

/// What `map.opened` says. Its payload (see `MapContents`) holds the keys and the way to each element.
package struct MapOpening: Hashable, Sendable {
    package var total: Int
    /// SHA-256 of the source list.
    package var source: Digest
    /// `concurrency` as evaluated; nil where none is written.
    package var concurrency: Int?

    package init(total: Int, source: Digest, concurrency: Int?) {
        self.total = total
        self.source = source
        self.concurrency = concurrency
    }
}

/// How the items of a map ended.
package struct MapCounts: Hashable, Sendable {
    package var succeeded = 0
    package var failed = 0
    package var skipped = 0
    package var cancelled = 0
    package var unknown = 0
    /// Never begun, because too many had failed or the run ended.
    package var pending = 0

    package init() {}
}

/// One file of functions as recorded: what a flow may call and how, without starting a worker.
package struct FunctionFile: Hashable, Sendable {
    /// The set it belongs to, which runs name (`RunCreation.functions`).
    package var set: Digest
    /// Its place in the ordered set, from 0, and how many files the set has.
    package var index: Int
    package var count: Int
    package var path: String
    /// The functions of the file as the worker's `hello` described them: a JSON array.
    package var signatures: JSON

    package init(set: Digest, index: Int, count: Int, path: String, signatures: JSON) {
        self.set = set
        self.index = index
        self.count = count
        self.path = path
        self.signatures = signatures
    }
}
