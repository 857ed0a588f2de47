/// How a failed attempt is tried again.
package struct RetryPolicy: Hashable, Sendable {
    /// All attempts, the first one too: 1…1,000.
    package var attempts: Int
    package var every: Duration
    package var factor: Double
    package var longest: Duration
    /// Share of the wait by which it is drawn shorter or longer: 0…1.
    package var jitter: Double
    /// Limit of all attempts and waits together; stands still while the run is paused.
    package var total: Duration?

    package init(
        attempts: Int, every: Duration = .seconds(1), factor: Double = 2, longest: Duration = .seconds(60),
        jitter: Double = 0.2, total: Duration? = nil
    ) {
        self.attempts = attempts
        self.every = every
        self.factor = factor
        self.longest = longest
        self.jitter = jitter
        self.total = total
    }

    /// One attempt: what holds where nothing is written.
    package static let none = RetryPolicy(attempts: 1)

    /// The wait after counted attempt number `attempt` (from 1): exponential, capped, then drawn within ± `jitter`.
    ///
    /// Brooker, "Exponential Backoff and Jitter" (2015), with a share of the wait instead of all of it, so that the
    /// written times can be recognised.
    /// - Parameter random: a uniform draw; it is recorded with its effect, as `retry_at`, and never drawn again.
    package func wait(afterAttempt attempt: Int, random: UInt64) -> Duration {
        var seconds = every / .seconds(1)
        let cap = longest / .seconds(1)
        for _ in 1..<max(attempt, 1) where seconds < cap {
            seconds *= factor
        }
        let draw = Double(random >> 11) / Double(1 << 53)
        return .seconds(min(seconds, cap) * (1 - jitter + 2 * jitter * draw))
    }
}
