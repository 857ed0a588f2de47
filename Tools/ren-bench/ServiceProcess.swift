import Foundation

/// `ren serve`, the binary beside this one, as its users start it.
struct ServiceProcess {
    private let process = Process()
    private let port: UInt16
    private let started = Date()

    /// - Parameter data: the data directory, empty or filled.
    init(data: String) throws {
        port = try Self.freePort()
        let ren = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent(
            "ren")
        process.executableURL = ren
        process.arguments = ["serve", "--data", data, "--listen", "127.0.0.1:\(port)"]
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
    }

    /// Seconds from the start of the process to its first HTTP answer; nan when it ended before.
    func secondsToFirstAnswer() -> Double {
        while process.isRunning {
            if answers() { return Date().timeIntervalSince(started) }
            usleep(500)
        }
        return .nan
    }

    /// A figure of `/proc/PID/status`, in MB.
    func memory(_ name: String) -> Double { Disk.memory(name, of: process.processIdentifier) }

    func end() {
        process.terminate()
        process.waitUntilExit()
    }

    private func answers() -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = Self.loopback(port)
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { return false }
        let request = Array("GET /health/live HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n\r\n".utf8)
        guard write(descriptor, request, request.count) == request.count else { return false }
        var answer = [UInt8](repeating: 0, count: 64)
        let count = read(descriptor, &answer, answer.count)
        return count > 12 && String(decoding: answer[..<12], as: UTF8.self) == "HTTP/1.1 200"
    }

    /// A port that nobody listens on at this moment.
    private static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isKnown = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isKnown else { throw CocoaError(.fileReadUnknown) }
        return UInt16(bigEndian: address.sin_port)
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return address
    }
}
