import RenCore
import RenJSON

/// Frames for a worker, collected so that many leave in one write.
struct MessageWriter {
    private(set) var bytes: [UInt8] = []

    /// The frames that were collected; the writer is empty then.
    mutating func take() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    mutating func welcome(blocking: Int, async: Int) {
        frame("welcome") { json in
            json.field("blocking", blocking)
            json.field("async", async)
        }
    }

    /// - Returns: nil when the frame would be over the limit; nothing is written then.
    mutating func call(_ call: Call) -> Bool {
        // What stands around the arguments is bounded well below this.
        guard call.arguments.count + (call.checkpoint?.count ?? 0) < Frame.bodyMax - 64 << 10 else { return false }
        frame("call") { json in
            json.field("call", call.id.rawValue)
            json.field("function", call.function)
            json.field("run", call.run)
            json.field("flow", call.flow)
            json.field("node", call.node)
            json.key("key")
            if let key = call.key { json.string(key) } else { json.null() }
            json.key("index")
            if let index = call.index { json.integer(index) } else { json.null() }
            json.field("attempt", call.attempt)
            json.field("idempotency_key", call.idempotencyKey)
            json.key("deadline")
            if let deadline = call.deadline {
                json.double(Double(deadline.nanoseconds) / 1e9)
            } else {
                json.null()
            }
            if !call.lazy.isEmpty {
                json.key("lazy")
                json.beginObject()
                for argument in call.lazy { json.field(argument.name, argument.total) }
                json.endObject()
            }
            if let checkpoint = call.checkpoint {
                json.key("checkpoint")
                json.raw(checkpoint)
            }
            json.key("args")
            json.raw(call.arguments)
        }
        return true
    }

    /// A page that is over the limit of frames is answered as one that cannot be read.
    mutating func page(_ call: CallID, request: Int, values: [[UInt8]], next: Int?) {
        let fits = values.reduce(0) { $0 + $1.count + 1 } < Frame.bodyMax - 1024
        frame("page") { json in
            json.field("call", call.rawValue)
            json.field("id", request)
            guard fits else { return json.field("error", "a value of the page is over the limit of 16 MiB") }
            json.key("values")
            json.beginArray()
            for value in values { json.raw(value) }
            json.endArray()
            json.key("next")
            if let next { json.integer(next) } else { json.null() }
        }
    }

    mutating func saved(_ call: CallID, request: Int, refused: String?) {
        frame("saved") { json in
            json.field("call", call.rawValue)
            json.field("id", request)
            if let refused { json.field("error", refused) }
        }
    }

    mutating func pause(_ call: CallID) { frame("pause") { $0.field("call", call.rawValue) } }

    mutating func cancel(_ call: CallID) { frame("cancel") { $0.field("call", call.rawValue) } }

    mutating func ping(_ id: UInt64) { frame("ping") { $0.field("id", id) } }

    mutating func leave() { frame("leave") { _ in } }

    /// Appends a frame: its length is known, and filled in, when its body stands.
    private mutating func frame(_ type: String, _ body: (inout JSONWriter) -> Void) {
        let start = bytes.count
        var json = JSONWriter()
        swap(&json.bytes, &bytes)
        json.bytes.append(contentsOf: [0, 0, 0, 0])
        json.beginObject()
        json.field("type", type)
        body(&json)
        json.endObject()
        swap(&json.bytes, &bytes)
        let length = UInt32(bytes.count - start - 4)
        for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * index)) }
    }
}
