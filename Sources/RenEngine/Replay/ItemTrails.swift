import RenCore

/// What the rows of a run's items said as of an event: the last event of each, its attempts, and where its result is.
final class ItemTrails {
    struct Trail {
        private static let none = RunVersion.none

        /// Version of its last event; `.none` for an item that never began.
        private(set) var last = none
        private(set) var attempts: UInt32 = 0
        /// Version of the event that it ended with, or of the one whose result it kept; `.none` while it has not ended.
        private(set) var result = none

        fileprivate mutating func note(_ event: Event, _ version: RunVersion) {
            switch event.fact {
            // That of a settled item is linked to nothing.
            case .resultRejected where event.previous == .none: return
            case .succeeded, .overridden, .failed: result = version
            // The result of the event that it names stands.
            case .kept: result = event.cause
            default: break
            }
            last = version
            attempts = max(attempts, event.attempt)
        }
    }

    private var trails: [NodeNumber: [Trail]] = [:]

    subscript(node: NodeNumber, item: ItemIndex) -> Trail? {
        guard let list = trails[node], item.index < list.count else { return nil }
        return list[item.index]
    }

    /// Notes what `event` of `version` says of an item, and which items begin anew.
    func note(_ event: Event, _ version: RunVersion) {
        switch (event.subject, event.fact) {
        case (.node(let node), .mapOpened(let opening)):
            trails[node] = Array(repeating: Trail(), count: opening.total)
        case (.item(let node, let item), _) where item.index < trails[node]?.count ?? 0:
            trails[node]?[item.index].note(event, version)
        default: break
        }
    }

    /// - Parameter numbers: for each node its number in the flow that the run follows from now on.
    func follow(_ numbers: [NodeNumber?]) {
        var renumbered: [NodeNumber: [Trail]] = [:]
        for (node, list) in trails where node.index < numbers.count {
            if let number = numbers[node.index] { renumbered[number] = list }
        }
        trails = renumbered
    }
}
