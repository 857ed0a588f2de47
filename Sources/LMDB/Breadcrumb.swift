import CLMDB

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The file that says why the process ended, when LMDB aborts it or the storage faults.
///
/// Its path lies ready as C text, so that nothing has to be allocated at that moment. `@unchecked Sendable`: the text
/// is written once, in `init`, and freed with the last reference, which outlives the environment.
@safe final class Breadcrumb: @unchecked Sendable {
    let path: UnsafeMutablePointer<CChar>

    init(path: String) {
        // SAFETY: strdup copies the null-terminated text; null means no memory, where Swift would trap too.
        unsafe self.path = strdup(path)!
    }

    deinit {
        // SAFETY: made by strdup in init.
        unsafe free(path)
    }

    func attach(to environment: OpaquePointer) {
        // SAFETY: the environment holds the pointer, and its owner holds `self` for longer.
        _ = unsafe mdb_env_set_userctx(environment, path)
    }

    /// LMDB calls this and then `abort()`: damage it found where it can do nothing else.
    static let reportAssertion: @convention(c) (OpaquePointer?, UnsafePointer<CChar>?) -> Void = { environment, text in
        // SAFETY: LMDB passes its own environment and a null-terminated text, alive during the call.
        let path = unsafe mdb_env_get_userctx(environment)?.assumingMemoryBound(to: CChar.self)
        guard let text = unsafe text else { return }
        unsafe leave(
            "LMDB gave up on damaged data: ", UnsafeRawBufferPointer(start: text, count: strlen(text)), in: path)
    }

    /// Writes a line to standard error and, if there is one, to the file, with nothing a signal handler may not call.
    static func leave(_ words: StaticString, _ rest: UnsafeRawBufferPointer, in path: UnsafePointer<CChar>?) {
        unsafe writeLine(words, rest, to: STDERR_FILENO)
        guard let path = unsafe path else { return }
        // SAFETY: the path is null-terminated text that outlives the environment.
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { return }
        unsafe writeLine(words, rest, to: file)
        close(file)
    }

    private static func writeLine(_ words: StaticString, _ rest: UnsafeRawBufferPointer, to descriptor: Int32) {
        // SAFETY: a static string lives for ever; `rest` is alive during the call.
        unsafe writeAll(UnsafeRawBufferPointer(start: words.utf8Start, count: words.utf8CodeUnitCount), to: descriptor)
        unsafe writeAll(rest, to: descriptor)
        let newline: StaticString = "\n"
        unsafe writeAll(UnsafeRawBufferPointer(start: newline.utf8Start, count: 1), to: descriptor)
    }
}
