package import RenCore
import RenJSON

/// A point of the journal that was written down elsewhere: the head of one of its chains at that time.
///
/// A journal that was cut off or built anew is whole in itself, but does not hold the anchors any more.
package struct Anchor: Sendable, Hashable {
    package static let digitsMin = 16

    /// Lower-case hexadecimal digits: the hash, or how it begins.
    let hash: String
    /// Nil: of any event.
    let sequence: JournalSequence?
    /// Of a run's chain: the run's id and the version of the event. Nil: of the journal's chain or of any run's.
    let run: String?
    let version: RunVersion?

    /// `SEQUENCE:HASH` as `ren run` prints it, or a hash: G or R of an event.
    ///
    /// - Returns: nil for anything else; a hash may be cut to 16 digits.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let hash = parts.last, (Self.digitsMin...64).contains(hash.count),
            hash.allSatisfy({ $0.isASCII && $0.isHexDigit })
        else { return nil }
        sequence = parts.count == 2 ? UInt64(parts[0]).map { JournalSequence($0) } : nil
        guard parts.count == 1 || sequence.map({ $0.rawValue > 0 }) == true else { return nil }
        self.hash = hash.lowercased()
        run = nil
        version = nil
    }

    private init?(journal json: JSON) {
        guard let hash = json["hash"]?.stringValue, let sequence = json["sequence"]?.integerValue, sequence > 0,
            Digest(hex: hash) != nil
        else { return nil }
        self.hash = hash
        self.sequence = JournalSequence(sequence)
        run = nil
        version = nil
    }

    private init?(run json: JSON) {
        guard let hash = json["hash"]?.stringValue, let version = json["version"]?.integerValue, version > 0,
            let run = json["run"]?.stringValue, Digest(hex: hash) != nil
        else { return nil }
        self.hash = hash
        sequence = nil
        self.run = run
        self.version = RunVersion(version)
    }

    /// The anchors in a line of a file that `ren journal anchor` wrote: the journal's, then those of its runs.
    ///
    /// - Returns: nil for a line that is none.
    package static func anchors(inLine line: String) -> [Anchor]? {
        guard let json = try? JSON(parsing: line, limits: .payload), json["schema"] == .string(schema),
            let journal = Anchor(journal: json), let runs = json["runs"]?.arrayValue
        else { return nil }
        let heads = runs.compactMap { Anchor(run: $0) }
        return heads.count == runs.count ? [journal] + heads : nil
    }

    fileprivate static let schema = "ren.anchor/1"

    /// What it is called in a finding.
    fileprivate var name: String {
        let short = hash.prefix(16) + (hash.count > 16 ? "…" : "")
        if let run, let version { return "event \(version) of run \(run) with \(short)" }
        return sequence.map { "\($0):\(short)" } ?? String(short)
    }
}

extension JournalReading {
    /// The journal's head and those of all runs as one line of JSON: what is to be kept elsewhere. Nil when there is no
    /// event.
    ///
    /// - Complexity: O(*n*) in the runs, in pages; runs that go on meanwhile may be further than the journal's head.
    package func anchorLine() throws(RenError) -> String? {
        let head = try read { view throws(RenError) in try view.head() }
        guard head.sequence.rawValue > 0 else { return nil }
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("schema", Anchor.schema)
        writer.field("time", head.time.iso8601)
        writer.field("sequence", Int64(clamping: head.sequence.rawValue))
        writer.field("hash", head.hash.description)
        writer.key("runs")
        writer.beginArray()
        var end: RunNumber?
        var isAtEnd = false
        while !isAtEnd {
            let page = try read { view throws(RenError) in try view.runs(limit: Paging.rows, before: end) }
            isAtEnd = page.count < Paging.rows
            end = page.last?.number ?? end
            for row in page {
                writer.beginObject()
                writer.field("run", row.id)
                writer.field("version", Int64(clamping: row.version.rawValue))
                writer.field("hash", row.hash.description)
                writer.endObject()
            }
        }
        writer.endArray()
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

/// Looks for anchors among the events of a journal.
struct AnchorCheck {
    /// Those not found yet, by the first eight bytes of their hashes.
    private var missing: [UInt64: [Anchor]]
    let count: Int

    init(_ anchors: [Anchor]) {
        let anchors = Set(anchors)
        missing = Dictionary(grouping: anchors) { UInt64($0.hash.prefix(Anchor.digitsMin), radix: 16) ?? 0 }
        count = anchors.count
    }

    mutating func see(_ record: Record, at sequence: JournalSequence) {
        guard !missing.isEmpty else { return }
        take(record.runHash, record, sequence)
        take(record.journalHash, record, sequence)
    }

    private mutating func take(_ hash: Digest, _ record: Record, _ sequence: JournalSequence) {
        guard var anchors = missing[hash.leading] else { return }
        let text = hash.description
        anchors.removeAll { anchor in
            text.hasPrefix(anchor.hash) && anchor.sequence ?? sequence == sequence
                && anchor.version ?? record.version == record.version
        }
        missing[hash.leading] = anchors.isEmpty ? nil : anchors
    }

    /// One for each anchor that was not found.
    func findings(upTo head: JournalSequence) -> [VerifyReport.Finding] {
        missing.values.joined().map { anchor in
            let isBehind = anchor.sequence.map { $0 > head } ?? false
            let what =
                isBehind
                ? "the journal ends before the anchor \(anchor.name): it was cut off, or an older copy was put back"
                : "the anchor \(anchor.name) is not there: the journal was cut off, put back or built anew"
            return VerifyReport.Finding(sequence: anchor.sequence ?? head, run: nil, version: nil, what: what)
        }.sorted { ($0.sequence, $0.what) < ($1.sequence, $1.what) }
    }
}
