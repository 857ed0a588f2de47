import ArgumentParser
import Ren
import RenCore
import RenJournal

/// What `run`, `resume`, `watch` and `wait` print of a run, however they follow it.
struct RunReport {
    let id: String
    let options: OutputOptions
    let showsProgress: Bool

    /// A line before the progress.
    func announce(_ text: String, in directory: DataDirectory) {
        guard showsProgress, options.output == .human else { return }
        Terminal.complain("ren \(renVersion) · data \(directory.path)\n\(text)")
    }

    /// Nil when nobody wants to see the progress.
    func makeProgress() -> ProgressView? {
        guard showsProgress, options.output == .human || Terminal.errorsCanRepaint else { return nil }
        return ProgressView(run: id, style: Style(options.color, isTerminal: Terminal.errorsCanRepaint))
    }

    /// Where the run stands when it is left.
    func print(_ summary: RunSummary, _ output: [UInt8]?) {
        guard options.output == .human else { return Terminal.printJSON(summary.report(output: output)) }
        var lines = [summary.text(options.style)]
        if let output {
            lines.append(
                "Output\n  " + Terminal.escaped(String(decoding: output.prefix(1000), as: UTF8.self).shortened(to: 500))
            )
        }
        lines.append("Anchor\n  \(summary.anchor)")
        Terminal.print(lines.joined(separator: "\n"))
    }
}
