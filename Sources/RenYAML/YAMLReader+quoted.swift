import RenJSON

extension YAMLReader {
    /// Reads a text in single or double quotes, over any number of lines.
    mutating func quoted(under parent: Int) throws(YAMLError) -> Scalar {
        let start = place
        let firstLine = line
        let quote = current
        position += 1
        var bytes: [UInt8] = []
        // Blanks behind this count vanish when the line ends; escaped ones never do.
        var solid = 0
        while true {
            guard position < lineEnd else {
                bytes.removeSubrange(solid...)
                let blanks = try nextQuotedLine(quote, under: parent, start)
                bytes.append(contentsOf: fold(blanks))
                solid = bytes.count
                continue
            }
            let byte = current
            if byte == quote {
                position += 1
                guard quote == "'", current == "'" else { break }
            } else if byte == "\\", quote == "\"" {
                position += 1
                if position == lineEnd {
                    let blanks = try nextQuotedLine(quote, under: parent, start)
                    bytes.append(contentsOf: repeatElement(0x0A, count: blanks))
                } else {
                    readEscape(into: &bytes)
                }
                solid = bytes.count
                continue
            }
            bytes.append(byte)
            position += 1
            if !byte.isBlank { solid = bytes.count }
        }
        return Scalar(
            text: String(decoding: bytes, as: UTF8.self), place: start, isPlain: false, spansLines: line > firstLine)
    }

    /// Moves to where the text goes on, and answers how many blank lines were passed.
    private mutating func nextQuotedLine(
        _ quote: UInt8, under parent: Int, _ start: Place
    ) throws(YAMLError) -> Int {
        guard let next = continuation(under: parent) else { throw unclosedQuote(quote, at: start) }
        line = next.line
        position = text.lines[next.line].content
        return next.blanks
    }

    func unclosedQuote(_ quote: UInt8, at place: Place) -> YAMLError {
        let quote = String(UnicodeScalar(quote))
        return YAMLError(
            .syntax, "the quote \(quote) that opens here is not closed",
            hint: "write \(quote) at its end; further lines of the text must be indented more than the key", at: place)
    }

    /// Reads what stands behind a backslash; what is wrong with it is reported and left out.
    private mutating func readEscape(into bytes: inout [UInt8]) {
        let start = text.place(at: position - 1)
        let letter = current
        position += 1
        let scalar: UInt32? =
            switch letter {
            case "0": 0x00
            case "a": 0x07
            case "b": 0x08
            case "t", "\t": 0x09
            case "n": 0x0A
            case "v": 0x0B
            case "f": 0x0C
            case "r": 0x0D
            case "e": 0x1B
            case " ", "\"", "/", "\\": UInt32(letter)
            case "N": 0x85
            case "_": 0xA0
            case "L": 0x2028
            case "P": 0x2029
            case "x": readHex(2)
            case "u": readSurrogates(after: readHex(4))
            case "U": readHex(8)
            default: nil
            }
        if let scalar = scalar.flatMap(Unicode.Scalar.init) {
            bytes.append(contentsOf: UTF8.encode(scalar)!)
        } else {
            let isRange = letter == "x" || letter == "u" || letter == "U"
            // The letter may be the first byte of several.
            while current.isContinuation { position += 1 }
            let written = String(decoding: text.bytes[start.offset..<position], as: UTF8.self)
            report(
                YAMLError(
                    .syntax, "`\(written)` is no escape of a Unicode scalar",
                    hint: isRange
                        ? "write \\xHH, \\uHHHH or \\UHHHHHHHH; surrogates only as a pair"
                        : "write \\\\ for a backslash, or use '…', where a backslash is an ordinary character",
                    at: start))
        }
    }

    /// Exactly this many hexadecimal digits, or nil.
    private mutating func readHex(_ count: Int) -> UInt32? {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = current.hexValue else { return nil }
            value = value << 4 | digit
            position += 1
        }
        return value
    }

    /// JSON writes scalars beyond U+FFFF as two escapes; joins them.
    private mutating func readSurrogates(after high: UInt32?) -> UInt32? {
        guard let high, (0xD800...0xDBFF).contains(high), current == "\\", byte(at: position + 1) == "u" else {
            return high
        }
        let back = position
        position += 2
        guard let low = readHex(4), (0xDC00...0xDFFF).contains(low) else {
            position = back
            return high
        }
        return 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
    }
}
