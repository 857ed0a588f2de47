import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal

struct JournalVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read every event, payload and artifact and check all hashes; exit 20 when one is wrong.",
        discussion: """
            An anchor is SEQUENCE:HASH, as ren run prints it at its end. Kept elsewhere, it proves that the journal \
            up to there is the one that was seen then.
            """)

    @Option(name: .long, parsing: .singleValue, help: ArgumentHelp("May be repeated.", valueName: "sequence:hash"))
    var anchor: [String] = []

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    /// A page of liblmdb that is damaged can end the process that reads it, so another one does.
    func run() throws {
        try output.require(.human, .json)
        for text in anchor { _ = try Anchor(text) }
        _ = try data.existing()
        var arguments = ["journal", "verify-in-child", "--data", try data.path, "-o", output.output.rawValue]
        for text in anchor { arguments += ["--anchor", text] }
        let child = try ChildProcess(SystemFile.executable, arguments)
        let last = child.errors.split(separator: "\n").last.map { " (\(Terminal.escaped(String($0))))" } ?? ""
        switch child.end {
        case .exited(ExitCode.storage.rawValue):
            throw damaged("a page of the journal's file cannot be read\(last)")
        case .killed(let signal):
            throw damaged(
                "the check was ended by signal \(signal): the journal's file is damaged beyond reading\(last)")
        case .exited(let status):
            // Without a report the journal could not even be opened, and the child has said why.
            guard [0, ExitCode.integrity.rawValue].contains(status), !child.output.isEmpty else {
                Terminal.writeToStandardError(child.errors)
                throw ExitCode(status)
            }
            do {
                try show(try JSON(parsing: child.output, limits: .payload))
            } catch let error as JSONError {
                throw RenError(.internalError, "the report of the check cannot be read: \(error)")
            }
        }
    }

    private func damaged(_ message: String) -> Complaint {
        Complaint(
            RenError(
                .integrityDamaged, message,
                hint: "make a copy of the data directory before anything else; runs of a backup can be resumed"))
    }

    private func show(_ report: JSON) throws {
        let findings = report["findings"]?.arrayValue ?? []
        guard output.output == .human else {
            Terminal.printJSON(report.text)
            throw findings.isEmpty ? ExitCode.success : .integrity
        }
        for finding in findings {
            let sequence = finding["sequence"]?.integerValue.map { "#\($0)" } ?? "-"
            let run = finding["run"]?.integerValue.map { "  run number \($0)" } ?? ""
            Terminal.print("✗ \(sequence)\(run)  \(Terminal.escaped(finding["what"]?.stringValue ?? ""))")
        }
        func number(_ key: String) -> Int64 { report[key]?.integerValue ?? 0 }
        let seconds = Words.duration(.milliseconds(number("milliseconds")))
        let verdict =
            findings.isEmpty ? "chain intact, 0 gaps" : Words.count(Int(number("finding_count")), "finding")
        Terminal.print(
            "checked \(Words.grouped(number("events"))) events, \(Words.bytes(number("bytes"))), \(seconds): "
                + "\(verdict), last seq \(number("head")) sha256:\(report["head_hash"]?.stringValue ?? "")")
        throw findings.isEmpty ? ExitCode.success : .integrity
    }
}

/// A point of the journal that was written down: its chain hash, or that of its run, after the event `sequence`.
struct Anchor {
    private static let digitsMin = 16

    let sequence: JournalSequence
    let hash: String

    /// - Throws: `usage` for anything but `SEQUENCE:HASH` with at least 16 hexadecimal digits.
    init(_ text: String) throws(RenError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = UInt64(parts[0]), number > 0, parts[1].count >= Self.digitsMin,
            parts[1].allSatisfy(\.isHexDigit)
        else {
            throw RenError(
                .usage, "an anchor is SEQUENCE:HASH, not \"\(text.shortened(to: 90))\"",
                hint: "ren run prints one at its end, ren show -o json too")
        }
        sequence = JournalSequence(number)
        hash = parts[1].lowercased()
    }

    /// What is wrong with the journal by this anchor; nil when it holds.
    func finding(in journal: JournalReader) throws(RenError) -> String? {
        guard let event = try journal.read({ view throws(RenError) in try view.record(at: sequence) }) else {
            return "the anchor's event is not there: the journal was cut off or replaced"
        }
        let matches = [event.journalHash, event.runHash].contains { $0.description.hasPrefix(hash) }
        return matches ? nil : "the anchor does not match: the journal up to here is not the one that was seen"
    }
}
