import ArgumentParser
import Ren
import RenClient
import RenCore
import RenJSON
import RenJournal

struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers", abstract: "List the worker processes of the running engine, or replace one.")

    @Option(name: .long, help: ArgumentHelp("Replace this one when its calls have ended.", valueName: "worker"))
    var restart: String?

    @Flag(name: .long, help: "With --restart: kill it; its calls are tried again.")
    var now = false

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if now, restart == nil { throw ValidationError("--now goes with --restart") }
    }

    func run() async throws {
        let directory = try data.existing()
        guard case .engine(let client, _) = try await EnginePath.find(in: directory) else {
            throw RenError(
                .engineUnreachable, "no engine is at work in \(directory.path), so there are no workers",
                hint: "ren serve, ren run or ren resume starts one")
        }
        if let restart {
            try output.require(.human, .json)
            try await client.restart(worker: restart, now: now)
            guard output.output == .human else {
                return Terminal.printJSON(JSON.object(["worker": .string(restart)]).text)
            }
            return Terminal.print("\(restart)  \(now ? "is replaced" : "is replaced after its calls")")
        }
        try list(try await client.workers())
    }

    private func list(_ workers: [JSON]) throws {
        if output.output == .human {
            guard !workers.isEmpty else { return Terminal.print("no workers: none is needed now") }
            return Terminal.print(Columns.text(workers.map(line)))
        }
        var listing = Listing(
            output.output, header: ["worker", "process", "state", "calls_done", "resident_bytes", "age_milliseconds"])
        for worker in workers { listing.add(worker.objectValue ?? [:], text: "") }
        listing.end()
    }

    private func line(_ worker: JSON) -> [String] {
        func number(_ name: String) -> Int64 { worker[name]?.integerValue ?? 0 }
        let calls = (worker["calls"]?.arrayValue ?? []).map { call in
            let key = call["key"]?.stringValue.map { "[\($0)]" } ?? ""
            return Terminal.escaped("\(call["run"]?.stringValue ?? "") \(call["node"]?.stringValue ?? "")\(key)")
        }
        let end = worker["end"]?.stringValue.map { Terminal.escaped($0) }
        return [
            worker["worker"]?.stringValue ?? "",
            worker["process"]?.integerValue.map { "pid \($0)" } ?? "",
            output.style.coloured(state: worker["state"]?.stringValue ?? ""),
            "\(Words.grouped(number("calls_done"))) done",
            number("resident_bytes") > 0 ? Words.bytes(number("resident_bytes")) : "",
            Words.duration(.milliseconds(number("age_milliseconds"))),
            end ?? calls.joined(separator: ", "),
        ]
    }
}
