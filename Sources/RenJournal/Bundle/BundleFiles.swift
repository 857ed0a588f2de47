#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

import struct Crypto.SHA256
import RenCore

/// The artifacts and logs of a bundle on their way into a data directory: beside their places until all is well.
struct BundleFiles {
    private let target: DataDirectory
    private var files: [OutputFile] = []
    private var folders: [String] = []

    init(in target: DataDirectory) { self.target = target }

    mutating func addArtifact(_ hash: Digest, length: Int, from reader: inout BundleReader) throws(RenError) {
        let path = "\(target.artifacts)/\(hash)"
        let line = reader.line
        var found = SHA256()
        try add(Paths.exists(path) ? nil : path, length: length, from: &reader) {
            $0.withUnsafeBytes { found.update(bufferPointer: $0) }
        }
        guard found.finalize().withUnsafeBytes({ Digest(loading: $0) }) == hash else {
            throw reader.refused("the artifact has another content than its hash says", at: line)
        }
    }

    /// - Parameter isWanted: the run was added: the log of one that was here stays.
    mutating func addLog(
        of isWanted: Bool, _ run: String, _ name: String, length: Int, from reader: inout BundleReader
    ) throws(RenError) {
        guard RunLogName.isName(name) else { throw reader.refused("a log cannot be called so", .bundleInvalid) }
        var path: String?
        if isWanted {
            let folder = target.run(run)
            if !Paths.exists(folder) { folders.append(folder) }
            try target.make(folder)
            path = "\(folder)/\(name)"
        }
        try add(path.flatMap { Paths.exists($0) ? nil : $0 }, length: length, from: &reader) { _ in }
    }

    /// - Parameter path: nil: the parts are read and let go.
    private mutating func add(
        _ path: String?, length: Int, from reader: inout BundleReader, _ look: ([UInt8]) -> Void
    ) throws(RenError) {
        let file = try path.map { path throws(RenError) in try OutputFile(path, mayReplace: false) }
        var left = length
        while left > 0 {
            let part = try reader.nextPart()
            guard !part.isEmpty, part.count <= left else {
                throw reader.refused("the file has another length than it says")
            }
            left -= part.count
            look(part)
            try file?.write(part)
        }
        try file?.close()
        if let file { files.append(file) }
    }

    /// Gives all of them their names, durably.
    func publish() throws(RenError) {
        guard !files.isEmpty else { return }
        for file in files { try file.rename() }
        for folder in [target.artifacts, target.runs] + folders { try Paths.syncDirectory(folder) }
    }

    /// Removes what was made for files that do not come.
    mutating func abandon() {
        files = []
        for folder in folders { rmdir(folder) }
    }
}
