package import JSONLogic

/// A rule together with what it reads of the run, so that only that is loaded when it is evaluated.
package struct Expression: Sendable {
    package let rule: Rule
    /// Each path once, in the order of the rule; none is the beginning of another one.
    package let reads: [Read]

    package struct Read: Sendable {
        package let reference: Template.Reference
        /// The same path as the rule writes it, beginning at the root word.
        package let path: [String]
    }

    /// - Parameter reads: all paths that the rule reads of the outermost data.
    init(rule: Rule, reads: [Read]) {
        self.rule = rule
        var kept: [Read] = []
        for read in reads where !kept.contains(where: { read.path.starts(with: $0.path) }) {
            kept.removeAll { $0.path.starts(with: read.path) }
            kept.append(read)
        }
        self.reads = kept
    }
}
