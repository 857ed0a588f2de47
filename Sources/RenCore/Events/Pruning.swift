/// What is about to be deleted, and by which rule (SEMANTICS.md 6). Written before anything is.
package struct Pruning: Hashable, Sendable {
    package enum Step: String, Sendable, Comparable {
        /// The records stay, with the length and hash of each payload.
        case payloads
        /// Stubs stay, which keep the journal's chain whole, and what says what the run was and how it ended.
        case histories

        package static func < (left: Step, right: Step) -> Bool { left == .payloads && right == .histories }
    }

    /// A run that has ended, and the part of the journal that its events lie in.
    package struct Run: Hashable, Sendable {
        package var id: String
        package var first: JournalSequence
        package var last: JournalSequence
        /// Of its own: those of a fork's past are its parent's.
        package var events: Int

        package init(id: String, first: JournalSequence, last: JournalSequence, events: Int) {
            self.id = id
            self.first = first
            self.last = last
            self.events = events
        }
    }

    package var step: Step
    package var runs: [Run]
    /// `older_than 30d, keep 100`, in the words of the setting.
    package var rule: String

    package init(step: Step, runs: [Run], rule: String) {
        self.step = step
        self.runs = runs
        self.rule = rule
    }

    package var events: Int { runs.reduce(0) { $0 + $1.events } }
}
