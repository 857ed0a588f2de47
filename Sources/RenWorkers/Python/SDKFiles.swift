import RenAssets
package import RenCore

/// The Python package `ren`, which the binary carries.
package enum SDKFiles {
    /// Puts the package where workers can import it, unless it is there.
    ///
    /// - Returns: the folder for `PYTHONPATH`, `<data>/sdk/<hash>`; equal binaries share it.
    /// - Throws: `worker.failed` when it cannot be written.
    package static func unpack(under dataDirectory: String) throws(RenError) -> String {
        let folder = "\(dataDirectory)/sdk/\(hex(hash.bytes.prefix(8)))"
        guard !Files.exists(folder) else { return folder }
        let draft = "\(folder).\(UInt64.random(in: .min ... .max))"
        for file in files {
            let path = "\(draft)/\(file.name)"
            try Files.makeFolder(Files.parent(of: path) ?? draft)
            try Files.write(Array(file.bytes), to: path)
        }
        if try !Files.publish(draft, as: folder) { Files.remove(draft) }
        return folder
    }

    /// Where the package stands among the files of the binary.
    private static let folder = "python/"

    private static var files: [(name: String, bytes: UnsafeBufferPointer<UInt8>)] {
        // SAFETY: the table and what it points to are constants of the binary.
        UnsafeBufferPointer(start: ren_asset_table(), count: ren_assets_count)
            .map { (String(cString: $0.name), UnsafeBufferPointer(start: $0.bytes, count: $0.length)) }
            .filter { $0.0.hasPrefix(folder) }
            .map { (String($0.0.dropFirst(folder.count)), $0.1) }
    }

    private static var hash: Digest {
        var bytes: [UInt8] = []
        for file in files { bytes += Array("\(file.name)\n\(file.bytes.count)\n".utf8) + file.bytes }
        return Digest(hashing: bytes)
    }
}
