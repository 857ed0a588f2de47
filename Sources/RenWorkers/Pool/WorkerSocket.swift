import RenCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The address that workers of a pool connect to: a Unix socket that only this user may use.
struct WorkerSocket {
    private let place: SocketPlace
    /// Bound, not listening yet; whoever listens owns it.
    let descriptor: Int32

    var path: String { place.path }

    /// Binds a socket in `folder`, or in a new folder of this user's when the path would be too long.
    ///
    /// - Throws: `socket.failed` with the system's reason.
    init(in folder: String) throws(RenError) {
        var generator = SystemRandomNumberGenerator()
        let name = "worker-\(hex((0..<4).map { _ in UInt8.random(in: .min ... .max, using: &generator) })).sock"
        Self.removeStale(in: folder)
        place = try SocketPlace(name, in: folder)
        descriptor = try place.bind()
    }

    /// Removes the file, and the folder made for it.
    func remove() {
        place.remove()
    }

    /// Removes sockets that an engine left when it was killed: those that nobody answers at.
    private static func removeStale(in folder: String) {
        guard let stream = opendir(folder) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasPrefix("worker-"), name.hasSuffix(".sock") else { continue }
            SocketPlace.removeIfDead("\(folder)/\(name)")
        }
    }
}
