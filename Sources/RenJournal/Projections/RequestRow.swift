import LMDB
package import RenCore

/// What became of a request that came with a key.
package struct RequestRow: Sendable, Equatable {
    package internal(set) var digest: Digest
    /// The run `journal` for a request without a run.
    package internal(set) var run: RunNumber
    /// The first of its events, and the last one of their batch.
    package internal(set) var first: JournalSequence
    package internal(set) var last: JournalSequence
    /// Version of the run with the event at `last`.
    package internal(set) var version: RunVersion
    /// Of its first event.
    package internal(set) var time: Timestamp

    /// How long the key of a request without a run is kept.
    static let keptWithoutRun = Duration.seconds(7 * 24 * 60 * 60)

    init(_ mark: RequestMark, of event: Event, at place: ProjectionFold.Place) {
        let more = UInt64(max(mark.events, 1) - 1)
        digest = mark.digest
        run = place.run
        first = place.sequence
        last = JournalSequence(rawValue: place.sequence.rawValue + more)
        version = RunVersion(rawValue: place.version.rawValue + more)
        time = event.time
    }
}

extension RequestRow: Row {
    func write(to bytes: inout [UInt8]) {
        bytes.append(digest)
        bytes.append(varint: run.rawValue)
        bytes.append(varint: first.rawValue)
        bytes.append(varint: last.rawValue)
        bytes.append(varint: version.rawValue)
        bytes.append(time: time)
    }

    init(from reader: inout ByteReader) {
        digest = reader.digest()
        run = RunNumber(rawValue: reader.varint())
        first = JournalSequence(rawValue: reader.varint())
        last = JournalSequence(rawValue: reader.varint())
        version = RunVersion(rawValue: reader.varint())
        time = reader.time()
    }
}

extension JournalView {
    /// What became of the request with this key; nil when the key is not known (any more).
    package func request(_ key: String) throws(RenError) -> RequestRow? {
        guard RequestMark.isKey(key) else { return nil }
        return try RequestTable.row(of: key, in: snapshot)
    }
}

/// The table `requests`, and what of it one commit has changed.
///
/// Keys without a run end with the first `journal.opened` 7 days later. That follows from the events alone, so a
/// rebuilt table equals the live one.
struct RequestTable {
    private var added: [String: RequestRow] = [:]
    /// Keys without a run from before this are gone.
    private var end: Timestamp?

    static func row(of key: String, in snapshot: any StoreSnapshot) throws(RenError) -> RequestRow? {
        try snapshot.value(of: .request(key), in: .requests) { bytes throws(RenError) in try RequestRow(bytes) }
    }

    func row(of key: String, in snapshot: any StoreSnapshot) throws(RenError) -> RequestRow? {
        if let row = added[key] { return row }
        guard let row = try Self.row(of: key, in: snapshot), !isOver(row) else { return nil }
        return row
    }

    private func isOver(_ row: RequestRow) -> Bool {
        guard row.run == .journal, let end else { return false }
        return row.time < end
    }

    mutating func add(_ mark: RequestMark, of event: Event, at place: ProjectionFold.Place) {
        added[mark.key] = RequestRow(mark, of: event, at: place)
    }

    mutating func journalOpened(at time: Timestamp) {
        end = time + (.zero - RequestRow.keptWithoutRun)
        added = added.filter { !isOver($0.value) }
    }

    func flush(into transaction: any StoreTransaction) throws(RenError) {
        if let end { try purge(before: end, in: transaction) }
        var bytes: [UInt8] = []
        for (key, row) in added.sorted(by: { $0.key < $1.key }) {
            bytes.removeAll(keepingCapacity: true)
            row.write(to: &bytes)
            try transaction.put(bytes, for: .request(key), in: .requests)
            if row.run == .journal { try transaction.put([], for: .request(key, at: row.time), in: .requests) }
        }
    }

    private func purge(before end: Timestamp, in transaction: any StoreTransaction) throws(RenError) {
        var over: [(key: String, time: Timestamp)] = []
        try transaction.walk(.requests, prefix: .requestTimes) { key, _ throws(RenError) in
            let time = Timestamp(nanoseconds: Int64(bitPattern: key.load(UInt64.self, at: 1)))
            guard time < end else { return .stop }
            over.append((String(decoding: key.dropFirst(10), as: UTF8.self), time))
            return .continue
        }
        for (key, time) in over {
            try transaction.delete(prefix: .request(key), in: .requests)
            try transaction.delete(prefix: .request(key, at: time), in: .requests)
        }
    }

    mutating func forget() {
        added.removeAll(keepingCapacity: true)
        end = nil
    }
}
