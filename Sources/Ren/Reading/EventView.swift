package import RenCore
package import RenJSON
package import RenJournal

/// One recorded event with the names of its run and node.
package struct EventView: Sendable {
    package let event: RecordedEvent
    package let run: String
    package let node: String?
    /// Of the item.
    package let key: String?

    package init(_ event: RecordedEvent, _ names: inout EventNames) throws(RenError) {
        self.event = event
        run = try names.id(of: event.run)
        node = try event.event.subject.node.map { node throws(RenError) in try names.name(of: node, in: event.run) }
        key =
            if case .item(let node, let item) = event.event.subject {
                try names.key(of: item, node, in: event.run)
            } else { nil }
    }

    package var item: ItemIndex? {
        if case .item(_, let item) = event.event.subject { item } else { nil }
    }

    /// `{"sequence", "run", "version", "time", "type", "node"?, "item"?, "key"?, "attempt"?, …, "payload"?}`
    package var json: JSONObject {
        let fact = event.event
        var object: JSONObject = [
            "sequence": JSON(event.sequence.rawValue), "run": .string(run), "version": JSON(event.version.rawValue),
            "time": JSON(fact.time), "type": .string(event.type.name),
        ]
        if let node { object["node"] = .string(node) }
        if let item { object["item"] = JSON(item.rawValue) }
        if let key { object["key"] = .string(key) }
        if fact.attempt > 0 { object["attempt"] = JSON(fact.attempt) }
        if fact.previous != .none { object["previous"] = JSON(fact.previous.rawValue) }
        if fact.cause != .none { object["cause"] = JSON(fact.cause.rawValue) }
        if let by = fact.by { object["by"] = .string(by) }
        if let request = fact.request { object["request"] = .string(request.key) }
        for member in fact.fact.json where !member.value.isNull { object[member.key] = member.value }
        if let payload = fact.payload {
            object["payload"] = ["length": JSON(payload.length), "sha256": .string(payload.hash.description)]
        }
        return object
    }

    /// With the hashes that chain it: what `journal show` prints.
    package var detailed: JSONObject {
        var object = json
        object["run_hash"] = .string(event.runHash.description)
        object["journal_hash"] = .string(event.journalHash.description)
        return object
    }
}

extension Fact {
    /// What the event says beyond its type and subject: digests in hexadecimal, times as text.
    package var json: JSONObject {
        switch self {
        case .journalOpened(let opening): ["carries": .string(opening.carries.rawValue), "ren": .string(opening.ren)]
        case .flowRegistered(let name), .signalReceived(let name): ["name": .string(name)]
        case .functionsRecorded(let file):
            [
                "set": JSON(file.set), "index": JSON(file.index), "count": JSON(file.count), "path": .string(file.path),
                "functions": .array((file.signatures.arrayValue ?? []).map { $0["name"] ?? .null }),
            ]
        case .workerStarted(let note): ["set": JSON(note.set), "process": JSON(note.process)]
        case .workerExited(let note): ["set": JSON(note.set), "process": JSON(note.process), "end": JSON(note.end)]
        case .functionParked(let name, let set, let reason):
            ["name": .string(name), "set": JSON(set), "reason": .string(reason)]
        case .functionUnparked(let name, let set): ["name": .string(name), "set": JSON(set)]
        case .runCreated(let creation):
            [
                "flow": .string(creation.flowName), "flow_hash": JSON(creation.flow),
                "functions": creation.functions.map { JSON($0) } ?? .null, "semantics": JSON(creation.semantics),
            ]
        case .runReopened(let reopening): reopening.json
        case .runForked(let fork):
            [
                "flow": .string(fork.creation.flowName), "flow_hash": JSON(fork.creation.flow),
                "functions": fork.creation.functions.map { JSON($0) } ?? .null, "parent": .string(fork.parent),
                "at": JSON(fork.version.rawValue), "reopened": .object(fork.reopening.json),
            ]
        case .journalPruned(let pruning):
            [
                "step": .string(pruning.step.rawValue), "runs": .array(pruning.runs.map { .string($0.id) }),
                "events": JSON(pruning.events), "rule": .string(pruning.rule),
            ]
        case .kept(nil): [:]
        case .kept(let reason), .overridden(let reason): ["reason": JSON(reason)]
        case .runPauseRequested(let now, let reason): ["now": .bool(now), "reason": JSON(reason)]
        case .runResumed(let reason): ["reason": JSON(reason)]
        case .runStopRequested(let mode, let reason): ["mode": .string(mode.rawValue), "reason": JSON(reason)]
        case .runEnding(let outcome, let failure):
            ["outcome": .string(outcome.rawValue), "error": failure?.json ?? .null]
        case .runFailed(let failure), .failed(let failure): ["error": failure.json]
        case .runQuarantined(let version, let reason):
            ["at": JSON(version.rawValue), "reason": .string(reason)]
        case .started(let start):
            ["input": JSON(start.input), "code": start.code.map { JSON($0) } ?? .null, "alone": .bool(start.alone)]
        case .succeeded(let failure): failure.map { ["instead_of": $0.json] } ?? [:]
        case .attemptFailed(let failure, let retryAt): ["error": failure.json, "retry_at": JSON(retryAt)]
        case .interrupted(let cause): ["by": .string(cause.rawValue)]
        case .unknown(let reason): ["reason": .string(reason.rawValue)]
        case .skipped(let reason, let operands): ["reason": .string(reason.rawValue), "operands": operands ?? .null]
        case .decided(let way, let operands): ["way": .string(way), "operands": operands]
        case .waiting(let wait):
            ["signal": .string(wait.signal), "message": .string(wait.message), "until": JSON(wait.until)]
        case .mapOpened(let map):
            ["total": JSON(map.total), "source": JSON(map.source), "concurrency": JSON(map.concurrency)]
        case .mapClosed(let counts):
            [
                "succeeded": JSON(counts.succeeded), "failed": JSON(counts.failed), "skipped": JSON(counts.skipped),
                "cancelled": JSON(counts.cancelled), "unknown": JSON(counts.unknown), "pending": JSON(counts.pending),
            ]
        case .resultRejected(let reason): ["reason": .string(reason.rawValue)]
        case .journalClosed, .eventPruned, .runPaused, .runStopped, .runSucceeded, .checkpointed, .cancelled: [:]
        }
    }
}

extension Reopening {
    /// Nodes by their numbers in the run's flow.
    fileprivate var json: JSONObject {
        var items = JSONObject()
        for (node, ranges) in self.items.sorted(by: { $0.key < $1.key }) {
            items[String(node.rawValue)] = .string(ranges.description)
        }
        func list(_ nodes: [NodeNumber]) -> JSON { .array(nodes.map { JSON($0.rawValue) }) }
        return [
            "again": list(again), "items": .object(items), "affected": list(affected), "allowed": list(allowed),
            "reason": JSON(reason),
        ]
    }
}

extension JSON {
    fileprivate init(_ digest: Digest) { self = .string(digest.description) }
}
