import ArgumentParser
import Ren
import RenJSON

struct ExitCodesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exit-codes", abstract: "What the exit codes mean.", discussion: table)

    @OptionGroup var output: OutputOptions

    private static var table: String {
        ExitCode.meanings.map { "\(String($0.rawValue).rightAligned(to: 3))  \($1)" }.joined(separator: "\n")
    }

    func run() throws {
        try output.require(.human, .json)
        guard output.output == .json else { return Terminal.print(Self.table) }
        let codes = ExitCode.meanings.map { code, meaning -> JSON in
            ["code": JSON(code.rawValue), "meaning": .string(meaning)]
        }
        Terminal.print(JSON.array(codes).text)
    }
}
