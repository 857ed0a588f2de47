package import RenJSON

/// Why a rule was refused, or why its evaluation ended without a value.
package struct LogicError: Error, Sendable, Hashable {
    package enum Code: String, Sendable {
        /// No operator has this name, or an object has several keys.
        case operatorUnknown = "logic.operator"
        /// Deeper than 32 or more than 500 nodes.
        case tooLarge = "logic.too_large"
        /// More steps or a larger value than allowed.
        case budget = "logic.budget"
        /// Not a number where one is needed, division by zero, or out of range.
        case number = "logic.number"
        case arguments = "logic.arguments"
        /// The rule's own `throw`.
        case thrown = "logic.thrown"
    }

    package var code: Code
    /// The name that `try` shows to the next alternative: what `throw` threw, else `NaN`, `Invalid Arguments`,
    /// `Unknown Operator`, `Too Large` or `Budget`.
    package var type: String
    /// One sentence; holds at most 200 characters of the data.
    package var message: String
    package var hint: String?
    /// Where in the rule, as RFC 6901 text.
    package var pointer: String
    /// The object that `throw` threw.
    package var value: JSON?

    init(
        _ code: Code, type: String? = nil, _ message: String, hint: String? = nil, at pointer: String,
        value: JSON? = nil
    ) {
        self.code = code
        self.type = type ?? code.type
        self.message = message
        self.hint = hint
        self.pointer = pointer
        self.value = value
    }
}

extension LogicError.Code {
    fileprivate var type: String {
        switch self {
        case .operatorUnknown: "Unknown Operator"
        case .tooLarge: "Too Large"
        case .budget: "Budget"
        case .number: "NaN"
        case .arguments: "Invalid Arguments"
        case .thrown: "Error"
        }
    }
}

extension LogicError: CustomStringConvertible {
    package var description: String {
        let place = pointer.isEmpty ? "" : " at \(pointer)"
        return "\(code.rawValue)\(place): \(message)\(hint.map { "; \($0)" } ?? "")"
    }
}

/// All that is wrong with a rule, in its order; never empty.
package struct LogicErrors: Error, Sendable, Hashable {
    package var errors: [LogicError]
}

extension LogicErrors: CustomStringConvertible {
    package var description: String { errors.map(\.description).joined(separator: "\n") }
}

extension JSON {
    /// A short text for messages.
    var excerpt: String {
        switch self {
        case .array(let elements): "a list of \(elements.count)"
        case .object: "an object"
        case .string(let string):
            string.utf8.count <= 40 ? "\"\(string)\"" : "\"\(String(string.unicodeScalars.prefix(40)))…\""
        default: text
        }
    }
}
