import Foundation
import Ren
import RenJSON

/// A fresh folder, removed with the last reference.
final class Scratch: Sendable {
    let path: String

    init() throws {
        // Short: the workers' socket stands in the data directory, and its path has a limit.
        path = NSTemporaryDirectory() + "ren-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    // What cannot be removed is left to the system.
    deinit { try? FileManager.default.removeItem(atPath: path) }

    var data: Ren.DataLocation { .directory(path + "/data") }

    /// - Returns: the file's path.
    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        let file = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return file.path
    }

    /// Writes a flow and loads it.
    @discardableResult
    func load(_ flow: String, into ren: Ren, as name: String = "flow.yaml") throws -> String {
        try ren.load(flow: .file(write(name, flow)))
    }
}

/// Opens a library, lends it, and closes it whatever happens.
func withRen<Result: Sendable>(
    _ scratch: Scratch, slots: Int? = nil, _ body: (Ren) async throws -> Result
) async throws -> Result {
    let ren = try await Ren(data: scratch.data, slots: slots)
    do {
        let result = try await body(ren)
        await ren.close()
        return result
    } catch {
        await ren.close()
        throw error
    }
}

/// Whether Python functions can run here.
let hasPython: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", "import sys; sys.exit(sys.version_info < (3, 9))"]
    do {
        try process.run()
    } catch {
        return false
    }
    process.waitUntilExit()
    return process.terminationStatus == 0
}()
