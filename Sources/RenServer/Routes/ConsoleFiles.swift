import NIOCore
import RenAssets
import RenCore
import RenJournal

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The files that the console is made of: carried in the binary, or in a folder while somebody works on them.
struct ConsoleFiles: Sendable {
    struct File: Sendable {
        let bytes: ByteBuffer
        let type: String
        /// Its ETag: two files with the same content have the same one.
        let tag: String

        fileprivate init(_ bytes: [UInt8], type: String) {
            self.bytes = ByteBuffer(bytes: bytes)
            self.type = type
            tag = "\"\(Digest(hashing: bytes).base64url)\""
        }
    }

    static let page = "index.html"
    private static let prefix = "console/"
    private static let types = [
        "html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8",
        "svg": "image/svg+xml",
    ]
    private static let fileBytesMax = 1 << 20

    private let carried: [String: File]
    private let folder: String?

    /// - Parameter folder: nil: the files of the binary.
    init(folder: String?) {
        self.folder = folder
        carried = folder == nil ? Self.ofBinary() : [:]
    }

    /// - Parameter name: below the console's folder, as in `pages/home.js`. Nil: there is no such file.
    subscript(_ name: String) -> File? {
        guard let folder else { return carried[name] }
        guard let type = Self.type(of: name), let bytes = Self.read("\(folder)/\(name)") else { return nil }
        return File(bytes, type: type)
    }

    private static func ofBinary() -> [String: File] {
        var files: [String: File] = [:]
        // SAFETY: the table and what it points to are constants of the binary.
        for asset in UnsafeBufferPointer(start: ren_asset_table(), count: ren_assets_count) {
            let path = String(cString: asset.name)
            guard path.hasPrefix(prefix), let type = type(of: path) else { continue }
            let bytes = Array(UnsafeBufferPointer(start: asset.bytes, count: asset.length))
            files[String(path.dropFirst(prefix.count))] = File(bytes, type: type)
        }
        return files
    }

    /// Nil for a name that no file of the console has, such as one with `..` in it.
    private static func type(of name: String) -> String? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard
            parts.allSatisfy({ part in
                !part.isEmpty && part.first != "."
                    && part.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x2D || $0 == 0x2E }
            }), let ending = name.split(separator: ".").last
        else { return nil }
        return types[String(ending)]
    }

    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= fileBytesMax else {
            return nil
        }
        let size = Int(status.st_size)
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            filled = size == 0 ? 0 : max(0, pread(descriptor, buffer.baseAddress, size, 0))
        }
        return bytes.count == size ? bytes : nil
    }
}
