/// A recorded fact about a run, with what surrounds it.
package struct Event: Sendable {
    /// What the event is about.
    package enum Subject: Hashable, Sendable {
        case run
        case node(NodeNumber)
        case item(NodeNumber, ItemIndex)

        package var node: NodeNumber? {
            switch self {
            case .run: nil
            case .node(let node), .item(let node, _): node
            }
        }
    }

    package var time: Timestamp
    package var subject: Subject
    /// The attempt it belongs to, from 1; 0 where there is none.
    package var attempt: UInt32 = 0
    /// Version of the last event of the same node or item.
    package var previous: RunVersion = .none
    /// Version of the event of the same run that brought this one about.
    package var cause: RunVersion = .none
    /// Who asked for it: `cli`, `http:…`; nil when ren decided by itself.
    package var by: String?
    /// On the first event of a request that came with a key.
    package var request: RequestMark?
    package var fact: Fact
    package var payload: PayloadMark?

    package init(
        _ fact: Fact, _ subject: Subject, at time: Timestamp, attempt: UInt32 = 0, previous: RunVersion = .none,
        cause: RunVersion = .none, by: String? = nil, payload: PayloadMark? = nil
    ) {
        self.fact = fact
        self.subject = subject
        self.time = time
        self.attempt = attempt
        self.previous = previous
        self.cause = cause
        self.by = by
        self.payload = payload
    }
}

/// Length and hash of an event's payload; the bytes too while it is on its way into the journal.
package struct PayloadMark: Sendable {
    package var length: Int
    package var hash: Digest
    package var bytes: [UInt8]?

    package init(length: Int, hash: Digest) {
        self.length = length
        self.hash = hash
    }

    package init(_ payload: Payload) {
        length = payload.bytes.count
        hash = payload.hash
        bytes = payload.bytes
    }
}
