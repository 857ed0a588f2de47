import struct Crypto.SHA256
package import RenCore

extension Digest {
    /// SHA-256 of `bytes`.
    package init(hashing bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { Digest.of($0) }
    }

    /// SHA-256 of one stretch of bytes, or of two behind each other.
    static func of(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer? = nil) -> Digest {
        var hash = SHA256()
        hash.update(bufferPointer: first)
        if let second { hash.update(bufferPointer: second) }
        return hash.finalize().withUnsafeBytes { Digest(loading: $0) }
    }

    /// SHA-256(self ‖ next): one link of a chain.
    func chained(with next: Digest) -> Digest {
        withUnsafeTemporaryAllocation(byteCount: 2 * Digest.byteCount, alignment: 8) { both in
            withBytes { UnsafeMutableRawBufferPointer(rebasing: both[..<32]).copyMemory(from: $0) }
            next.withBytes { UnsafeMutableRawBufferPointer(rebasing: both[32...]).copyMemory(from: $0) }
            return Digest.of(UnsafeRawBufferPointer(both))
        }
    }

    /// R(0): where the chain of a run begins.
    static func chainStart(ofRun id: String) -> Digest { Digest(hashing: Array(id.utf8)) }
}

extension Payload {
    package init(hashing bytes: [UInt8]) {
        self.init(bytes: bytes, hash: Digest(hashing: bytes))
    }
}
