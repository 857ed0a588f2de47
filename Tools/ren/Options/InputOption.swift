import ArgumentParser
import Ren
import RenCore
import RenJSON

/// `-i key=value` and `-i @file.json`.
struct InputOption: ParsableArguments {
    @Option(
        name: .shortAndLong, parsing: .singleValue,
        help: ArgumentHelp(
            "Input of the run; may be repeated, later ones win. A value is text where the flow wants text, else JSON.",
            valueName: "key=value|@file.json"))
    var input: [String] = []

    /// The input put together.
    ///
    /// A value whose key the flow declares as text stays text. Any other is read as JSON; what is not JSON is text.
    /// - Throws: `input.invalid`, `file.*`, `json.*`.
    func value(for schema: JSON?) throws(RenError) -> JSON {
        var object = JSONObject()
        for entry in input {
            if entry.hasPrefix("@") {
                for member in try Self.file(String(entry.dropFirst())) { object[member.key] = member.value }
                continue
            }
            guard let equals = entry.firstIndex(of: "="), equals > entry.startIndex else {
                throw RenError(
                    .inputInvalid, "-i takes key=value or @file.json, not \"\(entry.shortened(to: 60))\"",
                    hint: "for example -i limit=100")
            }
            let key = String(entry[..<equals])
            object[key] = Self.value(String(entry[entry.index(after: equals)...]), wanted: schema?["properties"]?[key])
        }
        return .object(object)
    }

    /// A warning for each key that the flow does not declare, where its schema says nothing about others: a slip of the
    /// pen would go unnoticed.
    static func undeclared(_ input: JSON, in schema: JSON?) -> [String] {
        guard let declared = schema?["properties"]?.objectValue, schema?["additionalProperties"] == nil,
            schema?["patternProperties"] == nil
        else { return [] }
        let names = Array(declared.keys)
        return (input.objectValue.map { Array($0.keys) } ?? []).filter { !names.contains($0) }.map { key in
            let near = nearest(to: key, in: names).map { ", did you mean “\($0)”?" } ?? ""
            return "the flow's input does not declare “\(key)”\(near)"
        }
    }

    static func value(_ text: String, wanted: JSON?) -> JSON {
        let types = wanted?["type"].map { $0.arrayValue ?? [$0] }?.compactMap(\.stringValue) ?? []
        if types == ["string"] { return .string(text) }
        // Not JSON, so it is text; the flow's schema says so if it wanted something else.
        return (try? JSON(parsing: text)) ?? .string(text)
    }

    private static func file(_ path: String) throws(RenError) -> JSONObject {
        let value = try TextArgument.json("@" + path)
        guard let object = value.objectValue else {
            throw RenError(.inputInvalid, "\(path) holds \(value.typeName) where an object is wanted", file: path)
        }
        return object
    }
}

/// An argument that holds JSON, names a file that does (`@file`), or means standard input (`@-`).
enum TextArgument {
    static let sizeMax = 16 << 20

    static func json(_ argument: String) throws(RenError) -> JSON {
        let isFile = argument.hasPrefix("@")
        let path = String(argument.dropFirst())
        let bytes =
            isFile ? try SystemFile.read(path == "-" ? "/dev/stdin" : path, limit: sizeMax) : Array(argument.utf8)
        do {
            return try JSON(parsing: bytes)
        } catch {
            var error = RenError(error)
            if isFile { error.file = path }
            if error.code.rawValue == "json.syntax", !isFile {
                error.hint = "text needs quotes inside: '\"like this\"'"
            }
            throw error
        }
    }
}
