package import RenCore
package import RenJournal

extension RunState {
    /// Folds the history of a run.
    ///
    /// - Throws: `journal.damaged` for a record that cannot be read; nothing else is read then.
    package init(folding run: RunNumber, plan: Plan, from journal: any Journal) throws(RenError) {
        self.init(plan: plan)
        while true {
            // Short reads: a fold of a long history must not hold old pages of the journal.
            let before = version
            var state = self
            try journal.read { view throws(RenError) in
                try view.history(of: run, from: before.next) { version, event throws(RenError) in
                    state.apply(event)
                    return version.rawValue == before.rawValue + 1000 ? .stop : .continue
                }
            }
            self = state
            guard version.rawValue == before.rawValue + 1000 else { return }
        }
    }
}
