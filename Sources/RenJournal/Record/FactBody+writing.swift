import RenCore
import RenJSON

/// The JSON body of an event: what its header does not say. Empty (no bytes at all) when that is nothing.
///
/// Fields are added, never reused. Times and durations are integers of nanoseconds, digests base64url of 43 characters.
struct FactBody {
    let json: JSON
    let sequence: JournalSequence

    /// Appends the body of `event`, members in the order of this switch, then `by` and `request`: `{key, digest,
    /// events}`, the last one left out when it is 1.
    static func write(_ event: Event, to bytes: inout [UInt8]) {
        var writer = BodyWriter(bytes)
        writer.write(event.fact)
        writer.field("by", event.by)
        writer.field("request", event.request)
        bytes = writer.finish()
    }
}

/// A JSON object that begins with its first field, so that no field means no bytes. Fields that are nil are left out.
private struct BodyWriter {
    private var json = JSONWriter()
    private var isOpen = false

    init(_ bytes: [UInt8]) {
        json.bytes = bytes
    }

    mutating func finish() -> [UInt8] {
        if isOpen { json.endObject() }
        return json.bytes
    }

    mutating func write(_ fact: Fact) {
        switch fact {
        case .journalOpened(let opening):
            field("carries", opening.carries.rawValue)
            field("ren", opening.ren)
        case .flowRegistered(let name): field("name", name)
        case .functionsRecorded(let file):
            field("set", file.set)
            field("index", file.index)
            field("count", file.count)
            field("path", file.path)
            field("signatures", file.signatures)
        case .workerStarted(let note), .workerExited(let note):
            field("set", note.set)
            field("process", Int(note.process))
            field("end", note.end)
        case .functionParked(let name, let set, let reason):
            field("name", name)
            field("set", set)
            field("reason", reason)
        case .functionUnparked(let name, let set):
            field("name", name)
            field("set", set)
        case .journalPruned(let pruning):
            field("step", pruning.step.rawValue)
            field(
                "runs",
                JSON.array(
                    pruning.runs.map { run in
                        [
                            "id": .string(run.id), "first": .integer(Int64(clamping: run.first.rawValue)),
                            "last": .integer(Int64(clamping: run.last.rawValue)),
                            "events": .integer(Int64(run.events)),
                        ]
                    }))
            field("rule", pruning.rule)
        case .runCreated(let creation): fields(creation)
        case .runReopened(let reopening): fields(reopening)
        case .runForked(let fork):
            fields(fork.creation)
            field("parent", fork.parent)
            field("version", Int(fork.version.rawValue))
            field("hash", fork.hash)
            field("nodes", fork.nodes.map { .array($0.map { .integer($0.map { Int64($0.rawValue) } ?? -1) }) })
            field("once", fork.once)
            fields(fork.reopening)
        case .kept(let reason), .overridden(let reason): field("reason", reason)
        case .runPauseRequested(let now, let reason):
            field("now", now)
            field("reason", reason)
        case .runResumed(let reason): field("reason", reason)
        case .runStopRequested(let mode, let reason):
            field("mode", mode.rawValue)
            field("reason", reason)
        case .runEnding(let outcome, let failure):
            field("outcome", outcome.rawValue)
            field("error", failure)
        case .runFailed(let failure), .failed(let failure): field("error", failure)
        case .runQuarantined(let version, let reason):
            field("version", Int(version.rawValue))
            field("reason", reason)
        case .signalReceived(let name): field("name", name)
        case .started(let start):
            field("input", start.input)
            field("code", start.code)
            field("timeout", start.timeout.map { Int($0.nanoseconds) })
            field("alone", start.alone)
        case .succeeded(let instead): field("instead", instead)
        case .attemptFailed(let failure, let retryAt):
            field("error", failure)
            field("retry_at", retryAt)
        case .interrupted(let cause): field("why", cause.rawValue)
        case .unknown(let reason): field("reason", reason.rawValue)
        case .skipped(let reason, let operands):
            field("reason", reason.rawValue)
            field("operands", operands)
        case .decided(let way, let operands):
            field("way", way)
            field("operands", operands)
        case .waiting(let wait):
            field("signal", wait.signal)
            field("message", wait.message)
            field("until", wait.until)
        case .mapOpened(let opening):
            field("total", opening.total)
            field("source", opening.source)
            field("concurrency", opening.concurrency)
        case .mapClosed(let counts):
            field("succeeded", counts.succeeded)
            field("failed", counts.failed)
            field("skipped", counts.skipped)
            field("cancelled", counts.cancelled)
            field("unknown", counts.unknown)
            field("pending", counts.pending)
        case .resultRejected(let reason): field("reason", reason.rawValue)
        case .journalClosed, .eventPruned, .runPaused, .runStopped, .runSucceeded, .checkpointed, .cancelled:
            break
        }
    }

