import RenCore
import RenJSON
import RenJournal
import RenWorkers

/// Carries one run: what has come in goes through admit → fold → decide on a working state, which runs ahead of the
/// journal by the batches in flight. Belongs to the engine's actor.
final class Mailbox {
    /// Something that came in for the run.
    struct Incoming {
        var request: Request
        var by = Asker()
        /// See `RunState.admit`.
        var earlier: EarlierWork?
        var call: CallID?
        /// Number of the worker's own request, for a checkpoint.
        var workerRequest: Int?
        var reply: Effects.Reply?
    }

    /// What people wait for.
    enum Rest: Sendable, Equatable {
        /// Ended, or quarantined.
        case ended
        /// Only a person can go on: paused, waiting for a signal, or unknown.
        case person
    }

    let number: RunNumber
    /// Of the flow that the run follows.
    let plan: Plan
    /// See `RunState.init(plans:)`.
    let plans: [Plan]
    let functions: RunFunctions
    let values: RunValues
    let evaluator = Evaluator()
    let calls: CallTable
    let opener: MapOpener
    private(set) var state: RunState
    var snapshots: SnapshotWriter
    /// What the run writes into its log.
    let log: RunLog?
    var incoming: [Incoming] = []
    /// What a failed commit was to hold and must not be lost; admitted before `incoming` once the state is folded again.
    var kept: [Incoming] = []
    /// Some work found no slot: look again when one comes free.
    private(set) var isHungry = false
    /// Its place among the runs that wait for a slot: the smallest is next.
    var turn: UInt64 = 0
    /// An evaluation needs what is still on its way into the journal.
    private(set) var awaitsCommit = false
    /// Calls of attempts that are running, as far as the working state knows.
    private var live: [Event.Subject: CallID] = [:]
    private let kinds: [Slots.Kind]
    private let hasHeartbeats: Bool
    var progress: [NodeNumber: CallProgress] = [:]
    /// Version of the last event handed to the journal, and of the last one that is durable.
    var submitted: RunVersion
    let watermark: Watermark
    /// A commit failed: nothing more is admitted until the state is folded again.
    var isStale = false
    /// Version of the last event that opened something again: what went before is looked up in the journal.
    private(set) var reopened = RunVersion.none
    /// What the journal knows of the item whose attempt is being prepared.
    var earlier: EarlierWork?

    /// The batch that is being filled.
    private var events: [Event] = []
    private var effects = Effects()
    /// Rows of keys that are committed with the batch: those of at most one map.
    var keys: [KeyRows] = []
    /// Maps that are read on another thread.
    var openings: [NodeNumber: MapOpener.Job] = [:]
    private var replies: [Work.Reply] = []
    /// Requests of functions in the batch, which must not be lost when its commit fails: nobody would send them again.
    private var ends: [Incoming] = []

    init(
        number: RunNumber, state: RunState, plans: [Plan], snapshots: SnapshotWriter = SnapshotWriter(),
        functions: RunFunctions, journal: any Journal, calls: CallTable, opener: MapOpener, log: RunLog?,
        artifacts: String?, watermark: Watermark
    ) {
        self.number = number
        self.state = state
        self.snapshots = snapshots
        plan = state.plan
        self.plans = plans
        self.functions = functions
        self.calls = calls
        self.opener = opener
        self.log = log
        values = RunValues(run: number, journal: journal, artifacts: artifacts)
        kinds = state.plan.flow.nodes.map { functions.slot(of: $0) }
        hasHeartbeats = state.plan.flow.nodes.indices.contains { state.plan.heartbeat(of: NodeNumber($0)) != nil }
        submitted = state.version
        self.watermark = watermark
    }

    deinit {
        for job in openings.values { job.cancel() }
    }

    var isCommitted: Bool { watermark.load() >= submitted }

    /// The journal holds all of the working state.
    var isAllCommitted: Bool { events.isEmpty && isCommitted }

    /// A mailbox with a state folded afresh, which keeps what came in and the calls that are running.
    func renewed(from state: RunState, _ snapshots: SnapshotWriter, journal: any Journal) -> Mailbox {
        watermark.store(state.version)
        let fresh = Mailbox(
            number: number, state: state, plans: plans, snapshots: snapshots, functions: functions, journal: journal,
            calls: calls, opener: opener, log: log, artifacts: values.artifacts, watermark: watermark)
        // What was committed after all, before a later part of the batch failed, must not come twice.
        fresh.incoming =
            kept.filter { item in
                guard case .attemptEnded(let subject, let token, _) = item.request else { return true }
                return state.work(of: subject)?.running?.token == token
            } + incoming
        for (call, route) in calls.routes where route.run == number {
            if state.work(of: route.subject)?.running?.token == route.token {
                fresh.live[route.subject] = call
            } else if live[route.subject] == call {
                // Its start was never committed, so it was never sent.
                functions.host(of: route.slot)?.release(route.slot)
                _ = calls.close(call)
            }
        }
        return fresh
    }

    /// Gives back what the run had reserved: none of its calls was sent.
    func abandon() {
        for call in live.values {
            guard let route = calls.close(call) else { continue }
            functions.host(of: route.slot)?.release(route.slot)
        }
        live = [:]
    }

