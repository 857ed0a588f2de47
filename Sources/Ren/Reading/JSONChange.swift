import RenCore
package import RenJSON

/// One place where two JSON values differ.
package struct JSONChange: Sendable {
    /// JSON Pointer.
    package let pointer: String
    /// Nil where only the other one has it.
    package let old: JSON?
    package let new: JSON?

    /// More are counted and not kept.
    package static let kept = 1_000

    /// What leads from `old` to `new`, in the order of `old`, what is new behind it; at most `kept` changes, and how many
    /// there are. Elements of lists are compared by their place.
    package static func changes(from old: JSON, to new: JSON) -> (changes: [JSONChange], count: Int) {
        var walk = Walk()
        walk.compare(old, new, "")
        return (walk.changes, walk.count)
    }

    private struct Walk {
        var changes: [JSONChange] = []
        var count = 0

        mutating func compare(_ old: JSON?, _ new: JSON?, _ pointer: String) {
            guard old != new else { return }
            switch (old, new) {
            case (.object(let left)?, .object(let right)?):
                for member in left { compare(member.value, right[member.key], pointer + Self.token(member.key)) }
                for member in right where left[member.key] == nil {
                    compare(nil, member.value, pointer + Self.token(member.key))
                }
            case (.array(let left)?, .array(let right)?):
                for index in 0..<max(left.count, right.count) {
                    compare(
                        index < left.count ? left[index] : nil, index < right.count ? right[index] : nil,
                        pointer + "/\(index)")
                }
            default:
                count += 1
                if changes.count < JSONChange.kept {
                    changes.append(JSONChange(pointer: pointer, old: old, new: new))
                }
            }
        }

        private static func token(_ key: String) -> String {
            let escaped = key.split(separator: "~", omittingEmptySubsequences: false).joined(separator: "~0")
            return "/" + escaped.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "~1")
        }
    }

    /// `{"pointer", "old"?, "new"?}`
    package var json: JSONObject {
        var object: JSONObject = ["pointer": .string(pointer)]
        if let old { object["old"] = old }
        if let new { object["new"] = new }
        return object
    }
}

/// The lines of two texts: what is gone, what is new, and what is the same between them.
enum LineDiff {
    /// Lines with `-`, `+` or a space before them; empty when the texts are the same.
    static func lines(from old: String, to new: String) -> [String] {
        let before = old.split(separator: "\n", omittingEmptySubsequences: false)
        let after = new.split(separator: "\n", omittingEmptySubsequences: false)
        let difference = after.difference(from: before)
        guard !difference.isEmpty else { return [] }
        var removed: Set<Int> = []
        var inserted: Set<Int> = []
        for change in difference {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): inserted.insert(offset)
            }
        }
        var lines: [String] = []
        var (left, right) = (0, 0)
        while left < before.count || right < after.count {
            if removed.contains(left), left < before.count {
                lines.append("-\(before[left])")
                left += 1
            } else if inserted.contains(right), right < after.count {
                lines.append("+\(after[right])")
                right += 1
            } else {
                lines.append(" \(before[left])")
                left += 1
                right += 1
            }
        }
        return lines
    }
}
