import RenJSON

/// Text as it was written, before the core schema looks at it.
struct Scalar {
    var text: String
    var place: Place
    /// Without quotes, so the core schema decides what it is.
    var isPlain: Bool
    var spansLines = false

    /// The text for messages: short, and without what could change a terminal.
    var shown: String {
        let scalars = text.unicodeScalars.prefix(40).map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }
        return String(String.UnicodeScalarView(scalars)) + (text.unicodeScalars.count > 40 ? "…" : "")
    }
}

extension YAMLReader {
    /// What ends a plain scalar.
    enum ScalarContext {
        /// A value outside of brackets: goes on over deeper lines.
        case block
        /// A key outside of brackets: ends with its line.
        case blockKey
        /// Within brackets: commas and brackets end it too.
        case flow
    }

    mutating func scalar(under parent: Int, in context: ScalarContext) throws(YAMLError) -> Scalar {
        switch current {
        case "\"", "'": return try quoted(under: parent)
        case "*":
            let start = place
            let error = indicatorRefused()
            guard text.bytes[position - 1] != ":" else { throw error }
            report(error)
            return Scalar(text: "", place: start, isPlain: true)
        default: return try plain(under: parent, in: context)
        }
    }

    /// The value of a scalar by the core schema, counted.
    mutating func value(of scalar: Scalar) throws(YAMLError) -> Located {
        try count(at: scalar.place)
        guard scalar.isPlain else { return Located(.string(scalar.text), at: scalar.place) }
        switch CoreSchema.value(of: scalar.text) {
        case .value(let value): return Located(value, at: scalar.place)
        case .refused(let reason):
            report(
                YAMLError(
                    .number, "`\(scalar.shown)` \(reason)", hint: "put it into quotes to keep it as text",
                    at: scalar.place))
            return Located(.null, at: scalar.place)
        }
    }
}

// Plain scalars.
extension YAMLReader {
    private mutating func plain(under parent: Int, in context: ScalarContext) throws(YAMLError) -> Scalar {
        try checkPlainStart(in: context)
        let start = place
        let firstLine = line
        var end = plainEnd(from: position, in: context)
        var bytes = text.bytes[position..<trimmed(end, from: position)]
        position = end
        while context != .blockKey, position == lineEnd, let next = continuation(under: parent) {
            let begin = text.lines[next.line].content
            line = next.line
            end = plainEnd(from: begin, in: context)
            let isColon = byte(at: end) == ":"
            guard context == .flow || !isColon else {
                let indent = text.lines[line].indent
                line = firstLine
                let before = text.bytes[text.lines[line].start..<start.offset]
                // A line at the column of this text is its neighbour: then this text is a key without its `: `.
                let isNeighbour = before.count == indent && before.allSatisfy { $0 == " " || $0 == "-" }
                throw isNeighbour ? missingColon(at: start.offset) : keyInsideText(at: begin, under: parent)
            }
            guard end > begin, text.bytes[begin] != "#" else {
                line = next.line - next.blanks - 1
                break
            }
            bytes.append(contentsOf: fold(next.blanks))
            bytes.append(contentsOf: text.bytes[begin..<trimmed(end, from: begin)])
            position = end
        }
        return Scalar(
            text: String(decoding: bytes, as: UTF8.self), place: start, isPlain: true, spansLines: line > firstLine)
    }

    /// The offset of what ends a plain scalar on its line: `: `, ` #`, within brackets `,[]{}`, or the end.
    func plainEnd(from start: Int, in context: ScalarContext) -> Int {
        let end = lineEnd
        let isFlow = context == .flow
        var offset = start
        while offset < end {
            switch text.bytes[offset] {
            case ":":
                if isBreakable(at: offset + 1) || isFlow && text.bytes[offset + 1].isFlowIndicator { return offset }
            case "#":
                if offset > start, text.bytes[offset - 1].isBlank { return offset }
            case ",", "[", "]", "{", "}":
                if isFlow { return offset }
            default: break
            }
            offset += 1
        }
        return end
    }

    private func trimmed(_ end: Int, from start: Int) -> Int {
        var end = end
        while end > start, text.bytes[end - 1].isBlank { end -= 1 }
        return end
    }

    /// One break reads as a space, more as one break fewer.
    func fold(_ blanks: Int) -> [UInt8] {
        blanks == 0 ? [0x20] : [UInt8](repeating: 0x0A, count: blanks)
    }

    private func checkPlainStart(in context: ScalarContext) throws(YAMLError) {
        let first = current
        switch first {
        case "-", "?", ":":
            let isSafe = !isBreakable(at: position + 1) && !(context == .flow && byte(at: position + 1).isFlowIndicator)
            guard !isSafe else { return }
        case ",", "[", "]", "{", "}", "#", "&", "*", "!", "|", ">", "'", "\"", "%", "@", "`": break
        default: return
        }
        if first == "?" { throw complexKey(at: place) }
        let shown = String(UnicodeScalar(first))
        let (message, hint) =
            switch first {
            case ":": ("a key is missing before `:`", "write `key: value`; for an empty key write \"\"")
            case "-" where context == .flow:
                ("`- ` cannot begin an item within brackets", "write [a, b], or put the text into quotes")
            case ",": ("a value is missing before `,`", "leave the comma out, or write null")
            case "]", "}": ("`\(shown)` closes nothing that is open here", "leave it out, or put the text into quotes")
            default: ("`\(shown)` cannot begin a text without quotes", "put the text into quotes")
            }
        throw YAMLError(.syntax, message, hint: hint, at: place)
    }

    private func keyInsideText(at offset: Int, under parent: Int) -> YAMLError {
        YAMLError(
            .syntax, "a key stands where the text of the line before goes on",
            hint: "begin it at column \(max(parent, 0) + 1), or end the line before with `:` if that is its key",
            at: text.place(at: offset))
    }
}
