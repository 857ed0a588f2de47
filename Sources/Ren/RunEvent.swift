import RenCore
import RenJournal

/// A recorded event of a run, as a program sees it.
public struct RunEvent: Sendable {
    /// Its number in the journal; a later reader resumes after it.
    public let sequence: UInt64
    /// Its number in the run.
    public let version: UInt64
    /// UTC, as `2026-11-23T03:21:07.123Z`.
    public let time: String
    /// `node.started`, `item.succeeded`, …
    public let type: String
    public let node: String?
    /// The item's place in its list.
    public let item: Int?
    public let attempt: Int
}

extension RunEvent {
    /// Reads a run's events page by page, and ends behind the one that ends the run.
    actor Reader {
        private let session: Session
        private let run: RunNumber
        private var feed: JournalFeed
        private var page: [RunEvent] = []
        private var nodes: [String]?
        private var isEnded = false

        init(_ session: Session, _ run: RunNumber, after: JournalSequence) {
            self.session = session
            self.run = run
            feed = JournalFeed(session.journal, after: after, run: run)
        }

        func next() async throws -> RunEvent? {
            while page.isEmpty {
                guard !isEnded else { return nil }
                let recorded = try await nextPage()
                guard !recorded.isEmpty else { return nil }
                let nodes = try nodeNames()
                page = recorded.reversed().map { RunEvent($0, nodes: nodes) }
                isEnded = recorded.contains { $0.event.fact.isEnd }
            }
            return page.removeLast()
        }

        /// Waits for events, but not of a run that had ended before: what comes behind its end are notes.
        private func nextPage() async throws -> [RecordedEvent] {
            var feed = feed
            defer { self.feed = feed }
            let run = run
            let row = try session.journal.read { view throws(RenError) in try view.run(run) }
            let recorded = try feed.nextIfAny()
            guard recorded.isEmpty, row?.status.isOpen ?? true else { return recorded }
            return try await feed.next()
        }

        private func nodeNames() throws -> [String] {
            if let nodes { return nodes }
            let run = run
            guard let row = try session.journal.read({ view throws(RenError) in try view.run(run) }) else { return [] }
            let names = try session.recordedFlow(row.flow).nodes.map(\.name)
            nodes = names
            return names
        }
    }

    init(_ recorded: RecordedEvent, nodes: [String]) {
        sequence = recorded.sequence.rawValue
        version = recorded.version.rawValue
        time = recorded.event.time.iso8601
        type = recorded.type.name
        node = recorded.event.subject.node.flatMap { $0.index < nodes.count ? nodes[$0.index] : nil }
        if case .item(_, let index) = recorded.event.subject { item = index.index } else { item = nil }
        attempt = Int(recorded.event.attempt)
    }
}

extension Fact {
    /// The last event of a run, until it is reopened.
    var isEnd: Bool {
        switch self {
        case .runSucceeded, .runFailed, .runStopped, .runQuarantined: true
        default: false
        }
    }
}
