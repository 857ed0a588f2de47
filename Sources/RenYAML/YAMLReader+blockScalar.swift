import RenJSON

extension YAMLReader {
    private enum Chomping {
        /// One break at the end, if the text has one.
        case clip
        case strip
        case keep
    }

    /// Reads `|` or `>`, its header and the lines that belong to it.
    mutating func blockScalar(under parent: Int) throws(YAMLError) -> Located {
        let start = place
        let isFolded = current == ">"
        position += 1
        let header = try blockHeader()
        let indent: Int
        if let step = header.step { indent = max(parent, 0) + step } else { indent = try blockIndent(under: parent) }

        var bytes: [UInt8] = []
        var blanks = 0
        var lastText: Int?
        var wasMoreIndented = false
        while line < text.lines.count {
            let found = text.lines[line]
            let length = found.end - found.start
            if length == found.indent, length <= indent {
                // Behind the last break of the text no line begins.
                if line < text.lines.count - 1 { blanks += 1 }
                line += 1
                continue
            }
            guard found.indent >= indent, !text.isMark(line) else { break }
            let content = text.bytes[found.start + indent..<found.end]
            let isMoreIndented = content.first?.isBlank ?? false
            if lastText != nil {
                let folds = isFolded && !wasMoreIndented && !isMoreIndented
                if !folds { bytes.append(0x0A) } else if blanks == 0 { bytes.append(0x20) }
            }
            bytes.append(contentsOf: repeatElement(0x0A, count: blanks))
            bytes.append(contentsOf: content)
            (blanks, lastText, wasMoreIndented) = (0, line, isMoreIndented)
            line += 1
        }
        // The last line of a file may lack its break.
        if let lastText, lastText < text.lines.count - 1, header.chomping != .strip { bytes.append(0x0A) }
        if header.chomping == .keep { bytes.append(contentsOf: repeatElement(0x0A, count: blanks)) }
        try count(at: start)
        return Located(.string(String(decoding: bytes, as: UTF8.self)), at: start)
    }

    /// The indicators behind `|` or `>`, in either order.
    private mutating func blockHeader() throws(YAMLError) -> (chomping: Chomping, step: Int?) {
        var chomping: Chomping?
        var step: Int?
        while true {
            switch current {
            case "+" where chomping == nil: chomping = .keep
            case "-" where chomping == nil: chomping = .strip
            case 0x31...0x39 where step == nil: step = Int(current) - 0x30
            default:
                skipBlanks()
                guard isRestEmpty else {
                    throw YAMLError(
                        .syntax, "`\(excerpt(upTo: lineEnd))` cannot stand behind `|` or `>`",
                        hint: "begin the text on the next line; put an operator or a text with > or | into quotes",
                        at: place)
                }
                line += 1
                return (chomping ?? .clip, step)
            }
            position += 1
        }
    }

    /// The indentation of the first line of text, which all others share.
    private func blockIndent(under parent: Int) throws(YAMLError) -> Int {
        var widest = line
        var next = line
        while next < text.lines.count {
            let found = text.lines[next]
            guard found.end == found.start + found.indent else { break }
            if found.indent > text.lines[widest].indent { widest = next }
            next += 1
        }
        guard next < text.lines.count, text.lines[next].indent > parent, !text.isMark(next) else {
            return max(parent + 1, line < text.lines.count ? text.lines[widest].indent : 0)
        }
        let indent = text.lines[next].indent
        guard widest == next || text.lines[widest].indent <= indent else {
            throw YAMLError(
                .syntax, "a blank line before the text has more spaces than its first line",
                hint: "leave at most \(indent) spaces on the line", at: text.place(at: text.lines[widest].end))
        }
        return indent
    }
}
