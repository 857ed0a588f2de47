import Foundation

/// The disk, right now.
enum Disk {
    /// Median time of a 300-byte append and `fdatasync`.
    static func fdatasyncMilliseconds(in directory: String, times: Int = 60) throws -> Double {
        let path = directory + "/probe"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
        defer {
            close(descriptor)
            unlink(path)
        }
        let bytes = [UInt8](repeating: 120, count: 300)
        var latencies: [Double] = []
        for _ in 0..<times {
            let start = ContinuousClock.now
            _ = write(descriptor, bytes, bytes.count)
            #if canImport(Darwin)
            fsync(descriptor)
            #else
            fdatasync(descriptor)
            #endif
            latencies.append((ContinuousClock.now - start) / .milliseconds(1))
        }
        return latencies.sorted()[times / 2]
    }

    /// Bytes that the files below `directory` take on the disk.
    static func bytes(below directory: String) -> Int {
        var total = 0
        for case let name as String in FileManager.default.enumerator(atPath: directory) ?? .init() {
            var info = stat()
            if lstat(directory + "/" + name, &info) == 0 { total += Int(info.st_blocks) * 512 }
        }
        return total
    }

    /// A field of `/proc/PID/status` in MB; 0 where there is none.
    static func memory(_ field: String, of process: Int32 = getpid()) -> Double {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),  // not on this system
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix(field + ":") }),
            let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Double($0) })
        else { return 0 }
        return kilobytes / 1024
    }
}
