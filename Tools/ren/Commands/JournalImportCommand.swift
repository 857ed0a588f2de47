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

struct JournalImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Take the runs of a bundle into this data directory, all or none.",
        discussion: "No engine may be at work here. The journal is copied, added to, checked, and then exchanged.")

    @Argument(help: "What ren journal export wrote; - for standard input.")
    var file: String

    @Flag(name: .long, help: "Also runs that have not ended: an engine here then carries them on.")
    var open = false

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.require(.human, .json)
        let bundle = try BundleFile(file)
        let directory = try data.directory
        try directory.prepare()
        let meter = Meter("read")
        defer { meter.clear() }
        let report = try data.withLock(of: directory, for: "ren journal import") { () throws(RenError) in
            let bundle = BundleImport(
                into: directory, mayBeOpen: open, at: .wallClock(), from: BundleImport.source(bundle.descriptor))
            return try bundle.run(bundleBytes: self.bundleBytes(file)) { meter.show($0) }
        }
        meter.clear()
        Terminal.print(output.output == .json ? JSON.object(json(report)).text : text(report))
    }

    /// 0 for a pipe.
    private func bundleBytes(_ path: String) -> Int {
        var status = stat()
        guard path != "-", stat(path, &status) == 0 else { return 0 }
        return Int(status.st_size)
    }

    private func json(_ report: BundleImport.Report) -> JSONObject {
        [
            "added": .array(report.added.map { .string($0) }), "known": .array(report.known.map { .string($0) }),
            "events": JSON(report.counts.events), "artifacts": JSON(report.counts.artifacts),
            "logs": JSON(report.counts.logs), "flows": JSON(report.flows), "functions": JSON(report.functions),
            "left_out": JSON(report.leftOut), "bytes": JSON(report.bytes), "head": JSON(report.head.sequence.rawValue),
            "head_hash": .string(report.head.hash.description),
        ]
    }

    private func text(_ report: BundleImport.Report) -> String {
        var lines: [String] = []
        if !report.known.isEmpty {
            lines.append("\(Self.names(report.known)) \(report.known.count == 1 ? "is" : "are") here already, the same")
        }
        let isNothing = report.added.isEmpty && report.flows + report.functions == 0
        lines.append(
            isNothing
                ? "nothing was added"
                : "imported \(report.added.isEmpty ? "no run" : Self.names(report.added)): "
                    + "\(Words.count(report.flows, "flow version")), \(Words.count(report.functions, "function file")), "
                    + "\(Words.count(report.counts.artifacts, "artifact")); "
                    + "last seq \(report.head.sequence) sha256:\(report.head.hash)")
        return lines.joined(separator: "\n")
    }

    /// `r_1, r_2 and 8 more`
    private static func names(_ ids: [String]) -> String {
        let shown = ids.prefix(5).joined(separator: ", ")
        return ids.count > 5 ? "\(shown) and \(Words.grouped(ids.count - 5)) more" : shown
    }
}

/// The bundle, open for reading.
private final class BundleFile {
    let descriptor: Int32

    init(_ path: String) throws(RenError) {
        guard path != "-" else {
            descriptor = STDIN_FILENO
            return
        }
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor < 0 else { return }
        throw RenError(
            errno == ENOENT ? .fileNotFound : .fileUnreadable,
            "\(path) cannot be read: \(String(cString: strerror(errno)))",
            hint: "give a file that ren journal export wrote")
    }

    deinit { if descriptor > STDIN_FILENO { close(descriptor) } }
}
