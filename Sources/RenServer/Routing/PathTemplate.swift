import RenCore

/// The path of a route, such as `/api/v1/runs/{run}:pause`.
///
/// Every segment is a word or one capture, which words may stand before and behind. Words are compared as sent, and
/// captures are decoded after the path was cut: an encoded slash or colon belongs to the name that it stands in.
struct PathTemplate: Sendable, Hashable {
    enum Segment: Sendable, Hashable {
        case word(String)
        case capture(name: String, prefix: String, suffix: String)

        /// The more a segment says, the earlier it is tried.
        var rank: Int {
            switch self {
            case .word: 0
            case .capture(_, "", ""): 2
            case .capture: 1
            }
        }
    }

    let text: String
    let segments: [Segment]

    /// - Precondition: it starts with a slash, and each segment has at most one capture.
    init(_ text: String) {
        precondition(text.hasPrefix("/"), "the path \(text) does not start with a slash")
        self.text = text
        segments = Self.cut(text[...]).map { part in
            guard let open = part.firstIndex(of: "{"), let close = part.firstIndex(of: "}") else {
                return .word(String(part))
            }
            let suffix = part[part.index(after: close)...]
            precondition(open < close && !suffix.contains("{"), "\(text): one capture for each segment")
            return .capture(
                name: String(part[part.index(after: open)..<close]), prefix: String(part[..<open]),
                suffix: String(suffix))
        }
    }

    var names: [String] {
        segments.compactMap { if case .capture(let name, _, _) = $0 { name } else { nil } }
    }

    /// `/a//b` has an empty segment, which no template has.
    static func cut(_ path: Substring) -> [Substring] {
        path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }

    /// The raw captures; nil when the path is another one.
    func match(_ parts: [Substring]) -> [(name: String, raw: Substring)]? {
        guard parts.count == segments.count else { return nil }
        var captures: [(name: String, raw: Substring)] = []
        for (segment, part) in zip(segments, parts) {
            switch segment {
            case .word(let word):
                guard part == word else { return nil }
            case .capture(let name, let prefix, let suffix):
                guard part.utf8.count > prefix.utf8.count + suffix.utf8.count, part.hasPrefix(prefix),
                    part.hasSuffix(suffix)
                else { return nil }
                captures.append((name, part.dropFirst(prefix.count).dropLast(suffix.count)))
            }
        }
        return captures
    }
}
