#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

import RenCore

/// How long one who reads much rests while the journal grows fast.
///
/// A low priority is not enough: on two cores, a process that only takes time which nobody else wants makes an engine at
/// full load 10 % slower, since cores share what they compute with. So it works a quarter of the time.
struct ReaderPace {
    private static let stretch = Duration.milliseconds(10)
    private static let restsPerWork = 3
    private static let restMax = Duration.seconds(1)
    private static let busyEventsPerSecond = 2_000.0

    private var rested: Duration
    private var looked: (head: JournalSequence, at: ContinuousClock.Instant)?

    /// - Parameter worked: what the process has used of processors.
    init(worked: Duration = Self.processorTime()) { rested = worked }

    /// The rest that is due by now.
    ///
    /// - Parameter head: reads the journal's last sequence; only asked for after 10 ms of work.
    mutating func rest(
        worked: Duration = Self.processorTime(), at now: ContinuousClock.Instant = .now,
        _ head: () throws(RenError) -> JournalSequence
    ) throws(RenError) -> Duration {
        let work = worked - rested
        guard work >= Self.stretch else { return .zero }
        let (head, before) = (try head(), looked)
        rested = worked
        looked = (head, now)
        guard let before else { return .zero }
        let events = Double(head.rawValue) - Double(before.head.rawValue)
        let isBusy = events > Self.busyEventsPerSecond * ((now - before.at) / .seconds(1))
        return isBusy ? min(work * Self.restsPerWork, Self.restMax) : .zero
    }

    private static func processorTime() -> Duration {
        var time = timespec()
        _ = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
