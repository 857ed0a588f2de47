package import RenCore
package import RenJournal
import RenWorkers
import Synchronization

/// A run carried to where it comes without any function being called: what of its past stands, what would run, and what
/// depends on that.
///
/// It is carried by the engine's own `Mailbox`, so nothing here knows when a result stands. What runs is taken to
/// succeed with a value that nobody knows: whatever reads it is found to depend on it, and what only comes after it goes
/// on. All of it is written into the journal, which therefore is one over another (`StoreJournal.over`).
package struct Trial {
    /// What becomes of a node, or of an item.
    package enum Fate: String, Sendable, CaseIterable {
        /// The result that it had stands.
        case kept
        case runs
        /// A pause asks a person.
        case asks
        /// It reads what nobody knows yet, or follows what is not decided.
        case depends
        /// A condition was evaluated afresh.
        case decided
        /// An end node ends the run.
        case ends
        case skipped, failed, cancelled
        /// Its outcome is unknown, or its input has changed and it must not run twice: a person decides.
        case unknown
    }

    package struct Node: Sendable {
        package fileprivate(set) var fate = Fate.depends
        /// It had ended before, and is not looked at again.
        package fileprivate(set) var isUntouched = false
        /// Its list was read again.
        package fileprivate(set) var isOpened = false
        /// What its attempt would begin with.
        package fileprivate(set) var start: AttemptStart?
        /// Of a map whose list is known, by index.
        package fileprivate(set) var items: [Fate] = []
    }

    /// By the numbers of the run's flow.
    package private(set) var nodes: [Node]
    /// Nodes of which something is taken to have succeeded.
    package var assumed: Set<NodeNumber> { mailbox.values.assumed }
    package var state: RunState { mailbox.state }

    private let run: RunNumber
    private let journal: any Journal
    private let mailbox: Mailbox
    private let calls = CallTable()
    private let now: Timestamp
    private var draws = Draws(seed: 0)
    private let fault: Fault
    /// The version that was found to wait for values or people last: with nothing new since, nothing else follows.
    private var lastAssumption: RunVersion?

    /// Not more than so many events are in memory alone, and not more calls are open.
    private static let most = 1_000
    /// What stands for a value that nobody knows.
    private static let unknown = Payload(hashing: Array("null".utf8))

    /// - Parameters:
    ///   - run: a fork, of which the rows are made.
    ///   - signatures: of the functions, by name: all that is needed of them.
    ///   - journal: takes what is tried.
    /// - Throws: `journal.damaged`, `storage.*` of the journal below.
    package init(
        of run: RunNumber, plans: [Plan], signatures: [String: FunctionSignature], in journal: any Journal,
        artifacts: String?, at now: Timestamp
    ) throws(RenError) {
        let state = try RunState(folding: run, plans: plans, from: journal)
        let functions = RunFunctions(set: nil, signatures: signatures, swift: NoFunctions(), workers: NoFunctions())
        let fault = Fault()
        mailbox = Mailbox(
            number: run, state: state, plans: plans, functions: functions, journal: journal, calls: calls,
            opener: MapOpener(journal, run: { $0() }) { fault.note($0) }, log: nil, artifacts: artifacts,
            watermark: Watermark(state.version))
        self.run = run
        self.journal = journal
        self.now = now
        self.fault = fault
        nodes = state.nodes.map(Node.init)
        try carry()
        for index in nodes.indices { nodes[index].settle() }
    }

    // MARK: Carrying

    private mutating func carry() throws(RenError) {
        while true {
            if let work = mailbox.advance(at: now, draws: &draws) {
                try submit(work)
                if calls.routes.count < Self.most { continue }
            } else if !mailbox.isCommitted || !mailbox.openings.isEmpty {
                try flush()
                continue
            }
            guard endCalls() || assumeOpen() else { return }
        }
    }

    /// Nothing leaves this process, so the effects of the events are let go.
    private mutating func submit(_ work: Mailbox.Work) throws(RenError) {
        for event in work.events { note(event) }
        for (index, part) in work.parts.enumerated() {
            let keys = index == 0 ? work.keys : []
            journal.submit(
                Batch(run: run, after: part.after, events: part.events, keys: keys) { [fault] result in
                    if case .failure(let error) = result { fault.note(error) }
                })
        }
        mailbox.submitted = mailbox.state.version
        if mailbox.submitted.rawValue - mailbox.watermark.load().rawValue > UInt64(Self.most) { try flush() }
    }

    private func flush() throws(RenError) {
        // An empty batch is answered in the order of commits.
        try journal.appendAndWait([], to: .journal, after: Batch.anyVersion)
        if let error = fault.error { throw error }
        mailbox.watermark.store(mailbox.submitted)
    }

    // MARK: Assuming

    /// What runs returns what nobody knows.
    private func endCalls() -> Bool {
        let open = calls.routes.sorted { $0.key < $1.key }
        for (call, route) in open {
            _ = calls.close(call)
            mailbox.returned(call, route)
            if let node = route.subject.node { mailbox.values.assumed.insert(node) }
            mailbox.incoming.append(
                Mailbox.Incoming(
                    request: .attemptEnded(route.subject, token: route.token, .returned(Self.unknown))))
        }
        return !open.isEmpty
    }

    /// What is left of a run of which nothing runs waits for values or for people: it gets some, so that what only comes
    /// after it goes on. A condition is left, for it has two ways.
    private mutating func assumeOpen() -> Bool {
        guard state.phase == .running, state.version != lastAssumption else { return false }
        lastAssumption = state.version
        let nodes = state.plan.flow.nodes
        for node in state.open {
            // An end node comes before all others.
            guard case .end(let outcome, _) = nodes[node.index].kind else { continue }
            let failure = outcome == .failed ? Failure(Failure.Name.failed, "") : nil
            mailbox.incoming.append(Mailbox.Incoming(request: .end(node, outcome, failure, value: nil)))
            return true
        }
        for node in state.open {
            switch (state[node].phase, nodes[node.index].kind) {
            case (.mapping, _):
                state[node].map?.forEachItem(in: .unknown) { item in
                    give(.item(node, item))
                    return mailbox.incoming.count < Self.most
                }
            case (.pending, .function), (.pending, .pause), (.waiting, _), (.unknown, _): give(.node(node))
            default: break
            }
        }
        return !mailbox.incoming.isEmpty
    }

    private func give(_ subject: Event.Subject) {
        if let node = subject.node { mailbox.values.assumed.insert(node) }
        mailbox.incoming.append(
            Mailbox.Incoming(request: .skip(subject, .value(Self.unknown), reason: nil)))
    }

    // MARK: What came of it

    private mutating func note(_ event: Event) {
        guard let node = event.subject.node else { return }
        let fate: Fate
        switch event.fact {
        case .kept: fate = .kept
        case .started(let start):
            fate = .runs
            if case .node = event.subject { nodes[node.index].start = start }
        case .waiting: fate = .asks
        case .decided: fate = .decided
        case .runEnding: fate = .ends
        case .skipped: fate = .skipped
        // No function fails here, so its arguments or rule could not be evaluated.
        case .failed, .succeeded(instead: .some): fate = .failed
        case .unknown: fate = .unknown
        case .cancelled: fate = .cancelled
        case .mapOpened(let opening):
            nodes[node.index].isOpened = true
            nodes[node.index].items = Array(repeating: .depends, count: opening.total)
            return
        // What follows from an assumption, and what a map as a whole comes to by its items.
        default: return
        }
        if case .item(_, let item) = event.subject {
            nodes[node.index].items[item.index] = fate
        } else {
            nodes[node.index].fate = fate
        }
    }
}

