import RenCore
import RenJournal

/// The results that items of a map had before it was opened anew, by their indexes in the map as it is now: found by
/// key, in the history between the two openings.
struct EarlierResults: Sendable {
    /// Version of the event with the result that stands; `.none` for an item without one.
    private var versions: [RunVersion]
    private var attempts: [UInt32]

    /// - Parameters:
    ///   - first: version of the `map.opened` from which on results stand.
    ///   - opened: version of the one that holds now, and its payload.
    ///   - forks: what numbers of nodes mean in the history.
    /// - Complexity: O(*n*) in the events between the two.
    init(
        of node: NodeNumber, in run: RunNumber, from first: RunVersion, to opened: RunVersion, _ payload: [UInt8],
        total: Int, in journal: any JournalReading, _ forks: RunLineage
    ) throws(RenError) {
        versions = []
        attempts = []
        var keys = MapKeys(payload: [])
        var version = RunVersion(rawValue: first.rawValue - 1)
        while version.next < opened {
            // Short reads: a long history must not hold old pages of the journal.
            let page = try journal.read { view throws(RenError) in try view.page(of: run, after: version) }
            guard let last = page.last else { break }
            for recorded in page where recorded.version < opened {
                let event = recorded.event
                guard let about = forks.subject(event.subject, at: recorded.version), about.node == node else {
                    continue
                }
                switch (about, event.fact) {
                case (.node, .mapOpened(let opening)):
                    let payload = try journal.read { view throws(RenError) in try view.payload(run, recorded.version) }
                    move(from: &keys, to: MapKeys(payload: payload), total: opening.total)
                case (.item(_, let item), let fact) where item.index < versions.count:
                    note(fact, item.index, event, recorded.version)
                default: break
                }
            }
            version = last.version
        }
        move(from: &keys, to: MapKeys(payload: payload), total: total)
    }

    subscript(item: ItemIndex) -> (version: RunVersion, attempts: UInt32) {
        (versions[item.index], attempts[item.index])
    }

    private mutating func note(_ fact: Fact, _ item: Int, _ event: Event, _ version: RunVersion) {
        attempts[item] = max(attempts[item], event.attempt)
        switch fact {
        case .succeeded, .overridden: versions[item] = version
        case .kept: versions[item] = event.cause
        case .unknown(.inputChanged): break
        case .failed, .unknown: versions[item] = .none
        default: break
        }
    }

    /// The same results under the indexes of another opening.
    private mutating func move(from old: inout MapKeys, to new: MapKeys, total: Int) {
        defer { old = new }
        var (versions, attempts) = ([RunVersion](repeating: .none, count: total), [UInt32](repeating: 0, count: total))
        func take(_ from: Int, as index: Int) {
            guard from < self.versions.count, index < total else { return }
            versions[index] = self.versions[from]
            attempts[index] = self.attempts[from]
        }
        if old.isSame(as: new) {
            for index in 0..<total { take(index, as: index) }
        } else {
            let places = old.places
            new.forEach { index, key in
                if let place = places[key] { take(place, as: index) }
            }
        }
        (self.versions, self.attempts) = (versions, attempts)
    }
}

/// The keys of a map's items, or that they are the indexes.
private struct MapKeys {
    private let payload: [UInt8]
    private let keys: ItemKeys

    /// - Parameter payload: of `map.opened`; empty where there was none.
    init(payload: [UInt8]) {
        self.payload = payload
        keys = ItemKeys(payload: payload)
    }

    func isSame(as other: MapKeys) -> Bool {
        if keys.areIndexes || other.keys.areIndexes { return keys.areIndexes && other.keys.areIndexes }
        return payload == other.payload
    }

    var places: [[UInt8]: Int] {
        var places: [[UInt8]: Int] = [:]
        forEach { index, key in places[key] = index }
        return places
    }

    func forEach(_ body: (Int, [UInt8]) -> Void) {
        keys.forEach { index, key in
            body(index.index, Array(key))
            return .continue
        }
    }
}
