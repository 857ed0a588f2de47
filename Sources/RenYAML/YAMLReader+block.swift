import RenJSON

extension YAMLReader {
    /// What stands before a value, and so decides what may begin on the same line.
    enum Opener {
        /// Nothing: the value begins its line.
        case nothing
        /// `---`
        case mark
        /// `key:`
        case key
        /// `-`: maps and lists may begin on the line too.
        case dash
    }

    /// Reads the value that belongs under `parent`, and ends on a line not yet read.
    mutating func blockNode(under parent: Int, after opener: Opener) throws(YAMLError) -> Located {
        let missing = position
        skipBlanks()
        // Behind a tab the column of a nested map or list would be a guess.
        let hasTab = text.bytes[missing..<position].contains { $0 == "\t" }
        var mayNest = opener == .nothing || opener == .dash && !hasTab
        var column = column
        repeat {
            if isRestEmpty {
                line += 1
                column = try nextContentLine()
                let isListAtKey = opener == .key && column == parent && isDash
                guard column > parent || isListAtKey else { return try null(at: missing) }
                mayNest = true
            }
        } while try skipProperty()

        switch current {
        case "[", "{":
            let value = try flowCollection(under: parent)
            skipBlanks()
            if current == ":" { throw complexKey(at: value.place) }
            try finishLine()
            return value
        case "|", ">":
            return try blockScalar(under: parent)
        case "?" where isComplexKey:
            throw complexKey(at: place)
        case "-" where isDash:
            guard mayNest else { throw cannotBeginHere("a list", at: position, hasTab: hasTab) }
            return try blockList(at: column, under: parent)
        default:
            if let colon = keyColon() {
                guard mayNest else { throw cannotBeginHere("a map", at: colon, hasTab: hasTab) }
                return try blockMap(at: column)
            }
            let scalar = try scalar(under: parent, in: .block)
            try finishLine()
            return try value(of: scalar)
        }
    }

    /// The null of `key:` with nothing behind it.
    mutating func null(at offset: Int) throws(YAMLError) -> Located {
        let place = text.place(at: offset)
        try count(at: place)
        return Located(.null, at: place)
    }

    private mutating func blockList(at column: Int, under parent: Int) throws(YAMLError) -> Located {
        let place = place
        try enter(at: place)
        defer { leave() }
        var items: [Located] = []
        var next = column
        // Items may stand at the column of the key they belong to; then the next key ends the list.
        while next == column, isDash || column != parent {
            let start = line
            do throws(YAMLError) {
                guard isDash else { throw notAnItem() }
                position += 1
                let item = try blockNode(under: column, after: .dash)
                items.append(item)
                next = try nextContentLine()
                if next > column { throw wrongColumn(next, expected: column, deeper: nestedColumn(of: item)) }
            } catch {
                guard let resumed = recover(from: error, at: column, begunIn: start) else { throw error }
                next = resumed
            }
        }
        return Located(.array(items), at: place)
    }

    private mutating func blockMap(at column: Int) throws(YAMLError) -> Located {
        let place = place
        try enter(at: place)
        defer { leave() }
        var members = Members()
        var next = column
        while next == column {
            let start = line
            do throws(YAMLError) {
                let key = try blockKey()
                add(key, to: &members)
                let value = try blockNode(under: column, after: .key)
                members.setLast(value)
                next = try nextContentLine()
                if next > column { throw wrongColumn(next, expected: column, deeper: nestedColumn(of: value)) }
            } catch {
                guard let resumed = recover(from: error, at: column, begunIn: start) else { throw error }
                next = resumed
            }
        }
        return Located(.object(members.all), at: place)
    }

