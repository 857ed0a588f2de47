package import RenCore

extension RunState {
    /// The state of a run: that of its newest snapshot, and the events behind it folded.
    ///
    /// - Parameters:
    ///   - later: the plans of the flows that the run's forks changed to, in order.
    ///   - end: the last version that is folded; nil: all of them.
    /// - Throws: `journal.damaged` for a record that cannot be read; nothing else is read then.
    package init(
        folding run: RunNumber, plan: Plan, then later: [Plan] = [], upTo end: RunVersion? = nil,
        from journal: any JournalReading
    ) throws(RenError) {
        let newest = try journal.read { view throws(RenError) in
            try view.snapshot(of: run, upTo: end ?? RunVersion(rawValue: .max), plans: [plan] + later)
        }
        self = newest?.state ?? RunState(plan: plan, then: later)
        try fold(run, upTo: end, from: journal)
    }

    /// Folds the events of `run` behind those that this state has. After an error it is the state before the record
    /// that cannot be read.
    ///
    /// - Parameters:
    ///   - end: the last version that is folded; nil: all of them.
    ///   - see: is shown each event.
    /// - Throws: `journal.damaged` for a record that cannot be read, or that names a node which the flow does not have.
    package mutating func fold(
        _ run: RunNumber, upTo end: RunVersion? = nil, from journal: any JournalReading,
        _ see: (Event) -> Void = { _ in }
    ) throws(RenError) {
        while end.map({ version < $0 }) ?? true {
            // Short reads: a fold of a long history must not hold old pages of the journal.
            let before = version
            let last = min(end ?? RunVersion(rawValue: .max), RunVersion(rawValue: before.rawValue + 1_000))
            var state = self
            defer { self = state }
            try journal.read { view throws(RenError) in
                try view.history(of: run, from: before.next) { version, event throws(RenError) in
                    if let node = event.subject.node, node.index >= state.nodes.count {
                        throw RenError(
                            .journalDamaged,
                            "event \(version) of run \(run) is about node \(node), which its flow lacks")
                    }
                    state.apply(event)
                    see(event)
                    return version == last ? .stop : .continue
                }
            }
            guard state.version == last else { return }
        }
    }
}
