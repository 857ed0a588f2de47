import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Standard output with a buffer of our own, which remembers that something could not be written: a full disk must not
/// look like an empty answer.
enum StandardOutput {
    private struct State {
        var pending: [UInt8] = []
        var failure: Int32?
    }

    private static let state = Mutex(State())
    private static let bufferBytes = 64 << 10

    /// Adds text; written when the buffer is full, at `flush`, and line by line for a terminal.
    static func write(_ text: String) {
        state.withLock { state in
            state.pending.append(contentsOf: text.utf8)
            if state.pending.count >= bufferBytes || Terminal.outputIsTerminal { empty(&state) }
        }
    }

    static func flush() {
        state.withLock { empty(&$0) }
    }

    /// Why output was lost: `errno` of the first write that failed. A reader who went away (`| head`) loses nothing.
    static var failure: Int32? {
        state.withLock { $0.failure == EPIPE ? nil : $0.failure }
    }

    private static func empty(_ state: inout State) {
        defer { state.pending.removeAll(keepingCapacity: true) }
        guard state.failure == nil else { return }
        var rest = state.pending[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { systemWrite(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                state.failure = errno
                return
            }
            rest = rest.dropFirst(written)
        }
    }

    private static func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
        #if canImport(Darwin)
        Darwin.write(descriptor, bytes, count)
        #elseif canImport(Glibc)
        Glibc.write(descriptor, bytes, count)
        #else
        Musl.write(descriptor, bytes, count)
        #endif
    }
}