extension Trial.Node {
    fileprivate init(_ node: NodeState) {
        isUntouched = node.isSettled
        switch node.phase {
        case .succeeded: fate = .kept
        case .failed: fate = .failed
        case .skipped: fate = .skipped
        case .cancelled: fate = .cancelled
        case .unknown: fate = .unknown
        case .pending, .waiting, .mapping, .failing: fate = .depends
        }
        guard let map = node.map else { return }
        items = (0..<map.total).map { index in
            switch map.state(of: ItemIndex(index)) {
            case .succeeded: .kept
            case .failed: .failed
            case .skipped: .skipped
            case .cancelled: .cancelled
            case .unknown: .unknown
            case .pending, .open: .depends
            }
        }
    }

    /// Of a map that is neither kept nor failed as a whole, its items tell.
    fileprivate mutating func settle() {
        guard fate == .depends, isOpened || !items.isEmpty else { return }
        let fates = Set(items)
        fate = [.runs, .unknown, .depends].first { fates.contains($0) } ?? (items.isEmpty ? .runs : .kept)
    }
}

/// The first error of the journal that takes what is tried.
private final class Fault: Sendable {
    private let first = Mutex<RenError?>(nil)

    var error: RenError? { first.withLock { $0 } }

    func note(_ error: RenError) { first.withLock { $0 = $0 ?? error } }

    func note(_ messages: [Inbox.Message]) {
        for message in messages {
            if case .failed(_, _, let error) = message { note(error) }
        }
    }
}

/// Takes any call and carries none out.
private final class NoFunctions: FunctionHost {
    let signatures: [String: FunctionSignature] = [:]

    /// So many begin at a time, however long a map is.
    func freeSlots() -> [Slots.Kind: Int] {
        Dictionary(uniqueKeysWithValues: Slots.Kind.allCases.map { ($0, 1_000) })
    }

    func reserve(_ kind: Slots.Kind) {}
    func release(_ kind: Slots.Kind) {}
    func start(_ calls: [Call]) {}
    func cancel(_ calls: [CallID], kill: Bool) {}
    func askToStop(_ calls: [CallID]) {}
    func askToPause(_ calls: [CallID]) {}
    func saved(_ call: CallID, request: Int, refused: String?) {}
    func page(_ call: CallID, request: Int, values: [[UInt8]], next: Int?) {}
    func shutDown() async {}
}
