import RenCore
import RenJSON

extension FactBody {
    /// Parses a body; no bytes are an empty object.
    ///
    /// - Throws: `journal.damaged`.
    init(_ bytes: UnsafeRawBufferPointer, at sequence: JournalSequence) throws(RenError) {
        self.sequence = sequence
        guard !bytes.isEmpty else {
            json = .object(JSONObject())
            return
        }
        do {
            json = try JSON(parsing: bytes.assumingMemoryBound(to: UInt8.self), limits: .payload)
        } catch { throw .damaged(sequence, "its body is no JSON: \(error.message)") }
    }

    /// The fact of an event of this type. Unknown members are left alone: later versions add some.
    ///
    /// - Throws: `journal.damaged`.
    func fact(of type: EventType) throws(RenError) -> Fact {
        switch type {
        case .journalOpened: .journalOpened(JournalOpening(carries: try word("carries"), ren: try text("ren")))
        case .journalClosed: .journalClosed
        case .journalPruned:
            .journalPruned(
                Pruning(
                    step: try word("step"), runs: try required("runs", list("runs", Pruning.Run.init(json:))),
                    rule: try text("rule")))
        case .eventPruned: .eventPruned
        case .flowRegistered: .flowRegistered(name: try text("name"))
        case .functionsRecorded:
            .functionsRecorded(
                FunctionFile(
                    set: try digest("set"), index: try integer("index"), count: try integer("count"),
                    path: try text("path"), signatures: try required("signatures", optionalJSON("signatures"))))
        case .workerStarted: .workerStarted(try workerNote())
        case .workerExited: .workerExited(try workerNote())
        case .functionParked:
            .functionParked(name: try text("name"), set: try digest("set"), reason: try text("reason"))
        case .functionUnparked: .functionUnparked(name: try text("name"), set: try digest("set"))
        case .runCreated: .runCreated(try creation())
        case .runReopened: .runReopened(try reopening())
        case .runForked:
            .runForked(
                Fork(
                    creation: try creation(), parent: try text("parent"),
                    version: RunVersion(rawValue: try integer("version")), hash: try digest("hash"),
                    nodes: try forkedNodes(), once: try nodes("once"), reopening: try reopening()))
        case .runPauseRequested: .runPauseRequested(now: flag("now"), reason: optionalText("reason"))
        case .runPaused: .runPaused
        case .runResumed: .runResumed(reason: optionalText("reason"))
        case .runStopRequested: .runStopRequested(try word("mode"), reason: optionalText("reason"))
        case .runEnding: .runEnding(try word("outcome"), try optionalFailure("error"))
        case .runStopped: .runStopped
        case .runSucceeded: .runSucceeded
        case .runFailed: .runFailed(try failure("error"))
        case .runQuarantined:
            .runQuarantined(at: RunVersion(rawValue: try integer("version")), reason: try text("reason"))
        case .signalReceived: .signalReceived(name: try text("name"))
        case .nodeStarted, .itemStarted:
            .started(
                AttemptStart(
                    input: try digest("input"), code: try optionalDigest("code"),
                    timeout: optionalInteger("timeout").map { .nanoseconds($0) }, alone: flag("alone")))
        case .nodeCheckpointed, .itemCheckpointed: .checkpointed
        case .nodeSucceeded, .itemSucceeded: .succeeded(instead: try optionalFailure("instead"))
        case .nodeAttemptFailed, .itemAttemptFailed:
            .attemptFailed(try failure("error"), retryAt: optionalTime("retry_at"))
        case .nodeInterrupted, .itemInterrupted: .interrupted(try word("why"))
        case .nodeFailed, .itemFailed: .failed(try failure("error"))
        case .nodeUnknown, .itemUnknown: .unknown(try word("reason"))
        case .nodeSkipped, .itemSkipped: .skipped(try word("reason"), operands: try optionalJSON("operands"))
        case .nodeCancelled, .itemCancelled: .cancelled
        case .nodeKept, .itemKept: .kept(reason: optionalText("reason"))
        case .nodeOverridden, .itemOverridden: .overridden(reason: optionalText("reason"))
        case .nodeDecided:
            .decided(way: try text("way"), operands: try required("operands", optionalJSON("operands")))
        case .nodeWaiting:
            .waiting(
                SignalWait(
                    signal: try text("signal"), message: try text("message"), until: optionalTime("until")))
        case .mapOpened:
            .mapOpened(
                MapOpening(
                    total: try integer("total"), source: try digest("source"),
                    concurrency: optionalInteger("concurrency").map(Int.init)))
        case .mapClosed: .mapClosed(try counts())
        case .resultRejected: .resultRejected(try word("reason"))
        }
    }

    private func creation() throws(RenError) -> RunCreation {
        RunCreation(
            id: try text("id"), flow: try digest("flow"), flowName: try text("name"),
            functions: try optionalDigest("functions"), semantics: try integer("semantics"))
    }

