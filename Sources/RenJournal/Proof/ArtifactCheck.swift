#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

import struct Crypto.SHA256
import RenCore

/// Finds the artifacts that results of functions name, `{"artifact": "sha256:…", …}` anywhere in one, and hashes their
/// files. What only looks like one, in an input, was never promised to be there.
struct ArtifactCheck {
    /// The event that names an artifact first.
    private struct Naming {
        var sequence: JournalSequence
        var run: RunNumber
        var version: RunVersion
    }

    private static let marker = Array("\"sha256".utf8)
    private static let key = Array("\"artifact\"".utf8)
    private static let digits = 64
    /// A reference longer than this, by blanks in it, is not seen where it spans two chunks.
    private static let overlapBytes = 256
    private static let readBytes = 1 << 20

    private let folder: String
    private var named: [Digest: Naming] = [:]
    /// The end of the last chunk.
    private var tail: [UInt8] = []

    /// - Parameter folder: where artifacts lie, by the hexadecimal digits of their hash.
    init(_ folder: String) { self.folder = folder }

    // MARK: Payloads

    /// Looks through the next part of the payload of `record`, or through its first when `isFirst`.
    mutating func scan(
        _ part: UnsafeRawBufferPointer, of record: Record, at sequence: JournalSequence, isFirst: Bool = true
    ) {
        guard record.isResult else { return }
        if isFirst { tail.removeAll(keepingCapacity: true) }
        let naming = Naming(sequence: sequence, run: record.run, version: record.version)
        if !tail.isEmpty {
            let seam = tail + part.prefix(Self.overlapBytes)
            seam.withUnsafeBytes { find(in: $0, naming) }
        }
        find(in: part, naming)
        tail = Array(part.suffix(Self.overlapBytes))
    }

    private mutating func find(in bytes: UnsafeRawBufferPointer, _ naming: Naming) {
        guard let base = bytes.baseAddress else { return }
        var start = 0
        // Nothing else of a reference is as rare in JSON and found as fast.
        while let found = memchr(base + start, Int32(UInt8(ascii: ":")), bytes.count - start) {
            let colon = UnsafeRawPointer(found) - base
            start = colon + 1
            let end = start + Self.digits
            guard end < bytes.count, bytes[end] == UInt8(ascii: "\""),
                bytes[..<colon].suffix(Self.marker.count).elementsEqual(Self.marker),
                Self.isValue(ofKeyBefore: colon - Self.marker.count, in: bytes),
                let digest = Digest(hex: String(decoding: bytes[start..<end], as: UTF8.self)), named[digest] == nil
            else { continue }
            named[digest] = naming
        }
    }

    private static func isValue(ofKeyBefore place: Int, in bytes: UnsafeRawBufferPointer) -> Bool {
        let isBlank = { (byte: UInt8) in [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
        guard let colon = bytes[..<place].lastIndex(where: { !isBlank($0) }), bytes[colon] == UInt8(ascii: ":"),
            let quote = bytes[..<colon].lastIndex(where: { !isBlank($0) })
        else { return false }
        return bytes[...quote].suffix(key.count).elementsEqual(key)
    }

    // MARK: Files

    /// Hashes every file that was named.
    ///
    /// - Returns: what is wrong, in the order of the events.
    func findings() -> [VerifyReport.Finding] {
        named.sorted { ($0.value.sequence, $0.key.description) < ($1.value.sequence, $1.key.description) }
            .compactMap { digest, naming in
                guard let what = problem(with: digest) else { return nil }
                return VerifyReport.Finding(
                    sequence: naming.sequence, run: naming.run, version: naming.version,
                    what: "its artifact sha256:\(digest) \(what)")
            }
    }

    var count: Int { named.count }

    /// In the order of their digits.
    var digests: [Digest] { named.keys.sorted { $0.description < $1.description } }

    private func problem(with digest: Digest) -> String? {
        let descriptor = open("\(folder)/\(digest)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            return errno == ENOENT ? "is missing" : "cannot be opened: \(String(cString: strerror(errno)))"
        }
        defer { close(descriptor) }
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: Self.readBytes)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return "cannot be read: \(String(cString: strerror(errno)))" }
            guard count > 0 else { break }
            buffer.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        let found = hash.finalize().withUnsafeBytes { Digest(loading: $0) }
        return found == digest ? nil : "has another content"
    }
}

extension Record {
    /// It holds what a function gave back, which was refused unless the artifacts that it names were there.
    fileprivate var isResult: Bool { (type == .nodeSucceeded || type == .itemSucceeded) && attempt > 0 && body.isEmpty }
}
