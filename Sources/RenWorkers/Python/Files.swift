import RenCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Small steps on the file system, with errors that say which file.
enum Files {
    /// Makes a folder and those above it.
    static func makeFolder(_ path: String) throws(RenError) {
        if mkdir(path, 0o700) == 0 || isFolder(path) { return }
        if errno == ENOENT, let parent = parent(of: path), parent != path {
            try makeFolder(parent)
            if mkdir(path, 0o700) == 0 || isFolder(path) { return }
        }
        throw failure("the folder \(path) cannot be made")
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func parent(of path: String) -> String? {
        guard let slash = path.lastIndex(of: "/") else { return nil }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func write(_ bytes: [UInt8], to path: String) throws(RenError) {
        guard let file = fopen(path, "w") else { throw failure("\(path) cannot be written") }
        let written = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, written == bytes.count else { throw failure("\(path) cannot be written") }
    }

    static func read(_ path: String) throws(RenError) -> [UInt8] {
        guard let file = fopen(path, "r") else {
            throw RenError(.functionFileMissing, "\(path) cannot be read: \(lastSystemError())", file: path)
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        guard ferror(file) == 0 else {
            throw RenError(.functionFileMissing, "\(path) cannot be read: \(lastSystemError())", file: path)
        }
        return bytes
    }

    /// The resident set of a process; nil where the system has no `/proc`, or the process is gone.
    static func residentBytes(_ process: Int32) -> Int? {
        guard let bytes = try? read("/proc/\(process)/statm") else { return nil }
        let numbers = bytes.split(separator: UInt8(ascii: " "))
        guard numbers.count > 1, let pages = Int(String(decoding: numbers[1], as: UTF8.self)) else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Gives a finished folder its name; another process that was faster with the same content has done the same.
    ///
    /// - Returns: whether this one now has the name.
    static func publish(_ draft: String, as path: String) throws(RenError) -> Bool {
        if rename(draft, path) == 0 { return true }
        guard errno == EEXIST || errno == ENOTEMPTY else { throw failure("\(draft) cannot be renamed to \(path)") }
        return false
    }

    /// Removes a folder and what is in it, as far as that goes: what stays is a draft that nobody looks at.
    static func remove(_ path: String) {
        guard let folder = opendir(path) else {
            unlink(path)
            return
        }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name != ".", name != ".." else { continue }
            var status = stat()
            let inner = "\(path)/\(name)"
            if lstat(inner, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { remove(inner) } else { unlink(inner) }
        }
        closedir(folder)
        rmdir(path)
    }

    private static func failure(_ text: String) -> RenError {
        RenError(.workerFailed, "\(text): \(lastSystemError())", hint: "the data directory must be writable")
    }
}
