package import JSONLogic
package import RenJSON

/// An expression evaluated for a person, with every operator's operands and result.
package struct ExpressionTrial: Sendable {
    /// Nil when the expression is none.
    package let evaluation: Evaluation?
    package let errors: [LogicError]
    package let quirks: [Quirk]

    package init(_ rule: JSON, data: JSON) {
        do throws(LogicErrors) {
            let rule = try Rule(compiling: rule)
            let evaluation = rule.trace(data)
            self.evaluation = evaluation
            quirks = rule.quirks
            if case .failure(let error) = evaluation.result { errors = [error] } else { errors = [] }
        } catch {
            evaluation = nil
            quirks = []
            errors = error.errors
        }
    }

    /// `{"result", "errors", "warnings", "steps_counted", "cut", "operands", "steps"}`; without errors there is a result.
    package var json: JSONObject {
        var object: JSONObject = [
            // What failed stands in `errors`.
            "result": (try? evaluation?.result.get()) ?? .null,
            "errors": .array(
                errors.map {
                    [
                        "code": .string($0.code.rawValue), "message": .string($0.message), "hint": JSON($0.hint),
                        "pointer": .string($0.pointer),
                    ]
                }),
            "warnings": .array(quirks.map { ["message": .string($0.message), "pointer": .string($0.pointer)] }),
        ]
        let trace = evaluation?.traceJSON ?? ["steps_counted": 0, "cut": false, "operands": [], "steps": []]
        for member in trace { object[member.key] = member.value }
        return object
    }
}

extension Evaluation {
    /// `{"steps_counted", "cut", "operands", "steps"}`
    package var traceJSON: JSONObject {
        [
            "steps_counted": JSON(stepCount), "cut": .bool(isCut),
            "operands": .array(
                operands.map { ["path": .array($0.path.map(JSON.string)), "value": $0.value ?? .null] }),
            "steps": .array(steps.map { .object($0.json) }),
        ]
    }
}

extension Evaluation.Step {
    fileprivate var json: JSONObject {
        var object: JSONObject = [
            "pointer": .string(pointer), "operator": .string(name), "operands": .array(operands),
            "level": JSON(level),
        ]
        switch result {
        case .success(let value): object["result"] = value
        case .failure(let error): object["error"] = .string(error.message)
        }
        return object
    }
}
