package import RenCore
import RenEngine
package import RenJSON
package import RenJournal

/// What a fork of a run with another flow would make of its recorded results: the fork is made and carried in memory,
/// and no function is called.
package struct WhatIfView: Sendable {
    /// What becomes of something: the words of `Trial.Fate`, and `turned` and `gone`.
    package enum What: String, Sendable, CaseIterable {
        case kept, runs, asks, depends, decided, turned, ends, skipped, failed, cancelled, unknown, gone
    }

    /// How many items of a map come to what, and which the first ones are.
    package struct Items: Sendable {
        package fileprivate(set) var counts: [What: Int] = [:]
        /// Keys of those that would run, and of those whose results would be gone; at most `WhatIfView.keysMax` each.
        package fileprivate(set) var running: [String] = []
        package fileprivate(set) var gone: [String] = []
    }

    package struct Node: Sendable {
        package let name: String
        package fileprivate(set) var what: What
        package fileprivate(set) var why = ""
        package fileprivate(set) var isNew = false
        /// Of a condition: the ways before and now.
        package fileprivate(set) var ways: (before: String?, now: String?) = (nil, nil)
        /// Nil for what is no map.
        package fileprivate(set) var items: Items?
    }

    package static let keysMax = 20

    package let parent: RunRow
    package let draft: ForkDraft
    /// The flow that the parent follows there.
    package let before: Digest
    /// In the order of the flow, then those that it has no more.
    package let nodes: [Node]

    /// - Parameters:
    ///   - flow: is looked at as if it were registered; nil: the one of `words`.
    ///   - file: where that was found.
    ///   - signatures: of the functions that the fork would call; nil: those recorded with the parent.
    ///   - swift: functions of this program.
    /// - Throws: `FlowErrors` where the flow calls what there is not; what `ForkDraft` throws; `run.pruned`.
    package init(
        of parent: RunRow, _ words: ForkWords, flow: FlowCheck? = nil, file: String? = nil,
        signatures: [String: FunctionSignature]? = nil, swift: [String: FunctionSignature] = [:],
        in base: any JournalReading, directory: DataDirectory, at now: Timestamp
    ) throws {
        let journal = try StoreJournal.over(base)
        defer { journal.close() }
        var words = words
        if let flow = flow?.flow {
            let payload = Payload(hashing: flow.source.compact)
            let registered = Event(.flowRegistered(name: flow.name), .run, at: now, payload: PayloadMark(payload))
            try journal.appendAndWait([registered], to: .journal, after: Batch.anyVersion)
            words.flow = payload.hash
        }
        let known =
            if let signatures { signatures } else {
                swift.merging(try journal.recordedSignatures(of: parent)) { _, recorded in recorded }
            }
        draft = try ForkDraft(words, of: parent, id: newRunID(), signatures: known, in: journal, at: now)
        let missing = FunctionCheck.errors(
            of: draft.state.plan.flow, in: flow?.document, signatures: known)
        guard missing.isEmpty else { throw FlowErrors(missing.map { $0.inFile(file) }) }
        let run = journal.reserveRun()
        try journal.appendAndWait(draft.events(at: now), to: run, after: draft.fork.version)
        // Answered when its rows are made.
        try journal.appendAndWait([], to: run, after: Batch.anyVersion)
        guard let row = try journal.read({ view throws(RenError) in try view.run(run) }) else {
            preconditionFailure("the fork \(run) that was just made is not there")
        }
        let trial = try Trial(
            of: run, plans: journal.plans(of: row, signatures: known), signatures: known, in: journal,
            artifacts: directory.artifacts, at: now)
        self.parent = parent
        let (number, version) = (parent.number, draft.fork.version)
        before = try journal.read { view throws(RenError) in try view.lineage(of: number).flow(at: version) }
        nodes = try Teller(draft: draft, trial: trial, run: run, journal: journal, signatures: known).nodes()
    }

    /// `{"schema": "ren.whatif/1", "run", "at", "version", "flow", "flow_hash", "flow_hash_before", "nodes", "totals"}`
    package var json: JSONObject {
        [
            "schema": "ren.whatif/1", "run": .string(parent.id), "at": JSON(draft.sequence.rawValue),
            "version": JSON(draft.fork.version.rawValue), "flow": .string(draft.fork.creation.flowName),
            "flow_hash": .string(draft.fork.creation.flow.description), "flow_hash_before": .string(before.description),
            "nodes": .array(nodes.map { .object($0.json) }),
            "totals": ["nodes": JSON(counts: totals.nodes), "items": JSON(counts: totals.items)],
        ]
    }

    package var totals: (nodes: [What: Int], items: [What: Int]) {
        var (all, items): ([What: Int], [What: Int]) = ([:], [:])
        for node in nodes {
            all[node.what, default: 0] += 1
            items.merge(node.items?.counts ?? [:], uniquingKeysWith: +)
        }
        return (all, items)
    }
}

