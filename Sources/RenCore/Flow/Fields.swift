import RenJSON

/// The members of one object of a flow file. Keys that nobody knows are reported when it is made.
struct Fields {
    let place: Place
    private let members: [Located.Member]

    /// Nil, with a problem, when `value` is no object.
    ///
    /// - Parameters:
    ///   - subject: what the object is, for messages: `node "scrape"`.
    ///   - later: keys of the language that this version refuses by name.
    init?(_ value: Located, _ subject: String, known: [String], later: [String] = [], _ problems: Problems) {
        guard case .object(let members) = value.value else {
            problems.add(
                .flowShape, "\(subject) must be a mapping, not \(value.withArticle)",
                hint: known.count > 8 ? nil : "its keys are \(known.joined(separator: ", "))", at: value.place)
            return nil
        }
        place = value.place
        self.members = members
        for member in members where !known.contains(member.key) && !problems.isFull {
            if later.contains(member.key) {
                problems.notYet("\(quoted(member.key)) in \(subject)", at: member.keyPlace)
            } else {
                problems.add(
                    .flowUnknownKey, "unknown key \(quoted(member.key)) in \(subject)",
                    hint: Self.hint(for: member.key, known), at: member.keyPlace)
            }
        }
    }

    private static func hint(for key: String, _ known: [String]) -> String {
        if let near = suggestion(for: key, in: known) { return near }
        if let word = otherWords[key.lowercased()], known.contains(word) { return "did you mean \"\(word)\"?" }
        return "known keys: \(known.joined(separator: ", "))"
    }

    /// What the same thing is called elsewhere.
    private static let otherWords = [
        "retries": "retry", "retires": "retry", "depends_on": "after", "needs": "after", "requires": "after",
        "if": "when", "foreach": "each", "for_each": "each", "map": "each", "items": "each", "args": "with",
        "arguments": "with", "params": "with", "parameters": "with", "call": "function", "run": "function",
        "steps": "nodes", "tasks": "nodes", "jobs": "nodes", "name": "flow", "inputs": "input", "result": "output",
        "max_attempts": "attempts", "delay": "every", "interval": "every", "backoff": "factor", "max_delay": "longest",
        "parallel": "concurrency", "max_concurrency": "concurrency",
    ]

    subscript(key: String) -> Located? { member(key)?.value }

    func member(_ key: String) -> Located.Member? { members.first { $0.key == key } }
}

extension Located {
    /// `a string`, `an object`: for messages. What looks like text and is none says so.
    var withArticle: String {
        switch value {
        case .null: "nothing"
        case .bool(let value): "the boolean \(value)"
        case .integer(let value): "the number \(value)"
        case .double(let value): "the number \(value)"
        case .string(let value): "the text \(quoted(value))"
        case .array: "a list"
        case .object: "a mapping"
        }
    }

    var text: String? { if case .string(let text) = value { text } else { nil } }

    var isObject: Bool { if case .object = value { true } else { false } }

    /// The only member of an object with one.
    var onlyMember: Located.Member? {
        if case .object(let members) = value, members.count == 1 { members[0] } else { nil }
    }

    /// A number, whole or not.
    var number: Double? {
        switch value {
        case .integer(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}
