import NIOCore
import RenCore

/// The life of one worker process as rules without I/O: spawned → ready → leaving → killed → gone.
///
/// The worker around it sends, kills and reports as the returned actions say; time comes in as an argument.
struct WorkerConnection {
    enum Phase: Equatable {
        /// The process runs, or will; its hello must come by then.
        case spawned(helloBy: NIODeadline)
        case ready
        /// It was told to leave and must have ended by then.
        case leaving(by: NIODeadline)
        case killed(KillReason)
        case gone
    }

    enum KillReason: Equatable {
        case violation(String)
        /// No hello in time.
        case mute
        /// A ping was not answered in time.
        case silent
        /// A cancelled call was not back in time.
        case overdue
        /// The connection ended and the process did not.
        case hungUp
        /// The pool ends.
        case closing
        case lingering
        /// A person wanted it at once; `alone` when it was kept for one call at a time.
        case restarted(alone: Bool)
    }

    struct OpenCall: Equatable {
        var kind: Slots.Kind
        /// Pause or cancel was sent: an `interrupted` is believed.
        var wasAsked = false
        /// When a cancelled call costs the process.
        var killAt: NIODeadline?
    }

    struct Limits {
        var hello: TimeAmount = .seconds(10)
        var pingEvery: TimeAmount = .seconds(5)
        var pong: TimeAmount = .seconds(5)
        var cancel: TimeAmount = .seconds(2)
        var idle: TimeAmount = .seconds(60)
        var leave: TimeAmount = .seconds(5)
        var hangUp: TimeAmount = .seconds(1)
    }

    private(set) var phase: Phase
    private(set) var calls: [CallID: OpenCall] = [:]
    /// Open calls by `Slots.Kind`, so that scheduling need not count.
    private(set) var blockingCount = 0
    private(set) var asyncCount = 0
    /// It has had a call: when it dies now, that is no failed start.
    private(set) var hadCalls = false
    /// It gets no new calls, and leaves when it has none.
    private(set) var isRetired = false

    private let limits: Limits
    private var idleSince: NIODeadline
    private var pingAt = NIODeadline.distantFuture
    private var ping: (id: UInt64, answerBy: NIODeadline)?
    private var pingCount: UInt64 = 0
    private var hungUpBy: NIODeadline?
    private var earliestKill: NIODeadline?

    init(at now: NIODeadline, limits: Limits = Limits()) {
        self.limits = limits
        phase = .spawned(helloBy: now + limits.hello)
        idleSince = now
    }

    /// It takes calls.
    var isReady: Bool { phase == .ready && !isRetired }

    /// It may still become or be of use.
    var isComing: Bool { if case .spawned = phase { !isRetired } else { false } }

    // MARK: What the worker says

    enum HelloAction: Equatable {
        case welcome
        case kill
    }

    mutating func hello(protocolNumber: Int, at now: NIODeadline) -> HelloAction {
        guard case .spawned = phase else {
            violated("hello twice")
            return .kill
        }
        guard protocolNumber == 1 else {
            violated("it speaks worker protocol \(protocolNumber), this engine speaks 1")
            return .kill
        }
        phase = .ready
        idleSince = now
        pingAt = now + limits.pingEvery
        return .welcome
    }

    enum AnswerAction: Equatable {
        /// The call is over; what was known of it.
        case end(OpenCall)
        /// The process is being killed, and its calls end with it.
        case ignore
        case kill
    }

    /// A result, failure or interruption. One for a call that is not open is answered with the end of the worker:
    /// either it answered twice or it made the call up.
    mutating func answered(_ call: CallID, at now: NIODeadline) -> AnswerAction {
        guard !isEnding else { return .ignore }
        guard let open = calls.removeValue(forKey: call) else {
            violated("an answer for call \(call), which is not open")
            return .kill
        }
        count(open.kind, -1)
        if open.killAt != nil { earliestKill = calls.values.lazy.compactMap(\.killAt).min() }
        if calls.isEmpty { idleSince = now }
        return .end(open)
    }

    /// Whether something said about a call is passed on; after the call's end it is dropped.
    func isOpen(_ call: CallID) -> Bool { calls[call] != nil }

    enum PongAction: Equatable {
        case none
        case kill
    }

    mutating func pong(_ id: UInt64, at now: NIODeadline) -> PongAction {
        guard !isEnding else { return .none }
        guard let ping, ping.id == id else {
            violated("a pong that no ping asked for")
            return .kill
        }
        self.ping = nil
        pingAt = now + limits.pingEvery
        return .none
    }

    /// It sent what no worker may send: the process must be killed.
    mutating func violated(_ text: String) {
        kill(.violation(text))
    }

    /// The connection ended; the process should follow.
    mutating func hungUp(at now: NIODeadline) {
        hungUpBy = now + limits.hangUp
    }

    // MARK: What the pool does

    /// - Precondition: the worker is ready.
    mutating func assign(_ call: CallID, _ kind: Slots.Kind) {
        precondition(isReady, "call \(call) for a worker that is \(isRetired ? "retired" : "\(phase)")")
        calls[call] = OpenCall(kind: kind)
        count(kind, 1)
        hadCalls = true
    }

