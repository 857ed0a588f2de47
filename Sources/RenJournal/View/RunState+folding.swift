package import RenCore

extension RunState {
    /// The state of a run whose flow never changes: see `init(folding:plans:through:from:)`.
    package init(
        folding run: RunNumber, plan: Plan, through last: RunVersion? = nil, from journal: any JournalReading
    ) throws(RenError) {
        try self.init(folding: run, plans: [plan], through: last, from: journal)
    }

    /// The state of a run: that of its newest snapshot, and the events behind it folded.
    ///
    /// - Parameters:
    ///   - plans: see `init(plans:)`.
    ///   - last: the last version that is folded; nil: all of them.
    /// - Throws: `journal.damaged` for a record that cannot be read; nothing else is read then.
    package init(
        folding run: RunNumber, plans: [Plan], through last: RunVersion? = nil, from journal: any JournalReading
    ) throws(RenError) {
        let newest = try journal.read { view throws(RenError) in
            try view.snapshot(of: run, upTo: last ?? RunVersion(rawValue: .max), plans: plans)
        }
        self = newest?.state ?? RunState(plans: plans)
        try fold(run, through: last, from: journal)
    }

    /// Folds the events of `run` behind those that this state has. After an error it is the state before the record
    /// that cannot be read.
    ///
    /// - Parameters:
    ///   - last: the last version that is folded; nil: all of them.
    ///   - see: is shown each event, with its version.
    /// - Throws: `journal.damaged` for a record that cannot be read, or that names a node which the flow does not have.
    package mutating func fold(
        _ run: RunNumber, through last: RunVersion? = nil, from journal: any JournalReading,
        _ see: (RunVersion, Event) -> Void = { _, _ in }
    ) throws(RenError) {
        let last = last ?? RunVersion(rawValue: .max)
        while version < last {
            // Short reads: a fold of a long history must not hold old pages of the journal.
            let before = version
            let end = min(last, RunVersion(rawValue: before.rawValue + 1_000))
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
                    see(version, event)
                    return version == end ? .stop : .continue
                }
            }
            guard state.version == end else { return }
        }
    }
}
