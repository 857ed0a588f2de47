package import RenCore
import RenJSON

/// A line of a bundle: see the page `Bundles` of this module's documentation.
///
/// Each has one form: what is read is written again and compared, so no member can say something else than the bytes
/// that the chains prove.
enum BundleLine {
    case header(BundleHeader)
    case event(BundleEvent)
    /// A part of the payload or file that was named last.
    case data([UInt8])
    case artifact(Digest, length: Int)
    case log(run: String, name: String, length: Int)
    case end(BundleCounts)

    /// Bytes in a `data` line.
    static let dataBytes = RecordCodec.chunkBytes

    init?(_ json: JSON) {
        if json["bundle"] != nil, let header = BundleHeader(json) {
            self = .header(header)
        } else if json["event"] != nil, let event = BundleEvent(json) {
            self = .event(event)
        } else if let bytes = json["data"]?.stringValue.flatMap(Base64.decode) {
            self = .data(bytes)
        } else if let hash = json["artifact"]?.stringValue.flatMap({ Digest(hex: $0) }),
            let length = json["length"]?.countValue
        {
            self = .artifact(hash, length: length)
        } else if let run = json["log"]?.stringValue, let name = json["name"]?.stringValue,
            let length = json["length"]?.countValue
        {
            self = .log(run: run, name: name, length: length)
        } else if let counts = json["end"].flatMap({ BundleCounts($0) }) {
            self = .end(counts)
        } else {
            return nil
        }
    }

    /// All members but the checksum; those of an event are `BundleEvent.write`'s.
    func write(to writer: inout JSONWriter) {
        switch self {
        case .header(let header): header.write(to: &writer)
        case .event: preconditionFailure("an event is written from its record")
        case .data(let bytes): bytes.withUnsafeBytes { writer.field("data", Base64.encode($0)) }
        case .artifact(let hash, let length):
            writer.field("artifact", hash.description)
            writer.field("length", length)
        case .log(let run, let name, let length):
            writer.field("log", run)
            writer.field("name", name)
            writer.field("length", length)
        case .end(let counts):
            writer.key("end")
            writer.beginObject()
            counts.write(to: &writer)
            writer.endObject()
        }
    }
}

/// The first line.
struct BundleHeader {
    enum Scope: String { case run, all }

    static let currentFormat = 1

    var format = currentFormat
    /// The form of its records: of what was pruned nothing is in a bundle.
    var records = Int(RecordForm.whole.rawValue)
    var scope: Scope
    /// The run that was asked for; the others are those that it came out of.
    var run: String?
    var made: Timestamp
    /// Where the journal ended that it was taken from.
    var sequence: JournalSequence
    var hash: Digest

    init(scope: Scope, run: String?, made: Timestamp, sequence: JournalSequence, hash: Digest) {
        self.scope = scope
        self.run = run
        self.made = made
        self.sequence = sequence
        self.hash = hash
    }

    init?(_ json: JSON) {
        guard json["bundle"] == "ren", let format = json["format"]?.countValue,
            let records = json["records"]?.countValue,
            let scope = json["scope"]?.stringValue.flatMap(Scope.init), let made = json["made"]?.integerValue,
            let sequence = json["sequence"]?.countValue,
            let hash = json["hash"]?.stringValue.flatMap({ Digest(hex: $0) })
        else { return nil }
        self.format = format
        self.records = records
        self.scope = scope
        run = json["run"]?.stringValue
        self.made = Timestamp(nanoseconds: made)
        self.sequence = JournalSequence(UInt64(sequence))
        self.hash = hash
    }

    func write(to writer: inout JSONWriter) {
        writer.field("bundle", "ren")
        writer.field("format", format)
        writer.field("records", records)
        writer.field("scope", scope.rawValue)
        if let run { writer.field("run", run) }
        writer.field("made", made.nanoseconds)
        writer.field("sequence", sequence.rawValue)
        writer.field("hash", hash.description)
    }
}

/// The pieces of a record that keep their bytes in any journal; sequence, run number, G and CRC belong to one journal.
struct BundleEvent {
    /// The run's id.
    var run: String
    /// From the type to the end of the header, then the body: what the digest covers.
    var head: [UInt8]
    var body: [UInt8]
    var payload: PayloadMark?
    /// A payload that stands in the record.
    var inline: [UInt8] = []
    /// How many `data` lines follow with a payload that does not; 0 when it is gone.
    var parts: Int?
    var runHash: Digest