    private mutating func fields(_ creation: RunCreation) {
        field("id", creation.id)
        field("flow", creation.flow)
        field("name", creation.flowName)
        field("functions", creation.functions)
        field("semantics", creation.semantics)
    }

    /// Empty lists are left out.
    private mutating func fields(_ reopening: Reopening) {
        field("again", reopening.again)
        if !reopening.items.isEmpty {
            key("items")
            json.beginObject()
            for (node, items) in reopening.items.sorted(by: { $0.key < $1.key }) {
                json.field(String(node.rawValue), items.description)
            }
            json.endObject()
        }
        field("affected", reopening.affected)
        field("allowed", reopening.allowed)
        field("code_changed_runs_again", reopening.codeChangedRunsAgain)
        field("reason", reopening.reason)
    }

    private mutating func field(_ name: String, _ nodes: [NodeNumber]) {
        guard !nodes.isEmpty else { return }
        field(name, JSON.array(nodes.map { .integer(Int64($0.rawValue)) }))
    }

    mutating func field(_ name: String, _ mark: RequestMark?) {
        guard let mark else { return }
        key(name)
        json.beginObject()
        json.field("key", mark.key)
        json.field("digest", mark.digest.base64url)
        if mark.events > 1 {
            json.key("events")
            json.integer(mark.events)
        }
        json.endObject()
    }

    private mutating func key(_ name: String) {
        if !isOpen { json.beginObject() }
        isOpen = true
        json.key(name)
    }

    mutating func field(_ name: String, _ value: String?) {
        guard let value else { return }
        key(name)
        json.string(value)
    }

    private mutating func field(_ name: String, _ value: Int?) {
        guard let value else { return }
        key(name)
        json.integer(value)
    }

    private mutating func field(_ name: String, _ value: Timestamp?) { field(name, value.map { Int($0.nanoseconds) }) }

    private mutating func field(_ name: String, _ value: Digest?) { field(name, value?.base64url) }

    /// False is not written.
    private mutating func field(_ name: String, _ value: Bool) {
        guard value else { return }
        key(name)
        json.bool(true)
    }

    private mutating func field(_ name: String, _ failure: Failure?) {
        guard let failure else { return }
        key(name)
        json.beginObject()
        json.field("name", failure.name)
        json.field("message", failure.message)
        if let frame = failure.frame { json.field("frame", frame) }
        if let item = failure.item { json.field("item", item) }
        json.endObject()
    }

    /// Nesting beyond what a parser of ours takes would make a record that can be written and never read: such a value
    /// goes in as its text.
    private mutating func field(_ name: String, _ value: JSON?) {
        guard let value else { return }
        if value.isDeeper(than: FactBody.valueDepthMax) {
            field(name + FactBody.asText, value.text)
        } else {
            key(name)
            json.value(value)
        }
    }
}

extension FactBody {
    /// The parser's 64 less the body's own object.
    static let valueDepthMax = 63
    /// Behind the name of a member that holds JSON text instead of a value.
    static let asText = "_text"
}

extension JSON {
    /// Whether arrays and objects stand more than `depth` deep in each other.
    fileprivate func isDeeper(than depth: Int) -> Bool {
        switch self {
        case .array(let elements): depth == 0 || elements.contains { $0.isDeeper(than: depth - 1) }
        case .object(let object): depth == 0 || object.members.contains { $0.value.isDeeper(than: depth - 1) }
        case .null, .bool, .integer, .double, .string: false
        }
    }
}
