import RenAPI
import RenCore

/// A wish for a part of a file (RFC 9110, 14.1.2): one range of bytes; what else is asked for is answered with the whole.
enum ByteRange {
    /// - Returns: nil for the whole file.
    /// - Throws: a problem of status 416 for a range that lies outside of it.
    static func read(_ header: String?, of size: Int) throws -> Range<Int>? {
        guard let header, header.hasPrefix("bytes="), !header.contains(",") else { return nil }
        let parts = header.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            parts.contains(where: { !$0.isEmpty })
        else { return nil }
        // Numbers beyond Int are beyond every file.
        let first = parts[0].isEmpty ? nil : Int(parts[0]) ?? .max
        let last = parts[1].isEmpty ? nil : Int(parts[1]) ?? .max
        guard let first else {
            let count = min(last ?? 0, size)
            guard count > 0 else { throw outside(size) }
            return size - count..<size
        }
        if let last, last < first { return nil }
        guard first < size else { throw outside(size) }
        return first..<min(last ?? .max - 1, size - 1) + 1
    }

    private static func outside(_ size: Int) -> Problem {
        var problem = Problem(RenError(.init("range.invalid"), "the range lies outside of the \(size) bytes"))
        problem.headers["Content-Range"] = "bytes */\(size)"
        return problem
    }
}
