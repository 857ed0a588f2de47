import RenCore
import Synchronization

/// Requests with a key that are on their way into the journal, and who else waits for the same answer.
///
/// Its callers enter a key before they look for it in the journal, and the commit is over before it leaves: so a key is
/// always found in one of the two.
final class RequestsInFlight: Sendable {
    private struct Entry {
        var digest: Digest
        /// The first one carries the request out.
        var replies: [Effects.Reply]
    }

    private let entries = Mutex<[String: Entry]>([:])

    /// - Returns: whether the caller is to carry the request out, or to answer it from the journal, and then calls
    ///   `leave`. Otherwise `reply` is called by whoever does.
    func enter(_ mark: RequestMark, _ reply: @escaping Effects.Reply) -> Bool {
        enum Outcome { case first, joined, reused }
        let outcome: Outcome = entries.withLock { entries in
            guard let entry = entries[mark.key] else {
                entries[mark.key] = Entry(digest: mark.digest, replies: [reply])
                return .first
            }
            guard entry.digest == mark.digest else { return .reused }
            entries[mark.key]?.replies.append(reply)
            return .joined
        }
        if outcome == .reused { reply(.failure(.keyReused(mark.key))) }
        return outcome == .first
    }

    func leave(_ key: String, _ result: Result<Answer, RenError>) {
        guard let replies = entries.withLock({ $0.removeValue(forKey: key) })?.replies else { return }
        replies[0](result)
        let repeated = result.map { answer in
            var answer = answer
            answer.isNew = false
            answer.replayed = true
            return answer
        }
        for reply in replies.dropFirst() { reply(repeated) }
    }
}
