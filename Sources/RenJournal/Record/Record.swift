import RenCore

/// A stored record, read but for its body. Valid as long as the bytes it lies in.
struct Record {
    let bytes: UnsafeRawBufferPointer
    let form: RecordForm
    let type: EventType
    let run: RunNumber
    let version: RunVersion
    let time: Timestamp
    let subject: Event.Subject
    let attempt: UInt32
    let previous: RunVersion
    let cause: RunVersion
    let digested: Range<Int>
    let body: Range<Int>
    /// Length and hash; nil without a payload. The bytes are there when `form` is `.whole`.
    let payload: PayloadMark?
    /// Where the payload stands in the record; empty when it is in chunks, was pruned, or there is none.
    let inlinePayload: Range<Int>
    let isInChunks: Bool
    let runHash: Digest
    let journalHash: Digest

    /// Reads the record at `sequence`, its CRC first.
    ///
    /// - Throws: `journal.damaged`; `journal.newer` for a format or type that this ren does not know.
    init(_ bytes: UnsafeRawBufferPointer, at sequence: JournalSequence) throws(RenError) {
        guard bytes.count > RecordCodec.sealBytes else { throw .damaged(sequence, "its record is too short") }
        var crc = CRC32C()
        crc.update(sequence.rawValue)
        crc.update(UnsafeRawBufferPointer(rebasing: bytes.dropLast(4)))
        var end = ByteReader(bytes, from: bytes.count - RecordCodec.sealBytes)
        runHash = end.digest()
        journalHash = end.digest()
        guard end.bigEndian(UInt32.self) == crc.value else { throw .damaged(sequence, "its checksum does not match") }

        let content = UnsafeRawBufferPointer(rebasing: bytes.dropLast(RecordCodec.sealBytes))
        var reader = ByteReader(content)
        let first = reader.byte()
        guard let form = RecordForm(rawValue: first) else { throw .newer(sequence, "has record form \(first)") }
        run = RunNumber(rawValue: reader.varint())
        let digestedStart = reader.offset
        var type = EventType.eventPruned
        var presence: RecordCodec.Presence = []
        if form != .stub {
            let number: UInt16 = reader.number()
            guard let known = EventType(rawValue: number), known != .eventPruned else {
                throw .newer(sequence, "has event type \(number)")
            }
            type = known
            presence = RecordCodec.Presence(rawValue: reader.byte())
        }
        let version = reader.varint()
        let time = reader.time()
        let node = presence.contains(.node) ? NodeNumber(rawValue: reader.number()) : nil
        let item = presence.contains(.item) ? ItemIndex(rawValue: reader.number()) : nil
        attempt = presence.contains(.attempt) ? reader.number() : 0
        let previous = presence.contains(.previous) ? reader.varint() : version
        let cause = presence.contains(.cause) ? reader.varint() : version
        let bodyLength: Int = presence.contains(.body) ? reader.number() : 0
        let payloadLength: Int? = presence.contains(.payload) ? reader.number() : nil
        let body = reader.skip(bodyLength)
        isInChunks = presence.contains(.chunks)
        let inlinePayload = reader.skip(isInChunks || form != .whole ? 0 : payloadLength ?? 0)
        payload = payloadLength.map { PayloadMark(length: $0, hash: reader.digest()) }

        // With a right checksum these fail only for a record that was never written by this code.
        guard let body, let inlinePayload, !reader.isBroken, reader.isAtEnd, previous <= version, cause <= version
        else {
            throw .damaged(sequence, "its header does not fit its bytes")
        }
        self.bytes = bytes
        self.form = form
        self.type = type
        self.version = RunVersion(rawValue: version)
        self.time = time
        self.previous = RunVersion(rawValue: version - previous)
        self.cause = RunVersion(rawValue: version - cause)
        self.body = body
        self.inlinePayload = inlinePayload
        digested = digestedStart..<body.upperBound
        switch (node, item) {
        case (let node?, let item?): subject = .item(node, item)
        case (let node?, nil): subject = .node(node)
        case (nil, _): subject = .run
        }
    }

    /// The event, its body read.
    ///
    /// - Throws: `journal.damaged`.
    func event(at sequence: JournalSequence) throws(RenError) -> Event {
        let body = try FactBody(UnsafeRawBufferPointer(rebasing: bytes[self.body]), at: sequence)
        var event = Event(
            try body.fact(of: type), subject, at: time, attempt: attempt, previous: previous, cause: cause,
            by: body.optionalText("by"), payload: payload)
        event.request = try body.request()
        return event
    }

    /// SHA-256 over the parts that the chains prove. Of a stub nothing is left to prove.
    var digest: Digest {
        let start = bytes.count - RecordCodec.sealBytes - Digest.byteCount
        return Digest.of(
            UnsafeRawBufferPointer(rebasing: bytes[digested]),
            payload == nil ? nil : UnsafeRawBufferPointer(rebasing: bytes[start..<start + Digest.byteCount]))
    }
}

extension RenError {
    static func damaged(_ sequence: JournalSequence, _ what: String) -> RenError {
        RenError(
            .journalDamaged, "event \(sequence) of the journal is damaged: \(what)",
            hint: "make a copy of the data directory, then run `ren journal verify`")
    }

    static func newer(_ sequence: JournalSequence, _ what: String) -> RenError {
        RenError(
            .journalNewer, "event \(sequence) of the journal \(what), which this ren does not know",
            hint: "use the newer ren that wrote it")
    }
}
