import RenJSON

/// The members of a map while it is read.
struct Members {
    private(set) var all: [Located.Member] = []
    private var places: [ExactString: Place] = [:]

    /// Adds a member without its value yet; answers where the key stood before, if it did.
    mutating func append(key: String, at place: Place) -> Place? {
        all.append(Located.Member(key: key, keyPlace: place, value: Located(.null, at: place)))
        let before = places[ExactString(key)]
        if before == nil { places[ExactString(key)] = place }
        return before
    }

    mutating func setLast(_ value: Located) {
        all[all.count - 1].value = value
    }
}

extension YAMLReader {
    /// Adds a key to a map, and reports what is wrong with it.
    mutating func add(_ key: Scalar, to members: inout Members) {
        if key.isPlain, key.text == "<<" {
            report(
                YAMLError(
                    .mergeRefused, "the merge key `<<` is not read",
                    hint: "write the keys out; for a key of this name write \"<<\"", at: key.place))
        }
        if key.text.utf8.count > YAML.keySizeMax {
            report(
                YAMLError(
                    .keyTooLong, "a key has \(key.text.utf8.count) bytes, the limit is \(YAML.keySizeMax)",
                    hint: "put long text into a value", at: key.place))
        }
        if let before = members.append(key: key.text, at: key.place) {
            report(
                YAMLError(
                    .duplicateKey, "the key `\(key.shown)` stands twice, first in line \(before.line)",
                    hint: "leave one of them out, or rename it", at: key.place))
        }
    }

    /// Passes over an anchor or a tag, which are reported, and the blanks behind it; false when there is none.
    mutating func skipProperty() throws(YAMLError) -> Bool {
        guard current == "&" || current == "!" else { return false }
        let error = indicatorRefused()
        // `!:` and `!=:` are operators whose quotes were forgotten: nothing behind them can be understood.
        guard text.bytes[position - 1] != ":" else { throw error }
        report(error)
        skipBlanks()
        return true
    }

    /// Passes over an anchor, alias or tag and says why it is refused.
    mutating func indicatorRefused() -> YAMLError {
        let start = place
        let isTag = current == "!"
        let begin = position
        var end = position
        while !isBreakable(at: end), !byte(at: end).isFlowIndicator { end += 1 }
        let name = excerpt(upTo: end)
        position = max(end, begin + 1)
        return isTag
            ? YAMLError(
                .tagRefused, "the tag `\(name)` is not read", hint: "leave it out; for text or an operator put quotes",
                at: start)
            : YAMLError(
                .aliasRefused, "the anchor or alias `\(name)` is not read",
                hint: "write the value out; for text or an operator put quotes", at: start)
    }
}