extension WhatIfView.Node {
    fileprivate var json: JSONObject {
        func text(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }
        var object: JSONObject = [
            "node": .string(name), "what": .string(what.rawValue), "why": .string(why), "new": .bool(isNew),
            "way": text(ways.now), "way_before": text(ways.before),
        ]
        if let items {
            object["items"] = [
                "counts": JSON(counts: items.counts), "running": .array(items.running.map { .string($0) }),
                "gone": .array(items.gone.map { .string($0) }),
            ]
        }
        return object
    }
}

// MARK: Telling

/// Puts what came of a trial into words.
private struct Teller {
    let draft: ForkDraft
    let trial: Trial
    let run: RunNumber
    let journal: any JournalReading
    let signatures: [String: FunctionSignature]

    private var plan: Plan { draft.state.plan }
    private var before: RunState { draft.before }

    func nodes() throws(RenError) -> [WhatIfView.Node] {
        var nodes: [WhatIfView.Node] = []
        for index in trial.nodes.indices { nodes.append(try node(NodeNumber(index))) }
        for (index, node) in before.plan.flow.nodes.enumerated() where plan.number(of: node.name) == nil {
            var gone = WhatIfView.Node(name: node.name, what: .gone)
            if let map = before.nodes[index].map {
                var items = WhatIfView.Items()
                try note(gone: map, now: nil, in: &items)
                gone.items = items
            }
            nodes.append(gone)
        }
        return nodes
    }

    private func node(_ number: NodeNumber) throws(RenError) -> WhatIfView.Node {
        let tried = trial.nodes[number.index]
        let name = plan.flow.nodes[number.index].name
        let old = before.plan.number(of: name)
        var node = WhatIfView.Node(name: name, what: WhatIfView.What(tried.fate))
        node.isNew = old == nil
        node.ways = (old.flatMap { before[$0].way }, trial.state[number].way)
        if tried.fate == .decided, let way = node.ways.before { node.what = way == node.ways.now ? .kept : .turned }
        var reason = reason(number, old, tried)
        if plan.flow.nodes[number.index].each != nil {
            let items = try items(number, old.flatMap { before[$0].map }, tried)
            node.items = items.items
            if reason == Self.inputChanged { reason = items.why }
        }
        node.why = why(number, reason, node.isNew, tried)
        return node
    }

    // MARK: Items

    /// - Returns: also why some run, where the map is the same.
    private func items(
        _ number: NodeNumber, _ map: MapState?, _ tried: Trial.Node
    ) throws(RenError) -> (items: WhatIfView.Items, why: String) {
        var items = WhatIfView.Items()
        guard let now = trial.state[number].map, !tried.items.isEmpty || tried.isOpened else {
            // Its list is not known: all that it had depends on that.
            if tried.fate == .depends, let map, map.counts.succeeded > 0 {
                items.counts[.depends] = map.counts.succeeded
            }
            if tried.fate != .depends, let map { try note(gone: map, now: nil, in: &items) }
            return (items, "")
        }
        var keys = try self.keys(now)
        let results = try tried.isOpened ? map.map { map throws(RenError) in try Results(map, self.keys(map)) } : nil
        var changed = 0
        for (index, fate) in tried.items.enumerated() {
            items.counts[WhatIfView.What(fate), default: 0] += 1
            guard fate == .runs, results != nil || items.running.count < WhatIfView.keysMax else { continue }
            let key = keys.key(of: ItemIndex(index))
            if results?.contains(key) == true { changed += 1 }
            if items.running.count < WhatIfView.keysMax { items.running.append(key) }
        }
        if tried.isOpened, let map { try note(gone: map, now: now, in: &items) }
        let other = (items.counts[.runs] ?? 0) - changed
        let why = [(changed, "with another input"), (other, "without a result")].filter { $0.0 > 0 }
        return (items, why.map { "\($0.0) \($0.1)" }.joined(separator: ", "))
    }

    /// The items of a map that had succeeded, by key.
    private struct Results {
        private let map: MapState
        private var keys: Set<String> = []
        private let areIndexes: Bool

