import ArgumentParser
import Ren
import RenClient
import RenCore
import RenJSON
import RenJournal

struct OpenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Open the console of the running service in the browser.",
        discussion: """
            The link carries a code that works once and for a minute, and that the console trades for the token. It keeps \
            that until its tab is closed.
            """)

    @Argument(help: ArgumentHelp("Show this run.", valueName: "run"))
    var name: String?

    @Flag(name: .long, help: "Print the link instead.")
    var print = false

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try output.require(.human, .json)
        let directory = try data.existing()
        guard case .engine(let client, let holder) = try await EnginePath.find(in: directory) else {
            throw Self.noService("no engine is at work in \(directory.path)")
        }
        guard holder.addresses["http"] != nil else {
            throw Self.noService("process \(holder.process) (\(holder.command)) serves no console")
        }
        let run = try name.map { name throws(RenError) in try Reading(data).run(name).id }
        let link = try await client.link(run: run)
        if output.output == .json {
            Terminal.printJSON(JSON.object(["url": .string(link)]).text)
        } else if print || !Browser.open(link) {
            Terminal.print(link)
        } else {
            Terminal.print("opened \(holder.addresses["http"] ?? "") in the browser")
        }
    }

    private static func noService(_ what: String) -> RenError {
        RenError(.engineUnreachable, what, hint: "ren serve serves it")
    }
}

/// The browser of this desktop.
enum Browser {
    /// - Returns: whether there is one, as far as can be known.
    static func open(_ address: String) -> Bool {
        #if canImport(Darwin)
        let opener = SystemFile.program("open")
        #else
        let variables = SystemFile.environment
        guard ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"].contains(where: { variables[$0]?.isEmpty == false }) else {
            return false
        }
        let opener = SystemFile.program("xdg-open")
        #endif
        guard let opener else { return false }
        // What cannot be started opens nothing, and the link is printed instead.
        return (try? ChildProcess(opener, [address]))?.end == .exited(0)
    }
}

extension SystemFile {
    /// The path of a program that the shell would find.
    static func program(_ name: String) -> String? {
        let folders = (environment["PATH"] ?? "").split(separator: ":")
        return folders.map { "\($0)/\(name)" }.first { SystemFile.exists($0) }
    }
}
