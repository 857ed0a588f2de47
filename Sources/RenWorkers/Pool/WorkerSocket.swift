import RenCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The address that workers of a pool connect to: a Unix socket that only this user may use.
struct WorkerSocket {
    let path: String
    /// Bound, not listening yet; whoever listens owns it.
    let descriptor: Int32
    /// A folder that was made for it because the wanted path was too long.
    private let ownFolder: String?

    /// Longest path in bytes; the system's own limit is 107, on macOS 103.
    static let pathMax = 100

    /// Binds a socket in `folder`, or in a new folder of this user's when the path would be too long.
    ///
    /// - Throws: `worker.failed` with the system's reason.
    init(in folder: String) throws(RenError) {
        var generator = SystemRandomNumberGenerator()
        let name = "worker-\(hex((0..<4).map { _ in UInt8.random(in: .min ... .max, using: &generator) })).sock"
        if "\(folder)/\(name)".utf8.count <= Self.pathMax {
            ownFolder = nil
            path = "\(folder)/\(name)"
            Self.removeStale(in: folder)
        } else {
            let made = try Self.makeFolder()
            ownFolder = made
            path = "\(made)/\(name)"
        }
        descriptor = try Self.bind(path)
    }

    /// Removes the file, and the folder made for it.
    func remove() {
        unlink(path)
        if let ownFolder { rmdir(ownFolder) }
    }

    /// A folder with mode 0700 that nobody else can have made.
    private static func makeFolder() throws(RenError) -> String {
        let candidates =
            ["XDG_RUNTIME_DIR", "TMPDIR"].compactMap { name in
                name.withCString { getenv($0) }.map { String(cString: $0) }
            } + ["/tmp"]
        for parent in candidates where parent.hasPrefix("/") && parent.utf8.count <= pathMax - 32 {
            var template = Array("\(parent)/ren-XXXXXX".utf8CString)
            if mkdtemp(&template) != nil {
                return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
            }
        }
        throw RenError(
            .workerFailed,
            "no folder for the workers' socket: \(lastSystemError()) in \(candidates.joined(separator: ", "))",
            hint: "set TMPDIR to a folder with a short path that you may write to")
    }

    private static func bind(_ path: String) throws(RenError) -> Int32 {
        #if canImport(Glibc)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
        let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        #endif
        // On Linux the mode of the socket becomes the file's, so there is no moment in which others may connect.
        fchmod(descriptor, 0o600)
        guard withAddress(path, { Self.bind(descriptor, $0, $1) }) == 0, chmod(path, 0o600) == 0 else {
            let reason = lastSystemError()
            close(descriptor)
            throw RenError(
                .workerFailed, "the workers' socket \(path) cannot be made: \(reason)",
                hint: "the data directory must be on a file system with Unix sockets, and writable")
        }
        return descriptor
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

    /// Removes sockets that an engine left when it was killed: those that nobody answers at.
    private static func removeStale(in folder: String) {
        guard let stream = opendir(folder) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasPrefix("worker-"), name.hasSuffix(".sock") else { continue }
            let path = "\(folder)/\(name)"
            #if canImport(Glibc)
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            #else
            let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
            #endif
            let code = withAddress(path) { connect(descriptor, $0, $1) }
            if code != 0, errno == ECONNREFUSED { unlink(path) }
            close(descriptor)
        }
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
