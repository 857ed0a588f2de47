import ArgumentParser
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

struct JournalExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a run, or all, as a bundle: checksummed lines of JSON.",
        discussion: """
            A run comes with its flow versions, function files, artifacts and logs, and with the runs it came out of. \
            ren journal import takes it into another data directory.
            """)

    @Argument(help: ArgumentHelp("Without it all runs.", valueName: "run"))
    var name: String?

    @Option(name: .long, help: ArgumentHelp("The file; - for standard output.", valueName: "file"))
    var to: String

    @Flag(name: .long, help: "Replace the file.")
    var force = false

    @Option(
        name: .long,
        help: ArgumentHelp("Only events up to this one, such as the last before damage.", valueName: "sequence"))
    var until: UInt64?

    @Flag(name: .long, help: "Leave out what the functions said.")
    var noLogs = false

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.require(.human, .json)
        guard !to.isEmpty, until != 0 else { throw ValidationError("--to names a file, and --until is from 1") }
        let reading = try Reading(data, givingWay: true)
        reading.sayWay(output)
        let scope = try name.map { name throws(RenError) in BundleExport.Scope.run(try reading.run(name).number) }
        guard to != "-" else {
            try export(scope ?? .all, reading) { bytes throws(RenError) in
                try OutputFile.write(bytes, to: STDOUT_FILENO)
            }
            return
        }
        let file = try OutputFile(to, mayReplace: force)
        try export(scope ?? .all, reading, before: { () throws(RenError) in try file.publish() }) {
            bytes throws(RenError) in try file.write(bytes)
        }
    }

    private func export(
        _ scope: BundleExport.Scope, _ reading: Reading, before: () throws(RenError) -> Void = {},
        _ sink: @escaping (UnsafeRawBufferPointer) throws(RenError) -> Void
    ) throws {
        let meter = Meter("exported")
        defer { meter.clear() }
        let export = try BundleExport(
            reading.journal, of: reading.directory, upTo: until.map { JournalSequence($0) }, logs: !noLogs, to: sink)
        let report = try export.run(scope, at: .wallClock()) { meter.show($0) }
        try before()
        meter.clear()
        let text = output.output == .json ? JSON.object(json(report)).text : text(report)
        if to == "-" { Terminal.complain(text) } else { Terminal.print(text) }
    }

    private func json(_ report: BundleExport.Report) -> JSONObject {
        [
            "file": .string(to), "runs": .array(report.runs.map { .string($0) }),
            "open": .array(report.open.map { .string($0) }), "events": JSON(report.counts.events),
            "artifacts": JSON(report.counts.artifacts), "logs": JSON(report.counts.logs), "bytes": JSON(report.bytes),
            "sha256": .string(report.sum.description), "head": JSON(report.head.sequence.rawValue),
            "head_hash": .string(report.head.hash.description),
        ]
    }

    private func text(_ report: BundleExport.Report) -> String {
        let what = report.runs.count == 1 ? report.runs[0] : Words.count(report.runs.count, "run")
        var text =
            "exported \(what): \(Words.count(report.counts.events, "event")), "
            + "\(Words.count(report.counts.artifacts, "artifact")), \(Words.bytes(report.bytes)), "
            + "sha256:\(report.sum)"
        if !report.open.isEmpty {
            text += "\n\(Words.count(report.open.count, "run")) not ended yet: ren journal import wants --open for it"
        }
        return text
    }
}
