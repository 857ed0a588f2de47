package import RenCore
package import RenJournal

/// Which events of a source are wanted: all that is set must hold.
package struct EventFilter: Sendable {
    package var source: EventSource
    package var types: Set<EventType>?
    package var node: NodeNumber?
    package var item: ItemIndex?

    package init(
        _ source: EventSource, types: Set<EventType>? = nil, node: NodeNumber? = nil, item: ItemIndex? = nil
    ) {
        self.source = source
        self.types = types
        self.node = node
        self.item = item
    }

    /// Whether every event of the source is wanted.
    var isOpen: Bool { types == nil && node == nil && item == nil }

    func wants(_ type: EventType, _ subject: Event.Subject) -> Bool {
        if let types, !types.contains(type) { return false }
        if let node, subject.node != node { return false }
        guard let item else { return true }
        return if case .item(_, item) = subject { true } else { false }
    }

    /// The types whose names begin with one of `areas`, as in `run` of `run.created`.
    static func types(in areas: Set<String>) -> Set<EventType> {
        Set(EventType.allCases.filter { type in areas.contains(String(type.name.prefix { $0 != "." })) })
    }
}

/// The wanted events of a piece, as runs of entries that stand together.
struct WantedEvents: Sendable {
    let block: EventBlock
    let stretches: [Range<Int>]

    /// Nil when none is wanted.
    init?(_ piece: EventPages.Piece, _ filter: EventFilter) {
        block = piece.block
        if filter.isOpen {
            stretches = piece.entries.isEmpty ? [] : [piece.entries]
        } else {
            var found: [Range<Int>] = []
            for index in piece.entries {
                let entry = piece.block.entries[index]
                guard filter.wants(entry.type, entry.subject) else { continue }
                if let last = found.last, last.upperBound == index {
                    found[found.count - 1] = last.lowerBound..<index + 1
                } else {
                    found.append(index..<index + 1)
                }
            }
            stretches = found
        }
        if stretches.isEmpty { return nil }
    }

    var count: Int { stretches.reduce(0) { $0 + $1.count } }
    /// Of the last one.
    var last: JournalSequence { block.entries[stretches[stretches.count - 1].upperBound - 1].sequence }

    /// The same events in parts whose texts have at most `bytesMax` bytes together; a longer event stands alone.
    func parts(bytesMax: Int) -> [WantedEvents] {
        var parts: [WantedEvents] = []
        var stretches: [Range<Int>] = []
        var bytes = 0
        for index in self.stretches.joined() {
            let size = block.text(of: index).count + 1
            if bytes + size > bytesMax, !stretches.isEmpty {
                parts.append(WantedEvents(block: block, stretches: stretches))
                (stretches, bytes) = ([], 0)
            }
            if let last = stretches.last, last.upperBound == index {
                stretches[stretches.count - 1] = last.lowerBound..<index + 1
            } else {
                stretches.append(index..<index + 1)
            }
            bytes += size
        }
        parts.append(WantedEvents(block: block, stretches: stretches))
        return parts
    }

    private init(block: EventBlock, stretches: [Range<Int>]) {
        self.block = block
        self.stretches = stretches
    }

    /// How many bytes their texts have with commas between them.
    var byteCount: Int { stretches.reduce(0) { $0 + block.text(of: $1).count + 1 } }
}
