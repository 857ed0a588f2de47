import ArgumentParser
import LMDB
import Ren
import RenJSON

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the versions of ren and of what it is built on.")

    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.require(.human, .json)
        let lmdb = Environment.version.description
        guard output.output == .json else { return Terminal.print("ren \(renVersion)\nliblmdb \(lmdb)") }
        let versions: JSON = ["ren": .string(renVersion), "liblmdb": .string(lmdb)]
        Terminal.print(versions.text)
    }
}
