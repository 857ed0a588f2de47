import RenCore

/// What is left of an event: the first byte of its record.
package enum RecordForm: UInt8, Sendable {
    case whole = 1
    /// Its payload was pruned.
    case bare = 2
    /// Its run's history was pruned. This says what the run was or how it ended; the payload is gone.
    case remnant = 3
    /// Its run's history was pruned, this with it.
    case stub = 4
}

/// The bytes of an event in the table `events` (drawn with an example in the article *The format of a journal*):
///
///     form            1 byte, `RecordForm`: 1 whole, 2 bare, 3 remnant, 4 stub
///     run             varint
///     ─ from here on in the digest ─
///     type            varint, `EventType`                                   ┐ not in
///     presence        1 byte: 1 node, 2 item, 4 attempt, 8 previous,        │ a stub
///                     16 cause, 32 body, 64 payload, 128 in chunks          ┘
///     version         varint
///     time            8 bytes, big-endian, nanoseconds since 1970 (two's complement)
///     node            varint ┐
///     item            varint │
///     attempt         varint │ each only when
///     previous        varint │ its bit is set;
///     cause           varint │ previous and cause as distances back from the version
///     body length     varint │
///     payload length  varint ┘
///     body            JSON object, see `FactBody`
///     ─ to here ─
///     payload         the bytes, unless they are in chunks or the form is not 1
///     payload hash    32 bytes, SHA-256, only with a payload; in the digest, behind the body
///     R               32 bytes, head of the run's chain with this event
///     G               32 bytes, head of the journal's chain with this event
///     CRC             4 bytes, big-endian, CRC-32C of the sequence (8 bytes, big-endian) and all bytes before
///
/// Varints (see `Bytes.swift`) make the header of an item's record about 25 bytes; fixed fields would take 62. The
/// sequence is the key; since the CRC covers it, a record in a wrong place does not read.
///
/// Digest = SHA-256(header from the type on ‖ body ‖ payload hash), R(v) = SHA-256(R(v−1) ‖ digest), R(0) =
/// SHA-256(run id), G(s) = SHA-256(G(s−1) ‖ R), G(0) = 32 zero bytes. Neither sequence nor run number is in a digest,
/// so a run keeps its R in another journal; nor is the form, so pruning changes no digest. A stub has none left: its R
/// is proved by G alone.
package enum RecordCodec {
    /// Larger payloads go to the table `payloads`: LMDB puts values over 2,022 bytes on pages of their own.
    package static let inlinePayloadMax = 1_800
    /// 16 pages less their header.
    package static let chunkBytes = 65_520

    struct Presence: OptionSet {
        let rawValue: UInt8
        static let node = Presence(rawValue: 1)
        static let item = Presence(rawValue: 2)
        static let attempt = Presence(rawValue: 4)
        static let previous = Presence(rawValue: 8)
        static let cause = Presence(rawValue: 16)
        static let body = Presence(rawValue: 32)
        static let payload = Presence(rawValue: 64)
        static let chunks = Presence(rawValue: 128)
    }

    /// R, G and CRC.
    static let sealBytes = 2 * Digest.byteCount + 4
}

/// An event on its way: all of its record but the seal, which needs the chains.
struct UnsealedRecord {
    /// In the bytes of the batch.
    var range: Range<Int>
    var digest: Digest
}

extension RecordCodec {
    /// Appends the record of `event` without its seal to `bytes`.
    ///
    /// - Parameter scratch: memory for the body, used again from call to call.
    static func append(
        _ event: Event, run: RunNumber, version: RunVersion, to bytes: inout [UInt8], scratch: inout [UInt8]
    ) -> UnsealedRecord {
        precondition(
            event.previous < version && event.cause < version,
            "version \(version) of run \(run) points forward: previous \(event.previous), cause \(event.cause)")
        scratch.removeAll(keepingCapacity: true)
        FactBody.write(event, to: &scratch)
        var presence: Presence = []
        switch event.subject {
        case .run: break
        case .node: presence.insert(.node)
        case .item: presence.formUnion([.node, .item])
        }
        if event.attempt > 0 { presence.insert(.attempt) }
        if event.previous > .none { presence.insert(.previous) }
        if event.cause > .none { presence.insert(.cause) }
        if !scratch.isEmpty { presence.insert(.body) }
        if let payload = event.payload {
            presence.insert(.payload)
            if payload.length > inlinePayloadMax { presence.insert(.chunks) }
        }

        let start = bytes.count
        bytes.append(RecordForm.whole.rawValue)
        bytes.append(varint: run.rawValue)
        let digested = bytes.count
        bytes.append(varint: UInt64(EventType(event).rawValue))
        bytes.append(presence.rawValue)
        bytes.append(varint: version.rawValue)
        bytes.append(bigEndian: event.time.nanoseconds)
        if let node = event.subject.node { bytes.append(varint: UInt64(node.rawValue)) }
        if case .item(_, let item) = event.subject { bytes.append(varint: UInt64(item.rawValue)) }
        if presence.contains(.attempt) { bytes.append(varint: UInt64(event.attempt)) }
        if presence.contains(.previous) { bytes.append(varint: version.rawValue - event.previous.rawValue) }
        if presence.contains(.cause) { bytes.append(varint: version.rawValue - event.cause.rawValue) }
        if presence.contains(.body) { bytes.append(varint: UInt64(scratch.count)) }
        if let payload = event.payload { bytes.append(varint: UInt64(payload.length)) }
        bytes.append(contentsOf: scratch)
        let digestedEnd = bytes.count
        if let payload = event.payload {
            if payload.length <= inlinePayloadMax { bytes.append(contentsOf: payload.bytes ?? []) }
            bytes.append(payload.hash)
        }
        let digest = bytes.withUnsafeBytes { bytes in
            Digest.of(
                UnsafeRawBufferPointer(rebasing: bytes[digested..<digestedEnd]),
                event.payload == nil ? nil : UnsafeRawBufferPointer(rebasing: bytes.suffix(Digest.byteCount)))
        }
        return UnsealedRecord(range: start..<bytes.count, digest: digest)
    }

    /// Ends the record in `bytes` with both chains and the CRC.
    static func seal(_ bytes: inout [UInt8], at sequence: JournalSequence, runHash: Digest, journalHash: Digest) {
        bytes.append(runHash)
        bytes.append(journalHash)
        var crc = CRC32C()
        crc.update(sequence.rawValue)
        bytes.withUnsafeBytes { crc.update($0) }
        bytes.append(bigEndian: crc.value)
    }

    /// What pruning leaves of a record.
    static func form(of record: Record, after step: Pruning.Step) -> RecordForm {
        switch step {
        case .payloads:
            record.form == .whole && record.payload != nil && !record.type.keepsPayload ? .bare : record.form
        case .histories: record.type.outlivesHistory ? .remnant : .stub
        }
    }

    /// The record at `sequence` with no more in it than `form` keeps, sealed as it was.
    static func pruned(_ record: Record, at sequence: JournalSequence, to form: RecordForm) -> [UInt8] {
        var bytes = [form.rawValue]
        if form == .stub {
            bytes.append(varint: record.run.rawValue)
            bytes.append(varint: record.version.rawValue)
            bytes.append(bigEndian: record.time.nanoseconds)
        } else {
            bytes += record.bytes[1..<record.inlinePayload.lowerBound]
            bytes += record.bytes[record.inlinePayload.upperBound...].dropLast(sealBytes)
        }
        seal(&bytes, at: sequence, runHash: record.runHash, journalHash: record.journalHash)
        return bytes
    }
}