        init(_ map: MapState, _ keys: ItemKeys) {
            self.map = map
            areIndexes = keys.areIndexes
            guard !areIndexes else { return }
            keys.forEach { index, key in
                if map.state(of: index) == .succeeded { self.keys.insert(String(decoding: key, as: UTF8.self)) }
                return .continue
            }
        }

        func contains(_ key: String) -> Bool {
            guard areIndexes else { return keys.contains(key) }
            return UInt32(key).map { map.state(of: ItemIndex(rawValue: $0)) == .succeeded } ?? false
        }
    }

    private func keys(_ map: MapState) throws(RenError) -> ItemKeys {
        ItemKeys(payload: try journal.read { view throws(RenError) in try view.payload(run, map.version) })
    }

    /// Items that had succeeded and are not in the list any more.
    ///
    /// - Parameter now: the map as it is opened anew; nil: the whole of it is gone.
    private func note(gone map: MapState, now: MapState?, in items: inout WhatIfView.Items) throws(RenError) {
        var keys = try keys(map)
        var left: Set<[UInt8]> = []
        let new = try now.map { now throws(RenError) in try self.keys(now) }
        new?.forEach { _, key in
            left.insert(Array(key))
            return .continue
        }
        map.forEachItem(in: .succeeded) { item in
            let key = keys.key(of: item)
            let isThere = new.map { $0.areIndexes ? item.index < now!.total : left.contains(Array(key.utf8)) } ?? false
            guard !isThere else { return true }
            items.counts[.gone, default: 0] += 1
            if items.gone.count < WhatIfView.keysMax { items.gone.append(key) }
            return true
        }
    }

    // MARK: Why

    private static let inputChanged = "input changed"

    private func why(_ number: NodeNumber, _ reason: String, _ isNew: Bool, _ tried: Trial.Node) -> String {
        var reasons = isNew ? ["new", reason] : [reason]
        let followed = plan.predecessors[number.index].filter { trial.assumed.contains($0) }
        if tried.fate != .depends, !tried.isUntouched, !followed.isEmpty { reasons.append("follows \(list(followed))") }
        return reasons.filter { !$0.isEmpty }.joined(separator: ", ")
    }

    private func reason(_ number: NodeNumber, _ old: NodeNumber?, _ tried: Trial.Node) -> String {
        if tried.isUntouched { return tried.fate == .kept ? "" : "as before" }
        let state = trial.state[number]
        switch tried.fate {
        case .depends:
            let read = plan.reads(of: number).nodes.filter { trial.assumed.contains($0) && $0 != number }
            guard read.isEmpty else { return "reads \(list(read.sorted()))" }
            return "follows \(list(plan.predecessors[number.index].filter { !trial.state[$0].isSettled }))"
        case .skipped:
            guard case .skipped(let reason) = state.phase else { return "" }
            return switch reason {
            case .when: "when says no"
            case .notTaken: "not taken"
            case .upstreamFailed: "follows a failure"
            }
        case .failed: return state.error?.message ?? ""
        case .unknown: return "once: a person decides"
        case .kept: return isCodeChanged(number) ? "same input, other code" : "same input"
        case .ends, .cancelled: return ""
        case .decided, .runs, .asks: break
        }
        guard let old else { return "" }
        let changed = before.plan.redefinitions(of: old, by: plan, number)
        guard changed.isEmpty else { return "\(changed.joined(separator: ", ")) changed" }
        guard let recorded = draft.state[number].recorded else {
            return before[old].isSettled ? "was \(before[old].status)" : "had not ended"
        }
        if let start = tried.start, start.input == recorded.input { return "code changed" }
        return tried.fate == .decided ? "" : Self.inputChanged
    }

    private func isCodeChanged(_ number: NodeNumber) -> Bool {
        guard let recorded = draft.state[number].recorded?.code, let call = plan.flow.nodes[number.index].call,
            let code = signatures[call.name]?.codeHash
        else { return false }
        return code != recorded
    }

    private func list(_ nodes: [NodeNumber]) -> String {
        nodes.map { plan.flow.nodes[$0.index].name }.joined(separator: ", ")
    }
}

extension WhatIfView.What {
    fileprivate init(_ fate: Trial.Fate) {
        self =
            switch fate {
            case .kept: .kept
            case .runs: .runs
            case .asks: .asks
            case .depends: .depends
            case .decided: .decided
            case .ends: .ends
            case .skipped: .skipped
            case .failed: .failed
            case .cancelled: .cancelled
            case .unknown: .unknown
            }
    }
}
