import Foundation
import Testing

/// kill -9 of the real binary at random moments of a running flow with real Python workers.
///
/// What the functions did is counted outside of ren, in a file that they append to.
@Suite("kill -9", .serialized)
struct KillTests {
    private static let items = 12_000
    private static let kills = 100
    /// Attempts that are in flight at every kill, at least.
    private static let inFlight = 8

    private static let functions = """
        import asyncio
        import os

        import ren

        def note(path, line):
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(file, (line + "\\n").encode())
            os.close(file)

        @ren.function
        def numbers(count: int, log: str) -> list:
            note(log, "start numbers")
            note(log, "end numbers")
            return [{"n": n} for n in range(count)]

        @ren.function
        async def double(n: int, log: str) -> int:
            note(log, f"start {n}")
            await asyncio.sleep(0.01 + n % 7 * 0.01)
            note(log, f"end {n}")
            return 2 * n

        @ren.function
        def total(values: list, log: str) -> int:
            note(log, "start total")
            note(log, "end total")
            return sum(values)
        """

    private static let flow = """
        flow: killed
        nodes:
          numbers:
            function: killed.numbers
            with: {count: {var: input.count}, log: {var: input.log}}
          double:
            after: [numbers]
            each: {var: nodes.numbers.output}
            key: {cat: [n-, {var: item.n}]}
            function: killed.double
            with: {n: {var: item.n}, log: {var: input.log}}
            concurrency: 16
          many:
            after: [double]
            condition: {">": [{var: nodes.double.succeeded}, 10]}
          total:
            after: [many.then]
            function: killed.total
            with: {values: {var: nodes.double.items}, log: {var: input.log}}
        output: {total: {var: nodes.total.output}, doubled: {var: nodes.double.succeeded}}
        """

    private struct Place {
        let folder: String
        var log: String { folder + "/executions" }

        init() throws {
            folder = NSTemporaryDirectory() + "ren-crash-\(UUID().uuidString)"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try KillTests.functions.write(toFile: folder + "/killed.py", atomically: true, encoding: .utf8)
            try KillTests.flow.write(toFile: folder + "/killed.yaml", atomically: true, encoding: .utf8)
        }

        /// What is left of a test that failed stays, to be looked at.
        func remove() throws {
            try FileManager.default.removeItem(atPath: folder)
        }

        func lines() -> [String] {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""  // before the first call there is none
            return text.split(separator: "\n").map(String.init)
        }

        func start(count: Int, environment: [String: String] = [:]) throws -> RenProcess {
            try RenProcess(
                [
                    "run", "killed.yaml", "--id", "killed", "-f", "killed.py", "-i", "count=\(count)", "-i",
                    "log=\(log)",
                    "--no-progress",
                ], in: folder, environment: environment)
        }

        func resume() throws -> RenProcess {
            try RenProcess(["resume", "killed", "--no-progress"], in: folder)
        }

        /// The whole journal, as other tools see it.
        func events() throws -> [[String: Any]] {
            let (code, text) = try RenProcess.run(["journal", "ls", "-o", "jsonl"], in: folder)
            #expect(code == 0)
            return try text.split(separator: "\n").map {
                try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
            }
        }

        /// The journal's hash at an event that was shown: it binds everything before it.
        func hash(of sequence: Int) throws -> String {
            let (code, text) = try RenProcess.run(["journal", "show", "\(sequence)", "-o", "json"], in: folder)
            #expect(code == 0)
            let event = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            return try #require(event?["journal_hash"] as? String)
        }

        /// Nothing that finished ran again, and the journal is whole.
        func check(count: Int) throws {
            let (code, text) = try RenProcess.run(["result", "killed", "-o", "json"], in: folder)
            #expect(code == 0)
            let result = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Int])
            #expect(result == ["total": count * (count - 1), "doubled": count])
            var succeeded: Set<String> = []
            var started: [String: Int] = [:]
            for event in try events() {
                guard let type = event["type"] as? String, let node = event["node"] as? String else { continue }
                let unit = "\(node) \(event["item"] ?? "")"
                if type.hasSuffix(".started") {
                    #expect(!succeeded.contains(unit), "\(unit) was started again after it had succeeded")
                    started[unit, default: 0] += 1
                }
                if type.hasSuffix(".succeeded") { succeeded.insert(unit) }
            }
            var executed: [String: Int] = [:]
            for line in lines() where line.hasPrefix("start ") { executed[String(line.dropFirst(6)), default: 0] += 1 }
            for (name, times) in executed {
                let unit = Int(name).map { "double \($0)" } ?? "\(name) "
                let starts = started[unit] ?? 0
                #expect(times <= starts, "\(unit) ran \(times) times but was started \(starts) times")
            }
            #expect(executed.count == count + 2)
            let verified = try RenProcess.run(["journal", "verify"], in: folder)
            #expect(verified.code == 0, "\(verified.text)")
        }
    }

    @Test("A hundred kills lose nothing and run nothing twice")
    func randomKills() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed of the kills: \(seed)")
        var random = SplitMix(state: seed)
        let place = try Place()
        var acknowledged: [(sequence: Int, hash: String)] = []
        for round in 0..<Self.kills {
            let before = place.lines().count
            let engine = try round == 0 ? place.start(count: Self.items) : place.resume()
            // So many lines of this engine's functions, and then so many attempts in flight.
            let wanted = 2 + Int(random.next() % 12)
            try wait("round \(round), seed \(seed): \(engine.text)") {
                let lines = place.lines().dropFirst(before)
                let starts = lines.count { $0.hasPrefix("start ") && $0 != "start numbers" }
                let ends = lines.count { $0.hasPrefix("end ") && $0 != "end numbers" }
                return ends >= wanted && starts - ends >= Self.inFlight
            }
            if round % 10 == 0, let last = try place.events().last {
                let sequence = try #require(last["sequence"] as? Int)
                acknowledged.append((sequence, try place.hash(of: sequence)))
            }
            engine.kill()
        }
        let last = try place.resume()
        last.process.waitUntilExit()
        #expect(last.process.terminationStatus == 0, "seed \(seed): \(last.text)")
        try place.check(count: Self.items)
        for (sequence, hash) in acknowledged {
            #expect(try place.hash(of: sequence) == hash, "event \(sequence) was shown and is another one now")
        }
        try place.remove()
    }

    @Test("A kill between a commit and the calls that it releases", arguments: [3, 5, 9])
    func betweenCommitAndDispatch(_ commit: Int) throws {
        let place = try Place()
        let killed = try place.start(count: 40, environment: ["REN_FAIL": "after_commit:\(commit)"])
        killed.process.waitUntilExit()
        #expect(killed.process.terminationReason == .uncaughtSignal, "\(killed.text)")
        let again = try place.resume()
        again.process.waitUntilExit()
        #expect(again.process.terminationStatus == 0, "\(again.text)")
        try place.check(count: 40)
        try place.remove()
    }

    @Test("A kill while the keys of a long map are written, before the map opens")
    func betweenKeysAndOpening() throws {
        // Two commits of keys.
        let count = 5_100
        let place = try Place()
        let killed = try place.start(count: count, environment: ["REN_FAIL": "after_keys:1"])
        killed.process.waitUntilExit()
        #expect(killed.process.terminationReason == .uncaughtSignal, "\(killed.text)")
        let again = try place.resume()
        again.process.waitUntilExit()
        #expect(again.process.terminationStatus == 0, "\(again.text)")
        try place.check(count: count)
        try place.remove()
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
