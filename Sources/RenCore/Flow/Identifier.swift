/// Names that people give: they stand in file paths, commands and events, so their form is strict.
package enum Identifier {
    /// `^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`, no device name of other systems, and not `journal`, whose history holds
    /// the events of no run.
    ///
    /// - Throws: `id.invalid`.
    package static func check(runID text: String) throws(RenError) {
        try check(fileName: text, "run id")
        guard text != "journal" else {
            throw RenError(.idInvalid, "the run id \"journal\" is taken by ren itself", hint: "choose another id")
        }
    }

    /// `^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$` and no device name.
    ///
    /// - Throws: `id.invalid`.
    package static func check(flowName text: String) throws(RenError) {
        try check(fileName: text, "flow name")
    }

    /// `^[A-Za-z][A-Za-z0-9_-]{0,99}$`: without a dot, so that `nodes.x.output` and `x.then` are clear.
    ///
    /// - Throws: `id.invalid`.
    package static func check(nodeName text: String) throws(RenError) {
        let isGood = text.utf8.count <= lengthMax && text.utf8.allSatisfy { isLetter($0) || isDigit($0) || isDash($0) }
        guard isGood, let first = text.utf8.first, isLetter(first) else {
            throw RenError(
                .idInvalid, "\(quoted(text)) is no node name",
                hint: "a letter, then letters, digits, - and _; at most \(lengthMax) characters")
        }
    }

    /// What a signal is called: letters, digits, - _ . and :, at most 100.
    ///
    /// - Throws: `id.invalid`.
    package static func check(signal text: String) throws(RenError) {
        let isGood = text.utf8.allSatisfy {
            isLetter($0) || isDigit($0) || isDash($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":")
        }
        guard isGood, !text.isEmpty, text.utf8.count <= lengthMax else {
            throw RenError(
                .idInvalid, "\(quoted(text)) is no name of a signal",
                hint: "letters, digits, - _ . and :, at most \(lengthMax) characters")
        }
    }

    private static let lengthMax = 100

    private static func check(fileName text: String, _ what: String) throws(RenError) {
        let isGood =
            text.utf8.count <= lengthMax
            && text.utf8.allSatisfy { isLetter($0) || isDigit($0) || isDash($0) || $0 == UInt8(ascii: ".") }
        guard isGood, let first = text.utf8.first, isLetter(first) || isDigit(first) else {
            throw RenError(
                .idInvalid, "\(quoted(text)) is no \(what)",
                hint: "a letter or digit, then letters, digits, - _ and .; at most \(lengthMax) characters")
        }
        let stem = text.split(separator: ".", omittingEmptySubsequences: false)[0].lowercased()
        guard !deviceNames.contains(stem) else {
            throw RenError(
                .idInvalid, "the \(what) \(quoted(text)) is a device on some systems", hint: "choose another name")
        }
    }

    private static let deviceNames: Set<String> = [
        "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
        "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
    ]

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isDash(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") }
}

/// The text in quotes for a message: control characters as `?`, at most 100 characters.
func quoted(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(100) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: scalars.append("?")
        default: scalars.append(scalar)
        }
    }
    return "\"\(String(scalars))\(text.unicodeScalars.count > 100 ? "…" : "")\""
}
