#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension SystemFile {
    /// Removes a folder and the files in it; one that holds folders stays, with those. What is not there is no fault.
    static func removeFolder(_ path: String) {
        for file in matches(of: path + "/*") { unlink(file) }
        rmdir(path)
    }

    /// Bytes on the disk of the files in a folder, without its folders; what cannot be looked at counts nothing.
    package static func bytes(in folder: String) -> Int {
        matches(of: folder + "/*").reduce(0) { sum, path in
            var status = stat()
            guard stat(path, &status) == 0, mode_t(status.st_mode) & S_IFMT == S_IFREG else { return sum }
            return sum + Int(status.st_blocks) * 512
        }
    }
}
