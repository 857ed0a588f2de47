package import RenCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Where a Unix socket of the engine lies: in the data directory if its path has at most 100 bytes, else in a fresh
/// folder of this user's (SEMANTICS.md 9).
package struct SocketPlace: Sendable {
    package let path: String
    /// A folder that was made for it because the wanted path was too long.
    private let ownFolder: String?

    /// Longest path in bytes; the system's own limit is 107, on macOS 103.
    package static let pathMax = 100

    /// Finds the place; what an engine that was killed left there is removed.
    ///
    /// - Precondition: the caller is the engine of the directory: nobody else listens under this name.
    /// - Throws: `socket.failed` when no folder has a short path that this user may write to.
    package init(_ name: String, in folder: String) throws(RenError) {
        if "\(folder)/\(name)".utf8.count <= Self.pathMax {
            ownFolder = nil
            path = "\(folder)/\(name)"
            Self.removeIfDead(path)
        } else {
            let made = try Self.makeFolder(forName: name)
            ownFolder = made
            path = "\(made)/\(name)"
        }
    }

    /// Removes the file, and the folder made for it.
    package func remove() {
        unlink(path)
        if let ownFolder { rmdir(ownFolder) }
    }

    /// Makes the socket with mode 0600.
    ///
    /// - Returns: its descriptor, bound and not listening yet.
    /// - Throws: `socket.failed` with the system's reason.
    package func bind() throws(RenError) -> Int32 {
        let descriptor = Self.makeSocket()
        // On Linux the mode of the socket becomes the file's, so there is no moment in which others may connect.
        fchmod(descriptor, 0o600)
        guard Self.withAddress(path, { Self.bind(descriptor, $0, $1) }) == 0, chmod(path, 0o600) == 0 else {
            let reason = lastSystemError()
            close(descriptor)
            throw RenError(
                .socketFailed, "the socket \(path) cannot be made: \(reason)",
                hint: "the data directory must be on a file system with Unix sockets, and writable")
        }
        return descriptor
    }

    /// Removes a socket that nobody answers at; anything else stays.
    static func removeIfDead(_ path: String) {
        var status = stat()
        // To connect to what is no socket at all is refused too.
        guard path.utf8.count <= pathMax, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        let descriptor = makeSocket()
        defer { close(descriptor) }
        let code = withAddress(path) { connect(descriptor, $0, $1) }
        if code != 0, errno == ECONNREFUSED { unlink(path) }
    }

    /// A folder with mode 0700 that nobody else can have made.
    private static func makeFolder(forName name: String) throws(RenError) -> String {
        let candidates =
            ["XDG_RUNTIME_DIR", "TMPDIR"].compactMap { name in
                name.withCString { getenv($0) }.map { String(cString: $0) }
            } + ["/tmp"]
        for parent in candidates where parent.hasPrefix("/") {
            var template = Array("\(parent)/ren-XXXXXX".utf8CString)
            guard template.count + name.utf8.count <= pathMax, mkdtemp(&template) != nil else { continue }
            let made = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
            if isOwn(made) { return made }
            rmdir(made)
        }
        throw RenError(
            .socketFailed,
            "no folder for the socket \(name): \(lastSystemError()) in \(candidates.joined(separator: ", "))",
            hint: "set TMPDIR to a folder with a short path that you may write to")
    }

    private static func isOwn(_ folder: String) -> Bool {
        var status = stat()
        return lstat(folder, &status) == 0 && status.st_uid == geteuid() && status.st_mode & 0o777 == 0o700
    }

    private static func makeSocket() -> Int32 {
        #if canImport(Glibc)
        return socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
        let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
        #endif
    }

    private static func bind(_ socket: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32 {
        #if canImport(Darwin)
        Darwin.bind(socket, address, length)
        #elseif canImport(Glibc)
        Glibc.bind(socket, address, length)
        #else
        Musl.bind(socket, address, length)
        #endif
    }

    private static func withAddress<R>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(pathMax)) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
