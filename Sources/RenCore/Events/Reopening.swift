/// What is opened again of a run that had settled it (SEMANTICS.md 7): two of the three sets; the rest is kept.
package struct Reopening: Hashable, Sendable {
    /// Nodes that run again because they were chosen, in flow order. A map among them is opened anew.
    package var again: [NodeNumber] = []
    /// Items that run again because they were chosen.
    package var items: [NodeNumber: ItemRanges] = [:]
    /// Settled nodes downstream, evaluated afresh: what has the same input then keeps its result.
    package var affected: [NodeNumber] = []
    /// `once` nodes that had succeeded and may run again all the same.
    package var allowed: [NodeNumber] = []
    /// A result made by other code than today's is not kept.
    package var codeChangedRunsAgain = false
    package var reason: String?

    package init() {}

    package var isEmpty: Bool { again.isEmpty && items.isEmpty && affected.isEmpty }
}

/// How a run came out of another one's past.
///
/// Versions 1 to `version` of the fork are the parent's events; the event that holds this is the next one. Its payload
/// is the input, where that was changed.
package struct Fork: Hashable, Sendable {
    /// The new run, as `run.created` would describe it.
    package var creation: RunCreation
    /// The parent's id.
    package var parent: String
    package var version: RunVersion
    /// R of the parent at that version: the chain goes on from it.
    package var hash: Digest
    /// For each node of the flow before, its number in this one's; nil for one that is gone. Nil: the same flow.
    package var nodes: [NodeNumber?]?
    /// Nodes with `once` of which an attempt ran at that version, their own or one of an item: nobody knows what it did.
    package var once: [NodeNumber]
    package var reopening: Reopening

    package init(
        creation: RunCreation, parent: String, version: RunVersion, hash: Digest, nodes: [NodeNumber?]? = nil,
        once: [NodeNumber] = [], reopening: Reopening = Reopening()
    ) {
        self.creation = creation
        self.parent = parent
        self.version = version
        self.hash = hash
        self.nodes = nodes
        self.once = once
        self.reopening = reopening
    }
}
