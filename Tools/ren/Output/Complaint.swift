import ArgumentParser
import JSONLogic
import RenAPI
import RenCore
import RenJSON

/// Why a command does not do what was asked: what is printed to standard error, and the exit status.
struct Complaint: Error {
    /// Never empty.
    var errors: [RenError]
    var status: ExitCode
    /// More members of the JSON object, beside code, message and hint.
    var details: [JSONObject.Member] = []

    init(_ error: RenError, status: ExitCode? = nil) {
        errors = [error]
        self.status = status ?? .of(error.code)
    }

    init(findings: [RenError]) {
        errors = findings
        // Findings of one file agree; where they do not, the flow is what is wrong.
        let statuses = Set(findings.map { ExitCode.of($0.code).rawValue })
        status = statuses.count == 1 ? .of(findings[0].code) : .usage
    }

    /// - Returns: nil for an error that is not ren's, such as the argument parser's.
    init?(caught error: any Error) {
        switch error {
        case let complaint as Complaint: self = complaint
        case let error as RenError: self.init(error)
        case let errors as FlowErrors: self.init(findings: errors.errors)
        case let errors as LogicErrors: self.init(errors.errors)
        case let error as LogicError: self.init([error])
        default: return nil
        }
    }

    private init(_ logic: [LogicError]) {
        errors = logic.map {
            let place = $0.pointer.isEmpty ? "" : " (at \($0.pointer))"
            return RenError(RenError.Code($0.code.rawValue), $0.message + place, hint: $0.hint)
        }
        status = .usage
        details = [
            JSONObject.Member(key: "type", value: .string(logic[0].type)),
            JSONObject.Member(key: "pointer", value: .string(logic[0].pointer)),
        ]
        if let value = logic[0].value { details.append(JSONObject.Member(key: "value", value: value)) }
    }

    /// To standard error: for people, or as one JSON object when the command line asks for JSON.
    func print() {
        Terminal.complain(Terminal.wantsJSON ? Terminal.escapedJSON(json.text) : text)
    }

    // MARK: Text

    private var text: String {
        guard errors.count > 1 || errors[0].place != nil && errors[0].file != nil else { return Self.plain(errors[0]) }
        let files = Set(errors.compactMap(\.file)).count
        return Findings.text(errors, word: "error") + "\n"
            + Words.count(errors.count, "error") + (files == 0 ? "" : " in " + Words.count(files, "file"))
    }

    private static func plain(_ error: RenError) -> String {
        let hint = error.hint.map { "\n  hint: " + Terminal.escaped($0) } ?? ""
        let place = error.place.map { " (line \($0.line), column \($0.column))" } ?? ""
        return "error: \(Terminal.escaped(error.message))\(place) [\(error.code.rawValue)]\(hint)"
    }

    // MARK: JSON

    /// `{"error": {"code", "message", "hint"?, "file"?, "line"?, "column"?, …, "errors"?: […]}}`
    private var json: JSON {
        var first = errors[0].json
        for member in details { first[member.key] = member.value }
        if errors.count > 1 { first["errors"] = .array(errors.map { .object($0.json) }) }
        return ["error": .object(first)]
    }
}

/// Lines of a check: `file:line:column  error  message  [code]`, in columns.
enum Findings {
    static func text(_ findings: [RenError], word: String) -> String {
        let places = findings.map { finding in
            [finding.file, finding.place?.description].compactMap(\.self).joined(separator: ":")
        }
        let width = places.map(\.count).max() ?? 0
        return zip(findings, places).map { finding, place in
            let hint = finding.hint.map { ", " + $0 } ?? ""
            return place.padded(to: width) + (width == 0 ? "" : "  ") + "\(word)  "
                + Terminal.escaped(finding.message + hint) + "  [\(finding.code.rawValue)]"
        }.joined(separator: "\n")
    }
}
