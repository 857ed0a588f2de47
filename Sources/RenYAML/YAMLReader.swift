import RenJSON

/// One pass over a text by recursive descent: where it stands, what it found, what it may still take.
///
/// Block structure is in `YAMLReader+block.swift`, flow structure in `YAMLReader+flow.swift`, what both share about
/// keys in `YAMLReader+keys.swift`, text in `YAMLReader+scalars.swift`, `…+quoted.swift` and `…+blockScalar.swift`.
/// "Under `parent`" always means: in a block map or list that begins at that column (counted from 0, -1 for the
/// document itself), so that deeper lines belong to the value.
struct YAMLReader {
    let text: YAMLText
    /// Index of the line that `position` is in; `text.lines.count` at the end.
    var line = 0
    /// Offset of the next byte to read.
    var position = 0
    private(set) var errors: [YAMLError] = []
    private var depth = 0
    private var itemCount = 0

    init(_ text: YAMLText) {
        self.text = text
    }

    /// Reads to the end of the text; behind an error it goes on with the next document.
    mutating func documents() -> [Located] {
        var documents: [Located] = []
        while true {
            let start = line
            do throws(YAMLError) {
                guard try findDocument() else { return documents }
                documents.append(try document())
            } catch {
                guard recover(from: error, at: -1, begunIn: start) != nil else {
                    report(error)
                    return documents
                }
            }
        }
    }

    /// Moves to the next document, over `...` and directives; false at the end of the text.
    private mutating func findDocument() throws(YAMLError) -> Bool {
        while true {
            let column = try nextContentLine()
            guard line < text.lines.count else { return false }
            if column < 0, current == "." {
                position += 3
                try finishLine()
            } else if column == 0, current == "%" {
                report(
                    YAMLError(
                        .directiveRefused, "the directive `\(excerpt(upTo: lineEnd))` is not read",
                        hint: "leave the line out; if it is text, put it into quotes", at: place))
                line += 1
            } else {
                return true
            }
        }
    }

    private mutating func document() throws(YAMLError) -> Located {
        let isMarked = line < text.lines.count && text.isMark(line)
        if isMarked { position += 3 }
        let value = try blockNode(under: -1, after: isMarked ? .mark : .nothing)
        let column = try nextContentLine()
        guard column < 0 else { throw wrongColumn(column, expected: value.place.column - 1, deeper: nil) }
        return value
    }
}

// Where the reader stands.
extension YAMLReader {
    /// The offset behind the last byte of the line, before its break.
    var lineEnd: Int { line < text.lines.count ? text.lines[line].end : text.bytes.count }

    /// The byte at an offset of this line, 0 at its end: no text holds that byte.
    func byte(at offset: Int) -> UInt8 {
        offset < lineEnd ? text.bytes[offset] : 0
    }

    var current: UInt8 { byte(at: position) }

    /// Whether a blank or the end of the line stands there: what makes `-`, `?` and `:` indicators.
    func isBreakable(at offset: Int) -> Bool {
        offset >= lineEnd || text.bytes[offset].isBlank
    }

    /// Whether a list item begins here.
    var isDash: Bool { current == "-" && isBreakable(at: position + 1) }

    /// Whether what begins here could only be the key that a flow must not have: `? `, a map or a list.
    var isComplexKey: Bool {
        switch current {
        case "[", "{": true
        case "?": isBreakable(at: position + 1)
        default: false
        }
    }

    /// Whether nothing more comes on this line, a comment aside.
    var isRestEmpty: Bool {
        guard position < lineEnd else { return true }
        return current == "#" && (position == text.lines[line].start || text.bytes[position - 1].isBlank)
    }

    /// The column from 0 in bytes; in front of block structure only spaces, dashes and what is refused can stand.
    var column: Int { line < text.lines.count ? position - text.lines[line].start : 0 }

    var place: Place { text.place(at: position) }

    /// A short piece of the text from here, for messages.
    func excerpt(upTo end: Int) -> String {
        let lengthMax = 40
        let scalars = String(decoding: text.bytes[position..<max(position, end)], as: UTF8.self).unicodeScalars
        let piece = String(scalars.prefix(lengthMax))
        return scalars.count > lengthMax ? piece + "…" : piece
    }
}

