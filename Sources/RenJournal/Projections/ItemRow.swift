package import RenCore

/// What is shown of one item. It is written from the item's first event after its first `item.started`, so an item that
/// runs its first attempt has none and is counted in the node's row.
package struct ItemRow: Sendable {
    package internal(set) var state: WorkState
    package internal(set) var attempts: UInt32
    /// When the first attempt began.
    package internal(set) var begun: Timestamp
    package internal(set) var ended: Timestamp?
    /// Version of the last event of the item.
    package internal(set) var last = RunVersion.none
    /// The event whose result was kept when the item ran no more after a reopening.
    package internal(set) var result: RunVersion?
    package internal(set) var until: Timestamp?
    package internal(set) var outputLength: Int?
    package internal(set) var error: ErrorSummary?
    /// The checkpoint whose payload is in chunks and still kept.
    var checkpoint: JournalSequence?

    /// The event whose payload is the output; nil while the item has not succeeded.
    package var output: RunVersion? { state == .succeeded ? result ?? last : nil }

    init(_ state: WorkState, attempts: UInt32, begun: Timestamp) {
        self.state = state
        self.attempts = attempts
        self.begun = begun
    }
}

/// One byte says which of the optional fields follow, since there are many of these rows.
extension ItemRow: Row {
    private struct Presence: OptionSet {
        let rawValue: UInt8
        static let ended = Presence(rawValue: 1)
        static let until = Presence(rawValue: 2)
        static let output = Presence(rawValue: 4)
        static let error = Presence(rawValue: 8)
        static let checkpoint = Presence(rawValue: 16)
        static let result = Presence(rawValue: 32)
    }

    func write(to bytes: inout [UInt8]) {
        var presence: Presence = []
        if ended != nil { presence.insert(.ended) }
        if until != nil { presence.insert(.until) }
        if outputLength != nil { presence.insert(.output) }
        if error != nil { presence.insert(.error) }
        if checkpoint != nil { presence.insert(.checkpoint) }
        if result != nil { presence.insert(.result) }
        // The state stands first: windows filter by it without reading the rest.
        bytes.append(state.rawValue)
        bytes.append(presence.rawValue)
        bytes.append(varint: UInt64(attempts))
        bytes.append(time: begun)
        // Recorded time never goes back, so this is a small number; the bit pattern holds for any.
        if let ended { bytes.append(varint: UInt64(bitPattern: ended.nanoseconds &- begun.nanoseconds)) }
        bytes.append(varint: last.rawValue)
        if let until { bytes.append(time: until) }
        if let outputLength { bytes.append(varint: UInt64(outputLength)) }
        if let error { ErrorSummary.write(&bytes, error) }
        if let checkpoint { bytes.append(varint: checkpoint.rawValue) }
        if let result { bytes.append(varint: result.rawValue) }
    }

    init(from reader: inout ByteReader) {
        state = reader.word(.pending)
        let presence = Presence(rawValue: reader.byte())
        attempts = reader.number()
        begun = reader.time()
        if presence.contains(.ended) {
            ended = Timestamp(nanoseconds: begun.nanoseconds &+ Int64(bitPattern: reader.varint()))
        }
        last = RunVersion(rawValue: reader.varint())
        if presence.contains(.until) { until = reader.time() }
        if presence.contains(.output) { outputLength = reader.number() }
        if presence.contains(.error) { error = ErrorSummary(from: &reader) }
        if presence.contains(.checkpoint) { checkpoint = JournalSequence(rawValue: reader.varint()) }
        if presence.contains(.result) { result = RunVersion(rawValue: reader.varint()) }
    }

    /// What windows sort and count by.
    struct Brief {
        let state: WorkState
        let attempts: UInt32
        let begun: Timestamp
        let ended: Timestamp?
        let last: RunVersion
        let isKept: Bool

        /// Of an item that ended by itself.
        var duration: Duration? {
            guard state == .succeeded || state == .failed, !isKept, let ended else { return nil }
            return ended - begun
        }
    }

    /// The beginning of a row, without its texts.
    static func brief(of row: UnsafeRawBufferPointer) throws(RenError) -> Brief {
        var reader = ByteReader(row)
        let state = reader.word(WorkState.pending)
        let presence = Presence(rawValue: reader.byte())
        let attempts: UInt32 = reader.number()
        let begun = reader.time()
        var ended: Timestamp?
        if presence.contains(.ended) {
            ended = Timestamp(nanoseconds: begun.nanoseconds &+ Int64(bitPattern: reader.varint()))
        }
        let last = RunVersion(rawValue: reader.varint())
        guard !reader.isBroken else { throw damaged }
        return Brief(
            state: state, attempts: attempts, begun: begun, ended: ended, last: last,
            isKept: presence.contains(.result))
    }

    /// The state in the bytes of a row.
    static func state(of row: UnsafeRawBufferPointer) -> WorkState? { row.first.flatMap { WorkState(rawValue: $0) } }
}
