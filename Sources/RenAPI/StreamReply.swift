package import RenCore
package import RenJSON

/// What the server says on the stream `ren.v1`, but for `events`, whose text is put together from shared pieces.
package enum StreamReply: Sendable {
    /// - Parameter journal: names the journal: another one than before means that what is known is of another store.
    case welcome(server: String, journal: String?, head: JournalSequence)
    /// - Parameter from: the first sequence that is looked at; `replaying` says how many the journal has from there on.
    case subscribed(id: String, from: JournalSequence, replaying: Int)
    /// - Parameter nodes: by name: `done`, `failed`, `running`, `total`, `rate`, `eta_s`.
    case progress(id: String, at: JournalSequence, nodes: JSONObject)
    case log(id: String, lines: [JSON], position: String, droppedFiles: Int)
    /// There was nothing wanted up to here: the place to resume from moves on.
    case bookmark(id: String, JournalSequence)
    /// The client reads too slowly for progress; no event is left out.
    case lagged(id: String, droppedProgress: Int, resume: JournalSequence)
    /// - Parameters:
    ///   - id: nil for what belongs to no subscription.
    ///   - problem: an object of RFC 9457.
    case error(id: String?, problem: JSONObject)

    package static let heartbeat = Duration.seconds(15)

    package var json: JSONObject {
        func number(_ sequence: JournalSequence) -> JSON { .integer(Int64(clamping: sequence.rawValue)) }
        switch self {
        case .welcome(let server, let journal, let head):
            return [
                "op": "welcome", "server": .string(server), "journal": journal.map(JSON.string) ?? .null,
                "head": number(head), "heartbeat_s": .integer(Self.heartbeat.components.seconds),
            ]
        case .subscribed(let id, let from, let replaying):
            return [
                "op": "subscribed", "id": .string(id), "from": number(from), "replaying": .integer(Int64(replaying)),
            ]
        case .progress(let id, let sequence, let nodes):
            return ["op": "progress", "id": .string(id), "sequence": number(sequence), "nodes": .object(nodes)]
        case .log(let id, let lines, let position, let droppedFiles):
            return [
                "op": "log", "id": .string(id), "lines": .array(lines), "position": .string(position),
                "dropped_files": .integer(Int64(droppedFiles)),
            ]
        case .bookmark(let id, let sequence):
            return ["op": "bookmark", "id": .string(id), "sequence": number(sequence)]
        case .lagged(let id, let dropped, let resume):
            return [
                "op": "lagged", "id": .string(id), "dropped_progress": .integer(Int64(dropped)),
                "resume": number(resume),
            ]
        case .error(let id, let problem):
            return ["op": "error", "id": id.map(JSON.string) ?? .null, "problem": .object(problem)]
        }
    }
}

/// Codes with which the server closes a stream, besides those of RFC 6455.
package enum StreamClose {
    /// The client does not read: it may come back and resume from the sequence that the reason names.
    package static let tryAgainLater: UInt16 = 1013
    /// No token, or a wrong one.
    package static let unauthorized: UInt16 = 4401
}
