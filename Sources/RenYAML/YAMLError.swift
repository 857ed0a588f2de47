package import RenJSON

/// What is wrong at one place of a YAML text, and what to do about it.
package struct YAMLError: Error, Sendable, Equatable {
    package var code: Code
    /// What happened, with the values; never more than a short piece of the text.
    package var message: String
    /// The way out.
    package var hint: String
    package var place: Place

    init(_ code: Code, _ message: String, hint: String, at place: Place) {
        self.code = code
        self.message = message
        self.hint = hint
        self.place = place
    }

    /// A stable name; a new one breaks nobody.
    package struct Code: RawRepresentable, Sendable, Hashable {
        package let rawValue: String

        package init(rawValue: String) {
            self.rawValue = rawValue
        }

        private init(_ rawValue: String) {
            self.rawValue = rawValue
        }

        package static let syntax = Code("yaml.syntax")
        package static let tab = Code("yaml.tab")
        package static let encoding = Code("yaml.encoding")
        package static let number = Code("yaml.number")
        package static let duplicateKey = Code("yaml.duplicate_key")
        /// An anchor `&a` or an alias `*a`.
        package static let aliasRefused = Code("yaml.alias_refused")
        package static let tagRefused = Code("yaml.tag_refused")
        package static let mergeRefused = Code("yaml.merge_refused")
        package static let directiveRefused = Code("yaml.directive_refused")
        package static let complexKeyRefused = Code("yaml.complex_key_refused")
        package static let severalDocuments = Code("yaml.several_documents")
        package static let tooLarge = Code("yaml.too_large")
        package static let tooDeep = Code("yaml.too_deep")
        package static let tooManyItems = Code("yaml.too_many_items")
        package static let keyTooLong = Code("yaml.key_too_long")

        /// A limit is over: reading on would only cost more.
        var endsReading: Bool { self == .tooDeep || self == .tooManyItems }
    }
}

extension YAMLError: CustomStringConvertible {
    package var description: String {
        "line \(place.line), column \(place.column): \(message) (\(code.rawValue)); \(hint)"
    }
}

/// All that was found wrong in a text, in the order of the text; never empty, at most `YAML.errorsMax`.
package struct YAMLErrors: Error, Sendable, Equatable {
    package let errors: [YAMLError]

    package var first: YAMLError { errors[0] }

    init(_ error: YAMLError) {
        errors = [error]
    }

    init(_ errors: [YAMLError]) {
        precondition(!errors.isEmpty, "YAMLErrors without an error")
        self.errors = errors.sorted { $0.place.offset < $1.place.offset }
    }
}

extension YAMLErrors: CustomStringConvertible {
    package var description: String { errors.map(\.description).joined(separator: "\n") }
}
