package import RenJSON

/// JSON in which some values are expressions: what `with`, `output`, `key`, `message` and their like hold.
package indirect enum Template: Sendable {
    /// A value without any expression in it.
    case literal(JSON)
    /// A `var` that stands alone: the stored bytes are spliced in as they are.
    case reference(Reference)
    case expression(Expression)
    case array([Template])
    case object([Member])

    package struct Member: Sendable {
        package var key: String
        package var value: Template

        package init(key: String, value: Template) {
            self.key = key
            self.value = value
        }
    }

    /// A path in the scope, resolved when the flow is decoded.
    package struct Reference: Sendable, Hashable {
        package var root: Root
        /// What follows the root: keys, or places in a list written as digits.
        package var path: [String]
        /// The default of `{var: [path, default]}`.
        package var fallback: JSON?

        package init(root: Root, path: [String], fallback: JSON? = nil) {
            self.root = root
            self.path = path
            self.fallback = fallback
        }
    }

    /// The first words of a path: what the shell loads.
    package enum Root: Sendable, Hashable {
        case input
        case item
        case index
        case key
        /// The object `{id, flow, started}`.
        case run
        case node(NodeNumber, NodeField)
    }

    package enum NodeField: String, Sendable, CaseIterable {
        case output, status, way, error, items, failures, total, succeeded, failed, skipped
    }
}
