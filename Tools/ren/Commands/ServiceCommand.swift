import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal
import RenServer

struct ServiceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service", abstract: "Let systemd start ren serve with your session, and keep it there.",
        subcommands: [ServiceInstallCommand.self, ServiceStatusCommand.self, ServiceUninstallCommand.self])
}

struct ServiceInstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Write the unit of ren serve, and start it.",
        discussion: "It runs in the folder that you are in now, so that it finds its ren.yaml.")

    @Flag(name: .long, help: "Print the unit, and change nothing.")
    var print = false

    @Option(name: .long, help: ArgumentHelp("Where to listen.", valueName: "host:port"))
    var listen: String?

    @Flag(name: .customLong("listen-insecure"), help: "As of ren serve.")
    var allowsRemote = false

    @OptionGroup var data: DataOption

    func run() throws {
        try requireStart()
        let unit = SystemdUnit(
            binary: SystemFile.executable, directory: try data.directory.path, folder: SystemFile.currentDirectory,
            listen: listen, allowsRemote: allowsRemote)
        guard !print else { return Terminal.print(unit.text, terminator: "") }
        let path = try SystemdUnit.path()
        try unit.write(to: path)
        Terminal.print("wrote \(path)")
        let steps = [["daemon-reload"], ["enable", "--now", SystemdUnit.name]]
        for step in steps where !Systemd.run(step) {
            return Terminal.print("systemd of your session cannot be asked here; when it can:\n" + Systemd.text(steps))
        }
        Terminal.print("started; ren service status shows it, ren open opens its console")
    }

    /// What ren serve would refuse there is refused here, before systemd tries it again and again.
    private func requireStart() throws {
        let project = try Project.find(from: SystemFile.currentDirectory)
        let given = try listen.map { text throws(RenError) in try ListenAddress(parsing: text) }
        try (given ?? project?.listen)?.check(allowsRemote: allowsRemote)
        _ = try project?.functionFiles()
        _ = try project?.flowFiles()
    }
}

struct ServiceStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say whether the unit is there, and whether an engine is at work.")

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.require(.human, .json)
        let path = try SystemdUnit.path()
        let isInstalled = SystemFile.exists(path)
        let directory = try data.directory
        // Where there is no directory nobody can be at work in it.
        let holder = SystemFile.exists(directory.path) ? try EngineLock.holder(in: directory) : nil
        let url = holder?.addresses["http"]
        guard output.output == .human else {
            let status: JSON = [
                "unit": .string(path), "installed": .bool(isInstalled),
                "process": JSON(holder.map { Int($0.process) }), "command": JSON(holder?.command), "url": JSON(url),
            ]
            return Terminal.printJSON(status.text)
        }
        Terminal.print(isInstalled ? "unit    \(path)" : "unit    none; ren service install writes one")
        let engine = holder.map {
            "process \($0.process): \(Terminal.escaped($0.command))\(url.map { ", \($0)" } ?? "")"
        }
        Terminal.print("engine  \(engine ?? "none is at work in \(directory.path)")")
    }
}

struct ServiceUninstallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall", abstract: "Stop the service and remove its unit; the data stays.")

    func run() throws {
        let path = try SystemdUnit.path()
        guard SystemFile.exists(path) else {
            throw RenError(.serviceMissing, "there is no \(path)", hint: "ren service install writes it")
        }
        try SystemdUnit.checkOwn(path)
        _ = Systemd.run(["disable", "--now", SystemdUnit.name])
        try SystemdUnit.remove(path)
        _ = Systemd.run(["daemon-reload"])
        Terminal.print("removed \(path)")
    }
}
