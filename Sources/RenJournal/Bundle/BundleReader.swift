#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

import struct Crypto.SHA256
import RenCore
import RenJSON

/// Reads a bundle line by line, as hostile input: bounded, checked by its checksums, each line in the one form it has.
struct BundleReader {
    /// More than the body of any event.
    static let lineBytesMax = 32 << 20
    private static let readBytes = 1 << 20
    /// What a file of gzip begins with.
    private static let gzip: [UInt8] = [0x1F, 0x8B]

    private let source: (inout [UInt8], Int) throws(RenError) -> Int
    private var buffer: [UInt8] = []
    /// Where the next line begins in the buffer.
    private var start = 0
    /// The line that was read last.
    private var bytes: [UInt8] = []
    private var isAtEnd = false
    private var hash = SHA256()
    /// The number of the line that was read last, from 1.
    private(set) var line = 0
    private(set) var byteCount = 0
    private var hasEnded = false

    /// - Parameter source: puts at most so many bytes behind those in the array, and says how many; 0 at the end.
    init(from source: @escaping (inout [UInt8], Int) throws(RenError) -> Int) { self.source = source }

    /// The next line; nil behind the last one.
    ///
    /// - Throws: `bundle.*`, naming the line.
    mutating func next() throws(RenError) -> BundleLine? {
        guard let range = try nextRange() else {
            guard hasEnded else { throw .bundle(line: line + 1, "the bundle ends here, before its last line") }
            return nil
        }
        line += 1
        guard !hasEnded else { throw .bundle(line: line, "it stands behind the last line") }
        bytes.removeAll(keepingCapacity: true)
        bytes += buffer[range]
        start = range.upperBound + 1
        if line == 1, bytes.starts(with: Self.gzip) { throw refused("it is gzip, not JSON", .bundleInvalid) }
        return try read()
    }

    private mutating func read() throws(RenError) -> BundleLine {
        let digits = [BundleWriter.sumDigits, 2 * Digest.byteCount].first { digits in
            bytes.dropLast(digits + 2).suffix(BundleWriter.sumKey.count).elementsEqual(BundleWriter.sumKey)
        }
        guard let digits, bytes.suffix(2).elementsEqual(#""}"#.utf8) else {
            throw .bundle(line == 1 ? .bundleInvalid : .bundleDamaged, line: line, "it has no checksum at its end")
        }
        let content = bytes.dropLast(digits + 2 + BundleWriter.sumKey.count)
        content.withUnsafeBytes { hash.update(bufferPointer: $0) }
        let sum = hash.finalize().withUnsafeBytes { Digest(loading: $0) }
        guard bytes.dropLast(2).suffix(digits).elementsEqual(sum.description.utf8.prefix(digits)) else {
            throw .bundle(line: line, "its checksum does not match: it, or a line before it, was changed")
        }
        let json: JSON
        do { json = try JSON(parsing: bytes, limits: .payload) } catch {
            throw .bundle(.bundleInvalid, line: line, "it is no JSON: \(error.message)")
        }
        guard let found = BundleLine(json) else { throw refused("no bundle has such a line", .bundleInvalid) }
        switch found {
        case .header(let header):
            guard line == 1 else { throw .bundle(line: line, "another bundle begins here") }
            guard header.format <= BundleHeader.currentFormat, header.records <= Int(RecordForm.whole.rawValue) else {
                throw refused("the bundle has a format that this ren does not know", .bundleNewer)
            }
        case .end:
            guard digits == 2 * Digest.byteCount else { throw .bundle(line: line, "its checksum is too short") }
            hasEnded = true
        case .event, .data, .artifact, .log: break
        }
        guard line > 1 || json["bundle"] != nil else { throw .bundle(.bundleInvalid, line: 1, "no bundle begins so") }
        // The form of an event is compared when its record is made.
        if case .event = found { return found }
        var writer = JSONWriter(reservingCapacity: content.count)
        writer.beginObject()
        found.write(to: &writer)
        guard writer.bytes.elementsEqual(content) else { throw notOurs }
        return found
    }

    private var notOurs: RenError { .bundle(.bundleInvalid, line: line, "ren writes this line in another form") }

    /// Refuses the event of the last line unless `record`, made from it, gives the same members.
    func checkForm(of event: BundleEvent, _ record: Record) throws(RenError) {
        var writer = JSONWriter(reservingCapacity: 512)
        writer.beginObject()
        BundleEvent.write(record, run: event.run, parts: event.parts, to: &writer)
        guard bytes.starts(with: writer.bytes + BundleWriter.sumKey) else { throw notOurs }
    }

    /// Where the next line stands in the buffer, without its end.
    private mutating func nextRange() throws(RenError) -> Range<Int>? {
        var searched = start
        while true {
            if let end = newline(from: searched) { return start..<end }
            searched = buffer.count
            guard !isAtEnd else { break }
            guard buffer.count - start <= Self.lineBytesMax else {
                throw .bundle(
                    .bundleInvalid, line: line + 1, "it is longer than \(Self.lineBytesMax >> 20) MiB")
            }
            // What was read goes before more comes, so that memory stays that of a line.
            buffer.removeFirst(start)
            searched -= start
            start = 0
            let count = try source(&buffer, Self.readBytes)
            byteCount += count
            isAtEnd = count == 0
        }
        guard start == buffer.count else {
            throw .bundle(line: line + 1, "it is cut off: the file ends in the middle of it")
        }
        return nil
    }

    private func newline(from place: Int) -> Int? {
        buffer.withUnsafeBytes { bytes in
            guard place < bytes.count, let base = bytes.baseAddress,
                let found = memchr(base + place, 0x0A, bytes.count - place)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }
}
