package import RenCore
package import RenJSON

/// What a client says on the stream `ren.v1`: one JSON object in each text frame, named by its `op`.
package enum StreamRequest: Sendable, Equatable {
    /// The first message of a client. `batch`: how long the server may gather events before it sends them.
    case hello(token: String?, batch: Duration)
    case subscribe(StreamSubscription)
    case unsubscribe(id: String)
    /// The client has dealt with what came up to here. The server keeps no position for it: nothing follows.
    case ack(id: String)
    /// A word of a later ren: ignored.
    case other(String)

    package static let batchDefault = Duration.milliseconds(200)
    package static let batchMillisecondsMax: Int64 = 10_000

    /// - Throws: `json.*` for what is no JSON, `watch.message` for what is no message, `watch.*` for bad members.
    package init(parsing text: String) throws(RenError) {
        let json: JSON
        do { json = try JSON(parsing: text) } catch {
            throw RenError(RenError.Code(error.code.rawValue), error.message)
        }
        guard let object = json.objectValue, let op = object["op"]?.stringValue else {
            throw RenError(.watchMessage, "a message is an object with the text \"op\", not \(json.excerpt)")
        }
        switch op {
        case "hello":
            let milliseconds = object["batch_ms"]?.integerValue
            self = .hello(
                token: object["token"]?.stringValue,
                batch: milliseconds.map { .milliseconds(min(max(0, $0), Self.batchMillisecondsMax)) }
                    ?? Self.batchDefault)
        case "subscribe": self = .subscribe(try StreamSubscription(object))
        case "unsubscribe": self = .unsubscribe(id: try StreamSubscription.id(of: object))
        case "ack": self = .ack(id: try StreamSubscription.id(of: object))
        default: self = .other(op)
        }
    }

    /// The id in a message that could not be taken, so that its sender knows what was refused.
    package static func id(in text: String) -> String? {
        // What is no JSON has no id.
        (try? JSON(parsing: text))?["id"]?.stringValue.flatMap {
            $0.utf8.count <= StreamSubscription.idBytesMax ? $0 : nil
        }
    }

    package var json: JSONObject {
        switch self {
        case .hello(let token, let batch):
            var object: JSONObject = ["op": "hello", "batch_ms": .integer(batch.nanoseconds / 1_000_000)]
            if let token { object["token"] = .string(token) }
            return object
        case .subscribe(let subscription): return subscription.json
        case .unsubscribe(let id): return ["op": "unsubscribe", "id": .string(id)]
        case .ack(let id): return ["op": "ack", "id": .string(id)]
        case .other(let op): return ["op": .string(op)]
        }
    }
}

extension RenError.Code {
    /// A message that is none.
    package static let watchMessage = Self("watch.message")
    /// Something came before `hello`.
    package static let watchHello = Self("watch.hello")
    /// A subscription without an id, or with one that is in use.
    package static let watchID = Self("watch.id")
    /// An unknown topic, or one without the members that it needs.
    package static let watchTopic = Self("watch.topic")
    /// Something that is no kind of message.
    package static let watchKind = Self("watch.kind")
    package static let watchTooMany = Self("watch.too_many")
    /// No whole number from 0.
    package static let watchBadSequence = Self("watch.bad_sequence")
    /// Behind the end of the journal.
    package static let watchFuture = Self("watch.future")
    /// Before its first event that is kept.
    package static let watchCompacted = Self("watch.compacted")
}
