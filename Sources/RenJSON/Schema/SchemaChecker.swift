/// Checks one value against compiled subschemas.
struct SchemaChecker {
    private static let violationsMax = 100
    /// Branches within branches multiply; beyond this the schema is at fault, and the value is refused.
    private static let stepsMax = 10_000_000

    private let nodes: [JSONSchema.Node]
    private var violations: [SchemaViolation] = []
    private var steps = 0
    private var pointer = JSONPointer()

    init(nodes: [JSONSchema.Node]) {
        self.nodes = nodes
    }

    /// Everything that does not fit.
    mutating func violations(of value: JSON, from node: Int) -> [SchemaViolation] {
        check(value, node)
        if steps > Self.stepsMax { add("the schema takes over \(Self.stepsMax) steps to check") }
        return violations
    }

    private mutating func check(_ value: JSON, _ node: Int) {
        steps += 1
        guard steps <= Self.stepsMax else { return }
        for rule in nodes[node].rules where violations.count < Self.violationsMax { check(value, rule) }
    }

    private mutating func check(_ value: JSON, _ rule: SchemaRule) {
        switch rule {
        case .never: add("no value is allowed here")
        case .type(let types): check(value, types: types)
        case .oneOfValues(let values): check(value, among: values)
        case .constant(let wanted): if value != wanted { add("\(value.excerpt) is not \(wanted.excerpt)") }
        case .bound(let bound, let limit): check(value, bound, limit)
        case .multiple(let divisor):
            if !Self.isMultiple(value, of: divisor) { add("\(value.excerpt) is not a multiple of \(divisor.text)") }
        case .count(let count, let limit): check(value, count, limit)
        case .unique: checkUnique(value)
        case .pattern(let pattern):
            if case .string(let text) = value, !pattern.matches(text) {
                add("\(value.excerpt) does not match the pattern \(JSON.string(pattern.source).excerpt)")
            }
        case .required(let keys):
            guard case .object(let object) = value else { return }
            for key in keys where object[key] == nil { add("the member \(JSON.string(key).excerpt) is missing") }
        case .properties(let properties):
            guard case .object(let object) = value else { return }
            for property in properties {
                if let member = object[property.key] { descend(property.key, member, property.node) }
            }
        case .additional(let node, let declared): checkAdditional(value, node, declared)
        case .items(let node):
            guard case .array(let elements) = value else { return }
            for (index, element) in elements.enumerated() where violations.count < Self.violationsMax {
                descend(String(index), element, node)
            }
        case .reference(let node): check(value, node)
        case .allOf(let branches): for branch in branches { check(value, branch) }
        case .anyOf(let branches): checkBranches(value, branches, fittingMax: nil)
        case .oneOf(let branches): checkBranches(value, branches, fittingMax: 1)
        }
    }

    private mutating func add(_ message: String) {
        guard violations.count < Self.violationsMax else { return }
        violations.append(SchemaViolation(pointer: pointer, message: message))
    }

    private mutating func descend(_ token: String, _ part: JSON, _ node: Int) {
        pointer.tokens.append(token)
        check(part, node)
        pointer.tokens.removeLast()
    }

    // MARK: Rules

    private mutating func check(_ value: JSON, types: [SchemaType]) {
        guard !types.contains(where: { $0.accepts(value) }) else { return }
        add("\(value.excerpt) is not of type \(types.map(\.rawValue).joined(separator: " or "))")
    }

    private mutating func check(_ value: JSON, among values: [JSON]) {
        guard !values.contains(value) else { return }
        var message = "\(value.excerpt) is none of \(JSON.array(values).excerpt)"
        if let text = value.stringValue, let near = nearest(to: text, in: values.compactMap(\.stringValue)) {
            message += "; did you mean \(JSON.string(near).excerpt)?"
        }
        add(message)
    }

