import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Places where a crash test kills this process: `REN_FAIL=after_commit:17` kills it as it passes there the 17th time.
package enum Failpoint {
    /// Between a commit and the effects that it releases.
    case afterCommit
    /// Between commits of a map's keys, before its `map.opened`.
    case afterKeys
    /// The copy that is to take the place of a journal is begun, written, found whole, in its place.
    case copyBegun, copyWritten, copyVerified, copyInPlace
    /// Where directories cannot be exchanged: the old one is away, and the new one not yet there.
    case copyBetween

    private static let wanted: (name: String, count: Int)? = {
        guard let value = getenv("REN_FAIL") else { return nil }
        let parts = String(cString: value).split(separator: ":")
        guard parts.count == 2, let count = Int(parts[1]) else { return nil }
        return (String(parts[0]), count)
    }()

    private static let passed = Atomic<Int>(0)

    package func pass() {
        guard let wanted = Self.wanted, wanted.name == name else { return }
        if Self.passed.add(1, ordering: .relaxed).newValue == wanted.count { kill(getpid(), SIGKILL) }
    }

    private var name: String {
        switch self {
        case .afterCommit: "after_commit"
        case .afterKeys: "after_keys"
        case .copyBegun: "copy_begun"
        case .copyWritten: "copy_written"
        case .copyVerified: "copy_verified"
        case .copyInPlace: "copy_in_place"
        case .copyBetween: "copy_between"
        }
    }
}
