import RenCore
import RenJSON

/// What a worker says.
enum WorkerMessage {
    case hello(WorkerHello)
    case broken(BrokenReport, token: String?)
    case answer(CallID, Answer)
    case progress(CallID, done: Double, total: Double?, text: String?)
    case alive(CallID)
    /// The value is valid JSON; it may be over the limit of checkpoints.
    case checkpoint(CallID, request: Int, value: [UInt8])
    case log(LogLine)
    case read(CallID, request: Int, argument: String, from: Int)
    case pong(UInt64)

    /// The one word that ends a call.
    enum Answer {
        /// Not checked yet.
        case result([UInt8])
        case failure(Failure, trace: String?, permanent: Bool, retryAfter: Duration?)
        case interrupted
    }
}

/// How a worker introduces itself.
struct WorkerHello: Sendable {
    var token: String
    var protocolNumber: Int
    var python: String
    var sdk: String
    /// The entries as they came: what `functions.recorded` keeps.
    var functions: [JSON]
    var files: [(path: String, hash: Digest)]
}

/// A function file that cannot be imported, or registers its functions wrongly.
struct BrokenReport: Sendable, Equatable {
    var file: String
    var failure: Failure
    var trace: String?
}

// MARK: - Reading

extension WorkerMessage {
    /// Reads the body of a frame.
    init(parsing bytes: UnsafeRawBufferPointer) throws(ProtocolViolation) {
        if let message = Self.quickResult(bytes) {
            self = message
            return
        }
        let fields = try MessageFields(bytes)
        switch try fields.text("type") {
        case "result": self = .answer(try fields.call(), .result(try fields.raw("value")))
        case "failure": self = .answer(try fields.call(), try fields.failure())
        case "interrupted": self = .answer(try fields.call(), .interrupted)
        case "progress":
            self = .progress(
                try fields.call(), done: try fields.json("done").doubleValue ?? 0,
                total: try fields.optional("total")?.doubleValue,
                text: try fields.optional("text")?.stringValue?.cut(to: LogLine.textMax))
        case "alive": self = .alive(try fields.call())
        case "checkpoint":
            let value = try fields.raw("value")
            // A value over the limit is refused by its size, unread.
            if value.count <= Call.checkpointMax { try fields.validate(value, "value") }
            self = .checkpoint(try fields.call(), request: try fields.number("id"), value: value)
        case "log": self = .log(try fields.logLine())
        case "read":
            self = .read(
                try fields.call(), request: try fields.number("id"), argument: try fields.text("argument"),
                from: try fields.number("from"))
        case "pong": self = .pong(UInt64(try fields.number("id")))
        case "hello": self = .hello(try fields.hello())
        case "broken":
            self = .broken(try fields.brokenReport(), token: try fields.optional("token")?.stringValue)
        case let type: throw ProtocolViolation("a message of the unknown type “\(type.cut(to: 100))”")
        }
    }

    /// A result as the SDK writes it, recognised without looking at its value.
    private static func quickResult(_ bytes: UnsafeRawBufferPointer) -> WorkerMessage? {
        var at = 0
        guard starts(bytes, with: "{\"type\":\"result\",\"call\":", at: &at) else { return nil }
        var number: UInt64 = 0
        let digitsStart = at
        while at < bytes.count, at - digitsStart < 18, case let digit = bytes[at] &- 0x30, digit < 10 {
            number = number * 10 + UInt64(digit)
            at += 1
        }
        guard at > digitsStart, starts(bytes, with: ",\"value\":", at: &at), bytes.last == UInt8(ascii: "}"),
            at < bytes.count - 1
        else { return nil }
        return .answer(CallID(rawValue: number), .result(Array(bytes[at..<bytes.count - 1])))
    }

    private static func starts(_ bytes: UnsafeRawBufferPointer, with text: StaticString, at offset: inout Int) -> Bool {
        let end = offset + text.utf8CodeUnitCount
        guard end <= bytes.count else { return false }
        for index in 0..<text.utf8CodeUnitCount where bytes[offset + index] != text.utf8Start[index] { return false }
        offset = end
        return true
    }
}

/// The members of a message, each found but read only when asked for.
private struct MessageFields {
    private let bytes: UnsafeRawBufferPointer
    private var ranges: [(key: String, range: Range<Int>)] = []

