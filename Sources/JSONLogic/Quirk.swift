import RenJSON

/// A place where a quirk of the public language can decide otherwise than its reader expects.
package struct Quirk: Sendable, Hashable {
    /// Where the operator stands in the rule, as RFC 6901 text.
    package var pointer: String
    /// One sentence.
    package var message: String
}

extension Quirk {
    /// What may surprise in a comparison of these operands.
    static func message(comparing name: String, _ comparison: Comparison, _ operands: [Node]) -> String? {
        let readsMaybeNull = operands.contains { $0.isPlainLookup }
        switch comparison {
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            return readsMaybeNull ? "a value that is null or missing counts as 0 in `\(name)`" : nil
        case .equal, .notEqual:
            let literals = operands.compactMap(\.literal)
            if literals.contains(.null) { return "`\(name)` takes 0 and false for null too; write `\(name)=`" }
            guard readsMaybeNull, literals.contains(0) || literals.contains(false) else { return nil }
            return "a value that is null or missing equals 0 and false in `\(name)`; write `\(name)=`"
        case .same, .notSame:
            return nil
        }
    }
}
