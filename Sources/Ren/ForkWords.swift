package import RenCore
import RenEngine
package import RenJSON
package import RenJournal

/// What a person asks of a fork, in words.
package struct ForkWords: Sendable {
    /// A value at a path of the input, `input.limit`, or the `input` as a whole.
    package struct Setting: Sendable {
        package var path: String
        package var value: JSON

        package init(path: String, value: JSON) {
            self.path = path
            self.value = value
        }
    }

    package struct Output: Sendable {
        package var node: String
        /// Of an item; nil: the node's own.
        package var key: String?
        package var value: JSON

        package init(node: String, key: String?, value: JSON) {
            self.node = node
            self.key = key
            self.value = value
        }
    }

    /// The parent's last event at or before it counts; nil: its last one.
    package var at: JournalSequence?
    package var settings: [Setting] = []
    package var outputs: [Output] = []
    /// The hash of another flow; nil: the one that the parent follows there.
    package var flow: Digest?
    /// Nodes with `once` that may run again although they had succeeded.
    package var again: [String] = []
    package var codeChangedRunsAgain = false
    package var reason: String?

    package init() {}
}

/// A fork as it would be made: all of it follows from the journal.
package struct ForkDraft: Sendable {
    package let parent: RunRow
    package let fork: Fork
    /// The parent's event that it goes on from.
    package let sequence: JournalSequence
    /// The parent there.
    package let before: RunState
    /// Right after the fork, before the values that a person gives.
    package let state: RunState
    package let added: [String]
    package let removed: [String]
    package let outputs: [ForkWords.Output]
    private let input: PayloadMark?
    /// The subjects of `outputs`, each with what went before it.
    private let given: [(subject: Event.Subject, earlier: EarlierWork?)]

    /// - Parameters:
    ///   - signatures: of the functions that the fork calls; nil: those recorded with the parent.
    ///   - functions: the set of its functions; nil: the parent's.
    /// - Throws: `fork.before`, `node.not_found`, `item.not_found`, `input.invalid`, `skip.kind`, `run.quarantined`,
    ///   `journal.damaged`.
    package init(
        _ words: ForkWords, of parent: RunRow, id: String, functions: Digest?? = nil,
        signatures: [String: FunctionSignature]? = nil, swift: [String: FunctionSignature] = [:],
        in journal: any JournalReading, at now: Timestamp
    ) throws(RenError) {
        self.parent = parent
        let number = parent.number
        let (version, place, hash) = try Self.place(words.at, in: parent, journal)
        var plans = try journal.plans(of: parent, signatures: signatures, swift: swift, through: version)
        let old = plans[plans.count - 1]
        let lineage = try journal.read { view throws(RenError) in try view.lineage(of: number) }
        let flow = words.flow ?? lineage.flow(at: version)
        var changes = ForkChanges()
        if flow != lineage.flow(at: version) {
            let next = Plan(
                try Session.recordedFlow(flow, in: journal),
                signatures: try Self.signatures(signatures, swift, parent, journal))
            plans.append(next)
            changes.flow = old.change(to: next)
        }
        let plan = plans[plans.count - 1]
        let state = try RunState(folding: number, plans: plans, through: version, from: journal)
        changes.input = try Self.input(words.settings, state, plan.flow, number, journal)
        changes.allowed = try words.again.map { name throws(RenError) in try plan.flow.number(of: name, run: parent.id)
        }
        changes.codeChangedRunsAgain = words.codeChangedRunsAgain
        changes.reason = words.reason
        let finder = ItemFinder(state: state, run: number, numbers: changes.flow?.numbers, journal: journal)
        given = try words.outputs.map { output throws(RenError) in try finder.find(output, plan.flow) }
        changes.outputs = given.map(\.subject)
        before = state
        let creation = RunCreation(
            id: id, flow: flow, flowName: plan.flow.name, functions: functions ?? parent.functions)
        let bare = Fork(creation: creation, parent: parent.id, version: version, hash: hash)
        (fork, self.state) = state.forking(bare, changes, at: now)
        sequence = place
        added = (changes.flow?.added ?? []).map { plan.flow.nodes[$0.index].name }
        removed = (changes.flow?.removed ?? []).map { old.flow.nodes[$0.index].name }
        outputs = words.outputs
        input = changes.input
    }

    /// The events that make it.
    package func events(at now: Timestamp) -> [Event] {
        let time = max(now, state.time)
        let forked = Event(.runForked(fork), .run, at: time, payload: input)
        return [forked]
            + zip(given, outputs).map { given, output in
                let payload = PayloadMark(Payload(hashing: output.value.compact))
                var event = Event(
                    .overridden(reason: fork.reopening.reason), given.subject, at: time, payload: payload)
                event.attempt = given.earlier?.attempts ?? 0
                event.previous = given.earlier?.last ?? .none
                return event
            }
    }

    package var isInputChanged: Bool { input != nil }

    private static func place(
        _ sequence: JournalSequence?, in parent: RunRow, _ journal: any JournalReading
    ) throws(RenError) -> (RunVersion, JournalSequence, Digest) {
        let number = parent.number
        let found = try journal.read { view throws(RenError) -> RecordedEvent? in
            guard let sequence else { return try view.recorded(number, parent.version) }
            let head = try view.head().sequence
            guard sequence <= head else {
                throw RenError(.eventNotFound, "the journal ends at event \(head)", hint: "ren journal ls shows events")
            }
            return try view.recorded(number, try view.version(of: number, at: sequence))
        }
        guard let found else {
            throw RenError(
                .init("fork.before"), "run \(parent.id) had not begun at event \(sequence ?? JournalSequence(0))",
                hint: "its first event is \(parent.first)")
        }
        return (found.version, found.sequence, found.runHash)
    }

    private static func signatures(
        _ known: [String: FunctionSignature]?, _ swift: [String: FunctionSignature], _ parent: RunRow,
        _ journal: any JournalReading
    ) throws(RenError) -> [String: FunctionSignature] {
        if let known { return known }
        return swift.merging(try journal.recordedSignatures(of: parent)) { _, recorded in recorded }
    }

    // MARK: Input

    private static func input(
        _ settings: [ForkWords.Setting], _ state: RunState, _ flow: Flow, _ run: RunNumber,
        _ journal: any JournalReading
    ) throws(RenError) -> PayloadMark? {
        guard let reference = state.input else { return nil }
        let bytes = try journal.read { view throws(RenError) in try view.payload(run, reference.version) }
        var value: JSON
        do { value = try JSON(parsing: bytes, limits: .payload) } catch {
            throw RenError(.journalDamaged, "the input cannot be read: \(error.message)")
        }
        for setting in settings {
            let path = setting.path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard path[0] == "input", !path.contains("") else {
                throw RenError(
                    .inputInvalid, "“\(setting.path)” is no place in the input",
                    hint: "write it as flows read it: input.limit")
            }
            value.set(setting.value, at: path.dropFirst())
        }
        let payload = Payload(hashing: try flow.accept(input: value).compact)
        return payload.hash == reference.hash ? nil : PayloadMark(payload)
    }
}

