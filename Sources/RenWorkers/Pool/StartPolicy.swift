import NIOCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// When processes may be started: back-off after failed starts, and parking when it does not help.
struct StartPolicy {
    /// Starts without use, one after another, that park the set.
    static let failuresMax = 5
    static let parkedTime = TimeAmount.seconds(10)

    private var failures = 0
    private var notBefore: NIODeadline?
    private var parked: (retryAt: NIODeadline, files: [String])?
    /// A worker has said hello since the last failure: several may be started at a time.
    private(set) var isProven = false

    enum FailureAction: Equatable {
        case again
        case park
    }

    /// A process ended before it was of any use.
    ///
    /// - Parameter draw: uniform in 0..<1, for the jitter: half of the wait to all of it.
    mutating func failed(at now: NIODeadline, draw: Double) -> FailureAction {
        failures += 1
        isProven = false
        guard failures < Self.failuresMax else { return .park }
        let wait = min(0.5 * Double(1 << min(failures - 1, 7)), 60) * (0.5 + draw / 2)
        notBefore = now + .nanoseconds(Int64(wait * 1e9))
        return .again
    }

    /// A worker has introduced itself.
    mutating func proved() {
        isProven = true
        parked = nil
        notBefore = nil
    }

    /// A worker has answered a call: it is of use.
    mutating func used() {
        failures = 0
    }

    /// - Parameter files: what they are now; a change has them tried again.
    mutating func park(at now: NIODeadline, files: [String]) {
        isProven = false
        failures = Self.failuresMax - 1
        notBefore = now + Self.parkedTime
        parked = (now + Self.parkedTime, files.map(Self.stamp))
    }

    /// Has the next start happen at once: a person asked.
    mutating func forgive() {
        notBefore = nil
    }

    func mayStart(at now: NIODeadline) -> Bool {
        notBefore.map { $0 <= now } ?? true
    }

    /// When to look again.
    func nextTry(at now: NIODeadline) -> NIODeadline? {
        guard let next = parked?.retryAt ?? notBefore, next > now else { return nil }
        return next
    }

    /// Whether a parked set has changed and is to be tried; looks at most every 10 s.
    mutating func takeTry(at now: NIODeadline, files: [String]) -> Bool {
        guard let parked, parked.retryAt <= now else { return false }
        self.parked?.retryAt = now + Self.parkedTime
        return parked.files != files.map(Self.stamp)
    }

    /// Size, time and inode of a file, or that it is not there.
    private static func stamp(_ path: String) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { return "missing" }
        #if canImport(Darwin)
        let time = status.st_mtimespec
        #else
        let time = status.st_mtim
        #endif
        return "\(status.st_ino) \(status.st_size) \(time.tv_sec).\(time.tv_nsec)"
    }
}
