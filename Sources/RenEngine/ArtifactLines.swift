import RenCore
import RenJSON

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// An artifact of JSON Lines, as `ren.Items` and `ctx.artifact` make them: a list too long for a payload.
struct ArtifactLines {
    private let path: String

    /// - Parameters:
    ///   - reference: what stands in an output: `{"artifact": "sha256:…", …}`.
    ///   - folder: where artifacts are kept, by the hexadecimal digits of their hash.
    init?(_ reference: [UInt8], in folder: String?) {
        guard let folder, reference.first == UInt8(ascii: "{"), reference.count < 4096,
            let range = JSONText.slice(at: JSONPointer(["artifact"]), in: reference)
        else { return nil }
        let name = String(decoding: reference[range], as: UTF8.self)
        let prefix = "\"sha256:"
        guard name.hasPrefix(prefix), name.hasSuffix("\""), name.count == prefix.count + 65,
            let hash = Digest(hex: String(name.dropFirst(prefix.count).dropLast()))
        else { return nil }
        self.init(hash, in: folder)
        self.hash = hash
    }

    private(set) var hash: Digest

    init(_ hash: Digest, in folder: String) {
        self.hash = hash
        path = "\(folder)/\(hash)"
    }

    /// The byte offsets of every `stride`th line, and how many lines there are. Empty lines count for nothing.
    ///
    /// - Throws: `Failure` `NotAList` when a line is not JSON, or when the file is not there.
    func scan(stride: Int) throws -> (total: Int, offsets: [Int]) {
        var offsets: [Int] = []
        var total = 0
        try forEach { offset, line in
            do throws(JSONError) {
                try JSONText.validate(line)
            } catch {
                throw Failure(
                    Failure.Name.notAList, "line \(total + 1) of artifact \(hash) is not JSON: \(error.message)")
            }
            if total % stride == 0 { offsets.append(offset) }
            total += 1
        }
        return (total, offsets)
    }

    /// `count` lines from the one at `offset`.
    func lines(from offset: Int, count: Int) throws -> [[UInt8]] {
        var lines: [[UInt8]] = []
        try forEach(from: offset) { _, line in
            lines.append(Array(line))
            if lines.count == count { throw Enough() }
        }
        return lines
    }

    private struct Enough: Error {}

    func forEach(from start: Int = 0, _ body: (Int, ArraySlice<UInt8>) throws -> Void) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw Failure(Failure.Name.notAList, "artifact \(hash) is not there") }
        defer { close(descriptor) }
        var buffer: [UInt8] = []
        var offset = start
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        do {
            while true {
                let count = pread(descriptor, &chunk, chunk.count, off_t(offset + buffer.count))
                guard count > 0 else { break }
                buffer += chunk[..<count]
                var first = 0
                while let end = buffer[first...].firstIndex(of: UInt8(ascii: "\n")) {
                    if end > first { try body(offset + first, buffer[first..<end]) }
                    first = end + 1
                }
                offset += first
                buffer.removeFirst(first)
            }
            if !buffer.isEmpty { try body(offset, buffer[...]) }
        } catch is Enough {
            return
        }
    }
}
