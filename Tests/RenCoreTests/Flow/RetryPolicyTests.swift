import RenCore
import Testing

@Suite("Retry policy")
struct RetryPolicyTests {
    @Test(
        "Waits double until the longest",
        arguments: [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (1000, 60)] as [(Int, Int64)])
    func backoff(attempt: Int, seconds: Int64) {
        let policy = RetryPolicy(attempts: 3, jitter: 0)
        #expect(policy.wait(afterAttempt: attempt, random: 12_345) == .seconds(seconds))
    }

    @Test("Jitter stays within its share, both ends are reached")
    func jitter() {
        let policy = RetryPolicy(attempts: 3, every: .seconds(10), jitter: 0.2)
        #expect(policy.wait(afterAttempt: 1, random: 0) == .seconds(8))
        let most = policy.wait(afterAttempt: 1, random: .max)
        #expect(most > .milliseconds(11_999))
        #expect(most <= .seconds(12))
    }

    @Test(
        "tolerate counts what failed against what there is",
        arguments: [
            (Node.Tolerance.count(0), 1, 10, true), (.count(0), 0, 10, false), (.count(2), 2, 10, false),
            (.count(2), 3, 10, true), (.percent(5), 5, 100, false), (.percent(5), 6, 100, true),
            (.percent(5), 0, 0, false), (.percent(100), 7, 7, false), (.percent(0), 1, 1_000_000, true),
        ])
    func tolerance(_ tolerance: Node.Tolerance, failed: Int, total: Int, isExceeded: Bool) {
        #expect(tolerance.isExceeded(failed: failed, total: total) == isExceeded)
    }
}
