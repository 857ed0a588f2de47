import RenCore
import RenJournal

/// Where a list goes on, as clients are given it: the place and a check value over it and the query.
///
/// The check value is no secret: it tells a mistake, such as a cursor of another query, from a place in this list.
enum PageCursor {
    /// - Parameters:
    ///   - place: letters, digits and `-`, `_`, `.`.
    ///   - query: everything but the page that the list depends on.
    static func text(_ place: String, of query: [String?]) -> String { "\(place)~\(check(place, query))" }

    /// - Throws: `page.cursor`.
    static func place(in text: String, of query: [String?]) throws(RenError) -> String {
        let parts = text.split(separator: "~", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts[1] == check(parts[0], query) else { throw invalid }
        return parts[0]
    }

    static var invalid: RenError {
        RenError(
            .init("page.cursor"), "the cursor is not one of this list",
            hint: "send next of the page before, with the same query; or begin without a cursor")
    }

    private static func check(_ place: String, _ query: [String?]) -> String {
        let words = [place] + query.map { $0.map { "=\($0)" } ?? "" }
        return String(Digest(hashing: Array(words.joined(separator: "\u{0}").utf8)).base64url.prefix(12))
    }
}