    init?(_ json: JSON) {
        guard let run = json["event"]?.stringValue, let head = json["head"]?.stringValue.flatMap(Base64.decode),
            let hash = json["chain"]?.stringValue.flatMap({ Digest(hex: $0) })
        else { return nil }
        self.run = run
        self.head = head
        body = Array((json["body"]?.stringValue ?? "").utf8)
        runHash = hash
        if let length = json["length"]?.countValue {
            guard let hash = json["hash"]?.stringValue.flatMap({ Digest(hex: $0) }) else { return nil }
            payload = PayloadMark(length: length, hash: hash)
        }
        if let inline = json["payload"]?.stringValue {
            guard let bytes = Base64.decode(inline) else { return nil }
            self.inline = bytes
        }
        parts = json["parts"]?.countValue
    }

    static func write(_ record: Record, run: String, parts: Int?, to writer: inout JSONWriter) {
        func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: record.bytes[range])
        }
        writer.field("event", run)
        writer.field("version", record.version.rawValue)
        writer.field("type", record.type.name)
        writer.field("time", record.time.nanoseconds)
        if let node = record.subject.node { writer.field("node", node.rawValue) }
        if case .item(_, let item) = record.subject { writer.field("item", item.rawValue) }
        if record.attempt > 0 { writer.field("attempt", record.attempt) }
        writer.field("head", Base64.encode(part(record.digested.lowerBound..<record.body.lowerBound)))
        if !record.body.isEmpty { writer.field("body", String(decoding: part(record.body), as: UTF8.self)) }
        if let payload = record.payload {
            writer.field("length", payload.length)
            writer.field("hash", payload.hash.description)
        }
        if let parts {
            writer.field("parts", parts)
        } else if record.payload != nil {
            writer.field("payload", Base64.encode(part(record.inlinePayload)))
        }
        writer.field("chain", record.runHash.description)
    }

    /// The record as it stands at `sequence` in a journal where its run has the number `run`.
    func record(_ run: RunNumber, at sequence: JournalSequence, journalHash: Digest) -> [UInt8] {
        var bytes = [RecordForm.whole.rawValue]
        bytes.append(varint: run.rawValue)
        bytes += head
        bytes += body
        bytes += inline
        if let payload { bytes.append(payload.hash) }
        RecordCodec.seal(&bytes, at: sequence, runHash: runHash, journalHash: journalHash)
        return bytes
    }
}

/// What a bundle holds; the last line says it.
package struct BundleCounts: Hashable, Sendable {
    package internal(set) var events = 0
    package internal(set) var artifacts = 0
    package internal(set) var logs = 0

    init() {}

    init?(_ json: JSON) {
        guard let events = json["events"]?.countValue, let artifacts = json["artifacts"]?.countValue,
            let logs = json["logs"]?.countValue
        else { return nil }
        self.events = events
        self.artifacts = artifacts
        self.logs = logs
    }

    func write(to writer: inout JSONWriter) {
        writer.field("events", events)
        writer.field("artifacts", artifacts)
        writer.field("logs", logs)
    }
}

extension JSON {
    /// An integer from 0.
    fileprivate var countValue: Int? { integerValue.flatMap { $0 >= 0 ? Int($0) : nil } }
}

extension RenError.Code {
    /// A bundle that was changed, cut or mixed up: exit code 20.
    package static let bundleDamaged = Self("bundle.damaged")
    /// What is no bundle, or holds what no bundle may.
    package static let bundleInvalid = Self("bundle.invalid")
    package static let bundleNewer = Self("bundle.newer")
    /// What would get in the way of what is there.
    package static let bundleConflict = Self("bundle.conflict")
}

extension RenError {
    static func bundle(_ code: RenError.Code = .bundleDamaged, line: Int, _ what: String) -> RenError {
        RenError(code, "line \(line) of the bundle: \(what); nothing was imported", hint: hint(code))
    }

    private static func hint(_ code: RenError.Code) -> String {
        switch code {
        case .bundleDamaged: "take the file again from where it was made, with `ren journal export`"
        case .bundleNewer: "use the newer ren that wrote it"
        case .bundleConflict: "import it into another data directory"
        default: "give a file that `ren journal export` wrote, unpacked"
        }
    }
}
