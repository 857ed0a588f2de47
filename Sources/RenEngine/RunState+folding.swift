package import RenCore
package import RenJournal

extension RunState {
    /// Folds the history of a run.
    ///
    /// - Throws: `journal.damaged` for a record that cannot be read; nothing else is read then.
    package init(folding run: RunNumber, plan: Plan, from journal: any JournalReading) throws(RenError) {
        self.init(plan: plan)
        try fold(run, from: journal)
    }

    /// Folds the events of `run` behind those that this state has. After an error it is the state before the record
    /// that cannot be read.
    ///
    /// - Throws: `journal.damaged` for a record that cannot be read, or that names a node which the flow does not have.
    package mutating func fold(_ run: RunNumber, from journal: any JournalReading) throws(RenError) {
        while true {
            // Short reads: a fold of a long history must not hold old pages of the journal.
            let before = version
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
                    return version.rawValue == before.rawValue + 1000 ? .stop : .continue
                }
            }
            guard state.version.rawValue == before.rawValue + 1000 else { return }
        }
    }
}
