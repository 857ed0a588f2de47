package import RenCore
package import RenJSON
package import RenJournal

extension Retention {
    /// As `ren.yaml` has it: how `ren journal prune` tells an engine.
    package var json: JSON {
        var object = rule.json
        object["flows"] = .object(
            JSONObject(
                members: flows.sorted { $0.key < $1.key }.map {
                    JSONObject.Member(key: $0.key, value: .object($0.value.json))
                }))
        return .object(object)
    }

    /// - Throws: `retention.invalid`: the first problem.
    package init(json: JSON) throws(RenError) {
        let value: Located
        do { value = try Located(parsing: json.compact) } catch { throw RenError(error) }
        let reader = RetentionReader(value)
        if let error = reader.errors.first {
            throw RenError(.init("retention.invalid"), error.message, hint: error.hint)
        }
        self = reader.retention
    }
}

extension Retention.Rule {
    fileprivate var json: JSONObject {
        var object = JSONObject()
        if let olderThan { object["older_than"] = .string(DurationText.text(olderThan)) }
        if let keep { object["keep"] = JSON(keep) }
        if keepFailed { object["keep_failed"] = true }
        if let payloadsOlderThan { object["payloads_older_than"] = .string(DurationText.text(payloadsOlderThan)) }
        return object
    }
}

extension Pruning {
    /// `{"step", "rule", "events", "runs": [{"run", "first", "last", "events"}]}`
    package var json: JSONObject {
        [
            "step": .string(step.rawValue), "rule": .string(rule), "events": JSON(events),
            "runs": .array(
                runs.map { run in
                    [
                        "run": .string(run.id), "first": JSON(run.first.rawValue), "last": JSON(run.last.rawValue),
                        "events": JSON(run.events),
                    ]
                }),
        ]
    }

    /// - Returns: nil for what is not that.
    package init?(json: JSON) {
        guard let step = json["step"]?.stringValue.flatMap(Step.init), let rule = json["rule"]?.stringValue,
            let runs = json["runs"]?.arrayValue
        else { return nil }
        let read = runs.compactMap { run -> Run? in
            guard let id = run["run"]?.stringValue, let first = run["first"]?.integerValue,
                let last = run["last"]?.integerValue, let events = run["events"]?.integerValue
            else { return nil }
            return Run(id: id, first: JournalSequence(first), last: JournalSequence(last), events: Int(events))
        }
        guard read.count == runs.count else { return nil }
        self.init(step: step, runs: read, rule: rule)
    }
}
