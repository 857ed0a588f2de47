package import RenCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The function files of a run, in order: what its functions are looked up in.
package struct FunctionSet: Sendable, Equatable {
    package struct File: Sendable, Equatable {
        /// Real and absolute.
        package var path: String
        /// SHA-256 of the content when the set was made.
        package var hash: Digest

        /// - Throws: `function.file_missing`.
        package func read() throws(RenError) -> [UInt8] { try Files.read(path) }
    }

    package let files: [File]

    /// - Parameter paths: as a person gave them; one that stands twice counts once.
    /// - Throws: `function.file_missing`, naming the path.
    package init(files paths: [String]) throws(RenError) {
        var files: [File] = []
        for path in paths {
            guard let real = realpath(path, nil) else {
                throw RenError(
                    .functionFileMissing, "there is no function file \(path): \(lastSystemError())",
                    hint: path.hasPrefix("/")
                        ? "put the file back, or name it again with -f"
                        : "paths are relative to the folder that ren is started in", file: path)
            }
            defer { free(real) }
            let name = String(cString: real)
            guard !Files.isFolder(name) else {
                throw RenError(.functionFileMissing, "\(path) is a folder; give the files in it", file: path)
            }
            if !files.contains(where: { $0.path == name }) {
                files.append(File(path: name, hash: Digest(hashing: try Files.read(name))))
            }
        }
        self.files = files
    }

    /// Names the set: the hash of its ordered paths and its environment. Contents are not in it, so that a run goes on
    /// with files that were mended.
    package func id(environment: Digest?) -> Digest {
        let text = files.map { "\($0.path)\n" }.joined() + (environment?.description ?? "")
        return Digest(hashing: Array(text.utf8))
    }
}