    /// The first request of a run that does not exist yet.
    func create(
        _ creation: RunCreation, input: Payload, paused: Bool = false, at now: Timestamp, by asker: Asker,
        reply: @escaping Effects.Reply
    ) {
        replies.append(Work.Reply(first: state.version.next, send: reply))
        var created = Event(.runCreated(creation), .run, at: now, by: asker.by, payload: PayloadMark(input))
        created.request = asker.request
        record(created)
        // What follows is decided as for any pause, so the run is paused within the same batch.
        if paused { record(Event(.runPauseRequested(now: false, reason: nil), .run, at: now, by: asker.by)) }
    }

    /// What is to be committed together, and what to do then.
    struct Work {
        var events: [Event]
        var after: RunVersion
        /// Committed with the first part of the events, so not after their `map.opened`.
        var keys: [KeyRows]
        var effects: Effects
        var replies: [Reply] = []
        var ends: [Incoming]

        /// Who asked for some of the events.
        struct Reply: Sendable {
            /// Version of the request's first event.
            var first: RunVersion
            var send: Effects.Reply
        }

        /// A batch of the journal.
        struct Part: Sendable {
            var after: RunVersion
            var events: [Event] = []
            var replies: [Reply] = []

            func answer(_ result: Result<Receipt, RenError>) {
                for reply in replies {
                    reply.send(result.map { Answer($0, ahead: reply.first.rawValue - after.rawValue - 1) })
                }
            }
        }

        /// Payload bytes that go into one batch of the journal, which takes 17 MiB with the records around them:
        /// results of 16 MiB that came at once are committed one after the other.
        private static let partBytes = 16 << 20

        /// The events as batches that the journal takes; one, but for very large payloads and for requests with a key,
        /// which begin batches of their own.
        var parts: [Part] {
            var parts: [Part] = []
            var size = 0
            for (index, event) in events.enumerated() {
                size += event.payload?.length ?? 0
                if index == 0 || size > Self.partBytes || event.request != nil {
                    parts.append(Part(after: RunVersion(rawValue: after.rawValue + UInt64(index))))
                    size = event.payload?.length ?? 0
                }
                parts[parts.count - 1].events.append(event)
            }
            for reply in replies {
                let place = parts.lastIndex { $0.after < reply.first } ?? 0
                parts[place].replies.append(reply)
            }
            return parts
        }
    }

    /// Events that one batch may grow to before the rest waits for its commit: a map of 10,000,000 items that are all
    /// skipped must not become one batch.
    private static let eventsMax = 5_000

    /// Takes what has come in as far as it goes now.
    ///
    /// - Parameter isDraining: no attempt begins any more.
    /// - Returns: the batch for the journal, or nil when nothing happened.
    func advance(at now: Timestamp, isDraining: Bool = false, draws: inout Draws) -> Work? {
        values.forget(upTo: watermark.load())
        keys = []
        let before = submitted
        let taken = incoming
        incoming.removeAll(keepingCapacity: true)
        for item in taken { take(item, now, &draws) }
        isHungry = false
        awaitsCommit = !incoming.isEmpty
        decide(now, isDraining, &draws)
        guard !events.isEmpty else { return nil }
        defer {
            events = []
            effects = Effects()
            replies = []
            ends = []
        }
        return Work(
            events: events, after: before, keys: keys, effects: effects, replies: replies, ends: ends)
    }

    private func decide(_ now: Timestamp, _ isDraining: Bool, _ draws: inout Draws) {
        while true {
            guard events.count < Self.eventsMax else { return waitForCommit() }
            var slots = Slots(kinds: kinds, free: isDraining ? [:] : functions.freeSlots())
            let decision = state.decide(at: now, slots: &slots)
            let recorded = state.version
            for event in decision.events { record(event) }
            for command in decision.commands {
                earlier = nil
                guard let request = answer(command, now) else { continue }
                take(Incoming(request: request, earlier: earlier), now, &draws)
            }
            isHungry = slots.wasShort
            if state.version == recorded { return }
        }
    }

    private func take(_ item: Incoming, _ now: Timestamp, _ draws: inout Draws) {
        var (request, earlier) = (item.request, item.earlier)
        // What has happened to the item meanwhile may be on its way: it is looked at again behind that.
        if request.needsJournal, !isAllCommitted { return incoming.append(item) }
        do {
            if request.needsJournal { (request, earlier) = try request.completed(in: state, values) }
            let admitted = try state.admit(request, at: now, by: item.by, earlier: earlier, draws: &draws)
            if let reply = item.reply { replies.append(Work.Reply(first: state.version.next, send: reply)) }
            switch item.request {
            case .attemptEnded, .checkpoint: ends.append(item)
            default: break
            }
            for event in admitted { record(event) }
            if let call = item.call, let request = item.workerRequest, let host = host(of: call) {
                effects.orders.append(.saved(host, call, request: request))
            }
        } catch {
            item.reply?(.failure(error))
            prepared = nil
        }
    }

    // MARK: Events and the effects that follow from them

