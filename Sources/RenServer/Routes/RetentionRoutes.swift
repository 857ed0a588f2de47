import HTTPTypes
import Ren
import RenCore
import RenJSON
import RenJournal

/// Deleting what has ended.
extension Backend {
    var retentionRoutes: [Route] {
        [
            Route(
                .post, "/api/v1/journal:prune",
                "Deletes histories and payloads of runs that have ended; answers when they are gone",
                body: Route.Body(
                    schema: .request(
                        [
                            "retention": .request(Self.rule.merging(["flows": Self.flowRules]))
                        ], required: ["retention"])),
                answers: [
                    .json(
                        .ok, "What was announced as `journal.pruned`, and deleted",
                        .answer(["items": .list(of: Self.pruning)]))
                ], problems: [422, 507]
            ) { call in
                let retention = try Retention(json: call.json["retention"] ?? .null)
                let outcome = try await self.session.prune(by: retention, asker: call.by)
                return .json(["items": .array(outcome.prunings.map { .object($0.json) })])
            }
        ]
    }

    private static let age: JSONObject = [
        "type": "string", "minLength": 2, "maxLength": 40, "description": "a time such as 12h or 30d",
    ]
    private static let rule: JSONObject = [
        "older_than": .object(age), "payloads_older_than": .object(age),
        "keep": [
            "type": "integer", "minimum": 0, "maximum": 1_000_000,
            "description": "so many of the newest that have ended stay, of each flow",
        ],
        "keep_failed": ["type": "boolean", "description": "failed runs stay whole"],
    ]
    private static let flowRules: JSON = [
        "type": "object", "additionalProperties": .request(rule),
        "description": "what holds for a flow instead",
    ]
    private static let pruning: JSON = .answer([
        "step": .oneOf(["payloads", "histories"]), "rule": .text("by which it was chosen"), "events": .count,
        "runs": .list(
            of: .answer([
                "run": .text("its id"), "first": .count, "last": .count, "events": .count,
            ])),
    ])
}

extension JSONObject {
    fileprivate func merging(_ others: JSONObject) -> JSONObject {
        var all = self
        for member in others { all[member.key] = member.value }
        return all
    }
}
