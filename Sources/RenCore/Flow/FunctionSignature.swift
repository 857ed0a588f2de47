package import RenJSON

/// What a registered function is called and takes, and how its author wants attempts to be limited.
package struct FunctionSignature: Sendable {
    package enum Language: String, Sendable { case python, swift }

    package var name: String
    package var language = Language.python
    package var file: String?
    package var line: Int?
    package var doc: String?
    package var isAsync = false
    /// SHA-256 of the file; nil for a Swift function and until the file is read.
    package var codeHash: Digest?
    package var takesContext = false
    /// JSON Schema of the object of its arguments; nil when the function takes any value as it is.
    package var parameters: JSON?
    /// Parameters that want a list where others would get a lazy sequence.
    package var lists: [String] = []
    /// `retry`, `timeout` and `heartbeat` of the decorator.
    package var policy = Policy()
    package var once = false
    package var requires: [String] = []

    /// A function that takes any value as it is, such as a Swift closure over a `Decodable`.
    package init(name: String, language: Language = .swift, policy: Policy = Policy(), once: Bool = false) {
        self.name = name
        self.language = language
        self.policy = policy
        self.once = once
    }

    /// Reads an entry of a worker's `hello`, or one that `functions.recorded` kept.
    ///
    /// - Throws: `function.invalid`, with everything that is wrong.
    package init(entry: JSON) throws(RenError) {
        guard let name = entry["name"]?.stringValue, !name.isEmpty else {
            throw RenError(.functionInvalid, "a function without a name")
        }
        self.init(name: name, language: .python)
        file = entry["file"]?.stringValue
        line = entry["line"]?.integerValue.map { Int(clamping: $0) }
        doc = entry["doc"]?.stringValue
        isAsync = entry["async"]?.boolValue ?? false
        takesContext = entry["takes_context"]?.boolValue ?? false
        parameters = entry["parameters"]
        lists = entry["lists"]?.arrayValue?.compactMap(\.stringValue) ?? []
        once = entry["once"]?.boolValue ?? false
        requires = entry["requires"]?.arrayValue?.compactMap(\.stringValue) ?? []
        let problems = Problems()
        let reader = PolicyReader(problems: problems)
        let place = Place(line: line ?? 1, column: 1, offset: 0)
        func written(_ key: String) -> Located? {
            guard let value = entry[key], !value.isNull else { return nil }
            return Located(json: value, at: place)
        }
        policy.retry = written("retry").flatMap { reader.retry($0, name) }
        policy.timeout = written("timeout").flatMap { reader.duration($0, "timeout of \(name)") }.map { .fixed($0) }
        policy.heartbeat = written("heartbeat").flatMap { reader.heartbeat($0, "heartbeat of \(name)") }
        guard problems.errors.isEmpty else {
            let messages = problems.errors.map { [$0.message, $0.hint].compactMap(\.self).joined(separator: "; ") }
            throw RenError(
                .functionInvalid, "function \(quoted(name)): \(messages.joined(separator: "; "))", at: place, file: file
            )
        }
    }
}
