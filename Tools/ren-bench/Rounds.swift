import Foundation

/// The parent: starts a fresh process per round, and folds what the rounds print into one line.
struct Rounds {
    let bench: Bench

    func run() throws {
        var results: [[String: Double]] = []
        for _ in 0..<bench.rounds {
            let work = bench.dir + "/ren-bench-\(UUID().uuidString)"
            try FileManager.default.createDirectory(
                atPath: work, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            defer { try? FileManager.default.removeItem(atPath: work) }  // a leftover of a benchmark harms nobody
            let before = try Disk.fdatasyncMilliseconds(in: work)
            var result = try oneRound(work)
            result["fdatasync_ms"] = (before + (try Disk.fdatasyncMilliseconds(in: work))) / 2
            results.append(result)
        }
        print(line(results))
    }

    private func oneRound(_ work: String) throws -> [String: Double] {
        switch bench.name {
        case .resume:
            let killed = try Child(bench, work, environment: ["REN_BENCH_KILL": "1"])
            _ = killed.finish()
            let started = Date()
            let child = try Child(bench, work, environment: ["REN_BENCH_START": String(started.timeIntervalSince1970)])
            return child.finish()
        case .startup:
            if bench.stored > 0 { _ = try Child(bench, work, environment: ["REN_BENCH_FILL": "1"]).finish() }
            let started = Date()
            return try Child(bench, work, environment: ["REN_BENCH_START": String(started.timeIntervalSince1970)])
                .finish()
        case .serve: return try serve(work)
        default:
            return try Child(bench, work).finish()
        }
    }

    private func serve(_ work: String) throws -> [String: Double] {
        let data = work + "/data"
        if bench.stored > 0 { _ = try Child(bench, work, environment: ["REN_BENCH_FILL": "1"]).finish() }
        let service = try ServiceProcess(data: data)
        defer { service.end() }
        var result = ["answer_s": service.secondsToFirstAnswer()]
        sleep(1)
        for name in ["VmRSS", "RssAnon", "RssFile"] { result["\(name)_mb"] = service.memory(name) }
        return result
    }

    private func line(_ results: [[String: Double]]) -> String {
        var fields = [
            "\"peer\": \"ren\"", "\"case\": \"\(bench.name)\"", "\"mode\": \"\(bench.mode)\"", "\"n\": \(bench.count)",
            "\"rounds\": \(bench.rounds)",
        ]
        if let window = bench.window { fields.append("\"window\": \(window)") }
        if bench.keys { fields.append("\"keys\": true") }
        if bench.stored > 0 { fields.append("\"stored\": \(bench.stored)") }
        for key in Set(results.flatMap(\.keys)).sorted() {
            let values = results.compactMap { $0[key] }.sorted()
            let shown = [values[values.count / 2], values.first!, values.last!].map { String(format: "%.3f", $0) }
            fields.append("\"\(key)\": {\"median\": \(shown[0]), \"min\": \(shown[1]), \"max\": \(shown[2])}")
        }
        return "{" + fields.joined(separator: ", ") + "}"
    }
}

/// One round in a process of its own.
private struct Child {
    private let process = Process()
    private let output = Pipe()

    init(_ bench: Bench, _ work: String, environment: [String: String] = [:]) throws {
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
        process.arguments = [
            bench.name.rawValue, "--work", work, "--n", String(bench.count), "--mode", bench.mode.rawValue,
        ]
        if let window = bench.window { process.arguments! += ["--window", String(window)] }
        if bench.stored > 0 { process.arguments! += ["--stored", String(bench.stored)] }
        if bench.keys { process.arguments!.append("--keys") }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        process.standardOutput = output
        try process.run()
    }

    /// What the round printed: `name value` lines. A round that was killed on purpose prints nothing.
    func finish() -> [String: Double] {
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        var result: [String: Double] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, let value = Double(words[1]) { result[String(words[0])] = value }
        }
        return result
    }
}
