import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Ctrl-C and `kill` while a run is followed: the first is counted for whoever follows, the second ends the process.
///
/// To be watched before the run begins: then no call is in flight that nobody pauses. Before that they end the process
/// as usual. Nothing is lost either way: what was acknowledged is in the journal.
enum Signals {
    static func watch() {
        for signal in [SIGINT, SIGTERM] {
            var action = sigaction()
            #if canImport(Darwin)
            action.__sigaction_u.__sa_handler = note
            #else
            action.__sigaction_handler.sa_handler = note
            #endif
            action.sa_flags = SA_RESTART
            sigaction(signal, &action, nil)
        }
        // Nobody need read the progress; writing it must not end the run.
        signal(SIGPIPE, SIG_IGN)
    }

    /// The signal that came, once one came.
    static var received: Int32? {
        let signal = first.load(ordering: .relaxed)
        return signal == 0 ? nil : signal
    }

    /// Returns at the first signal: true; false when cancelled.
    static func wait() async -> Bool {
        while received == nil {
            do {
                try await Task.sleep(for: .milliseconds(50))
            } catch {
                return false
            }
        }
        return true
    }

    static let terminate = SIGTERM

    private static let first = Atomic<Int32>(0)

    /// Runs as a signal handler: an atomic exchange and `_exit` are all it may do.
    private static let note: @convention(c) (Int32) -> Void = { signal in
        let (isFirst, _) = first.compareExchange(expected: 0, desired: signal, ordering: .relaxed)
        if !isFirst { _exit(128 + signal) }
    }
}
