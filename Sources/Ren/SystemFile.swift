package import RenCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The few things that ren does with files that people name.
package enum SystemFile {
    /// The bytes of the file at `path`.
    ///
    /// - Throws: `file.not_found`, `file.unreadable`, and `file.too_large` above `limit` bytes.
    package static func read(_ path: String, limit: Int) throws(RenError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            throw RenError(
                code == ENOENT ? .fileNotFound : .fileUnreadable,
                code == ENOENT
                    ? "there is no file \(path)" : "\(path) cannot be read: \(String(cString: strerror(code)))",
                hint: code == ENOENT && !path.hasPrefix("/") ? "paths are relative to the folder you are in" : nil)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = systemRead(descriptor, &chunk)
            guard count >= 0 else {
                throw RenError(.fileUnreadable, "\(path) cannot be read: \(String(cString: strerror(errno)))")
            }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= limit else {
                throw RenError(.fileTooLarge, "\(path) has more than \(limit) bytes")
            }
        }
    }

    /// Adds text at the end of the file at `path`, which is made if need be, and flushes it.
    ///
    /// - Throws: `file.unwritable`; a symbolic link is not followed.
    package static func append(_ text: String, to path: String) throws(RenError) {
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw unwritable(path) }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0) }
            guard count > 0 else { throw unwritable(path) }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw unwritable(path) }
    }

    private static func unwritable(_ path: String) -> RenError {
        RenError(.fileUnwritable, "\(path) cannot be written: \(String(cString: strerror(errno)))")
    }

    private static func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Darwin)
        Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Glibc)
        Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #else
        Musl.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }

    private static func systemRead(_ descriptor: Int32, _ chunk: inout [UInt8]) -> Int {
        #if canImport(Darwin)
        Darwin.read(descriptor, &chunk, chunk.count)
        #elseif canImport(Glibc)
        Glibc.read(descriptor, &chunk, chunk.count)
        #else
        Musl.read(descriptor, &chunk, chunk.count)
        #endif
    }

    /// The absolute path without links, or nil when nothing is there.
    package static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Paths that match a pattern such as `functions/*.py`, in order.
    package static func matches(of pattern: String) -> [String] {
        var result = glob_t()
        defer { globfree(&result) }
        guard glob(pattern, 0, nil, &result) == 0 else { return [] }
        return (0..<Int(result.gl_pathc)).compactMap { result.gl_pathv[$0].map { String(cString: $0) } }
    }

    /// Whether a file is there that is no folder, socket or the like.
    package static func isFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The environment of this process.
    package static var environment: [String: String] {
        var variables: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            next += 1
        }
        return variables
    }

    package static var currentDirectory: String { realPath(".") ?? "/" }
}

extension RenError.Code {
    package static let fileNotFound = Self("file.not_found")
    package static let fileUnreadable = Self("file.unreadable")
    package static let fileTooLarge = Self("file.too_large")
    package static let fileUnwritable = Self("file.unwritable")
}
