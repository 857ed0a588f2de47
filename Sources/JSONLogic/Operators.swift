import RenJSON

/// The closed set of operators.
package enum Operators {
    /// How a rule spells them.
    package static let names: Set<String> = Set(table.keys)

    package static func isOperator(_ name: String) -> Bool { table[name] != nil }

    /// The operator that a misspelt name most likely meant; nil for an operator itself and for far names.
    package static func nearest(to name: String) -> String? {
        isOperator(name) ? nil : RenJSON.nearest(to: name, in: sortedNames)
    }

    private static let sortedNames = names.sorted()

    static let table: [String: Form] = [
        "var": .variable, "val": .value, "exists": .exists, "missing": .missing, "missing_some": .missingSome,
        "if": .choice, "?:": .choice, "and": .junction(.and), "or": .junction(.or), "??": .junction(.coalesce),
        "==": .compare(.equal), "!=": .compare(.notEqual), "===": .compare(.same), "!==": .compare(.notSame),
        "<": .compare(.less), "<=": .compare(.lessOrEqual), ">": .compare(.greater), ">=": .compare(.greaterOrEqual),
        "!": .call(.not), "!!": .call(.truth), "+": .call(.add), "-": .call(.subtract), "*": .call(.multiply),
        "/": .call(.divide), "%": .call(.remainder), "max": .call(.max), "min": .call(.min),
        "merge": .call(.merge), "in": .call(.contains), "cat": .call(.cat), "substr": .call(.substring),
        "length": .call(.length), "throw": .call(.raise),
        "map": .iterate(.map), "filter": .iterate(.filter), "all": .iterate(.all), "some": .iterate(.some),
        "none": .iterate(.none), "reduce": .reduce, "try": .attempt, "eachKey": .object, "preserve": .preserve,
    ]
}

/// How the arguments of an operator are written and when they are evaluated.
enum Form: Sendable {
    case variable, value, exists, missing, missingSome, choice, reduce, attempt, object, preserve
    case junction(Junction)
    case compare(Comparison)
    case iterate(Iteration)
    case call(Function)
}

/// Operators that stop at the first argument that decides.
enum Junction: Sendable { case and, or, coalesce }

enum Comparison: Sendable { case equal, notEqual, same, notSame, less, lessOrEqual, greater, greaterOrEqual }

enum Iteration: Sendable { case map, filter, all, some, none }

/// Operators that get the values of all their arguments.
enum Function: Sendable {
    case not, truth, add, subtract, multiply, divide, remainder, max, min, merge, contains, cat, substring, length
    case raise

    /// Takes one argument only, which may be a list.
    var isUnary: Bool {
        switch self {
        case .not, .truth, .length, .raise: true
        default: false
        }
    }
}
