#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

package import RenCore
import RenJSON

/// A reference to an artifact in what a node or an item of a run gave, or in the output of the run:
/// `{"artifact": "sha256:…", "name", "bytes"}`.
package struct ArtifactMention: Sendable, Hashable {
    package let hash: Digest
    package let name: String?
    package let byteCount: Int?
    /// The event whose payload names it, and what that is about.
    package let version: RunVersion
    package let subject: Event.Subject
}

/// An artifact as a result names it.
package struct ArtifactReference: Sendable, Hashable {
    package let hash: Digest
    package let name: String?
    package let byteCount: Int?

    /// The first artifact named in a result that does not lie in `folder`, or not in the size that it is said to have.
    ///
    /// - Complexity: O(*n*) in the bytes; only what names one is read as JSON.
    package static func missing(in result: [UInt8], from folder: String) -> ArtifactReference? {
        guard result.withUnsafeBytes({ ArtifactText(nil).stands(in: $0) }),
            let json = try? JSON(parsing: result, limits: .payload)
        else { return nil }
        return all(in: json).first { reference in
            let size = Paths.size("\(folder)/\(reference.hash)")
            return size == nil || reference.byteCount != nil && reference.byteCount != size
        }
    }

    static func all(in json: JSON) -> [ArtifactReference] {
        switch json {
        case .array(let elements): return elements.flatMap(all)
        case .object(let object):
            var found: [ArtifactReference] = []
            if let text = json["artifact"]?.stringValue, text.hasPrefix(ArtifactText.prefix),
                let hash = Digest(hex: String(text.dropFirst(ArtifactText.prefix.count)))
            {
                found.append(
                    ArtifactReference(
                        hash: hash, name: json["name"]?.stringValue,
                        byteCount: json["bytes"]?.integerValue.map { Int($0) }))
            }
            return found + object.members.flatMap { all(in: $0.value) }
        default: return []
        }
    }
}

package struct ArtifactPage: Sendable {
    /// In the order of the events; one artifact may be named by several.
    package let artifacts: [ArtifactMention]
    /// Go on `after` this; nil behind the last event.
    package let next: RunVersion?
}

extension JournalReading {
    /// The artifacts that the results of a run name.
    ///
    /// - Parameters:
    ///   - version: `ArtifactPage.next` of the page before.
    ///   - limit: so many end the page, as do 100,000 events that were looked through.
    /// - Throws: `request.cancelled`.
    /// - Complexity: O(*n*) in the bytes of the results.
    package func artifacts(
        of run: RunNumber, after version: RunVersion = .none, limit: Int = 1_000,
        isCancelled: () -> Bool = { Task.isCancelled }
    ) throws(RenError) -> ArtifactPage {
        try artifacts(of: run, after: version, limit: limit, ArtifactText(nil), isCancelled)
    }

    /// What a result of the run says of an artifact; nil when none names it, so that it does not belong to the run.
    ///
    /// - Throws: `request.cancelled`.
    package func artifact(
        _ hash: Digest, of run: RunNumber, isCancelled: () -> Bool = { Task.isCancelled }
    ) throws(RenError) -> ArtifactMention? {
        var next: RunVersion? = RunVersion.none
        while let version = next {
            let page = try artifacts(of: run, after: version, limit: 1, ArtifactText(hash), isCancelled)
            if let found = page.artifacts.first(where: { $0.hash == hash }) { return found }
            next = page.next
        }
        return nil
    }

    private func artifacts(
        of run: RunNumber, after version: RunVersion, limit: Int, _ text: ArtifactText, _ isCancelled: () -> Bool
    ) throws(RenError) -> ArtifactPage {
        var found: [ArtifactMention] = []
        var last = version
        let lineage = try read { view throws(RenError) in
            try view.run(run).map { row throws(RenError) in try view.lineage(of: row) }
        }
        guard let lineage else { return ArtifactPage(artifacts: [], next: nil) }
        for _ in 0..<Paging.scanMax / Paging.rows {
            // Payloads in chunks are read one by one, each in a transaction of its own.
            var candidates: [ArtifactCandidate] = []
            var left = Paging.rows
            var end = last
            try forEachRecord(of: run, from: last.next, isCancelled: isCancelled) { lent in
                end = lent.record.version
                if let candidate = ArtifactCandidate(lent, lineage, text) { candidates.append(candidate) }
                left -= 1
                return left > 0 ? .continue : .stop
            }
            for candidate in candidates {
                try Paging.check(isCancelled)
                found += try mentions(in: candidate, text)
                last = candidate.version
                if found.count >= limit { return ArtifactPage(artifacts: found, next: last) }
            }
            last = end
            if left > 0 { return ArtifactPage(artifacts: found, next: nil) }
        }
        return ArtifactPage(artifacts: found, next: last)
    }

    private func mentions(
        in candidate: ArtifactCandidate, _ text: ArtifactText
    ) throws(RenError) -> [ArtifactMention] {
        var bytes = candidate.bytes
        if bytes == nil {
            bytes = try read { view throws(RenError) in try view.payload(at: candidate.sequence) }
        }
        guard let bytes, bytes.withUnsafeBytes({ text.stands(in: $0) }),
            // Results were checked when they came; one that cannot be read names nothing.
            let json = try? JSON(parsing: bytes, limits: .payload)
        else { return [] }
        return ArtifactReference.all(in: json).map { reference in
            ArtifactMention(
                hash: reference.hash, name: reference.name, byteCount: reference.byteCount, version: candidate.version,
                subject: candidate.subject)
        }
    }
}

/// A result that may name artifacts.
private struct ArtifactCandidate {
    let version: RunVersion
    let subject: Event.Subject
    let sequence: JournalSequence
    /// Nil where they stand in chunks.
    let bytes: [UInt8]?

    init?(_ lent: JournalView.Lent, _ lineage: RunLineage, _ text: ArtifactText) {
        let record = lent.record
        switch record.type {
        case .nodeSucceeded, .itemSucceeded, .nodeOverridden, .itemOverridden, .runSucceeded, .runEnding: break
        default: return nil
        }
        // What a node gave that the flow has no more, nothing of the run can name.
        guard record.payload != nil, record.form == .whole,
            let subject = lineage.subject(record.subject, at: record.version)
        else {
            return nil
        }
        version = record.version
        self.subject = subject
        sequence = lent.sequence
        guard !record.isInChunks else {
            bytes = nil
            return
        }
        let payload = UnsafeRawBufferPointer(rebasing: record.bytes[record.inlinePayload])
        guard text.stands(in: payload) else { return nil }
        bytes = Array(payload)
    }
}

/// Finds the beginning of a reference, or one reference, without reading the JSON.
struct ArtifactText {
    static let prefix = "sha256:"

    private let text: [UInt8]
    /// Nothing else of a reference is as rare in JSON and found as fast.
    private static let colon = prefix.utf8.count - 1

    /// - Parameter hash: nil for any.
    init(_ hash: Digest?) { text = Array((Self.prefix + (hash?.description ?? "")).utf8) }

    func stands(in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        var start = 0
        while start < bytes.count, let found = memchr(base + start, Int32(UInt8(ascii: ":")), bytes.count - start) {
            let colon = UnsafeRawPointer(found) - base
            start = colon + 1
            let first = colon - Self.colon
            guard first >= 0, first + text.count <= bytes.count else { continue }
            if UnsafeRawBufferPointer(rebasing: bytes[first..<first + text.count]).elementsEqual(text) { return true }
        }
        return false
    }
}
