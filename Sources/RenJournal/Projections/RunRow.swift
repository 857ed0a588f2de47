import LMDB
package import RenCore

/// What lists show of a run, and where its chain stands.
package struct RunRow: Sendable {
    package internal(set) var number: RunNumber
    package internal(set) var id: String
    package internal(set) var flow: Digest
    package internal(set) var flowName: String
    package internal(set) var functions: Digest?
    package internal(set) var semantics: Int
    package internal(set) var status = RunStatus.running
    package internal(set) var created: Timestamp
    package internal(set) var ended: Timestamp?
    /// Time of the last event.
    package internal(set) var updated: Timestamp
    /// Version of the last event.
    package internal(set) var version = RunVersion.none
    /// Version of the last event that `If-Match` compares: see `Fact.isControl`.
    package internal(set) var control = RunVersion.none
    package internal(set) var first: JournalSequence
    package internal(set) var last: JournalSequence
    /// R of the last event.
    package internal(set) var hash: Digest
    /// Nodes that have an event, by state; the rest of the flow's nodes are pending.
    package internal(set) var nodeCounts = StateCounts()
    /// Nodes that run, retry or are about to.
    package internal(set) var activeNodes = 0
    /// Nodes that only a person can bring on: pauses, `unknown`, maps of which only unknown items are left.
    package internal(set) var waitingNodes = 0
    package internal(set) var error: ErrorSummary?
    /// The last `run.created` or `run.resumed`, from which an engine that carries its own runs carries this one.
    package internal(set) var takenUp: JournalSequence
    package internal(set) var problemGroups = 0
    /// The end node that was reached and has not been opened again.
    var endNode: NodeNumber?
    /// The run that a fork was made from.
    package internal(set) var parent: RunNumber?
    /// Whose records a fork's first versions are, oldest first, at most `segmentsMax`; its own follow.
    package internal(set) var segments: [Segment] = []
    /// How far the rows of a fork's nodes and items are folded; nil when they are complete, as those of any other run.
    package internal(set) var preparing: RunVersion?
    /// How much of it a `journal.pruned` has announced to be deleted. After `.histories` this row is all there is.
    package internal(set) var pruned: Pruning.Step?

    package static let idBytesMax = 200
    /// The id under which the events of no run are chained.
    package static let journalID = "journal"

    /// Nothing goes on without a person, a signal or time.
    package var isWaiting: Bool { status == .running && preparing == nil && activeNodes == 0 && waitingNodes > 0 }

    /// A run that begins with the event at `sequence`.
    init(_ number: RunNumber, _ creation: RunCreation, at sequence: JournalSequence, time: Timestamp) {
        self.number = number
        id = creation.id
        flow = creation.flow
        flowName = creation.flowName
        functions = creation.functions
        semantics = creation.semantics
        created = time
        updated = time
        first = sequence
        last = .init(0)
        hash = .chainStart(ofRun: creation.id)
        takenUp = sequence
    }
}

extension RunRow {
    /// The number of the run with this id.
    static func number(of id: String, in snapshot: any StoreSnapshot) throws(RenError) -> RunNumber? {
        try snapshot.value(of: Key(utf8: id), in: .runIDs) { RunNumber(rawValue: $0.load(UInt64.self, at: 0)) }
    }
}

extension RunRow: Row {
    func write(to bytes: inout [UInt8]) {
        bytes.append(varint: number.rawValue)
        bytes.append(text: id)
        bytes.append(flow)
        bytes.append(text: flowName)
        bytes.append(optional: functions) { $0.append($1) }
        bytes.append(varint: UInt64(semantics))
        bytes.append(status.rawValue)
        bytes.append(time: created)
        bytes.append(optional: ended)
        bytes.append(time: updated)
        bytes.append(varint: version.rawValue)
        bytes.append(varint: first.rawValue)
        bytes.append(varint: last.rawValue)
        bytes.append(hash)
        bytes.append(nodeCounts)
        bytes.append(varint: UInt64(activeNodes))
        bytes.append(varint: UInt64(waitingNodes))
        bytes.append(optional: error, ErrorSummary.write)
        bytes.append(varint: takenUp.rawValue)
        bytes.append(varint: UInt64(problemGroups))
        bytes.append(varint: control.rawValue)
        bytes.append(optional: endNode) { $0.append(varint: UInt64($1.rawValue)) }
        bytes.append(optional: parent) { $0.append(varint: $1.rawValue) }
        bytes.append(varint: UInt64(segments.count))
        for segment in segments {
            bytes.append(varint: segment.run.rawValue)
            bytes.append(varint: segment.through.rawValue)
        }
        bytes.append(optional: preparing) { $0.append(varint: $1.rawValue) }
        bytes.append(optional: pruned) { $0.append($1 == .payloads ? 0 : 1) }
    }

    init(from reader: inout ByteReader) {
        number = RunNumber(rawValue: reader.varint())
        id = reader.text()
        flow = reader.digest()
        flowName = reader.text()
        functions = reader.optional { $0.digest() }
        semantics = reader.number()
        status = reader.word(.running)
        created = reader.time()
        ended = reader.optional { $0.time() }
        updated = reader.time()
        version = RunVersion(rawValue: reader.varint())
        first = JournalSequence(rawValue: reader.varint())
        last = JournalSequence(rawValue: reader.varint())
        hash = reader.digest()
        nodeCounts = reader.counts()
        activeNodes = reader.number()
        waitingNodes = reader.number()
        error = reader.optional { ErrorSummary(from: &$0) }
        takenUp = JournalSequence(rawValue: reader.varint())
        problemGroups = reader.number()
        // Rows of an older ren, which only a looker sees, end here or behind the next.
        guard !reader.isAtEnd else { return }
        control = RunVersion(rawValue: reader.varint())
        guard !reader.isAtEnd else { return }
        endNode = reader.optional { NodeNumber(rawValue: $0.number()) }
        parent = reader.optional { RunNumber(rawValue: $0.varint()) }
        for _ in 0..<min(reader.number(Int.self), Self.segmentsMax) {
            segments.append(
                Segment(run: RunNumber(rawValue: reader.varint()), through: RunVersion(rawValue: reader.varint())))
        }
        preparing = reader.optional { RunVersion(rawValue: $0.varint()) }
        pruned = reader.optional { $0.byte() == 0 ? .payloads : .histories }
    }
}
