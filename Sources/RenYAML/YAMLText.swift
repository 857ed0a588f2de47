import RenJSON

/// The bytes of a text, known to be UTF-8 without control characters, cut into lines.
struct YAMLText {
    /// One line without its break; `\n`, `\r\n` and `\r` end lines.
    struct Line {
        var start: Int
        var end: Int
        /// Spaces the line begins with.
        var indent: Int
        /// The offset of the first byte that is neither space nor tab; `end` for a blank line.
        var content: Int

        var isBlank: Bool { content == end }
    }

    let bytes: [UInt8]
    /// Never empty: behind the last break stands one more line, mostly of no bytes.
    let lines: [Line]
    /// How many continuation bytes stand before each stretch of 64 bytes, so that a column needs no walk over its line.
    private let continuations: [Int]

    /// - Throws: `yaml.too_large`, `yaml.encoding`.
    init(_ bytes: [UInt8]) throws(YAMLError) {
        guard bytes.count <= YAML.sizeMax else {
            throw YAMLError(
                .tooLarge, "the text has \(bytes.count) bytes, the limit is \(YAML.sizeMax)",
                hint: "move data out of the file, or split it", at: Place(line: 1, column: 1, offset: 0))
        }
        self.bytes = bytes
        lines = Self.lines(of: bytes)
        continuations = Self.continuations(in: bytes)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            throw YAMLError(
                .encoding, "the text begins with a byte order mark", hint: "save the file as UTF-8 without BOM",
                at: place(at: 0))
        }
        if let offset = Self.firstFault(in: bytes) {
            let byte = String(bytes[offset], radix: 16, uppercase: true)
            throw YAMLError(
                .encoding, "byte 0x\(byte) is not part of UTF-8 text, or is a control character",
                hint: "save the file as UTF-8; write a control character as an escape, \"\\u0007\"",
                at: place(at: offset))
        }
    }

    /// Where a byte stands.
    ///
    /// - Complexity: O(log *n*) in the number of lines, whatever their length.
    func place(at offset: Int) -> Place {
        var low = 0
        var high = lines.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lines[middle].start <= offset { low = middle } else { high = middle }
        }
        let start = lines[low].start
        let scalars = offset - start - (continuations(before: offset) - continuations(before: start))
        return Place(line: low + 1, column: scalars + 1, offset: offset)
    }

    /// Whether a line is `---` or `...` at column 1, alone or followed by a blank.
    func isMark(_ line: Int) -> Bool {
        let line = lines[line]
        guard line.end - line.start >= 3, line.end - line.start == 3 || bytes[line.start + 3].isBlank else {
            return false
        }
        let mark = bytes[line.start..<line.start + 3]
        return mark.allSatisfy { $0 == "-" } || mark.allSatisfy { $0 == "." }
    }

    private func continuations(before offset: Int) -> Int {
        let stretch = offset / 64
        return continuations[stretch] + bytes[stretch * 64..<offset].count { $0.isContinuation }
    }

    private static func continuations(in bytes: [UInt8]) -> [Int] {
        var counts = [0]
        for start in stride(from: 0, to: bytes.count, by: 64) {
            let end = min(start + 64, bytes.count)
            counts.append(counts[counts.count - 1] + bytes[start..<end].count { $0.isContinuation })
        }
        return counts
    }

    private static func lines(of bytes: [UInt8]) -> [Line] {
        var lines: [Line] = []
        var start = 0
        while true {
            var indentEnd = start
            while indentEnd < bytes.count, bytes[indentEnd] == " " { indentEnd += 1 }
            var content = indentEnd
            while content < bytes.count, bytes[content].isBlank { content += 1 }
            var end = content
            while end < bytes.count, bytes[end] != "\n", bytes[end] != "\r" { end += 1 }
            lines.append(Line(start: start, end: end, indent: indentEnd - start, content: content))
            guard end < bytes.count else { return lines }
            let isPair = bytes[end] == "\r" && end + 1 < bytes.count && bytes[end + 1] == "\n"
            start = end + (isPair ? 2 : 1)
        }
    }

    /// The first byte that is not UTF-8 (Unicode 16, table 3-7), or begins a control character other than tab and break.
    private static func firstFault(in bytes: [UInt8]) -> Int? {
        var offset = 0
        while offset < bytes.count {
            let lead = bytes[offset]
            if lead < 0x80 {
                guard lead >= 0x20 && lead != 0x7F || lead == "\t" || lead == "\n" || lead == "\r" else {
                    return offset
                }
                offset += 1
                continue
            }
            // The second byte decides alone whether a form is overlong, a surrogate, beyond U+10FFFF or a C1 control.
            let second: ClosedRange<UInt8>
            let length: Int
            switch lead {
            case 0xC2: (second, length) = (0xA0...0xBF, 2)
            case 0xC3...0xDF: (second, length) = (0x80...0xBF, 2)
            case 0xE0: (second, length) = (0xA0...0xBF, 3)
            case 0xED: (second, length) = (0x80...0x9F, 3)
            case 0xE1...0xEF: (second, length) = (0x80...0xBF, 3)
            case 0xF0: (second, length) = (0x90...0xBF, 4)
            case 0xF1...0xF3: (second, length) = (0x80...0xBF, 4)
            case 0xF4: (second, length) = (0x80...0x8F, 4)
            default: return offset
            }
            guard offset + length <= bytes.count, second.contains(bytes[offset + 1]),
                bytes[offset + 2..<offset + length].allSatisfy({ $0.isContinuation })
            else {
                // U+0085, next line, is the one C1 control that YAML prints.
                guard lead == 0xC2, offset + 1 < bytes.count, bytes[offset + 1] == 0x85 else { return offset }
                offset += 2
                continue
            }
            offset += length
        }
        return nil
    }
}
