/// How long one waits before a log is looked at again: a moment while lines come, longer and longer while none do, so
/// that many who follow a silent run cost next to nothing.
struct LogPatience {
    private static let least = Duration.milliseconds(200)
    private static let most = Duration.seconds(1)

    private var next = LogPatience.least

    mutating func linesCame() {
        next = Self.least
    }

    /// - Throws: `CancellationError`.
    mutating func wait() async throws {
        try await Task.sleep(for: next)
        next = min(next * 2, Self.most)
    }
}
