#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

package import RenCore

/// A file that a person named, which appears under its name whole, or not at all.
///
/// It is written under another name beside it, never through a link, and renamed when all of it is on the disk.
package final class OutputFile {
    package let path: String
    private let temporary: String
    /// -1 when it is closed.
    private var descriptor: Int32
    private let mayReplace: Bool
    private var isPublished = false

    /// - Parameter mayReplace: a file or link at `path` gives way; a directory never does.
    /// - Throws: `file.exists`, `file.unwritable`.
    package init(_ path: String, mayReplace: Bool) throws(RenError) {
        self.path = path
        self.mayReplace = mayReplace
        try Self.check(path, mayReplace)
        let name = path.split(separator: "/").last.map(String.init) ?? path
        temporary = "\(Paths.parent(of: path))/.\(name).\(getpid()).part"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Paths.failure(.fileUnwritable, "make", temporary) }
    }

    deinit {
        if descriptor >= 0 { closeDescriptor() }
        if !isPublished { unlink(temporary) }
    }

    /// - Throws: `output.failed`, such as for a full disk.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(RenError) { try Self.write(bytes, to: descriptor) }

    package func write(_ bytes: [UInt8]) throws(RenError) {
        try bytes.span.bytes.withUnsafeBytes { bytes throws(RenError) in try write(bytes) }
    }

    /// Flushes it; nothing more is written.
    func close() throws(RenError) {
        guard fsync(descriptor) == 0 else { throw Paths.failure(.outputFailed, "write", path) }
        closeDescriptor()
    }

    /// Gives it its name once it is closed; durable with its directory.
    func rename() throws(RenError) {
        // Whoever made a file of that name meanwhile keeps it.
        try Self.check(path, mayReplace)
        guard systemRename(temporary, path) == 0 else { throw Paths.failure(.fileUnwritable, "make", path) }
        isPublished = true
    }

    /// Gives it its name, durably.
    package func publish() throws(RenError) {
        try close()
        try rename()
        try Paths.syncDirectory(Paths.parent(of: path))
    }

    /// Writes all of `bytes` to an open file.
    package static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(RenError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = systemWrite(descriptor, UnsafeRawBufferPointer(rebasing: rest))
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                throw RenError(
                    .outputFailed, "the output could not be written: \(String(cString: strerror(errno)))",
                    hint: "make room, or write it elsewhere; nothing of it is kept")
            }
            rest = rest.dropFirst(written)
        }
    }

    private func closeDescriptor() {
        systemClose(descriptor)
        descriptor = -1
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

    private static func check(_ path: String, _ mayReplace: Bool) throws(RenError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard errno == ENOENT else { throw Paths.failure(.fileUnwritable, "make", path) }
            return
        }
        switch mode_t(status.st_mode) & S_IFMT {
        case S_IFDIR:
            throw RenError(.fileUnwritable, "\(path) is a directory", hint: "name a file in it")
        case S_IFREG where !mayReplace:
            throw RenError(
                .fileExists, "there is a file \(path) already", hint: "name another one, or replace it with --force")
        case S_IFLNK where !mayReplace:
            throw RenError(
                .fileExists, "\(path) is a symbolic link, which is not followed",
                hint: "name the file itself, or replace the link with --force")
        case S_IFREG, S_IFLNK: return
        default: throw RenError(.fileUnwritable, "\(path) is no file", hint: "name another one")
        }
    }
}

// A method of the same name hides the function.
private func systemRename(_ old: String, _ new: String) -> Int32 { rename(old, new) }
private func systemClose(_ descriptor: Int32) { close(descriptor) }

extension RenError.Code {
    package static let fileExists = Self("file.exists")
    package static let fileUnwritable = Self("file.unwritable")
    package static let outputFailed = Self("output.failed")
}
