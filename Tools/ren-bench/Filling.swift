import Foundation
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenWorkers

/// Fills a data directory as ren itself would: one long run, whose map fails here and there, and small ones after it.
struct Filling {
    let directory: String
    let events: Int

    private static let smallRuns = 10

    func run() async throws {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        var options = Session.Options()
        options.command = "ren-bench"
        let session = try await Session(directory, options)
        session.swift.register(FunctionSignature(name: "bench.step")) { _, _ in Round.result }
        session.swift.register(FunctionSignature(name: "bench.item")) { _, context in
            if let key = context.key, key.hasSuffix("997") { throw Refused(key: key) }
            return Round.result
        }
        // Each item begins and ends.
        let items = JSON.array((0..<events / 2).map { .integer(Int64($0)) })
        let map: JSON = [
            "each": ["var": "input.items"], "concurrency": 256, "tolerate": "1%", "function": "bench.item",
            "key": ["cat": ["sku-", ["var": "item"]]],
        ]
        let long: JSON = [
            "flow": "long", "nodes": ["m": map, "after": ["after": ["m"], "function": "bench.step"]],
        ]
        let start = ContinuousClock.now
        try await run(long, ["items": items], session)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        for _ in 0..<Self.smallRuns { try await run(Round.chain(5), [:], session) }
        let head = try session.journal.read { view throws(RenError) in try view.head().sequence }
        await session.close()
        let bytes = Disk.bytes(below: directory + "/journal")
        print(
            #"{"case": "fill", "events": \#(head), "long_run_s": \#(String(format: "%.3f", seconds)), "items_per_s": "#
                + #"\#(Int(Double(events / 2) / seconds)), "disk_bytes": \#(bytes)}"#)
    }

    private func run(_ source: JSON, _ input: JSON, _ session: Session) async throws {
        let flow = try FlowDecoder.decode(stored: source.compact)
        let started = try await session.start(
            flow, input: input, id: nil, functions: LoadedFunctions(), by: Asker(by: "bench"))
        _ = await session.engine.rest(of: started.number)
    }

    struct Refused: Error {
        var key: String
    }
}
