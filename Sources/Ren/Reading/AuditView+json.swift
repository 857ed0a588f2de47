import RenCore
package import RenJSON
import RenJournal

extension AuditView {
    /// One document; lists hold at most their first 1,000 entries, and how many there are.
    package var json: JSONObject {
        [
            "schema": "ren.audit/1", "run": .string(row.id), "status": .string(row.shownStatus),
            "matches": .bool(isClean),
            "findings": .array(
                findings.map { ["what": .string($0.what), "sequence": JSON($0.sequence?.rawValue)] }),
            "created": JSON(row.created), "ended": JSON(row.ended), "semantics": JSON(row.semantics),
            "flow": [
                "name": .string(row.flowName), "sha256": .string(row.flow.description),
                "recorded": JSON(flow?.rawValue),
            ],
            "functions": [
                "set": JSON(row.functions?.description), "files": .array(files.map { .object($0.json) }),
                "unknown_code": .array(
                    unknownCode.sorted { $0.key.description < $1.key.description }.map { code, count in
                        ["sha256": .string(code.description), "attempts": JSON(count)]
                    }),
            ],
            "asked": .object(asked.json),
            "attempts": [
                "begun": JSON(attempts), "succeeded": JSON(outcomes["succeeded"] ?? 0),
                "failed": JSON(outcomes["failed"] ?? 0), "interrupted": JSON(outcomes["interrupted"] ?? 0),
                "cancelled": JSON(outcomes["cancelled"] ?? 0), "unknown": JSON(outcomes["unknown"] ?? 0),
            ],
            "interruptions": .object(interruptions.json), "rejected": .object(rejected.json),
            "overridden": .object(overridden.json), "reopened": .object(reopened.json),
            "lineage": .array(
                lineage.map {
                    [
                        "parent": .string($0.parent), "at": JSON($0.version.rawValue),
                        "sequence": JSON($0.event.sequence.rawValue),
                    ]
                }),
            "engines": .object(engines.json), "pruned": .object(pruned.json), "chain": .object(chainJSON),
        ]
    }

    private var chainJSON: JSONObject {
        [
            "events": JSON(proof.events), "payloads": JSON(proof.payloads),
            "deleted_payloads": JSON(proof.deletedPayloads), "pruned_payloads": JSON(proof.prunedPayloads),
            "artifacts": JSON(proof.artifacts), "first": JSON(row.first.rawValue), "last": JSON(row.last.rawValue),
            "run_hash": JSON(proof.hash?.description),
            "anchors": .array(anchors.map(JSON.string)),
        ]
    }

    /// Sequence and hash, as `ren journal verify --anchor` takes them: the run's chain at its last event, and the journal's
    /// head.
    package var anchors: [String] {
        var anchors: [String] = []
        if let last { anchors.append("\(last.sequence):\(last.runHash)") }
        return anchors + ["\(head.sequence):\(head.hash)"]
    }
}

extension AuditView.Events {
    fileprivate var json: JSONObject {
        ["count": JSON(count), "first": .array(first.map { .object($0.json) })]
    }
}

extension AuditView.File {
    fileprivate var json: JSONObject {
        [
            "path": .string(path), "sha256": .string(hash.description), "recorded": JSON(recorded.rawValue),
            "on_disk": .string(onDisk.rawValue), "attempts": JSON(attempts),
        ]
    }
}
