import struct Crypto.SHA256
import RenCore
import RenJSON

/// Writes the lines of a bundle, each with the checksum of everything up to it.
struct BundleWriter {
    /// In front of the checksum, the last member of each line.
    static let sumKey = Array(#","sum":""#.utf8)
    /// Hexadecimal digits of the checksum; the last line has all 64.
    static let sumDigits = 16

    private let sink: (UnsafeRawBufferPointer) throws(RenError) -> Void
    private var hash = SHA256()
    private var pending: [UInt8] = []
    private(set) var byteCount = 0
    private(set) var counts = BundleCounts()
    /// What the last line ends with.
    private(set) var sum = Digest.zero

    /// - Parameter sink: takes the bytes, outside of any transaction.
    init(to sink: @escaping (UnsafeRawBufferPointer) throws(RenError) -> Void) { self.sink = sink }

    /// What waits for `flush`.
    var pendingBytes: Int { pending.count }

    mutating func add(_ line: BundleLine) {
        switch line {
        case .artifact: counts.artifacts += 1
        case .log: counts.logs += 1
        case .header, .event, .data, .end: break
        }
        add { line.write(to: &$0) }
    }

    mutating func add(_ record: Record, run: String, parts: Int?) {
        counts.events += 1
        add { BundleEvent.write(record, run: run, parts: parts, to: &$0) }
    }

    mutating func end() {
        add(digits: 2 * Digest.byteCount) { [counts] in BundleLine.end(counts).write(to: &$0) }
    }

    /// Hands what is written to the sink.
    mutating func flush() throws(RenError) {
        guard !pending.isEmpty else { return }
        try pending.span.bytes.withUnsafeBytes { bytes throws(RenError) in try sink(bytes) }
        pending.removeAll(keepingCapacity: true)
    }

    private mutating func add(digits: Int = sumDigits, _ write: (inout JSONWriter) -> Void) {
        var writer = JSONWriter(reservingCapacity: 512)
        writer.beginObject()
        write(&writer)
        writer.bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
        sum = hash.finalize().withUnsafeBytes { Digest(loading: $0) }
        writer.bytes += Self.sumKey
        writer.bytes += sum.description.utf8.prefix(digits)
        writer.bytes += [UInt8(ascii: "\""), UInt8(ascii: "}"), UInt8(ascii: "\n")]
        byteCount += writer.bytes.count
        pending += writer.bytes
    }
}
