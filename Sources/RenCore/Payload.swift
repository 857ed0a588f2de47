/// JSON text that an event carries: a function's result, a run's input, a signal's data.
package struct Payload: Sendable {
    package var bytes: [UInt8]
    /// SHA-256 of `bytes`.
    package var hash: Digest

    package init(bytes: [UInt8], hash: Digest) {
        self.bytes = bytes
        self.hash = hash
    }
}

/// Where a payload is kept: with the event of this version. State holds references, never payloads.
package struct PayloadReference: Hashable, Sendable {
    package var version: RunVersion
    package var length: Int
    package var hash: Digest

    package init(version: RunVersion, length: Int, hash: Digest) {
        self.version = version
        self.length = length
        self.hash = hash
    }
}
