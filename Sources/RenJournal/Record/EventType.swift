package import RenCore

/// The number of each type of event in records, and its name for people. Numbers are never reused; a new meaning is a
/// new number. Reserved, not written yet: 4 clock.stepped, 11 schedule.fired, 12 schedule.skipped,
/// 63 node.compensating, 64 node.compensated, 65 node.compensation_failed.
package enum EventType: UInt16, CaseIterable, Sendable {
    case journalOpened = 1
    case journalClosed = 2
    case journalPruned = 3
    case flowRegistered = 5
    case functionsRecorded = 6
    case workerStarted = 7
    case workerExited = 8
    case functionParked = 9
    case functionUnparked = 10
    /// Of a stub, in no record.
    case eventPruned = 13

    case runCreated = 20
    case runPauseRequested = 21
    case runPaused = 22
    case runResumed = 23
    case runStopRequested = 24
    case runEnding = 25
    case runStopped = 26
    case runSucceeded = 27
    case runFailed = 28
    case runReopened = 29
    case runForked = 30
    case runQuarantined = 31
    case signalReceived = 40

    case nodeStarted = 50
    case nodeCheckpointed = 51
    case nodeSucceeded = 52
    case nodeAttemptFailed = 53
    case nodeInterrupted = 54
    case nodeFailed = 55
    case nodeUnknown = 56
    case nodeSkipped = 57
    case nodeCancelled = 58
    case nodeDecided = 59
    case nodeWaiting = 60
    case nodeKept = 61
    case nodeOverridden = 62
    case mapOpened = 66
    case mapClosed = 67

    case itemStarted = 80
    case itemCheckpointed = 81
    case itemSucceeded = 82
    case itemAttemptFailed = 83
    case itemInterrupted = 84
    case itemFailed = 85
    case itemUnknown = 86
    case itemSkipped = 87
    case itemCancelled = 88
    case itemKept = 89
    case itemOverridden = 90

    case resultRejected = 100

    /// Dotted, lower case, past tense: `item.started`.
    package var name: String {
        switch self {
        case .journalOpened: "journal.opened"
        case .journalClosed: "journal.closed"
        case .journalPruned: "journal.pruned"
        case .flowRegistered: "flow.registered"
        case .functionsRecorded: "functions.recorded"
        case .workerStarted: "worker.started"
        case .workerExited: "worker.exited"
        case .functionParked: "function.parked"
        case .functionUnparked: "function.unparked"
        case .eventPruned: "event.pruned"
        case .runCreated: "run.created"
        case .runPauseRequested: "run.pause_requested"
        case .runPaused: "run.paused"
        case .runResumed: "run.resumed"
        case .runStopRequested: "run.stop_requested"
        case .runEnding: "run.ending"
        case .runStopped: "run.stopped"
        case .runSucceeded: "run.succeeded"
        case .runFailed: "run.failed"
        case .runReopened: "run.reopened"
        case .runForked: "run.forked"
        case .runQuarantined: "run.quarantined"
        case .signalReceived: "signal.received"
        case .nodeStarted: "node.started"
        case .nodeCheckpointed: "node.checkpointed"
        case .nodeSucceeded: "node.succeeded"
        case .nodeAttemptFailed: "node.attempt_failed"
        case .nodeInterrupted: "node.interrupted"
        case .nodeFailed: "node.failed"
        case .nodeUnknown: "node.unknown"
        case .nodeSkipped: "node.skipped"
        case .nodeCancelled: "node.cancelled"
        case .nodeDecided: "node.decided"
        case .nodeWaiting: "node.waiting"
        case .nodeKept: "node.kept"
        case .nodeOverridden: "node.overridden"
        case .mapOpened: "map.opened"
        case .mapClosed: "map.closed"
        case .itemStarted: "item.started"
        case .itemCheckpointed: "item.checkpointed"
        case .itemSucceeded: "item.succeeded"
        case .itemAttemptFailed: "item.attempt_failed"
        case .itemInterrupted: "item.interrupted"
        case .itemFailed: "item.failed"
        case .itemUnknown: "item.unknown"
        case .itemSkipped: "item.skipped"
        case .itemCancelled: "item.cancelled"
        case .itemKept: "item.kept"
        case .itemOverridden: "item.overridden"
        case .resultRejected: "result.rejected"
        }
    }

    /// The type of an event; `started` of an item is another one than `started` of a node.
    package init(_ event: Event) {
        let isItem = if case .item = event.subject { true } else { false }
        self =
            switch event.fact {
            case .journalOpened: .journalOpened
            case .journalClosed: .journalClosed
            case .journalPruned: .journalPruned
            case .flowRegistered: .flowRegistered
            case .functionsRecorded: .functionsRecorded
            case .workerStarted: .workerStarted
            case .workerExited: .workerExited
            case .functionParked: .functionParked
            case .functionUnparked: .functionUnparked
            case .eventPruned: .eventPruned
            case .runCreated: .runCreated
            case .runPauseRequested: .runPauseRequested
            case .runPaused: .runPaused
            case .runResumed: .runResumed
            case .runStopRequested: .runStopRequested
            case .runEnding: .runEnding
            case .runStopped: .runStopped
            case .runSucceeded: .runSucceeded
            case .runFailed: .runFailed
            case .runReopened: .runReopened
            case .runForked: .runForked
            case .runQuarantined: .runQuarantined
            case .signalReceived: .signalReceived
            case .started: isItem ? .itemStarted : .nodeStarted
            case .checkpointed: isItem ? .itemCheckpointed : .nodeCheckpointed
            case .succeeded: isItem ? .itemSucceeded : .nodeSucceeded
            case .attemptFailed: isItem ? .itemAttemptFailed : .nodeAttemptFailed
            case .interrupted: isItem ? .itemInterrupted : .nodeInterrupted
            case .failed: isItem ? .itemFailed : .nodeFailed
            case .unknown: isItem ? .itemUnknown : .nodeUnknown
            case .skipped: isItem ? .itemSkipped : .nodeSkipped
            case .cancelled: isItem ? .itemCancelled : .nodeCancelled
            case .kept: isItem ? .itemKept : .nodeKept
            case .overridden: isItem ? .itemOverridden : .nodeOverridden
            case .decided: .nodeDecided
            case .waiting: .nodeWaiting
            case .mapOpened: .mapOpened
            case .mapClosed: .mapClosed
            case .resultRejected: .resultRejected
            }
    }

    /// The first format of journals that has it (`Meta.format`).
    package var format: UInt32 {
        switch self {
        case .journalPruned, .eventPruned, .runReopened, .runForked, .nodeKept, .nodeOverridden, .itemKept,
            .itemOverridden:
            2
        default: 1
        }
    }

    /// Says what a run was, or how it ended: stays when the history is pruned.
    var outlivesHistory: Bool {
        switch self {
        case .runCreated, .runForked, .runStopped, .runSucceeded, .runFailed: true
        default: false
        }
    }

    /// Its payload stays until the history goes: a run's output, and the keys by which its items are named.
    var keepsPayload: Bool {
        switch self {
        case .runEnding, .runSucceeded, .mapOpened: true
        default: false
        }
    }
}
