import NIOCore
import RenCore

/// What all workers of a pool are started with.
struct PoolLaunch: Sendable {
    var files: [String]
    var python: String
    var sdk: String
    var sockets: String
}

/// The pool on its event loop: which worker has which call, what goes out and what comes in.
///
/// SAFETY (@unchecked): everything mutable is touched on `eventLoop` alone; `wake` only schedules.
final class PoolLoop: @unchecked Sendable {
    let set: Digest
    let launch: PoolLaunch
    let settings: WorkerSettings
    let slots: PoolSlots
    let eventLoop: any EventLoop
    private let sink: ReportSink

    var workers: [Int: Worker] = [:]
    /// Workers that take shared calls now, in the order of their start.
    var readyShared: [Worker] = []
    private var routes: [CallID: Route] = [:]
    private var waiting: [Call] = []
    var starts = StartPolicy()
    var socket: (WorkerSocket, any Channel)?
    var strangerCount = 0
    var workerCount = 0
    var discovery: Discovery?
    var discoverers: [(Result<Discovery, RenError>) -> Void] = []
    var closers: [() -> Void] = []
    var isClosing = false
    /// What others wait for and is known now.
    var answers: [() -> Void] = []
    /// The last processes that ended, for those who look.
    var lastEnded: [WorkerSnapshot] = []
    /// Processes that ended otherwise than by leaving.
    var lostCount = 0

    /// A call that a worker has.
    private struct Route {
        var worker: Worker
        /// Without its values.
        var call: Call
        var since: NIODeadline
    }

    private var reports: [CallReport] = []
    private var freed: [Slots.Kind: Int] = [:]
    private var unsent: [Worker] = []
    private var timer: (at: NIODeadline, task: Scheduled<Void>)?

    init(
        set: Digest, launch: PoolLaunch, settings: WorkerSettings, slots: PoolSlots, eventLoop: any EventLoop,
        sink: @escaping ReportSink
    ) {
        self.set = set
        self.launch = launch
        self.settings = settings
        self.slots = slots
        self.eventLoop = eventLoop
        self.sink = sink
    }

    /// Any thread: has the loop look into its inbox.
    func wake() {
        eventLoop.execute { self.carryOut() }
    }

    private func carryOut() {
        for command in slots.takeInbox() {
            switch command {
            case .start(let calls): for call in calls { start(call) }
            case .cancel(let calls, let kill): for call in calls { cancel(call, kill: kill) }
            case .askToStop(let calls): for call in calls { ask(call) { $0.cancel(call) } }
            case .askToPause(let calls): for call in calls { ask(call) { $0.pause(call) } }
            case .saved(let call, let request, let refused):
                send(call) { $0.saved(call, request: request, refused: refused) }
            case .page(let call, let request, let values, let next):
                send(call) { $0.page(call, request: request, values: values, next: next) }
            case .grow: break
            }
        }
        grow()
        settle()
    }

    // MARK: Calls

    private func start(_ call: Call) {
        guard !isClosing else { return end(call.id, call.slot, .neighbourKilled) }
        guard let worker = room(for: call.slot) else { return waiting.append(call) }
        guard worker.frames.call(call) else {
            let failure = Failure(Failure.Name.inputTooLarge, "the arguments are over the limit of 16 MiB for one call")
            return end(call.id, call.slot, .raised(failure, permanent: true, retryAfter: nil))
        }
        worker.connection.assign(call.id, call.slot)
        var outline = call
        (outline.arguments, outline.checkpoint) = ([], nil)
        routes[call.id] = Route(worker: worker, call: outline, since: .now())
        unsent.append(worker)
    }

    /// The worker with the fewest calls of this kind, if one has room.
    private func room(for kind: Slots.Kind) -> Worker? {
        switch kind {
        case .alone:
            return workers.values.filter { $0.role == .alone && $0.connection.isReady && $0.connection.calls.isEmpty }
                .min { $0.number < $1.number }
        case .asynchronous:
            let least = readyShared.min { $0.connection.asyncCount < $1.connection.asyncCount }
            return least.flatMap { $0.connection.asyncCount < settings.async ? $0 : nil }
        case .blocking, .swift, .none:
            let least = readyShared.min { $0.connection.blockingCount < $1.connection.blockingCount }
            return least.flatMap { $0.connection.blockingCount < settings.blocking ? $0 : nil }
        }
    }

    private func startWaiting() {
        guard !waiting.isEmpty else { return }
        let calls = waiting
        waiting = []
        for call in calls { start(call) }
    }

    var hasNoneWaiting: Bool { waiting.isEmpty }

    /// Calls that no worker has got: they did not run.
    func giveUpWaiting() {
        for call in waiting { end(call.id, call.slot, .neighbourKilled) }
        waiting = []
    }

