import Foundation

/// A folder for one test, gone with it.
final class TemporaryFolder: Sendable {
    let root: String

    init() throws {
        var template = Array((FileManager.default.temporaryDirectory.path + "/ren-test-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw POSIXError(.EIO) }
        // Real, because function sets name files by their real paths.
        let made = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        root = URL(fileURLWithPath: made).resolvingSymlinksInPath().path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: root)  // what stays is in the temporary folder
    }

    func path(_ name: String) -> String { "\(root)/\(name)" }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        let url = URL(fileURLWithPath: path(name))
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        return url.path
    }
}
