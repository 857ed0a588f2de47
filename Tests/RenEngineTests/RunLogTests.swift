import Foundation
import RenCore
import RenJSON
import RenWorkers
import Testing

@testable import RenEngine

@Suite("Run logs")
struct RunLogTests {
    @Test("Lines are JSON, files turn over at 16 MiB, and the oldest of eight goes")
    func rotation() throws {
        let folder = NSTemporaryDirectory() + "ren-log-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }  // left to the system otherwise
        let log = RunLog(directory: folder, run: "r_1", committed: Watermark(RunVersion(1)))
        let text = String(repeating: "a line with \"quotes\" and \u{1b}[31m ", count: 200)
        let time = Timestamp(nanoseconds: 1_700_000_000_000_000_000)
        for number in 0..<22_000 {
            log.write(.info, "\(number) \(text)", at: time, node: "n", key: "k", attempt: 1, event: RunVersion(number))
        }
        log.flush()
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(files == (1...7).map { "logs.\($0).jsonl" } + ["logs.jsonl"])
        for file in files {
            let size = try #require(FileManager.default.attributesOfItem(atPath: "\(folder)/\(file)")[.size] as? Int)
            #expect(size <= 16 << 20)
        }
        let last = try String(contentsOfFile: folder + "/logs.jsonl", encoding: .utf8).split(separator: "\n").last
        let line = try JSON(parsing: String(try #require(last)))
        #expect(line["event"] == 21_999)
        #expect(line["text"]?.stringValue?.hasPrefix("21999 a line") == true)
        #expect((line["text"]?.stringValue?.utf8.count ?? 0) <= 8 << 10)
        // The next engine goes on counting files where this one stopped.
        let numbers = try Self.numbers(in: folder)
        #expect(numbers == Array(numbers[0]..<numbers[0] + 8) && numbers[0] > 0)
        let next = RunLog(directory: folder, run: "r_1", committed: Watermark(RunVersion(1)))
        for number in 0..<4_000 { next.write(.info, "\(number) \(text)", at: time, event: RunVersion(number)) }
        next.flush()
        let later = try Self.numbers(in: folder)
        #expect(later == Array(later[0]..<later[0] + 8) && later[0] > numbers[0])
    }

    /// The numbers of the files, oldest first.
    private static func numbers(in folder: String) throws -> [Int] {
        try (0..<LogFiles.countMax).reversed().map { age in
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: LogFiles.path(age, in: folder)))
            defer { try? file.close() }  // it was only read
            return LogFiles.number(ofFileBeginning: try file.read(upToCount: 64) ?? Data())
        }
    }
}