    private func cancel(_ call: CallID, kill: Bool) {
        if let position = waiting.firstIndex(where: { $0.id == call }) {
            let call = waiting.remove(at: position)
            return end(call.id, call.slot, .neighbourKilled)
        }
        guard let worker = routes[call]?.worker else { return }
        switch worker.connection.cancel(call, kill: kill, at: .now()) {
        case .none: break
        case .send: send(call) { $0.cancel(call) }
        case .kill: killed(worker)
        }
    }

    private func ask(_ call: CallID, _ frame: (inout MessageWriter) -> Void) {
        guard let worker = routes[call]?.worker, worker.connection.ask(call) == .send else { return }
        send(call, frame)
    }

    private func send(_ call: CallID, _ frame: (inout MessageWriter) -> Void) {
        guard let worker = routes[call]?.worker else { return }
        frame(&worker.frames)
        unsent.append(worker)
    }

    /// The calls that a worker has, oldest first.
    func calls(of worker: Worker) -> [CurrentCall] {
        let now = NIODeadline.now()
        return worker.connection.calls.keys.sorted().compactMap { routes[$0] }.map { route in
            CurrentCall(route.call, age: .nanoseconds((now - route.since).nanoseconds))
        }
    }

    // MARK: What the parts of the loop share

    func report(_ report: CallReport) {
        reports.append(report)
    }

    /// The one end of a call: its slot is free again.
    func end(_ call: CallID, _ kind: Slots.Kind, _ end: AttemptEnd) {
        let worker = routes.removeValue(forKey: call)?.worker
        worker?.callsDone += 1
        if let worker {
            // What was lost outside of calls too: after this one perhaps nobody is left to hear of it.
            tellDropped(of: call, by: worker)
            tellDropped(of: nil, by: worker)
        }
        if worker?.connection.isRetired != true { freed[kind, default: 0] += 1 }
        reports.append(.ended(call, end))
    }

    func send(to worker: Worker, _ frame: (inout MessageWriter) -> Void) {
        frame(&worker.frames)
        unsent.append(worker)
    }

    /// The worker gets no new calls. What it still does holds no slots: another process takes its place.
    func retire(_ worker: Worker) {
        guard !worker.connection.isRetired else { return }
        worker.connection.retire()
        slots.release(worker.connection.calls.values.reduce(into: [:]) { $0[$1.kind, default: 0] += 1 })
    }

    /// The state machine has given the worker up: its session ends now, its calls when the process is gone.
    func killed(_ worker: Worker) {
        worker.killGroup()
        recount()
    }

    /// Tells the slots about the processes, after one has come, gone or changed.
    func recount() {
        let shared = workers.values.filter { $0.role == .shared }
        readyShared = shared.filter(\.connection.isReady).sorted { $0.number < $1.number }
        slots.update(
            ready: readyShared.count, coming: shared.count { $0.connection.isComing },
            alone: workers.values.count { $0.role == .alone && ($0.connection.isReady || $0.connection.isComing) })
    }

    /// The end of every turn: calls that waited find room, frames and reports leave in batches, the timer is set.
    func settle() {
        startWaiting()
        for worker in unsent { worker.flush() }
        unsent.removeAll(keepingCapacity: true)
        if !freed.isEmpty {
            slots.release(freed)
            freed.removeAll(keepingCapacity: true)
        }
        if !reports.isEmpty {
            let batch = reports
            reports = []
            sink(batch)
        }
        setTimer()
        if isClosing, workers.isEmpty { closed() }
        let known = answers
        answers = []
        for answer in known { answer() }
    }

    // MARK: Time

    private func setTimer() {
        var next = workers.values.lazy.compactMap(\.connection.nextTick).min() ?? .distantFuture
        if let startAt = starts.nextTry(at: .now()) { next = min(next, startAt) }
        guard next < timer?.at ?? .distantFuture else { return }
        timer?.task.cancel()
        timer = (next, eventLoop.scheduleTask(deadline: next) { self.tick() })
    }

    private func tick() {
        timer = nil
        let now = NIODeadline.now()
        for worker in workers.values.sorted(by: { $0.number < $1.number }) {
            tick(worker, at: now)
        }
        if starts.takeTry(at: now, files: launch.files) { slots.want() }
        grow()
        settle()
    }

    private func tick(_ worker: Worker, at now: NIODeadline) {
        while true {
            switch worker.connection.tick(at: now) {
            case .none: return
            case .ping(let id): send(to: worker) { $0.ping(id) }
            case .leave:
                send(to: worker) { $0.leave() }
                recount()
            case .kill:
                killed(worker)
                return
            }
        }
    }
}
