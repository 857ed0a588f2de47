package import RenCore
public import RenJSON
import Synchronization

/// What a function knows of its call, and what it can say while it runs. Safe to use from any task.
public final class FunctionContext: Sendable {
    /// How grave a log line is.
    public enum LogLevel: String, Sendable { case debug, info, warning, error }

    /// The id of the run.
    public let run: String
    public let node: String
    /// Name of the item, at a node with `each`.
    public let key: String?
    /// From 1.
    public let attempt: Int
    /// The same for every attempt at this work: for outside systems that can tell a repetition.
    public let idempotencyKey: String
    /// When the attempt's `timeout` ends it.
    package let deadline: Timestamp?
    /// The JSON text that an earlier attempt saved last.
    public let lastCheckpointJSON: [UInt8]?

    private let call: CallID
    private let sink: ReportSink
    private let state = Mutex(State())

    private struct State {
        var isCancelled = false
        var isPausing = false
        var isOver = false
        var lastSign: ContinuousClock.Instant?
        var progress = Throttle<CallReport>()
        var requests = 0
        var saving: [Int: CheckedContinuation<Void, any Error>] = [:]

        mutating func takeSaving() -> [CheckedContinuation<Void, any Error>] {
            defer { saving = [:] }
            return Array(saving.values)
        }
    }

    init(_ call: Call, sink: @escaping ReportSink) {
        self.call = call.id
        run = call.run
        node = call.node
        key = call.key
        attempt = call.attempt
        idempotencyKey = call.idempotencyKey
        deadline = call.deadline
        lastCheckpointJSON = call.checkpoint
        self.sink = sink
    }

    /// The attempt is over for the engine, or its run stops: what it returns may be rejected.
    public var isCancelled: Bool { state.withLock(\.isCancelled) }

    /// Throws `Interrupted` when the run pauses or the call was cancelled; a sign of life for `heartbeat`.
    public func check() throws {
        sign()
        guard !wasAsked else { throw Interrupted() }
    }

    /// Writes a line of at most 8 KiB into the run's log.
    public func log(_ text: String, level: LogLevel = .info, fields: JSON? = nil) {
        let level = LogLine.Level(rawValue: level.rawValue) ?? .info
        report(.log(LogLine(call: call, level: level, text: text.cut(to: LogLine.textMax), fields: fields)))
    }

    /// Says how far the function is; at most five a second are shown, the newest one always.
    public func progress(_ done: Double, of total: Double? = nil, _ text: String? = nil) {
        let report = CallReport.progress(call, done: done, total: total, text: text)
        let offer = state.withLock { $0.progress.offer(report, at: .now, interval: .milliseconds(200)) }
        switch offer {
        case .send: self.report(report)
        case .waits: break
        case .later(let time):
            // Owned by the call: it ends by itself at `time`, and says nothing once the call is over.
            Task {
                try? await Task.sleep(until: time, clock: .continuous)  // nothing cancels this task
                if let newest = state.withLock({ $0.progress.take(at: .now) }) { self.report(newest) }
            }
        }
    }

    /// Saves JSON text of at most 1 MiB that the next attempt gets as `lastCheckpointJSON`; returns when it is durable.
    ///
    /// - Throws: `Interrupted` when the call is cancelled meanwhile; `Permanent` when the value is refused.
    public func checkpointJSON(_ bytes: [UInt8]) async throws {
        guard bytes.count <= Call.checkpointMax else {
            throw Permanent("a checkpoint of \(bytes.count) bytes is over the limit of 1 MiB")
        }
        do {
            try JSONText.validate(bytes)
        } catch {
            throw Permanent("a checkpoint must be JSON: \(error.message)")
        }
        try await withCheckedThrowingContinuation { continuation in
            let request = state.withLock { state -> Int? in
                guard !state.isCancelled, !state.isOver else { return nil }
                state.requests += 1
                state.saving[state.requests] = continuation
                return state.requests
            }
            guard let request else { return continuation.resume(throwing: Interrupted()) }
            report(.checkpoint(call, request: request, Payload(hashing: bytes)))
        }
    }

    // MARK: The host's side

    /// Whether the function was asked to stop, so that an `Interrupted` of its is believed.
    var wasAsked: Bool { state.withLock { $0.isCancelled || $0.isPausing } }

    func pause() {
        state.withLock { $0.isPausing = true }
    }

    func cancel() {
        resume(
            state.withLock { state in
                state.isCancelled = true
                return state.takeSaving()
            })
    }

    /// The function has returned: nothing more is reported.
    func close() {
        resume(
            state.withLock { state in
                state.isOver = true
                return state.takeSaving()
            })
    }

    func saved(_ request: Int, refused: String?) {
        let continuation = state.withLock { $0.saving.removeValue(forKey: request) }
        if let refused { continuation?.resume(throwing: Permanent(refused)) } else { continuation?.resume() }
    }

    private func resume(_ saving: [CheckedContinuation<Void, any Error>]) {
        for continuation in saving { continuation.resume(throwing: Interrupted()) }
    }

    private func sign() {
        let isDue = state.withLock { state in
            let now = ContinuousClock.now
            if let last = state.lastSign, now - last < .seconds(1) { return false }
            state.lastSign = now
            return true
        }
        if isDue { report(.alive(call)) }
    }

    private func report(_ report: CallReport) {
        guard !state.withLock(\.isOver) else { return }
        sink([report])
    }
}

/// The newest of many, at most one per interval; the last one is never lost.
struct Throttle<Element: Sendable>: Sendable {
    private var freeAt: ContinuousClock.Instant?
    private var waiting: Element?

    enum Offer: Equatable {
        case send
        /// It takes the place of one that waits already.
        case waits
        /// To be taken at this time.
        case later(ContinuousClock.Instant)
    }

    mutating func offer(_ element: Element, at now: ContinuousClock.Instant, interval: Duration) -> Offer {
        guard let freeAt, now < freeAt else {
            freeAt = now + interval
            waiting = nil
            return .send
        }
        defer { waiting = element }
        return waiting == nil ? .later(freeAt) : .waits
    }

    /// What waits, if something does.
    mutating func take(at now: ContinuousClock.Instant) -> Element? {
        defer { waiting = nil }
        return waiting
    }
}
