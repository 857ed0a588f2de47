import LMDB
package import RenCore

extension JournalView {
    /// The payload of a run's event.
    ///
    /// - Throws: `payload.missing` when there is none: no such event, one without payload, or one whose payload was
    ///   deleted (a checkpoint that a later event replaced); `payload.pruned`, `run.pruned`.
    package func payload(_ run: RunNumber, _ version: RunVersion) throws(RenError) -> [UInt8] {
        let sequence = try sequence(ofPayload: run, version)
        let length = try payloadLength(at: sequence, run, version)
        return try payload(at: sequence, 0..<length)
    }

    /// A part of a payload, without reading the rest of it; `range` is cut at its end.
    package func payload(
        _ run: RunNumber, _ version: RunVersion, range: Range<Int>
    ) throws(RenError) -> [UInt8] {
        let sequence = try sequence(ofPayload: run, version)
        let length = try payloadLength(at: sequence, run, version)
        return try payload(at: sequence, range.clamped(to: 0..<length))
    }

    package func payloadLength(_ run: RunNumber, _ version: RunVersion) throws(RenError) -> Int {
        try payloadLength(at: sequence(ofPayload: run, version), run, version)
    }

    /// The payload of the event at `sequence`.
    package func payload(at sequence: JournalSequence) throws(RenError) -> [UInt8] {
        let length = try withRecord(at: sequence) { $0.payload?.length }
        guard let length, let length else {
            throw RenError(.payloadMissing, "event \(sequence) has no payload")
        }
        return try payload(at: sequence, 0..<length)
    }

    private func sequence(ofPayload run: RunNumber, _ version: RunVersion) throws(RenError) -> JournalSequence {
        guard let sequence = try sequence(of: run, version) else {
            throw RenError(.payloadMissing, "run \(run) has no event \(version)")
        }
        return sequence
    }

    private func payloadLength(
        at sequence: JournalSequence, _ run: RunNumber, _ version: RunVersion
    ) throws(RenError) -> Int {
        let length = try withRecord(at: sequence) { $0.payload?.length }
        guard let length, let length else {
            throw RenError(.payloadMissing, "event \(version) of run \(run) has no payload")
        }
        return length
    }

    private func payload(at sequence: JournalSequence, _ range: Range<Int>) throws(RenError) -> [UInt8] {
        let inline = try withRecord(at: sequence) { record throws(RenError) -> [UInt8]? in
            guard record.form == .whole else {
                throw RenError(
                    .payloadPruned, "the payload of event \(sequence) was pruned; its length and hash are kept",
                    hint: "retention in ren.yaml, and `ren journal prune`, say when that is done")
            }
            guard !record.isInChunks else { return nil }
            return Array(UnsafeRawBufferPointer(rebasing: record.bytes[record.inlinePayload])[range])
        }
        if let inline, let inline { return inline }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        let chunkBytes = RecordCodec.chunkBytes
        var number = range.lowerBound / chunkBytes
        try snapshot.walk(.payloads, prefix: Key(sequence), from: .chunk(sequence, number)) {
            _, chunk throws(RenError) in
            let start = number * chunkBytes
            let part = range.clamped(to: start..<start + chunk.count)
            guard !part.isEmpty else { return .stop }
            bytes.append(contentsOf: chunk[part.lowerBound - start..<part.upperBound - start])
            number += 1
            return .continue
        }
        guard bytes.count == range.count else {
            throw RenError(
                .payloadMissing, "the payload of event \(sequence) is not there any more",
                hint: "a checkpoint is deleted when a later one replaces it or its node or item is settled")
        }
        return bytes
    }
}
