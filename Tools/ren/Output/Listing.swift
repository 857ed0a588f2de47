import RenCore
import RenJSON

/// Prints a list row by row, so that a long one needs no memory: JSON is an array, JSON Lines one object per line.
struct Listing {
    private let format: OutputFormat
    private let header: [String]
    private var count = 0

    /// - Parameter header: the names of the columns, for CSV.
    init(_ format: OutputFormat, header: [String] = []) {
        self.format = format
        self.header = header
        if format == .csv { Terminal.print(Self.csv(header.map { .string($0) })) }
    }

    mutating func add(_ row: JSONObject, text: @autoclosure () -> String) {
        switch format {
        case .human: Terminal.print(text())
        case .jsonl: Terminal.printJSON(JSON.object(row).text)
        case .json: Terminal.printJSON((count == 0 ? "[" : ",") + JSON.object(row).text)
        case .csv: Terminal.print(Self.csv(header.map { row[$0] ?? .null }))
        }
        count += 1
    }

    func end() {
        if format == .json { Terminal.print(count == 0 ? "[]" : "]") }
    }

    /// RFC 4180; text that a spreadsheet would take for a formula gets a quote before it, and control characters are
    /// shown as escapes: the rows are read on terminals too. JSON has the text as it is.
    static func csv(_ values: [JSON]) -> String {
        values.map { value in
            guard case .string(var text) = value else { return value.isNull ? "" : value.text }
            text = Terminal.escaped(text, lines: true)
            if let first = text.unicodeScalars.first, "=+-@\t\r".unicodeScalars.contains(first) { text = "'" + text }
            guard text.unicodeScalars.contains(where: { ",\"\n\r".unicodeScalars.contains($0) }) else { return text }
            return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        }.joined(separator: ",")
    }
}
