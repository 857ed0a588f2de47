package import RenCore

/// What is shown of a node that has an event.
package struct NodeRow: Sendable {
    package internal(set) var state = WorkState.pending
    package internal(set) var attempts: UInt32 = 0
    /// When it began last: after a reopening, and in a fork what was not settled there, begins anew.
    package internal(set) var begun: Timestamp
    package internal(set) var ended: Timestamp?
    /// Version of the last event of the node itself.
    package internal(set) var last = RunVersion.none
    /// When a retry is due or a pause gives up.
    package internal(set) var until: Timestamp?
    package internal(set) var way: String?
    package internal(set) var skip: SkipReason?
    /// What a pause waits for, or waited for.
    package internal(set) var signal: String?
    package internal(set) var message: String?
    package internal(set) var output: OutputReference?
    package internal(set) var error: ErrorSummary?
    package internal(set) var map: MapSummary?
    /// The checkpoint whose payload is in chunks and still kept.
    var checkpoint: JournalSequence?
    /// The result before a reopening, which stands if the node's input is still the same.
    var recorded: Recorded?

    struct Recorded: Sendable {
        var output: OutputReference
        var begun: Timestamp
        var ended: Timestamp
    }

    /// The event with the output as its payload; the length where the event is the node's own.
    package struct OutputReference: Hashable, Sendable {
        package internal(set) var version: RunVersion
        package internal(set) var length: Int?

        static func write(_ bytes: inout [UInt8], _ output: OutputReference) {
            bytes.append(varint: output.version.rawValue)
            bytes.append(optional: output.length) { $0.append(varint: UInt64($1)) }
        }

        static func read(from reader: inout ByteReader) -> OutputReference {
            OutputReference(version: RunVersion(rawValue: reader.varint()), length: reader.optional { $0.number() })
        }
    }

    package struct MapSummary: Hashable, Sendable {
        /// Version of `map.opened`.
        package internal(set) var opened: RunVersion
        package internal(set) var total: Int
        /// The items by state; items without any event are `pending`.
        package internal(set) var counts = StateCounts()
        /// Items before this one began one after the other: of these, one without a row runs its first attempt.
        package internal(set) var ordered = 0
        /// Items from this one on have not begun. Between the two, which is nothing but where results were kept, those
        /// that have begun have rows.
        package internal(set) var reached = 0

        init(opened: RunVersion, total: Int) {
            self.opened = opened
            self.total = total
            counts[.pending] = total
        }

        /// All but the counts, which are changed in place while nobody else holds them.
        struct Extent {
            let opened: RunVersion
            let total: Int
            let ordered: Int
            let reached: Int
        }

        var extent: Extent { Extent(opened: opened, total: total, ordered: ordered, reached: reached) }

        mutating func begin(_ item: ItemIndex) {
            if item.index == ordered { ordered += 1 }
            reached = max(reached, item.index + 1)
        }
    }

    init(begun: Timestamp) { self.begun = begun }

    enum Liveness { case idle, active, waiting }

    /// What it means for the run's `waiting`.
    var liveness: Liveness {
        switch state {
        case .pending, .succeeded, .failed, .skipped, .cancelled: return .idle
        case .waiting, .unknown: return .waiting
        case .ready, .retrying: return .active
        case .running:
            guard let counts = map?.counts else { return .active }
            let isMoving = counts[.running] + counts[.retrying] + counts[.ready] > 0
            return isMoving || counts[.unknown] == 0 ? .active : .waiting
        }
    }
}

extension NodeRow: Row {
    func write(to bytes: inout [UInt8]) {
        bytes.append(state.rawValue)
        bytes.append(varint: UInt64(attempts))
        bytes.append(time: begun)
        bytes.append(optional: ended)
        bytes.append(varint: last.rawValue)
        bytes.append(optional: until)
        bytes.append(optional: way)
        bytes.append(optional: skip) { $0.append($1.number) }
        bytes.append(optional: signal)
        bytes.append(optional: message)
        bytes.append(optional: output, OutputReference.write)
        bytes.append(optional: error, ErrorSummary.write)
        bytes.append(optional: map) { bytes, map in
            bytes.append(varint: map.opened.rawValue)
            bytes.append(varint: UInt64(map.total))
            bytes.append(map.counts)
        }
        bytes.append(optional: checkpoint) { $0.append(varint: $1.rawValue) }
        bytes.append(optional: recorded) { OutputReference.write(&$0, $1.output) }
        if let map {
            bytes.append(varint: UInt64(map.ordered))
            bytes.append(varint: UInt64(map.reached))
        }
        if let recorded {
            bytes.append(time: recorded.begun)
            bytes.append(time: recorded.ended)
        }
    }

    init(from reader: inout ByteReader) {
        state = reader.word(.pending)
        attempts = reader.number()
        begun = reader.time()
        ended = reader.optional { $0.time() }
        last = RunVersion(rawValue: reader.varint())
        until = reader.optional { $0.time() }
        way = reader.optional { $0.text() }
        skip = reader.optional { SkipReason(number: $0.byte()) } ?? nil
        signal = reader.optional { $0.text() }
        message = reader.optional { $0.text() }
        output = reader.optional { OutputReference.read(from: &$0) }
        error = reader.optional { ErrorSummary(from: &$0) }
        map = reader.optional { reader in
            var map = MapSummary(opened: RunVersion(rawValue: reader.varint()), total: reader.number())
            map.counts = reader.counts()
            map.ordered = max(0, map.total - map.counts[.pending])
            map.reached = map.ordered
            return map
        }
        checkpoint = reader.optional { JournalSequence(rawValue: $0.varint()) }
        // Rows of an older ren, which only a looker sees, end here.
        guard !reader.isAtEnd else { return }
        let output = reader.optional { OutputReference.read(from: &$0) }
        if map != nil {
            map?.ordered = reader.number()
            map?.reached = reader.number()
        }
        if let output, !reader.isAtEnd {
            recorded = Recorded(output: output, begun: reader.time(), ended: reader.time())
        }
    }
}

extension SkipReason {
    /// Its number in rows: never reused.
    var number: UInt8 {
        switch self {
        case .notTaken: 0
        case .when: 1
        case .upstreamFailed: 2
        }
    }

    init?(number: UInt8) {
        switch number {
        case 0: self = .notTaken
        case 1: self = .when
        case 2: self = .upstreamFailed
        default: return nil
        }
    }
}
