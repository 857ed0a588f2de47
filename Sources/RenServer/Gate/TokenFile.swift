package import RenCore
package import RenJournal

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The file `token` of a data directory: whoever can read it may do what its owner may.
package struct TokenFile: Sendable {
    package let path: String

    /// 32 bytes in base64url without padding.
    package static let tokenBytes = 43
    private static let fileBytesMax = 1024

    package init(_ directory: DataDirectory) { path = directory.token }

    /// 32 random bytes in base64url, as for every secret of the gate.
    package static func generate() -> String {
        var generator = SystemRandomNumberGenerator()
        return Digest((0..<Digest.byteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) }).base64url
    }

    /// The token; it is made where there is none.
    ///
    /// - Throws: what `read` throws; `token.failed` when it cannot be written.
    package func open() throws(RenError) -> String {
        if let token = try read() { return token }
        let token = Self.generate()
        // Under its own name only when it is whole: nobody ever reads a half.
        let draft = path + ".new"
        unlink(draft)
        let descriptor = Self.open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("made") }
        let bytes = Array("\(token)\n".utf8)
        let isWritten = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == bytes.count
        guard isWritten, fsync(descriptor) == 0, close(descriptor) == 0, rename(draft, path) == 0 else {
            throw failure("written")
        }
        return token
    }

    /// The token; nil when there is no file.
    ///
    /// - Throws: `token.permissions`, `token.owner` when others could know it, `token.invalid`, `token.failed`.
    package func read() throws(RenError) -> String? {
        let descriptor = Self.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("read")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("read") }
        guard mode_t(status.st_mode) & mode_t(S_IFMT) == mode_t(S_IFREG) else {
            throw RenError(.tokenInvalid, "\(path) is no file", hint: "remove it; `ren serve` makes a new one")
        }
        guard status.st_uid == geteuid() else {
            throw RenError(
                .tokenOwner, "the token \(path) belongs to user \(status.st_uid), not to you (\(geteuid()))",
                hint: "remove it; `ren serve` makes a new one")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw RenError(
                .tokenPermissions,
                "the token \(path) can be read by others (mode \(String(status.st_mode & 0o777, radix: 8)))",
                hint: "remove it, as it may be known: `ren serve` makes a new one")
        }
        var bytes = [UInt8](repeating: 0, count: Self.fileBytesMax)
        let count = bytes.withUnsafeMutableBytes { sysRead(descriptor, $0.baseAddress, $0.count) }
        guard count >= 0 else { throw failure("read") }
        let token = String(decoding: bytes[..<count], as: UTF8.self).prefix { $0 != "\n" }
        guard token.utf8.count >= Self.tokenBytes, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw RenError(
                .tokenInvalid, "\(path) holds no token of at least \(Self.tokenBytes) characters",
                hint: "remove it; `ren serve` makes a new one")
        }
        return String(token)
    }

    private func failure(_ what: String) -> RenError {
        let reason = String(cString: strerror(errno))
        return RenError(.tokenFailed, "the token \(path) cannot be \(what): \(reason)")
    }

    /// `open` and `read` of the system, which our own names hide.
    private static func open(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 {
        #if canImport(Darwin)
        Darwin.open(path, flags, mode)
        #elseif canImport(Glibc)
        Glibc.open(path, flags, mode)
        #else
        Musl.open(path, flags, mode)
        #endif
    }

    private func sysRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        #if canImport(Darwin)
        Darwin.read(descriptor, buffer, count)
        #elseif canImport(Glibc)
        Glibc.read(descriptor, buffer, count)
        #else
        Musl.read(descriptor, buffer, count)
        #endif
    }
}

extension RenError.Code {
    static let tokenOwner = Self("token.owner")
    static let tokenPermissions = Self("token.permissions")
    static let tokenInvalid = Self("token.invalid")
    static let tokenFailed = Self("token.failed")
}
