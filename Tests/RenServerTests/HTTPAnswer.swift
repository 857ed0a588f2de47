import Foundation
import RenJSON

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What a service answers on a Unix socket to one request on a connection of its own; asked byte by byte, so that no client stands
/// between the test and the service.
struct HTTPAnswer: Sendable {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: [UInt8]

    /// `.null` for a body that is no JSON.
    var json: JSON { (try? JSON(parsing: body, limits: .payload)) ?? .null }
    var code: String? { json["code"]?.stringValue }

    struct Broken: Error, CustomStringConvertible {
        var description: String
    }

    /// Blocks the calling thread.
    init(
        _ socket: String, _ method: String, _ path: String, text: String? = nil, type: String = "application/json",
        headers: [String: String] = [:]
    ) throws {
        var request = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        for (name, value) in headers { request += "\(name): \(value)\r\n" }
        if let text { request += "Content-Type: \(type)\r\nContent-Length: \(text.utf8.count)\r\n" }
        try self.init(bytes: Self.exchange(socket, Array("\(request)\r\n\(text ?? "")".utf8)))
    }

    private init(bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw Broken(description: "no head in \(text.prefix(200))")
        }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, let status = Int(words[1]) else { throw Broken(description: lines[0]) }
        self.status = status
        headers = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        }
        body = Array(bytes[end.upperBound...])
        if headers["transfer-encoding"] == "chunked" { body = Self.joined(chunks: body) }
    }

    private static func joined(chunks: [UInt8]) -> [UInt8] {
        var rest = chunks[...]
        var body: [UInt8] = []
        let newline = Array("\r\n".utf8)
        while let end = rest.firstRange(of: newline),
            let size = Int(String(decoding: rest[..<end.lowerBound], as: UTF8.self), radix: 16), size > 0
        {
            body += rest[end.upperBound...].prefix(size)
            rest = rest[end.upperBound...].dropFirst(size + 2)
        }
        return body
    }

    /// A descriptor connected to the socket; reading from it fails after 20 s of silence.
    static func connection(to path: String) throws -> Int32 {
        #if canImport(Glibc)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #else
        let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { throw Broken(description: "socket: \(errno)") }
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else {
            close(descriptor)
            throw Broken(description: "connect to \(path): \(errno)")
        }
        return descriptor
    }

    private static func exchange(_ path: String, _ request: [UInt8]) throws -> [UInt8] {
        let descriptor = try connection(to: path)
        defer { close(descriptor) }
        var sent = 0
        while sent < request.count {
            let count = request[sent...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { throw Broken(description: "send: \(errno)") }
            sent += count
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else { throw Broken(description: "no answer: \(errno)") }
            if count == 0 { return answer }
            answer += buffer[..<count]
        }
    }
}
