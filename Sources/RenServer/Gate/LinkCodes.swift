import Synchronization

/// One-time codes that a link to the console carries in its fragment, where no log sees it; the page trades the code
/// for the token.
package final class LinkCodes: Sendable {
    package static let lifetime = Duration.seconds(60)
    /// Beyond this the oldest one is forgotten.
    package static let codesMax = 16

    private let open = Mutex<[(code: String, end: ContinuousClock.Instant)]>([])

    package init() {}

    package func make(now: ContinuousClock.Instant = .now) -> String {
        let code = TokenFile.generate()
        open.withLock { open in
            open.removeAll { $0.end <= now }
            if open.count == Self.codesMax { open.removeFirst() }
            open.append((code, now + Self.lifetime))
        }
        return code
    }

    /// Whether the code is good; it never is again.
    package func redeem(_ code: String, now: ContinuousClock.Instant = .now) -> Bool {
        open.withLock { open in
            guard let index = open.firstIndex(where: { $0.code == code }) else { return false }
            return open.remove(at: index).end > now
        }
    }
}
