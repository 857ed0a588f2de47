package import RenCore
package import RenJSON

extension FunctionSignature {
    /// `{"name", "language", "file", "line", "async", "once", "doc", "requires", "parameters", "retry", "timeout",
    /// "heartbeat"}`; times as flows write them.
    package var json: JSONObject {
        var object: JSONObject = [
            "name": .string(name), "language": .string(language.rawValue), "file": JSON(file), "line": JSON(line),
            "async": .bool(isAsync), "once": .bool(once), "doc": JSON(doc),
            "requires": .array(requires.map(JSON.string)), "parameters": parameters ?? .null,
            "retry": policy.retry?.json ?? .null, "timeout": .null,
            "heartbeat": JSON(policy.heartbeat.map(DurationText.text)),
        ]
        if case .fixed(let timeout)? = policy.timeout { object["timeout"] = .string(DurationText.text(timeout)) }
        return object
    }
}

extension RetryPolicy {
    /// As flows write it.
    fileprivate var json: JSON {
        [
            "attempts": JSON(attempts), "every": .string(DurationText.text(every)), "factor": .double(factor),
            "longest": .string(DurationText.text(longest)), "jitter": .double(jitter),
            "total": JSON(total.map(DurationText.text)),
        ]
    }
}
