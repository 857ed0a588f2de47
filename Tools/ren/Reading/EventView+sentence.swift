import Ren
import RenCore
import RenJSON
import RenJournal

extension EventView {
    /// What happened, in a sentence.
    var sentence: String {
        var sentence = fact
        if let by = event.event.by { sentence += ", asked by \(by)" }
        return sentence
    }

    /// `scrape[sku-1]`
    private var subject: String {
        guard let node else { return "the run" }
        guard let item else { return node }
        return "\(node)[\(key ?? String(item.rawValue))]"
    }

    private var attempt: String { "attempt \(event.event.attempt) of \(subject)" }

    /// ` (1.2 kB)`
    private var size: String { event.event.payload.map { " (\(Words.bytes($0.length)))" } ?? "" }

    private var fact: String {
        switch event.event.fact {
        case .journalOpened(let opening):
            "an engine (ren \(opening.ren)) opened the journal and carries "
                + (opening.carries == .all ? "all runs" : "its own runs")
        case .journalClosed: "the engine closed the journal"
        case .journalPruned(let pruning):
            "the \(pruning.step.rawValue) of \(Words.count(pruning.runs.count, "run")) "
                + "(\(Words.count(pruning.runs.reduce(0) { $0 + $1.events }, "event"))) are given up: \(pruning.rule)"
        case .eventPruned: "an event stood here, whose run was pruned"
        case .flowRegistered(let name): "the flow \(name) was registered\(size)"
        case .functionsRecorded(let file):
            "\(Words.count(file.signatures.arrayValue?.count ?? 0, "function")) of \(file.path) were recorded\(size)"
        case .workerStarted(let note): "worker process \(note.process) started"
        case .workerExited(let note): "worker process \(note.process) ended" + Self.because(note.end)
        case .functionParked(let name, _, let reason): "the function \(name) was parked: \(reason)"
        case .functionUnparked(let name, _): "the function \(name) is no longer parked"
        case .runCreated(let creation): "the run began, of the flow \(Self.name(creation))"
        case .runPauseRequested(let now, let reason):
            "a pause was asked for" + (now ? ", at once" : "") + Self.because(reason)
        case .runPaused: "the run paused"
        case .runResumed(let reason): "the run was resumed" + Self.because(reason)
        case .runStopRequested(let mode, let reason): "a stop was asked for (\(mode.rawValue))" + Self.because(reason)
        case .runEnding(let outcome, let failure):
            "\(node ?? "its time limit") ends the run as \(outcome.rawValue)\(size)" + Self.because(failure?.words)
        case .runStopped: "the run was stopped"
        case .runSucceeded: "the run succeeded\(size)"
        case .runFailed(let failure): "the run failed: \(failure.words)"
        case .runReopened(let reopening):
            "the run was opened again: \(Self.words(reopening))" + Self.because(reopening.reason)
        case .runForked(let fork):
            "the run came out of \(fork.parent) behind its event \(fork.version), with the flow "
                + "\(Self.name(fork.creation)): \(Self.words(fork.reopening))"
        case .runQuarantined(let version, let reason):
            "the run was quarantined, since its event \(version) cannot be used: \(reason)"
        case .signalReceived(let name): "the signal \(name) came\(size)"
        case .started(let start):
            "\(subject) began" + (event.event.attempt > 1 ? ", attempt \(event.event.attempt)" : "")
                + (start.alone ? ", alone in a worker" : "")
        case .checkpointed: "\(subject) saved a checkpoint\(size)"
        case .succeeded(let instead):
            instead.map { "\(subject) failed and has its `on_error` value\(size): \($0.words)" }
                ?? "\(subject) succeeded\(size)"
        case .attemptFailed(let failure, let retryAt):
            "\(attempt) failed" + (retryAt.map { ", the next is due at \($0.iso8601)" } ?? "") + ": \(failure.words)"
        case .interrupted(let cause): "\(attempt) was interrupted: \(cause.words)"
        case .failed(let failure): "\(subject) failed: \(failure.words)"
        case .unknown(let reason): "nobody knows how \(subject) ended: \(reason.words)"
        case .skipped(let reason, _): "\(subject) was skipped: \(reason.words)"
        case .cancelled: "\(subject) was cancelled"
        case .kept(let reason):
            "the result of \(subject) stands, "
                + (event.event.by == nil ? "since its input is the same" : "whatever its input is")
                + Self.because(reason)
        case .overridden(let reason): "a person gave \(subject) its value\(size)" + Self.because(reason)
        case .decided(let way, _): "\(subject) went the way \(way)"
        case .waiting(let wait):
            "\(subject) waits for the signal \(wait.signal)" + (wait.until.map { " until \($0.iso8601)" } ?? "")
                + ": \(wait.message)"
        case .mapOpened(let opening): "\(subject) opened with \(Words.count(opening.total, "item"))"
        case .mapClosed(let counts):
            "\(subject) closed: \(Words.grouped(counts.succeeded)) ok"
                + [
                    (counts.failed, "failed"), (counts.skipped, "skipped"), (counts.cancelled, "cancelled"),
                    (counts.unknown, "unknown"), (counts.pending, "never begun"),
                ].filter { $0.0 > 0 }.map { ", \(Words.grouped($0.0)) \($0.1)" }.joined()
        case .resultRejected(let reason):
            "a result of \(subject) came too late and changed nothing: \(reason.rawValue)"
        }
    }

    private static func because(_ reason: String?) -> String {
        guard let reason, !reason.isEmpty else { return "" }
        return ": \(reason)"
    }

    /// `products@9f3c2a1`
    private static func name(_ creation: RunCreation) -> String {
        "\(creation.flowName)@\(creation.flow.description.prefix(7))"
    }

    private static func words(_ reopening: Reopening) -> String {
        let items = reopening.items.values.reduce(0) { $0 + $1.count }
        let parts = [
            reopening.again.isEmpty ? nil : Words.count(reopening.again.count, "node"),
            items == 0 ? nil : Words.count(items, "item"),
        ].compactMap(\.self)
        let again = parts.isEmpty ? "nothing was chosen to run again" : parts.joined(separator: " and ") + " run again"
        return reopening.affected.isEmpty
            ? again : again + ", \(Words.count(reopening.affected.count, "node")) downstream may"
    }
}

extension Failure {
    /// `ValueError: no price`
    fileprivate var words: String { message.isEmpty ? name : "\(name): \(message)" }
}

extension Interruption {
    fileprivate var words: String {
        switch self {
        case .engine: "the engine died"
        case .worker: "its worker died"
        case .sharedWorker: "its worker died with others in it, so next it is tried alone"
        case .neighbour: "its worker was ended for another call's time limit"
        case .pause: "the run pauses"
        case .stop: "the run ends"
        }
    }
}

extension UnknownReason {
    fileprivate var words: String {
        switch self {
        case .timeout: "its time was over"
        case .workerDied: "its worker died"
        case .engineDied: "the engine died"
        case .stopped: "the run was stopped"
        case .forked: "it was running where the fork begins"
        case .inputChanged: "it had succeeded, and what it reads is not what it was"
        }
    }
}