    /// Walks the bytes as if they were good JSON: every part is checked when it is read.
    init(_ bytes: UnsafeRawBufferPointer) throws(ProtocolViolation) {
        self.bytes = bytes
        var members = JSONText.Members()
        var end = 0
        while let (key, range) = members.next(in: bytes) {
            if ranges.count == 32 { throw ProtocolViolation("a message with more than 32 members") }
            ranges.append((key, range))
            end = range.upperBound
        }
        let rest = bytes[end...].filter { !Self.isSpace($0) }
        guard end > 0, rest.elementsEqual([UInt8(ascii: "}")]) else {
            throw ProtocolViolation("a frame that is no JSON object: \(Self.sample(bytes))")
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private static func sample(_ bytes: UnsafeRawBufferPointer) -> String {
        let text = String(decoding: bytes.prefix(60), as: UTF8.self)
        return "“" + String(text.unicodeScalars.map { $0.value < 0x20 ? "." : Character($0) }) + "”"
    }

    func raw(_ key: String) throws(ProtocolViolation) -> [UInt8] {
        guard let found = ranges.first(where: { $0.key == key }) else {
            throw ProtocolViolation("a message without “\(key)”: \(Self.sample(bytes))")
        }
        return Array(bytes[found.range])
    }

    func validate(_ value: [UInt8], _ key: String) throws(ProtocolViolation) {
        do { try JSONText.validate(value) } catch { throw bad(key, error.message) }
    }

    func json(_ key: String) throws(ProtocolViolation) -> JSON {
        do { return try JSON(parsing: try raw(key), limits: .payload) } catch {
            throw error as? ProtocolViolation ?? bad(key, "\(error)")
        }
    }

    func optional(_ key: String) throws(ProtocolViolation) -> JSON? {
        ranges.contains { $0.key == key } ? try json(key) : nil
    }

    func text(_ key: String) throws(ProtocolViolation) -> String {
        guard let text = try json(key).stringValue else { throw bad(key, "not a text") }
        return text
    }

    func number(_ key: String) throws(ProtocolViolation) -> Int {
        guard let number = try json(key).integerValue, number >= 0 else { throw bad(key, "not a number from 0 up") }
        return Int(number)
    }

    func call() throws(ProtocolViolation) -> CallID { CallID(rawValue: UInt64(try number("call"))) }

    private func bad(_ key: String, _ why: String) -> ProtocolViolation {
        ProtocolViolation("a message with a bad “\(key)” (\(why)): \(Self.sample(bytes))")
    }

    // MARK: Messages

    func failure() throws(ProtocolViolation) -> WorkerMessage.Answer {
        let error = try error()
        let retryAfter = try optional("retry_after")?.doubleValue
        return .failure(
            error.failure, trace: error.trace, permanent: try optional("permanent")?.boolValue ?? false,
            retryAfter: retryAfter.map { .seconds(min(max($0, 0), Self.retryAfterSecondsMax)) })
    }

    /// A year: longer waits are mistakes, and would leave the range of time stamps.
    private static let retryAfterSecondsMax = 366.0 * 86400

    func brokenReport() throws(ProtocolViolation) -> BrokenReport {
        let error = try error()
        return BrokenReport(file: try text("file").cut(to: 4096), failure: error.failure, trace: error.trace)
    }

    private func error() throws(ProtocolViolation) -> (failure: Failure, trace: String?) {
        let error = try json("error")
        guard let name = error["name"]?.stringValue, !name.isEmpty else { throw bad("error", "it has no name") }
        let failure = Failure(
            name.cut(to: 200), (error["message"]?.stringValue ?? "").cut(to: 2048),
            frame: error["frame"]?.stringValue?.cut(to: 2048))
        return (failure, error["trace"]?.stringValue)
    }

    func logLine() throws(ProtocolViolation) -> LogLine {
        let call = try optional("call")?.integerValue.map { CallID(rawValue: UInt64(clamping: $0)) }
        let level = LogLine.Level(rawValue: try text("level")) ?? .info
        var fields = try optional("fields")
        // Fields are for a few values; a log is no place for payloads.
        if fields?.objectValue == nil || fields.map({ "\($0)".utf8.count > LogLine.textMax }) == true { fields = nil }
        return LogLine(call: call, level: level, text: try text("text").cut(to: LogLine.textMax), fields: fields)
    }

    func hello() throws(ProtocolViolation) -> WorkerHello {
        var files: [(path: String, hash: Digest)] = []
        for file in try json("files").arrayValue ?? [] {
            guard let path = file["path"]?.stringValue,
                let hash = file["sha256"]?.stringValue.flatMap(Digest.init(hex:))
            else { throw bad("files", "an entry without path or hash") }
            files.append((path, hash))
        }
        return WorkerHello(
            token: try text("token"), protocolNumber: try number("protocol"),
            python: try optional("python")?.stringValue ?? "", sdk: try optional("sdk")?.stringValue ?? "",
            functions: try json("functions").arrayValue ?? [], files: files)
    }
}