/// Finds what a person gives values for, as of the event that a fork goes on from.
private struct ItemFinder {
    let state: RunState
    let run: RunNumber
    /// Of the nodes in the flow of the fork.
    let numbers: [NodeNumber?]?
    let journal: any JournalReading

    func find(
        _ output: ForkWords.Output, _ flow: Flow
    ) throws(RenError) -> (subject: Event.Subject, earlier: EarlierWork?) {
        let number = try flow.number(of: output.node, run: "of this flow")
        switch flow.nodes[number.index].kind {
        case .function, .pause: break
        case .condition, .end:
            throw RenError(
                .skipKind, "node “\(output.node)” has no output that could be given",
                hint: "give those that it reads another value")
        }
        let before = numbers.map { $0.firstIndex(of: number).map { NodeNumber($0) } } ?? number
        guard let key = output.key else {
            guard let before, state[before].work.last > .none else { return (.node(number), nil) }
            let work = state[before].work
            return (.node(number), EarlierWork(attempts: work.attempts, last: work.last))
        }
        guard let before, let map = state[before].map else { throw notFound(key, output.node) }
        let payload = try journal.read { view throws(RenError) in try view.payload(run, map.version) }
        guard let item = Self.index(of: key, total: map.total, in: ItemKeys(payload: payload)) else {
            throw notFound(key, output.node)
        }
        return (.item(number, item), try earlier(item, before, map))
    }

    private static func index(of key: String, total: Int, in keys: ItemKeys) -> ItemIndex? {
        if keys.areIndexes {
            return UInt32(key).flatMap { String($0) == key && Int($0) < total ? ItemIndex(rawValue: $0) : nil }
        }
        let wanted = Array(key.utf8)
        var found: ItemIndex?
        keys.forEach { index, bytes in
            if bytes.elementsEqual(wanted) { found = index }
            return found == nil ? .continue : .stop
        }
        return found
    }

    /// What the item had gone through: the state knows it of open items only.
    private func earlier(_ item: ItemIndex, _ node: NodeNumber, _ map: MapState) throws(RenError) -> EarlierWork? {
        if let work = map.open[item] { return EarlierWork(attempts: work.attempts, last: work.last) }
        guard map.state(of: item) != .pending else { return nil }
        let lineage = try journal.read { view throws(RenError) in try view.lineage(of: run) }
        let now = lineage.subject(.item(node, item), at: state.version)
        var found: EarlierWork?
        var version = map.version
        while version < state.version {
            let page = try journal.read { view throws(RenError) in try view.page(of: run, after: version) }
            guard let last = page.last else { break }
            for recorded in page where recorded.version <= state.version {
                if lineage.subject(recorded.event.subject, at: recorded.version) == now {
                    found = EarlierWork(
                        attempts: max(found?.attempts ?? 0, recorded.event.attempt), last: recorded.version)
                }
            }
            version = last.version
        }
        return found
    }

    private func notFound(_ key: String, _ node: String) -> RenError {
        RenError(
            .itemNotFound, "node “\(node)” has no item \(key.prefix(200)) at that event",
            hint: "its items are known when its each has been read")
    }
}

extension JSON {
    /// Puts a value at a path of objects, which are made where they are missing.
    fileprivate mutating func set(_ value: JSON, at path: ArraySlice<String>) {
        guard let key = path.first else { return self = value }
        var object = objectValue ?? [:]
        var member = object[key] ?? .null
        member.set(value, at: path.dropFirst())
        object[key] = member
        self = .object(object)
    }
}
