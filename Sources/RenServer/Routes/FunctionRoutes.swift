import HTTPTypes
import Ren
import RenCore
import RenJSON
import RenJournal
import RenWorkers

/// Functions that runs without files of their own can call.
extension Backend {
    var functionRoutes: [Route] {
        [
            Route(
                .get, "/api/v1/functions", "The functions that flows can call here, by name",
                answers: [.json(.ok, "All of them", .answer(["items": .list(of: .ref("Function"))]))],
                problems: [409, 422], handle: functions),
            Route(
                .get, "/api/v1/functions/{function}", "One function",
                answers: [.json(.ok, "The function", .ref("Function"))], problems: [409, 422], handle: function),
            Route(
                .post, "/api/v1/functions/{function}:try", "Calls a function once, outside of any run",
                body: Route.Body(
                    schema: .request([
                        "input": ["description": "its arguments, or the one that it takes; {} unless given"],
                        "timeout": [
                            "type": "string", "description": "as flows write it; 60s unless given, at most 1h",
                        ],
                    ]), isRequired: false),
                answers: [.json(.ok, "How the call ended; nothing is recorded", .ref("Trial"))],
                problems: [409, 422], handle: tryFunction),
            functionCallsRoute,
        ]
    }

    private func functions(_ call: Call) async throws -> Reply {
        let all = try await known()
        return .json(["items": .array(all.signatures.map { .object(Self.json($0, set: all.set)) })])
    }

    private func function(_ call: Call) async throws -> Reply {
        let all = try await known()
        let name = call.capture("function")
        guard let signature = all.signatures.first(where: { $0.name == name }) else {
            throw Self.notFound(name, in: all.signatures.map(\.name))
        }
        return .json(Self.json(signature, set: all.set))
    }

    private func tryFunction(_ call: Call) async throws -> Reply {
        let name = call.capture("function")
        let names = try await known().signatures.map(\.name)
        guard names.contains(name) else { throw Self.notFound(name, in: names) }
        var timeout = Duration.seconds(60)
        if let text = call.json["timeout"]?.stringValue { timeout = try DurationText.parse(text) }
        guard timeout <= .seconds(3600) else {
            throw RenError(.durationRange, "the timeout of a try is at most 1h", hint: "start a run for longer calls")
        }
        let trial = try await session.attempt(name, input: call.json["input"] ?? [:], timeout: timeout)
        return .json(trial.json)
    }

    /// The default set and the functions of this program, by name; the digest of the set.
    ///
    /// The set itself is let go: whoever keeps it keeps its workers alive.
    private func known() async throws(RenError) -> (signatures: [FunctionSignature], set: Digest?) {
        let loaded = try await session.defaultFunctions()
        let all = session.swift.signatures.merging(loaded.signatures) { _, worker in worker }
        return (all.values.sorted { $0.name < $1.name }, loaded.set)
    }

    private static func notFound(_ name: String, in names: [String]) -> RenError {
        RenError(
            .init("function.not_found"), "there is no function “\(name.prefix(200))”",
            hint: FunctionCheck.hint(for: name, among: names))
    }

    private static func json(_ signature: FunctionSignature, set: Digest?) -> JSONObject {
        var object = signature.json
        object["set"] = signature.language == .python ? JSON(set?.description) : .null
        return object
    }

    static let functionSchemas: [String: JSON] = {
        let retry: JSON = .answer([
            "attempts": .count, "every": .text("500ms, 30s, 5m"), "factor": ["type": "number"],
            "longest": .text("500ms, 30s, 5m"), "jitter": ["type": "number"], "total": .textOrNull("500ms, 30s, 5m"),
        ])
        return [
            "Function": .answer([
                "name": .text("as flows call it"), "language": .oneOf(["python", "swift"]),
                "file": .textOrNull("where it is"), "line": .countOrNull, "async": .flag,
                "once": ["type": "boolean", "description": "it is never tried again once it has begun"],
                "doc": .textOrNull("what its author says"), "requires": .list(of: .text("a package")),
                "parameters": ["description": "JSON Schema of its arguments; null when it takes any value"],
                "retry": ["anyOf": [retry, ["type": "null"]]], "timeout": .textOrNull("500ms, 30s, 5m"),
                "heartbeat": .textOrNull("500ms, 30s, 5m"), "set": .hashOrNull,
            ]),
            "FunctionCalls": functionCallsSchema,
            "Trial": .answer([
                "outcome": .oneOf(["returned", "raised", "timed_out", "died"]), "output": .anything,
                "error": [
                    "anyOf": [
                        .answer(
                            ["name": .text("the exception's class"), "message": .text("what it says")],
                            sometimes: ["frame": .text("the line of the user's own code"), "item": .anything]),
                        ["type": "null"],
                    ]
                ],
                "trace": .textOrNull("where it was raised"),
                "logs": .list(
                    of: .answer([
                        "level": .oneOf(LogLine.Level.allCases.map(\.rawValue)), "text": .text("a line"),
                        "fields": .anything,
                    ])),
                "milliseconds": .count,
            ]),
            "WorkerSet": .answer([
                "set": .hash, "files": .list(of: .text("a path")), "restarts": .count,
                "parked": .textOrNull("why nothing can begin now"),
            ]),
            "Worker": .answer([
                "worker": .text("its name, such as 9f3c2a1b-3"), "set": .hash, "process": .countOrNull,
                "state": .oneOf(["starting", "ready", "stopping", "exited"]),
                "alone": ["type": "boolean", "description": "it takes one call at a time"],
                "calls": .list(
                    of: .answer([
                        "function": .text("its name"), "run": .text("its id"), "node": .text("its name"),
                        "key": .textOrNull("of the item"), "attempt": .count, "milliseconds": .count,
                    ])),
                "age_milliseconds": .count, "calls_done": .count, "resident_bytes": .countOrNull,
                "last_error_lines": .list(of: .text("a line of stderr")), "end": .textOrNull("how it ended"),
            ]),
        ]
    }()
}
