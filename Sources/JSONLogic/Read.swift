/// One place of a rule that reads data.
package struct Read: Sendable, Hashable {
    /// The operator; `missing_some` counts as `missing`.
    package enum Kind: String, Sendable { case `var`, val, exists, missing }

    /// Whose data is read.
    package enum Scope: Sendable {
        /// The outermost data, which `evaluate` was given.
        case root
        /// An iterator's element, or the error that `try` passes on.
        case element
    }

    package var kind: Kind
    /// The keys, an index as digits; when the path is dynamic, its constant beginning.
    package var path: [String]
    /// The path, or the rest of it, is computed.
    package var isDynamic: Bool
    /// A value stands in when nothing is there.
    package var hasDefault: Bool
    package var scope: Scope
    /// Where the operator stands in the rule, as RFC 6901 text.
    package var pointer: String
}