    private mutating func check(_ value: JSON, _ bound: SchemaBound, _ limit: JSON) {
        guard let isLess = value.isLess(than: limit), let isGreater = limit.isLess(than: value) else { return }
        let (fits, failure) =
            switch bound {
            case .minimum: (!isLess, "is less than the minimum")
            case .maximum: (!isGreater, "is greater than the maximum")
            case .exclusiveMinimum: (isGreater, "is not greater than")
            case .exclusiveMaximum: (isLess, "is not less than")
            }
        if !fits { add("\(value.text) \(failure) \(limit.text)") }
    }

    /// Values that are no numbers pass. Doubles may miss by a few units in the last place, as 0.3 does 3 × 0.1.
    private static func isMultiple(_ value: JSON, of divisor: JSON) -> Bool {
        if let value = value.integerValue, let divisor = divisor.integerValue {
            return value.quotientAndRemainder(dividingBy: divisor).remainder == 0
        }
        guard let value = value.doubleValue, let divisor = divisor.doubleValue else { return true }
        let quotient = value / divisor
        return quotient.isFinite && (quotient - quotient.rounded()).magnitude <= quotient.magnitude * 0x1p-50
    }

    private mutating func check(_ value: JSON, _ count: SchemaCount, _ limit: Int) {
        switch (count, value) {
        // Characters are Unicode scalars here, as the standard says.
        case (.minLength, .string(let text)), (.maxLength, .string(let text)):
            checkCount(text.unicodeScalars.count, of: value.excerpt, "character", isMinimum: count == .minLength, limit)
        case (.minItems, .array(let elements)), (.maxItems, .array(let elements)):
            checkCount(elements.count, of: "the list", "element", isMinimum: count == .minItems, limit)
        default: break
        }
    }

    private mutating func checkCount(
        _ count: Int, of subject: @autoclosure () -> String, _ unit: String, isMinimum: Bool, _ limit: Int
    ) {
        guard isMinimum ? count < limit : count > limit else { return }
        add("\(subject()) has \(count) \(unit)\(count == 1 ? "" : "s"), \(isMinimum ? "fewer" : "more") than \(limit)")
    }

    private mutating func checkUnique(_ value: JSON) {
        guard case .array(let elements) = value else { return }
        var firsts: [JSON: Int] = [:]
        for (index, element) in elements.enumerated() {
            if let first = firsts.updateValue(index, forKey: element) {
                return add("the elements \(first) and \(index) are equal")
            }
        }
    }

    private mutating func checkAdditional(_ value: JSON, _ node: Int, _ declared: Set<ExactString>) {
        guard case .object(let object) = value else { return }
        let isRefused = if case .never? = nodes[node].rules.first { true } else { false }
        for member in object where !declared.contains(ExactString(member.key)) {
            guard violations.count < Self.violationsMax else { return }
            guard isRefused else {
                descend(member.key, member.value, node)
                continue
            }
            let near = nearest(to: member.key, in: declared.map(\.string).sorted())
            let hint = near.map { "; did you mean \(JSON.string($0).excerpt)?" } ?? ""
            add("the member \(JSON.string(member.key).excerpt) is not allowed\(hint)")
        }
    }

    /// At least one branch must fit; with `fittingMax` no more than so many.
    private mutating func checkBranches(_ value: JSON, _ branches: [Int], fittingMax: Int?) {
        let before = violations
        var fitting = 0
        var reasons: [String] = []
        for branch in branches where fitting <= fittingMax ?? 0 {
            violations = []
            check(value, branch)
            if violations.isEmpty { fitting += 1 } else { reasons.append(violations[0].description) }
        }
        violations = before
        if fitting == 0 {
            let told = reasons.prefix(3).joined(separator: "; or ")
            add("fits none of \(branches.count) alternatives: \(told)\(reasons.count > 3 ? "; …" : "")")
        } else if let fittingMax, fitting > fittingMax {
            add("\(value.excerpt) fits more than one of the alternatives of oneOf")
        }
    }
}
