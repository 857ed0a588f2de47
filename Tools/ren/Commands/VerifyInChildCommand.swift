import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal

/// The check itself; `journal verify` runs it in a process of its own and reads the report.
struct VerifyInChildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-in-child", abstract: "The check of verify, as JSON.", shouldDisplay: false)

    @Option(name: .long, parsing: .singleValue)
    var anchor: [String] = []

    @Flag(name: .long)
    var projections = false

    @OptionGroup var data: DataOption

    /// The report is JSON always; this says how errors are printed.
    @OptionGroup var output: OutputOptions

    func run() throws {
        let start = ContinuousClock.now
        let report = try check()
        let findings: [JSON] = report.findings.map { finding in
            [
                "sequence": JSON(finding.sequence.rawValue), "run": JSON(finding.run?.rawValue),
                "version": JSON(finding.version?.rawValue), "what": .string(finding.what),
            ]
        }
        func names(_ ids: [String]?) -> JSON { ids.map { .array($0.map(JSON.string)) } ?? .null }
        let result: JSON = [
            "events": JSON(report.events), "bytes": JSON(report.bytes), "runs": JSON(report.runs),
            "artifacts": JSON(report.artifacts), "pruned_payloads": JSON(report.prunedPayloads),
            "pruned_events": JSON(report.prunedEvents), "anchors": JSON(report.anchors),
            "projection_rows": JSON(report.projectionRows),
            "head": JSON(report.head.sequence.rawValue), "head_hash": .string(report.head.hash.description),
            "milliseconds": JSON((ContinuousClock.now - start).nanoseconds / 1_000_000),
            "finding_count": JSON(report.findingCount), "findings": .array(findings),
            "first_bad": JSON(report.firstBad?.rawValue), "touched_runs": names(report.touched),
            "untouched_runs": names(report.untouched), "untouched_count": JSON(report.untouchedCount),
        ]
        Terminal.print(result.text)
        guard findings.isEmpty else { throw ExitCode.integrity }
    }

    /// - Throws: `Complaint` with status 20 when the journal is too damaged to be opened.
    private func check() throws -> VerifyReport {
        do {
            return try read()
        } catch {
            guard error.code == .journalDamaged else { throw Complaint(error) }
            var error = error
            // It would send the reader to the command that says it.
            error.hint = "make a copy of the data directory before anything else; runs of a backup can be resumed"
            throw Complaint(error, status: .integrity)
        }
    }

    private func read() throws(RenError) -> VerifyReport {
        let anchors = try Anchor.all(anchor)
        let reading = try Reading(data, givingWay: true)
        let scratch = projections ? try LMDBStore.scratch(in: reading.directory.path) : nil
        return try Verifier(
            reading.journal, artifacts: reading.directory.artifacts, anchors: anchors, scratch: scratch
        ).run()
    }
}
