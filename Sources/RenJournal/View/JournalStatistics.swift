import LMDB
package import RenCore

/// What takes how much room in a journal: events and bytes of records and payloads, by what they are about.
package struct JournalStatistics: Sendable {
    package struct Amount: Sendable, Hashable {
        package var events = 0
        /// Of records, payloads in them and payloads in chunks; without indexes and projections.
        package var bytes = 0

        package init() {}

        init(events: Int, bytes: Int) {
            self.events = events
            self.bytes = bytes
        }

        mutating func add(_ other: Amount) {
            events += other.events
            bytes += other.bytes
        }
    }

    package struct NodeKey: Hashable, Sendable {
        package var run: RunNumber
        package var node: NodeNumber
    }

    private static let pageRecords = 1_000
    private static let pageTime = Duration.milliseconds(100)
    private static let nanosecondsOfDay: Int64 = 86_400_000_000_000

    package private(set) var total = Amount()
    package private(set) var types: [EventType: Amount] = [:]
    package private(set) var runs: [RunNumber: Amount] = [:]
    package private(set) var nodes: [NodeKey: Amount] = [:]
    /// By days since 1970 in UTC.
    package private(set) var days: [Int: Amount] = [:]
    /// Events that cannot be read.
    package private(set) var damaged: [JournalSequence] = []
    package private(set) var head: JournalHead

    /// Looks at every event, by reads of at most 1,000 records or 100 ms.
    ///
    /// - Parameter progress: events done and events in all.
    package init(
        of journal: any JournalReading, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(RenError) {
        head = try journal.read { view throws(RenError) in try view.head() }
        var next = JournalSequence(1)
        while next <= head.sequence {
            let deadline = ContinuousClock.now + Self.pageTime
            let first = next
            try journal.read { view throws(RenError) in
                try view.snapshot.walk(.events, from: Key(first), .ascending) { key, value throws(RenError) in
                    let sequence = JournalSequence(rawValue: key.load(UInt64.self, at: 0))
                    guard sequence >= next, sequence <= head.sequence else { return .stop }
                    try add(value, at: sequence, in: view)
                    next = sequence.next
                    let looked = next.rawValue - first.rawValue
                    let isDue = looked % 64 == 0 && ContinuousClock.now >= deadline
                    return looked < UInt64(Self.pageRecords) && !isDue ? .continue : .stop
                }
            }
            guard next > first else { break }
            progress(Int(next.rawValue) - 1, Int(head.sequence.rawValue))
        }
    }

    private mutating func add(
        _ bytes: UnsafeRawBufferPointer, at sequence: JournalSequence, in view: borrowing JournalView
    ) throws(RenError) {
        var amount = Amount(events: 1, bytes: bytes.count)
        let record: Record
        do throws(RenError) { record = try Record(bytes, at: sequence) } catch {
            guard error.code == .journalDamaged else { throw error }
            total.add(amount)
            return damaged.append(sequence)
        }
        if record.isInChunks {
            try view.snapshot.walk(.payloads, prefix: Key(sequence)) { _, chunk throws(RenError) in
                amount.bytes += chunk.count
                return .continue
            }
        }
        total.add(amount)
        types[record.type, default: Amount()].add(amount)
        runs[record.run, default: Amount()].add(amount)
        if let node = record.subject.node {
            nodes[NodeKey(run: record.run, node: node), default: Amount()].add(amount)
        }
        let nanoseconds = record.time.nanoseconds
        let day = Int((nanoseconds - (nanoseconds < 0 ? Self.nanosecondsOfDay - 1 : 0)) / Self.nanosecondsOfDay)
        days[day, default: Amount()].add(amount)
    }
}
