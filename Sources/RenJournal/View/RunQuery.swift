import LMDB
package import RenCore

/// Which runs are asked for; they come latest created first.
package struct RunQuery: Sendable, Hashable {
    package static let limitMax = 1_000

    package enum Status: Sendable, Hashable {
        case status(RunStatus)
        /// Running, and nothing goes on without a person: `RunRow.isWaiting`.
        case waiting
        /// All that an engine has to carry.
        case open
    }

    package var status: Status?
    package var flow: String?
    /// The beginning of an id or of a flow's name.
    package var text: String?
    /// Created at this time or later; created before this time.
    package var startedAfter: Timestamp?
    package var startedBefore: Timestamp?
    /// At most `limitMax`; more is cut to it.
    package var limit = 50
    /// `RunPage.next` of the page before.
    package var cursor: RunCursor?

    package init() {}

    fileprivate var statuses: [RunStatus] {
        switch status {
        case nil: RunStatus.allCases
        case .status(let status): [status]
        case .waiting: [.running]
        case .open: RunStatus.allCases.filter(\.isOpen)
        }
    }

    fileprivate func matches(_ row: RunRow) -> Bool {
        if status == .waiting, !row.isWaiting { return false }
        if let flow, row.flowName != flow { return false }
        guard let text else { return true }
        return row.id.hasPrefix(text) || row.flowName.hasPrefix(text)
    }
}

/// A place in the list of runs, which new runs do not move.
package struct RunCursor: Sendable, Hashable, Comparable {
    let created: Timestamp
    let run: RunNumber

    init(created: Timestamp, run: RunNumber) {
        self.created = created
        self.run = run
    }

    /// Nil for a text that `text` did not give.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let created = Int64(parts[0]), let run = UInt64(parts[1]) else { return nil }
        self.init(created: Timestamp(nanoseconds: created), run: RunNumber(rawValue: run))
    }

    /// Digits and a hyphen.
    package var text: String { "\(created.nanoseconds)-\(run.rawValue)" }

    package static func < (left: RunCursor, right: RunCursor) -> Bool {
        (left.created, left.run) < (right.created, right.run)
    }
}

package struct RunPage: Sendable {
    package let runs: [RunRow]
    /// Where the list goes on; nil behind the last run. There may be one on a page with fewer runs than asked for: at
    /// most `RunPage.lookMax` runs are looked at for one.
    package let next: RunCursor?
    package let asOf: JournalSequence

    package static let lookMax = 10_000
}

extension JournalReading {
    /// The runs that match.
    ///
    /// - Complexity: O(*n*) in the runs of the wanted statuses and times that are looked at, at most `RunPage.lookMax`.
    package func runs(_ query: RunQuery) throws(RenError) -> RunPage {
        let asOf = try read { view throws(RenError) in try view.head().sequence }
        let limit = min(max(1, query.limit), RunQuery.limitMax)
        var found: [RunRow] = []
        var next = query.cursor
        for _ in 0..<RunPage.lookMax / JournalView.runPlacesMax {
            let isLast = try read { view throws(RenError) in
                let places = try view.runPlaces(query, before: next)
                for place in places {
                    next = place
                    if let row = try view.run(place.run), query.matches(row) { found.append(row) }
                    if found.count == limit { return false }
                }
                return places.count < JournalView.runPlacesMax
            }
            if isLast { return RunPage(runs: found, next: nil, asOf: asOf) }
            if found.count == limit { break }
        }
        return RunPage(runs: found, next: next, asOf: asOf)
    }
}

extension JournalView {
    /// How many places are looked up at once, and in each status.
    fileprivate static let runPlacesMax = 100

    /// The next runs of the wanted statuses and times, latest first, at most `runPlacesMax`, from the index by status.
    fileprivate func runPlaces(_ query: RunQuery, before cursor: RunCursor?) throws(RenError) -> [RunCursor] {
        let ends = [cursor, query.startedBefore.map { RunCursor(created: $0, run: RunNumber(rawValue: 0)) }]
        let end = ends.compactMap { $0 }.min() ?? RunCursor(created: .distantFuture, run: RunNumber(rawValue: .max))
        var found: [RunCursor] = []
        for status in query.statuses {
            var count = 0
            let prefix = Key.status(status)
            try snapshot.walk(.runsByStatus, from: .status(status, end.created, end.run), .descending) {
                key, _ throws(RenError) in
                guard prefix.isPrefix(of: key) else { return .stop }
                let place = RunCursor(
                    created: Timestamp(nanoseconds: Int64(bitPattern: key.load(UInt64.self, at: 1))),
                    run: RunNumber(rawValue: key.load(UInt64.self, at: 9)))
                if let after = query.startedAfter, place.created < after { return .stop }
                guard place < end else { return .continue }
                found.append(place)
                count += 1
                return count < Self.runPlacesMax ? .continue : .stop
            }
        }
        return Array(found.sorted(by: >).prefix(Self.runPlacesMax))
    }
}