    private func reopening() throws(RenError) -> Reopening {
        var reopening = Reopening()
        reopening.again = try nodes("again")
        for member in json["items"]?.objectValue?.members ?? [] {
            guard let node = UInt16(member.key), let items = member.value.stringValue.flatMap({ ItemRanges($0) }) else {
                throw missing("items")
            }
            reopening.items[NodeNumber(rawValue: node)] = items
        }
        reopening.affected = try nodes("affected")
        reopening.allowed = try nodes("allowed")
        reopening.codeChangedRunsAgain = flag("code_changed_runs_again")
        reopening.reason = optionalText("reason")
        return reopening
    }

    private func nodes(_ name: String) throws(RenError) -> [NodeNumber] {
        guard json[name] != nil else { return [] }
        return try required(name, list(name) { $0.integerValue.flatMap { UInt16(exactly: $0) } })
            .map { NodeNumber(rawValue: $0) }
    }

    private func forkedNodes() throws(RenError) -> [NodeNumber?]? {
        guard json["nodes"] != nil else { return nil }
        return try required("nodes", list("nodes") { $0.integerValue })
            .map { UInt16(exactly: $0).map { NodeNumber(rawValue: $0) } }
    }

    /// Nil when it is no list, or `read` refuses one of its elements.
    private func list<T>(_ name: String, _ read: (JSON) -> T?) -> [T]? {
        guard let elements = json[name]?.arrayValue else { return nil }
        let values = elements.compactMap(read)
        return values.count == elements.count ? values : nil
    }

    private func counts() throws(RenError) -> MapCounts {
        var counts = MapCounts()
        counts.succeeded = try integer("succeeded")
        counts.failed = try integer("failed")
        counts.skipped = try integer("skipped")
        counts.cancelled = try integer("cancelled")
        counts.unknown = try integer("unknown")
        counts.pending = try integer("pending")
        return counts
    }

    private func workerNote() throws(RenError) -> WorkerNote {
        WorkerNote(set: try digest("set"), process: try integer("process"), end: optionalText("end"))
    }

    // MARK: Members

    /// Which request the event is the first one of.
    func request() throws(RenError) -> RequestMark? {
        guard let member = json["request"] else { return nil }
        guard let key = member["key"]?.stringValue, RequestMark.isKey(key),
            let digest = member["digest"]?.stringValue.flatMap({ Digest(base64url: $0) })
        else { throw missing("request") }
        var mark = try RequestMark(key: key, digest: digest)
        mark.events = member["events"]?.integerValue.flatMap { Int(exactly: $0) } ?? 1
        return mark
    }

    func optionalText(_ name: String) -> String? { json[name]?.stringValue }

    private func text(_ name: String) throws(RenError) -> String { try required(name, optionalText(name)) }

    private func optionalInteger(_ name: String) -> Int64? { json[name]?.integerValue }

    private func integer<T: FixedWidthInteger>(_ name: String) throws(RenError) -> T {
        try required(name, optionalInteger(name).flatMap { T(exactly: $0) })
    }

    private func optionalTime(_ name: String) -> Timestamp? {
        optionalInteger(name).map { Timestamp(nanoseconds: $0) }
    }

    private func flag(_ name: String) -> Bool { json[name]?.boolValue ?? false }

    /// One of the words of an enum.
    private func word<T: RawRepresentable<String>>(_ name: String) throws(RenError) -> T {
        try required(name, T(rawValue: try text(name)))
    }

    private func optionalDigest(_ name: String) throws(RenError) -> Digest? {
        guard let text = optionalText(name) else { return nil }
        return try required(name, Digest(base64url: text))
    }

    private func digest(_ name: String) throws(RenError) -> Digest { try required(name, optionalDigest(name)) }

    private func optionalFailure(_ name: String) throws(RenError) -> Failure? {
        guard let member = json[name] else { return nil }
        guard let errorName = member["name"]?.stringValue, let message = member["message"]?.stringValue else {
            throw missing(name)
        }
        return Failure(
            errorName, message, frame: member["frame"]?.stringValue, item: member["item"]?.stringValue)
    }

    private func failure(_ name: String) throws(RenError) -> Failure { try required(name, optionalFailure(name)) }

    private func optionalJSON(_ name: String) throws(RenError) -> JSON? {
        if let value = json[name] { return value }
        guard let text = optionalText(name + FactBody.asText) else { return nil }
        do { return try JSON(parsing: text, limits: .payload) } catch { throw missing(name) }
    }

    private func required<T>(_ name: String, _ value: T?) throws(RenError) -> T {
        guard let value else { throw missing(name) }
        return value
    }

    private func missing(_ name: String) -> RenError {
        .damaged(sequence, "`\(name)` of its body is missing or not what it should be")
    }
}

extension Pruning.Run {
    fileprivate init?(json: JSON) {
        func number<T: FixedWidthInteger>(_ name: String, _ type: T.Type) -> T? {
            json[name]?.integerValue.flatMap { T(exactly: $0) }
        }
        guard let id = json["id"]?.stringValue, let first = number("first", UInt64.self),
            let last = number("last", UInt64.self), let events = number("events", Int.self)
        else { return nil }
        self.init(
            id: id, first: JournalSequence(rawValue: first), last: JournalSequence(rawValue: last), events: events)
    }
}
