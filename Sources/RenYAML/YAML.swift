package import RenJSON

/// The door of this room: YAML text in, values with places out.
package enum YAML {
    /// The longest text, in bytes.
    package static let sizeMax = 256 * 1024
    /// The deepest nesting of maps and lists; a scalar alone has depth 0.
    package static let depthMax = 64
    /// The most values (maps, lists and scalars; keys do not count) in one text.
    package static let itemsMax = 100_000
    /// The longest key, in bytes of UTF-8.
    package static let keySizeMax = 1024
    /// The most errors told at once.
    package static let errorsMax = 20

    /// Reads every document of a text; a text of nothing but blank lines and comments has none.
    ///
    /// Reading goes on behind an error where that makes sense, so that a person sees all of them at once.
    ///
    /// - Throws: `YAMLErrors`, see `YAMLError.Code`.
    /// - Complexity: O(*n*) in the bytes of the text, whatever they are.
    package static func parse(_ bytes: [UInt8]) throws(YAMLErrors) -> [Located] {
        let text: YAMLText
        do throws(YAMLError) {
            text = try YAMLText(bytes)
        } catch {
            throw YAMLErrors(error)
        }
        var reader = YAMLReader(text)
        let documents = reader.documents()
        guard reader.errors.isEmpty else { throw YAMLErrors(reader.errors) }
        return documents
    }

    /// Reads a text that holds exactly one document.
    ///
    /// - Throws: `YAMLErrors`; `yaml.several_documents` at the second one, `yaml.syntax` when there is none.
    package static func parseOne(_ bytes: [UInt8]) throws(YAMLErrors) -> Located {
        let documents = try parse(bytes)
        guard let document = documents.first else {
            throw YAMLErrors(
                YAMLError(
                    .syntax, "the text holds nothing but blank lines and comments", hint: "write a map, `key: value`",
                    at: Place(line: 1, column: 1, offset: 0)))
        }
        guard documents.count == 1 else {
            throw YAMLErrors(
                YAMLError(
                    .severalDocuments, "a second document begins here; there are \(documents.count), one is allowed",
                    hint: "put each document into a file of its own", at: documents[1].place))
        }
        return document
    }
}