    enum AskAction: Equatable {
        case none
        case send
        case kill
    }

    /// The call is asked to stop soon.
    mutating func ask(_ call: CallID) -> AskAction {
        guard calls[call] != nil, phase == .ready else { return .none }
        calls[call]?.wasAsked = true
        return .send
    }

    /// The call is over for the engine: the process has 2 s to give it back, or none.
    mutating func cancel(_ call: CallID, kill isKilling: Bool, at now: NIODeadline) -> AskAction {
        guard calls[call] != nil, phase == .ready else { return .none }
        calls[call]?.wasAsked = true
        guard !isKilling else {
            kill(.overdue)
            return .kill
        }
        let killAt = calls[call]?.killAt ?? now + limits.cancel
        calls[call]?.killAt = killAt
        earliestKill = min(killAt, earliestKill ?? killAt)
        return .send
    }

    /// No new calls; what it has may finish, however long that takes, and then it leaves.
    mutating func retire() {
        isRetired = true
    }

    /// The process has no calls and ends by itself.
    mutating func leave(at now: NIODeadline) {
        phase = .leaving(by: now + limits.leave)
    }

    /// The process is going to be killed; the first reason stands.
    mutating func kill(_ reason: KillReason) {
        if !isEnding { phase = .killed(reason) }
    }

    private var isEnding: Bool {
        switch phase {
        case .killed, .gone: true
        case .spawned, .ready, .leaving: false
        }
    }

    enum TickAction: Equatable {
        case none
        case ping(UInt64)
        case leave
        case kill
    }

    /// What is due. At most one thing: call again until there is none.
    mutating func tick(at now: NIODeadline) -> TickAction {
        guard !isEnding else { return .none }
        if let reason = overstepped(at: now) {
            kill(reason)
            return .kill
        }
        guard phase == .ready else { return .none }
        if calls.isEmpty, leaveAt <= now {
            leave(at: now)
            return .leave
        }
        if pingAt <= now {
            pingAt = .distantFuture
            pingCount += 1
            ping = (pingCount, now + limits.pong)
            return .ping(pingCount)
        }
        return .none
    }

    private func overstepped(at now: NIODeadline) -> KillReason? {
        if let hungUpBy, hungUpBy <= now { return .hungUp }
        switch phase {
        case .spawned(let limit): return limit <= now ? .mute : nil
        case .leaving(let limit): return limit <= now ? .lingering : nil
        case .ready:
            if let earliestKill, earliestKill <= now { return .overdue }
            return ping.map { $0.answerBy <= now } == true ? .silent : nil
        case .killed, .gone: return nil
        }
    }

    /// When `tick` has something to do next; nil for never.
    var nextTick: NIODeadline? {
        switch phase {
        case .killed, .gone: return nil
        case .spawned(let limit), .leaving(let limit): return hungUpBy.map { min($0, limit) } ?? limit
        case .ready:
            let next = min(ping?.answerBy ?? pingAt, hungUpBy ?? .distantFuture, earliestKill ?? .distantFuture)
            return calls.isEmpty ? min(next, leaveAt) : next
        }
    }

    /// When it leaves, if it gets no call before.
    private var leaveAt: NIODeadline { isRetired ? idleSince : idleSince + limits.idle }

    // MARK: The end

    struct Ending {
        var call: CallID
        var kind: Slots.Kind
        var end: AttemptEnd
    }

    /// The process is gone; how its open calls end, in the order of their numbers.
    mutating func exited(_ status: String) -> [Ending] {
        var how = status
        var isInnocent = false
        if case .killed(let reason) = phase {
            switch reason {
            case .violation(let text): how = "ended by the engine: \(text)"
            case .mute: how = "ended by the engine: no hello within \(limits.hello.seconds) s"
            case .silent: how = "ended by the engine: no answer to a ping within \(limits.pong.seconds) s"
            case .overdue, .closing, .restarted(alone: false): isInnocent = true
            // A `once` call may have done its work: nobody must believe that it did not run.
            case .restarted(alone: true): how = "ended by a person"
            case .hungUp: how = "it closed its connection"
            case .lingering: how = "ended by the engine: it did not leave"
            }
        }
        phase = .gone
        let isAlone = calls.count == 1
        let endings = calls.sorted { $0.key < $1.key }.map { call, open in
            let end: AttemptEnd = isInnocent ? .neighbourKilled : .workerDied(alone: isAlone, how: how)
            return Ending(call: call, kind: open.kind, end: end)
        }
        calls = [:]
        (blockingCount, asyncCount) = (0, 0)
        return endings
    }

    private mutating func count(_ kind: Slots.Kind, _ change: Int) {
        if kind == .asynchronous { asyncCount += change } else { blockingCount += change }
    }
}

extension TimeAmount {
    fileprivate var seconds: Int64 { nanoseconds / 1_000_000_000 }
}
