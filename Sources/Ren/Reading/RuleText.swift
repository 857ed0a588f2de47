import RenCore
import RenJSON

/// A JSONLogic rule as people write conditions, with the values that it read: `nodes.m.succeeded (7200) >= 9000`.
enum RuleText {
    private static let infix: Set<String> = [
        "<", "<=", ">", ">=", "==", "===", "!=", "!==", "+", "-", "*", "/", "%", "and", "or", "in",
    ]
    private static let valueMax = 60

    /// - Parameter operands: by path, as the event keeps them.
    static func text(_ rule: JSON, _ operands: JSON?) -> String { text(rule, operands, isInner: false) }

    private static func text(_ rule: JSON, _ operands: JSON?, isInner: Bool) -> String {
        guard case .object(let object) = rule, object.count == 1, let member = object.first else { return short(rule) }
        let arguments = member.value.arrayValue ?? [member.value]
        if member.key == "var", let path = arguments.first?.stringValue {
            guard let value = operands?[path] else { return path }
            let isLong = value.objectValue.map { $0["length"] != nil && $0["hash"] != nil && $0.count == 2 } ?? false
            return isLong ? path : "\(path) (\(short(value)))"
        }
        let parts = arguments.map { text($0, operands, isInner: true) }
        if infix.contains(member.key), parts.count > 1 {
            let text = parts.joined(separator: " \(member.key) ")
            return isInner ? "(\(text))" : text
        }
        if member.key == "!", parts.count == 1 { return "not \(parts[0])" }
        return "\(member.key)(\(parts.joined(separator: ", ")))"
    }

    private static func short(_ value: JSON) -> String {
        let text = value.text
        return text.count > valueMax ? "\(text.prefix(valueMax - 1))…" : text
    }
}