    /// Reads `key:` and the colon.
    private mutating func blockKey() throws(YAMLError) -> Scalar {
        while try skipProperty() {}
        if isDash {
            throw YAMLError(
                .syntax, "a list item stands among the keys of a map",
                hint: "begin it under its key, or write `key: value`", at: place)
        }
        if isComplexKey { throw complexKey(at: place) }
        guard keyColon() != nil else { throw missingColon(at: position) }
        let key = try scalar(under: column, in: .blockKey)
        skipBlanks()
        position += 1
        guard isBreakable(at: position) else { throw missingSpace(at: position) }
        return key
    }

    /// The offset of the `:` that makes the scalar here a key; nil when there is none on this line.
    func keyColon() -> Int? {
        var offset: Int
        switch current {
        case "\"", "'":
            guard let end = quoteEnd(from: position) else { return nil }
            offset = end
            while byte(at: offset).isBlank { offset += 1 }
        default:
            offset = plainEnd(from: position, in: .blockKey)
        }
        return byte(at: offset) == ":" ? offset : nil
    }

    /// The offset behind the closing quote of a scalar; nil when it is not on its line.
    private func quoteEnd(from start: Int) -> Int? {
        let quote = byte(at: start)
        var offset = start + 1
        while offset < lineEnd {
            let byte = text.bytes[offset]
            if byte == "\\", quote == "\"" {
                offset += 2
            } else if byte != quote {
                offset += 1
            } else if quote == "'", self.byte(at: offset + 1) == "'" {
                offset += 2
            } else {
                return offset + 1
            }
        }
        return nil
    }

    /// The column, from 1, at which the entries of a block map or list begin: the other level a line may have meant.
    private func nestedColumn(of value: Located) -> Int? {
        switch value.value {
        case .array, .object:
            text.bytes[value.place.offset] == "[" || text.bytes[value.place.offset] == "{"
                ? nil : value.place.column
        default: nil
        }
    }
}

// Errors of block structure.
extension YAMLReader {
    func complexKey(at place: Place) -> YAMLError {
        let offset = place.offset
        let isTemplate = offset + 1 < text.bytes.count && text.bytes[offset] == "{" && text.bytes[offset + 1] == "{"
        return YAMLError(
            .complexKeyRefused, "a key is text; a map, a list or `? ` cannot be one",
            hint: isTemplate
                ? "`{{ }}` is no template here: write {var: name}, or put text into quotes"
                : "write `key: value`; put text that begins with [ or { into quotes", at: place)
    }

    func missingSpace(at offset: Int) -> YAMLError {
        YAMLError(
            .syntax, "a space is missing behind `:`", hint: "write `key: value`", at: text.place(at: offset))
    }

    /// A line among keys that has no `: `.
    func missingColon(at offset: Int) -> YAMLError {
        let first = byte(at: offset)
        if first == "\"" || first == "'", quoteEnd(from: offset) == nil {
            return unclosedQuote(first, at: text.place(at: offset))
        }
        let hasColon = text.bytes[offset..<max(offset, lineEnd)].contains { $0 == ":" }
        return YAMLError(
            .syntax, "a key with `: ` is expected here",
            hint: hasColon
                ? "write a space behind the colon, `key: value`"
                : "write `key: value`; text of the line before goes on only when indented more",
            at: text.place(at: offset))
    }

    private func notAnItem() -> YAMLError {
        let isDashWithoutSpace = current == "-"
        return YAMLError(
            .syntax, isDashWithoutSpace ? "a space is missing behind `-`" : "a list item with `- ` is expected here",
            hint: isDashWithoutSpace
                ? "write `- item`" : "write `- item`, or begin the line at the column of the map it belongs to",
            at: place)
    }

    private func cannotBeginHere(_ what: String, at offset: Int, hasTab: Bool) -> YAMLError {
        if hasTab {
            return YAMLError(
                .tab, "a tab stands before \(what)", hint: "write one space instead", at: text.place(at: position - 1))
        }
        return YAMLError(
            .syntax, "\(what) cannot begin on this line",
            hint: "begin it on the next line, indented more; if this is one text, put it into quotes",
            at: text.place(at: offset))
    }
}
