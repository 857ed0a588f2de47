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
            An anchor is SEQUENCE:HASH as ren run prints it at its end, a hash of the journal or of a run alone, or a \
            file that ren journal anchor wrote. Kept elsewhere, it proves that the journal up to there is the one that \
            was seen then: one that was cut off or built anew is whole in itself.
            """)

    @Option(name: .long, parsing: .singleValue, help: ArgumentHelp("May be repeated.", valueName: "file|hash"))
    var anchor: [String] = []

    @Flag(name: .long, help: "Fold all events once more, and compare every row of the projections.")
    var projections = false

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    /// A page of liblmdb that is damaged can end the process that reads it, so another one does.
    func run() throws {
        try output.require(.human, .json)
        _ = try Anchor.all(anchor)
        _ = try data.existing()
        var arguments = ["journal", "verify-in-child", "--data", try data.path, "-o", output.output.rawValue]
        for text in anchor { arguments += ["--anchor", text] }
        if projections { arguments.append("--projections") }
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
        func number(_ key: String) -> Int64 { report[key]?.integerValue ?? 0 }
        for finding in findings {
            let sequence = finding["sequence"]?.integerValue.map { "#\($0)" } ?? "-"
            let run = finding["run"]?.integerValue.map { "  run number \($0)" } ?? ""
            Terminal.print("✗ \(sequence)\(run)  \(Terminal.escaped(finding["what"]?.stringValue ?? ""))")
        }
        if let bad = report["first_bad"]?.integerValue { Terminal.print("first bad event   #\(bad)") }
        if let touched = report["touched_runs"]?.arrayValue, let whole = report["untouched_runs"]?.arrayValue {
            Terminal.print("runs touched      \(Self.names(touched, of: touched.count))")
            Terminal.print("runs still whole  \(Self.names(whole, of: Int(number("untouched_count"))))")
        }
        let seconds = Words.duration(.milliseconds(number("milliseconds")))
        let verdict =
            findings.isEmpty ? "chain intact, 0 gaps" : Words.count(Int(number("finding_count")), "finding")
        Terminal.print(
            "checked \(Words.grouped(number("events"))) events, \(Words.bytes(number("bytes"))), \(seconds): "
                + "\(verdict), last seq \(number("head")) sha256:\(report["head_hash"]?.stringValue ?? "")")
        if number("pruned_events") + number("pruned_payloads") > 0 {
            Terminal.print(
                "pruned: \(Words.count(Int(number("pruned_events")), "event")) and "
                    + "\(Words.count(Int(number("pruned_payloads")), "payload")) more, as the journal announced")
        }
        if let rows = report["projection_rows"]?.integerValue {
            Terminal.print("projections: \(Words.count(Int(rows), "row")) compared with what the events give")
        }
        if number("anchors") > 0 { Terminal.print("anchors: \(number("anchors")) looked for") }
        throw findings.isEmpty ? ExitCode.success : .integrity
    }

    private static let namesShown = 10

    private static func names(_ ids: [JSON], of count: Int) -> String {
        guard count > 0 else { return "none" }
        let shown = ids.prefix(namesShown).map { Terminal.escaped($0.stringValue ?? "") }.joined(separator: ", ")
        return count > namesShown ? "\(shown) and \(Words.grouped(count - namesShown)) more" : shown
    }
}

extension Anchor {
    private static let fileSizeMax = 64 << 20

    /// The anchors that the texts are or name, files among them.
    ///
    /// - Throws: `usage`, `file.*`.
    static func all(_ texts: [String]) throws(RenError) -> [Anchor] {
        var anchors: [Anchor] = []
        for text in texts {
            if let anchor = Anchor(text) {
                anchors.append(anchor)
                continue
            }
            guard SystemFile.exists(text) else {
                throw RenError(
                    .usage,
                    "an anchor is SEQUENCE:HASH, a hash of at least \(digitsMin) digits, or a file, not "
                        + "\"\(text.shortened(to: 90))\"",
                    hint: "ren run prints one at its end; ren journal anchor writes files of them")
            }
            let lines = String(decoding: try SystemFile.read(text, limit: fileSizeMax), as: UTF8.self)
            for (number, line) in lines.split(separator: "\n").enumerated() {
                guard let found = Anchor.anchors(inLine: String(line)) else {
                    throw RenError(
                        .usage, "line \(number + 1) of \(text) is no anchor",
                        hint: "ren journal anchor --to FILE writes them")
                }
                anchors += found
            }
        }
        return anchors
    }
}
