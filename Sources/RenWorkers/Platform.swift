#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The processors of this machine.
package enum Processors {
    /// At least 1; those that may be used now.
    package static let count = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}

/// For places where `close` means something else.
func closeFile(_ descriptor: Int32) {
    close(descriptor)
}

/// The text of the last failed call of the C library.
func lastSystemError() -> String { String(cString: strerror(errno)) }
