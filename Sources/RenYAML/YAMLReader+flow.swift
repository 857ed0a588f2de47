import RenJSON

extension YAMLReader {
    /// Reads `[…]` or `{…}`, over any number of lines, and stops behind the closing bracket.
    mutating func flowCollection(under parent: Int) throws(YAMLError) -> Located {
        let open = place
        try enter(at: open)
        defer { leave() }
        let isList = current == "["
        if !isList, byte(at: position + 1) == "{" { throw complexKey(at: open) }
        position += 1
        var items: [Located] = []
        var members = Members()
        while true {
            try skipFlowSpace(under: parent, open)
            if current == (isList ? "]" : "}") { break }
            if isList {
                items.append(try flowItem(under: parent, open))
            } else {
                try flowMember(of: &members, under: parent, open)
            }
            try skipFlowSpace(under: parent, open)
            if current == "," {
                position += 1
            } else if current != (isList ? "]" : "}") {
                throw separatorExpected(open)
            }
        }
        position += 1
        return Located(isList ? .array(items) : .object(members.all), at: open)
    }

    /// An item of a list; `[a: b]` is a list of one map, as YAML has it.
    private mutating func flowItem(under parent: Int, _ open: Place) throws(YAMLError) -> Located {
        let hadProperty = try skipFlowProperties(under: parent, open)
        switch current {
        case "," where hadProperty, "]" where hadProperty:
            return try null(at: position)
        case "[", "{":
            let value = try flowCollection(under: parent)
            skipBlanks()
            if current == ":" { throw complexKey(at: value.place) }
            return value
        default:
            let scalar = try scalar(under: parent, in: .flow)
            skipBlanks()
            guard current == ":" else { return try value(of: scalar) }
            try enter(at: scalar.place)
            defer { leave() }
            var members = Members()
            try flowValue(of: scalar, in: &members, under: parent, open)
            return Located(.object(members.all), at: scalar.place)
        }
    }

    private mutating func flowMember(
        of members: inout Members, under parent: Int, _ open: Place
    ) throws(YAMLError) {
        _ = try skipFlowProperties(under: parent, open)
        if isComplexKey { throw complexKey(at: place) }
        let key = try scalar(under: parent, in: .flow)
        try skipFlowSpace(under: parent, open)
        guard current == ":" else {
            throw YAMLError(
                .syntax, "the key `\(key.shown)` has no `: `",
                hint: key.text.utf8.contains { $0 == ":" }
                    ? "write a space behind the colon, {key: value}" : "write {key: value}; a list is written [a, b]",
                at: key.place)
        }
        try flowValue(of: key, in: &members, under: parent, open)
    }

    /// Reads `: value` behind a key.
    private mutating func flowValue(
        of key: Scalar, in members: inout Members, under parent: Int, _ open: Place
    ) throws(YAMLError) {
        guard !key.spansLines else {
            throw YAMLError(
                .syntax, "a key must stand on one line",
                hint: "close the value before it with a comma, or join the lines",
                at: key.place)
        }
        position += 1
        let missing = position
        add(key, to: &members)
        try skipFlowSpace(under: parent, open)
        _ = try skipFlowProperties(under: parent, open)
        switch current {
        case ",", "]", "}": members.setLast(try null(at: missing))
        case "[", "{": members.setLast(try flowCollection(under: parent))
        default: members.setLast(try value(of: try scalar(under: parent, in: .flow)))
        }
    }

    /// Passes over anchors and tags, which are reported; answers whether there were any.
    private mutating func skipFlowProperties(under parent: Int, _ open: Place) throws(YAMLError) -> Bool {
        let start = position
        while try skipProperty() { try skipFlowSpace(under: parent, open) }
        return position > start
    }

    /// Passes over blanks, comments and breaks within brackets.
    ///
    /// A line that is not indented more than `parent` cannot belong to the brackets, unless it closes them: so a
    /// forgotten bracket is told at its own line and does not swallow the file.
    private mutating func skipFlowSpace(under parent: Int, _ open: Place) throws(YAMLError) {
        skipBlanks()
        while isRestEmpty {
            line += 1
            guard line < text.lines.count else { throw unclosed(open) }
            let found = text.lines[line]
            position = found.content
            let isOutside =
                found.indent <= parent && !found.isBlank && current != "]" && current != "}" && current != "#"
            if isOutside || text.isMark(line) { throw unclosed(open) }
        }
    }

    private func unclosed(_ open: Place) -> YAMLError {
        let isList = text.bytes[open.offset] == "["
        return YAMLError(
            .syntax, "the `\(isList ? "[" : "{")` that opens here is not closed",
            hint: "write `\(isList ? "]" : "}")` at its end; lines within must be indented more than the key", at: open)
    }

    private func separatorExpected(_ open: Place) -> YAMLError {
        let isList = text.bytes[open.offset] == "["
        let opened = "the `\(isList ? "[" : "{")` of line \(open.line), column \(open.column)"
        return YAMLError(
            .syntax, "`,` or `\(isList ? "]" : "}")` is expected here, for \(opened)",
            hint: current == ":"
                ? "a text that holds `: ` needs quotes; between two entries stands a comma"
                : "put a comma between two entries, and text with brackets or commas into quotes", at: place)
    }
}