// How the reader moves.
extension YAMLReader {
    mutating func skipBlanks() {
        while current.isBlank { position += 1 }
    }

    /// Moves to the next line with content, from the start of this line on, and says at which column it begins.
    ///
    /// Answers -1 at a document mark and at the end of the text. Asking again changes nothing.
    mutating func nextContentLine() throws(YAMLError) -> Int {
        while line < text.lines.count {
            let found = text.lines[line]
            position = found.content
            if text.isMark(line) { return -1 }
            if !found.isBlank, current != "#" {
                guard found.content == found.start + found.indent else {
                    throw YAMLError(
                        .tab, "a tab stands in the indentation", hint: "indent with spaces, in the whole file",
                        at: text.place(at: found.start + found.indent))
                }
                return found.indent
            }
            line += 1
        }
        position = text.bytes.count
        return -1
    }

    /// Ends a value: nothing but a comment may follow on its line.
    mutating func finishLine() throws(YAMLError) {
        skipBlanks()
        guard isRestEmpty else {
            throw YAMLError(
                .syntax, "`\(excerpt(upTo: lineEnd))` stands behind the end of the value",
                hint: "put the whole text into quotes; a quote inside '…' is written twice", at: place)
        }
        line += 1
    }

    /// The line on which a scalar goes on under `parent`, and how many blank lines stand between; nil when it ends here.
    func continuation(under parent: Int) -> (line: Int, blanks: Int)? {
        var next = line + 1
        while next < text.lines.count, text.lines[next].isBlank { next += 1 }
        guard next < text.lines.count, text.lines[next].indent > parent, !text.isMark(next) else { return nil }
        return (next, next - line - 1)
    }
}

// What the reader may take, and what it says.
extension YAMLReader {
    mutating func report(_ error: YAMLError) {
        guard errors.count < YAML.errorsMax else { return }
        errors.append(error)
    }

    /// Reports an error and moves to the next line that begins an entry of a map or list at `column` or further left;
    /// the entry with the error began in line `start`.
    ///
    /// Answers that line's column, -1 at the end of the document, nil when reading must end.
    mutating func recover(from error: YAMLError, at column: Int, begunIn start: Int) -> Int? {
        guard !error.code.endsReading, errors.count < YAML.errorsMax else { return nil }
        report(error)
        line = max(start, error.place.line - 1) + 1
        while line < text.lines.count {
            let found = text.lines[line]
            position = found.content
            if text.isMark(line) { return -1 }
            let isContent = !found.isBlank && current != "#" && found.content == found.start + found.indent
            // What is no entry is more likely the rest of the first error than a second one.
            if isContent, found.indent <= column, isDash || keyColon().map({ $0 > position }) == true {
                return found.indent
            }
            line += 1
        }
        position = text.bytes.count
        return -1
    }

    /// Counts one value.
    mutating func count(at place: Place) throws(YAMLError) {
        itemCount += 1
        guard itemCount <= YAML.itemsMax else {
            throw YAMLError(
                .tooManyItems, "the text holds more than \(YAML.itemsMax) values",
                hint: "hand long lists to the run as input", at: place)
        }
    }

    /// Counts one map or list and goes one level down; `leave` goes up again.
    mutating func enter(at place: Place) throws(YAMLError) {
        try count(at: place)
        depth += 1
        guard depth <= YAML.depthMax else {
            throw YAMLError(
                .tooDeep, "maps and lists are nested more than \(YAML.depthMax) deep", hint: "nest less deeply",
                at: place)
        }
    }

    mutating func leave() {
        depth -= 1
    }

    func wrongColumn(_ column: Int, expected: Int, deeper: Int?) -> YAMLError {
        let other = deeper.map { ", or at column \($0) to go on below it" } ?? ""
        return YAMLError(
            .syntax, "this line begins at column \(column + 1), where nothing that is open goes on",
            hint: "begin it at column \(expected + 1)\(other)", at: place)
    }
}
