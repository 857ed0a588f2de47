import struct Crypto.SHA256
import RenCore
import RenJSON

extension Payload {
    /// JSON text with its SHA-256.
    init(hashing bytes: [UInt8]) {
        self.init(bytes: bytes, hash: Digest(hashing: bytes))
    }
}

extension Digest {
    init(hashing bytes: [UInt8]) {
        self.init(SHA256.hash(data: bytes))
    }
}

extension AttemptEnd {
    /// What a function gave back, checked at the door: JSON no deeper than 64, at most 16 MiB.
    static func returned(unchecked bytes: [UInt8]) -> AttemptEnd {
        guard bytes.count <= Frame.bodyMax else {
            return .badResult("\(bytes.count) bytes are over the limit of 16 MiB: use an artifact")
        }
        do {
            try JSONText.validate(bytes)
        } catch {
            return .badResult("the value is not JSON as ren takes it: \(error.message), at byte \(error.place.offset)")
        }
        return .returned(Payload(hashing: bytes))
    }

    static func badResult(_ message: String) -> AttemptEnd {
        .raised(Failure(Failure.Name.badResult, message), permanent: false, retryAfter: nil)
    }
}

extension Call {
    /// Most bytes of one checkpoint.
    static let checkpointMax = 1 << 20
}

extension LogLine {
    /// Most bytes of one line.
    static let textMax = 8 << 10
}

extension String {
    /// The text in at most `limit` bytes of UTF-8, whole characters, with a mark when something was cut.
    func cut(to limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(startIndex, offsetBy: limit - 3)
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return self[..<end] + "…"
    }
}
