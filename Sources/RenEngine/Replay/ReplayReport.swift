package import RenCore
package import RenJournal

/// What a replay found: how each event followed from those before it, and the first one that did not.
package struct ReplayReport: Sendable {
    /// How an event is explained.
    package enum Kind: String, CaseIterable, Sendable {
        /// A person, a worker or the clock asked for it, and it was to be admitted.
        case asked
        /// A function gave it: the end of an attempt that was running, or what it saved.
        case reported
        /// An attempt that was allowed to begin, with the arguments that follow from recorded outputs. Slots are not
        /// recorded.
        case started
        /// Expressions evaluated again gave the same.
        case evaluated
        /// `decide` gave it.
        case decided
    }

    /// The first event that does not follow, and what does.
    package struct Divergence: Sendable {
        package enum Expected: Sendable {
            case event(Event)
            /// No event of its kind follows, because of this.
            case nothing(String)
        }

        package var recorded: RecordedEvent
        package var expected: Expected
    }

    package internal(set) var counts: [Kind: Int] = [:]
    /// Decisions whose values are not kept any more: they follow from the operands that were recorded with them.
    package internal(set) var byOperands = 0
    /// What could not be evaluated again and was taken as it is: its values are not kept any more, or its function is not
    /// known here.
    package internal(set) var taken = 0
    package internal(set) var divergence: Divergence?
    /// An event that cannot be read, where the replay ended.
    package internal(set) var unreadable: (version: RunVersion, error: RenError)?
    /// The state after the last event that was explained.
    package internal(set) var state: RunState

    init(_ state: RunState) { self.state = state }

    /// Events that were explained.
    package var explained: Int { counts.values.reduce(0, +) }
    /// Every event was.
    package var isWhole: Bool { divergence == nil && unreadable == nil }
}
