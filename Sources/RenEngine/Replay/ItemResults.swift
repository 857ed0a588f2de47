import RenCore

/// Versions of the events that the items of a run ended with, as of an event.
final class ItemResults {
    /// By index; 0 for none. A run has at most 50,000,000 events.
    private var versions: [NodeNumber: [UInt32]] = [:]

    subscript(node: NodeNumber, item: ItemIndex) -> RunVersion? {
        guard let list = versions[node], item.index < list.count, list[item.index] > 0 else { return nil }
        return RunVersion(list[item.index])
    }

    /// Notes what `event` of `version` ends, and what begins anew.
    func note(_ event: Event, _ version: RunVersion) {
        switch (event.subject, event.fact) {
        case (.node(let node), .mapOpened(let opening)):
            versions[node] = Array(repeating: 0, count: opening.total)
        case (.item(let node, let item), .succeeded), (.item(let node, let item), .overridden),
            (.item(let node, let item), .failed):
            set(version, node, item)
        // The result of the event that it names stands.
        case (.item(let node, let item), .kept): set(event.cause, node, item)
        default: break
        }
    }

    /// - Parameter numbers: for each node its number in the flow that the run follows from now on.
    func follow(_ numbers: [NodeNumber?]) {
        var renumbered: [NodeNumber: [UInt32]] = [:]
        for (node, list) in versions where node.index < numbers.count {
            if let number = numbers[node.index] { renumbered[number] = list }
        }
        versions = renumbered
    }

    private func set(_ version: RunVersion, _ node: NodeNumber, _ item: ItemIndex) {
        guard let count = versions[node]?.count, item.index < count else { return }
        versions[node]?[item.index] = UInt32(clamping: version.rawValue)
    }
}
