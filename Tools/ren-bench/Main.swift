// ren-bench: the cases of the peers under the same names, printed as the same JSON lines, so both go into one table.
//
// Each round is a new process with a new data directory. `ren-bench CASE --help` names the options. Never a test:
// figures are quoted with the machine and the disk's own `fdatasync` time, which stands in each line.
import ArgumentParser

@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ren-bench",
        abstract: "Measures ren as the peers are measured: one JSON line per case.",
        discussion: """
            append    commits of one event each, from 1 and from 64 submitters (n: events)
            chain     one run of n nodes, one after another, Swift functions
            fanout    one run that maps a function over n items, --mode swift or python, --window at a time
            manyruns  n runs of 5 nodes, one after another, or --window at a time
            startup   process start to an open engine, with --stored finished runs in the journal
            serve     process start of `ren serve` to its first HTTP answer, with --stored finished runs
            resume    chain, killed as node 500 begins; a new process continues
            """)

    @Argument(help: "append, chain, fanout, manyruns, startup, serve or resume.")
    var name: Case

    @Option(help: "Events, nodes, items or runs.")
    var n: Int?

    @Option(help: "Rounds; the line gives median, least and most.")
    var rounds = 3

    @Option(help: "swift or python.")
    var mode = Mode.swift

    @Option(help: "Items or runs at a time.")
    var window: Int?

    @Option(help: "Finished runs in the journal before startup.")
    var stored = 0

    @Flag(help: "fanout: give the items keys.")
    var keys = false

    @Option(help: "Where data directories are made.")
    var dir = "/tmp"

    @Option(help: .hidden)
    var work: String?

    enum Case: String, ExpressibleByArgument, CaseIterable {
        case append, chain, fanout, manyruns, startup, serve, resume
    }

    enum Mode: String, ExpressibleByArgument { case swift, python }

    func run() async throws {
        if let work {
            try await Round(bench: self, directory: work).run()
        } else {
            try Rounds(bench: self).run()
        }
    }

    var count: Int {
        n ?? [.append: 20_000, .chain: 1000, .fanout: 10_000, .manyruns: 1000, .startup: 0, .serve: 0, .resume: 1000][
            name]!
    }
}
