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
            fill      one long run, a map of --events / 2 items, and ten small ones, into the data directory DIR
            state     the state at --n random events of the longest run in DIR
            """)

    @Argument(help: "append, chain, fanout, manyruns, startup, serve, resume, fill or state.")
    var name: Case

    @Argument(help: "fill and state: the data directory.")
    var directory: String?

    @Option(help: "fill: events of the long run.")
    var events = 1_000_000

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
        case append, chain, fanout, manyruns, startup, serve, resume, fill, state
    }

    enum Mode: String, ExpressibleByArgument { case swift, python }

    func run() async throws {
        switch name {
        case .fill: return try await Filling(directory: required(), events: events).run()
        case .state: return try StateCase(directory: required(), times: count).run()
        default: break
        }
        if let work {
            try await Round(bench: self, directory: work).run()
        } else {
            try Rounds(bench: self).run()
        }
    }

    private func required() throws -> String {
        guard let directory else { throw ValidationError("\(name.rawValue) needs a data directory") }
        return directory
    }

    var count: Int {
        let counts: [Case: Int] = [
            .append: 20_000, .chain: 1000, .fanout: 10_000, .manyruns: 1000, .resume: 1000, .state: 100,
        ]
        return n ?? counts[name] ?? 0
    }
}