    /// The call that a `begin` request will start, kept until the request is admitted.
    private var prepared: Prepared?

    struct Prepared {
        var call: Call
        var host: any FunctionHost
    }

    private func record(_ event: Event) {
        var event = event
        let ended = endedCall(event)
        state.record(&event)
        if let bytes = event.payload?.bytes { values.keep(bytes, of: state.version) }
        events.append(event)
        log?.note(event, version: state.version, of: self)
        switch event.fact {
        case .started: start(event)
        case .runPauseRequested(now: false, _):
            for (call, host) in liveCalls { effects.orders.append(.askToPause(host, call)) }
        case .runStopRequested(.cancel, _), .runEnding:
            // A `once` attempt is not cancelled: it may finish.
            for (call, host) in liveCalls where calls.routes[call].map({ !state.isOnce($0.subject) }) == true {
                effects.orders.append(.askToStop(host, call))
            }
        case .mapClosed: if let node = event.subject.node { values.close(node) }
        case .runReopened, .runForked: reopened = state.version
        case .overridden:
            reopened = state.version
            // Its list is not needed any more.
            if case .node(let node) = event.subject { openings.removeValue(forKey: node)?.cancel() }
        default: break
        }
        if let ended, let host = host(of: ended) { effects.orders.append(.cancel(host, ended, kill: killsNow)) }
    }

    private func start(_ event: Event) {
        guard let prepared else { return }
        self.prepared = nil
        var call = prepared.call
        let now = event.time
        let node = event.subject.node
        call.id = calls.open(
            CallTable.Route(
                run: number, subject: event.subject, token: state.version, slot: call.slot,
                heartbeat: node.flatMap { plan.heartbeat(of: $0) }, lastSign: now))
        call.deadline = state.work(of: event.subject)?.running?.deadline
        live[event.subject] = call.id
        prepared.host.reserve(call.slot)
        effects.orders.append(.start(prepared.host, call))
    }

    /// The call that `event` ends although its function has not returned.
    private func endedCall(_ event: Event) -> CallID? {
        switch event.fact {
        case .attemptFailed, .interrupted, .cancelled, .unknown, .overridden: live.removeValue(forKey: event.subject)
        default: nil
        }
    }

    private var killsNow: Bool {
        if case .stopping(.now, _) = state.phase { true } else { false }
    }

    var liveCalls: [(CallID, any FunctionHost)] {
        live.values.sorted().compactMap { call in host(of: call).map { (call, $0) } }
    }

    private func host(of call: CallID) -> (any FunctionHost)? {
        calls.routes[call].flatMap { functions.host(of: $0.slot) }
    }

    /// A call has returned: its attempt, if that is still running, ends by the report and not by ren.
    func returned(_ call: CallID, _ route: CallTable.Route) {
        if live[route.subject] == call { live[route.subject] = nil }
    }

    func prepare(_ call: Call, on host: any FunctionHost) {
        prepared = Prepared(call: call, host: host)
    }

    func waitForCommit() {
        awaitsCommit = true
    }

    // MARK: After the commit

    /// Where the run rests, or nil while ren has something to do or to wait for.
    var rest: Rest? {
        switch state.phase {
        case .ended, .quarantined: return .ended
        case .paused: return .person
        case .pausing, .stopping, .ending: return nil
        case .running: break
        }
        let onlyPeople = state.open.allSatisfy { node in
            switch state[node].phase {
            case .waiting, .unknown: true
            case .mapping: state[node].map.map { isStuck($0, node) } ?? false
            default: false
            }
        }
        return onlyPeople && !state.open.isEmpty && !awaitsCommit ? .person : nil
    }

    /// Whether unknown items are all that keeps a map open: nothing of it runs, and nothing begins any more.
    private func isStuck(_ map: MapState, _ node: NodeNumber) -> Bool {
        guard map.counts.unknown > 0, map.running == 0 else { return false }
        let isOver = map.open.isEmpty && map.counts.pending == 0
        return isOver || map.isExceeded(plan.tolerance(of: node)) && map.chosen.isEmpty
    }

    /// When the run must be looked at again: a timer of its own, or a heartbeat.
    func nextDue(after now: Timestamp? = nil) -> Timestamp? {
        var due = state.nextDue(after: now)
        for call in live.values where hasHeartbeats {
            guard let route = calls.routes[call], let heartbeat = route.heartbeat else { continue }
            due = min(due ?? .distantFuture, route.lastSign + heartbeat)
        }
        return due
    }

    /// What time has brought about: silent functions, and what the state itself waits for.
    func elapse(_ now: Timestamp) {
        for (subject, call) in live where hasHeartbeats {
            guard let route = calls.routes[call], let heartbeat = route.heartbeat, route.lastSign + heartbeat <= now
            else {
                continue
            }
            incoming.append(Incoming(request: .attemptEnded(subject, token: route.token, .silent)))
        }
        if let due = state.nextDue(), due <= now { incoming.append(Incoming(request: .due)) }
    }
}

/// What a function said of its progress last.
package struct CallProgress: Sendable {
    package var done: Double
    package var total: Double?
    package var text: String?
}
