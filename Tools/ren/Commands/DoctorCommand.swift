import ArgumentParser
import Ren
import RenJSON

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look whether everything that ren needs is in order; exit 1 when something is not.")

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try output.require(.human, .json)
        let checks = await Diagnosis(try data.directory, data).checks()
        let style = output.style
        if output.output == .json {
            let result: JSON = [
                "ok": .bool(!checks.contains { $0.grade == .broken }), "checks": .array(checks.map(\.json)),
            ]
            Terminal.printJSON(result.text)
        } else {
            for check in checks { Terminal.print(check.text(style)) }
        }
        throw checks.contains { $0.grade == .broken } ? ExitCode.failure : .success
    }
}

/// One thing that was looked at.
struct HealthCheck {
    enum Grade: String { case ok, warning, broken }

    var name: String
    var grade: Grade
    var text: String
    /// What to do.
    var fix: String?

    init(_ name: String, _ grade: Grade, _ text: String, fix: String? = nil) {
        self.name = name
        self.grade = grade
        self.text = text
        self.fix = fix
    }

    var json: JSON {
        ["name": .string(name), "state": .string(grade.rawValue), "text": .string(text), "fix": JSON(fix)]
    }

    func text(_ style: Style) -> String {
        let mark =
            switch grade {
            case .ok: style("✓", .green)
            case .warning: style("!", .yellow)
            case .broken: style("✗", .red)
            }
        let line = "\(mark) \(name.padded(to: 15))  \(Terminal.escaped(text))"
        return fix.map { "\(line)\n  \("".padded(to: 15))  fix: \(Terminal.escaped($0))" } ?? line
    }
}
