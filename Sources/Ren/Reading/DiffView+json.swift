import RenCore
package import RenJSON
import RenJournal

extension DiffView {
    /// `{"schema": "ren.diff/1", "a", "b", "same", "shared", "divergence", "input", "flow", "nodes", "items", "values"?}`
    package var json: JSONObject {
        var object: JSONObject = [
            "schema": "ren.diff/1", "a": .object(left.json), "b": .object(right.json), "same": .bool(isSame),
            "shared": JSON(shared.rawValue), "divergence": divergence.map { .object($0.json) } ?? .null,
            "input": [
                "same": .bool(left.input?.hash == right.input?.hash),
                "changes": .array(inputChanges.map { .object($0.json) }),
            ],
            "flow": [
                "same": .bool(left.row.flow == right.row.flow),
                "changes": .array(
                    flowChanges.map {
                        [
                            "node": JSON($0.node), "change": .string($0.kind.rawValue),
                            "lines": .array($0.lines.map(JSON.string)),
                        ]
                    }),
            ],
            "nodes": .array(
                nodes.map {
                    [
                        "node": .string($0.node), "same": .bool($0.isSame),
                        "a": $0.left.map { .object($0.json) } ?? .null, "b": $0.right.map { .object($0.json) } ?? .null,
                    ]
                }),
            "items": .array(items.map { .object($0.json) }),
        ]
        if let values {
            object["values"] = [
                "count": JSON(values.count), "changes": .array(values.changes.map { .object($0.json) }),
            ]
        }
        return object
    }
}

extension DiffView.Side {
    fileprivate var json: JSONObject {
        [
            "run": .string(row.id), "flow": .string(row.flowName), "flow_hash": .string(row.flow.description),
            "status": .string(row.shownStatus), "error": row.error.map { .object($0.json) } ?? .null,
            "created": JSON(row.created), "ended": JSON(row.ended),
            "milliseconds": JSON(row.ended.map { ($0 - row.created).nanoseconds / 1_000_000 }),
            "output": JSON(output?.description),
        ]
    }
}

extension DiffView.Divergence {
    fileprivate var json: JSONObject {
        [
            "version": JSON(version.rawValue), "a": left.map { .object($0.json) } ?? .null,
            "b": right.map { .object($0.json) } ?? .null,
        ]
    }
}

extension DiffView.NodeOutcome {
    fileprivate var json: JSONObject {
        [
            "status": .string(says.state.name), "way": JSON(says.way), "skipped_because": JSON(says.skip?.rawValue),
            "error": says.error.map { .object($0.json) } ?? .null, "output": JSON(says.output?.description),
            "counts": says.counts.map { .object($0.json) } ?? .null, "attempts": JSON(attempts),
            "milliseconds": JSON(duration.map { $0.nanoseconds / 1_000_000 }),
        ]
    }
}
