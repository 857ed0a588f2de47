#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

import LMDB
import RenCore

/// Small questions to the file system.
enum Paths {
    /// Without slashes at the end, behind which a symbolic link would be followed.
    static func trimmed(_ path: String) -> String {
        var path = Substring(path)
        while path.count > 1, path.last == "/" { path.removeLast() }
        return String(path)
    }

    /// Others, in other folders, mean the same by it.
    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let folder = realPath(".") else { return path }
        return folder + "/" + (path.hasPrefix("./") ? String(path.dropFirst(2)) : path)
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// A symbolic link exists, wherever it leads.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// In bytes; nil when there is nothing.
    static func size(_ path: String) -> Int? {
        var status = stat()
        return lstat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// Device and inode; nil when there is nothing. A symbolic link is not followed.
    static func identity(_ path: String) -> Identity? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        return Identity(device: UInt64(truncatingIfNeeded: status.st_dev), inode: UInt64(status.st_ino))
    }

    /// A file as the kernel knows it.
    struct Identity: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64
    }

    /// What this user can still write below `path`; nil when the operating system does not say.
    static func freeBytes(_ path: String) -> Int? {
        var space = statvfs()
        guard statvfs(path, &space) == 0 else { return nil }
        return Int(clamping: UInt64(geteuid() == 0 ? space.f_bfree : space.f_bavail) * UInt64(space.f_frsize))
    }

    /// Makes the names in a directory durable.
    static func syncDirectory(_ path: String) throws(RenError) {
        do { try Environment.syncDirectory(path) } catch { throw RenError(error) }
    }

    /// What just failed, by `errno`.
    static func failure(_ code: RenError.Code, _ what: String, _ path: String) -> RenError {
        let reason = String(cString: strerror(errno))
        return RenError(code, "cannot \(what) \(path): \(reason)")
    }

    /// Processes that have a file open, as far as this user can see; empty where the system has no `/proc`.
    static func holders(of path: String) -> [Int32] {
        guard let real = realPath(path) else { return [] }
        return entries(of: "/proc").compactMap { Int32($0) }.sorted().filter { pid in
            entries(of: "/proc/\(pid)/fd").contains { target(of: "/proc/\(pid)/fd/\($0)") == real }
        }
    }

    static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(UnsafeMutableRawPointer(resolved)) }
        return String(cString: resolved)
    }

    static func target(of link: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = buffer.withUnsafeMutableBytes { readlink(link, $0.baseAddress!, $0.count) }
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// Names in a directory; none when it cannot be read.
    static func entries(of path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) { name in
                    String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names
    }

    /// Removes a directory with all that is in it, as far as this user may; links are not followed.
    static func removeTree(_ path: String) {
        for name in entries(of: path) where name != "." && name != ".." {
            if unlink("\(path)/\(name)") != 0 { removeTree("\(path)/\(name)") }
        }
        rmdir(path)
    }

    /// The text of a small file, at most 64 KiB; nil when it cannot be read.
    static func text(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress!, $0.count) }
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }
}
