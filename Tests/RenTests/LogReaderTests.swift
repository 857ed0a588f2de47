import Foundation
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenWorkers
import Testing

@Suite("Reading logs", .timeLimit(.minutes(1)))
struct LogReaderTests {
    private func line(_ number: Int, level: String = "info", node: String = "a", key: String? = nil) -> String {
        let key = key.map { #""key":"\#($0)","# } ?? ""
        return
            #"{"time":"2026-11-23T03:21:07.123Z","run":"r","node":"\#(node)",\#(key)"attempt":1,"level":"\#(level)","text":"Line \#(number)","event":\#(number)}"#
            + "\n"
    }

    private func lines(_ range: Range<Int>) -> String { range.map { line($0) }.joined() }

    private func numbers(_ page: LogReader.Page) -> [Int] {
        page.lines.compactMap { $0.entry["event"]?.integerValue.map(Int.init) }
    }

    @Test("Pages go on where the last one ended, across files, and leave a line that is not whole")
    func pages() throws {
        let scratch = try Scratch()
        try scratch.write("logs.2.jsonl", lines(0..<10))
        try scratch.write("logs.1.jsonl", "{\"file\":1}\n" + lines(10..<20))
        try scratch.write("logs.jsonl", "{\"file\":2}\n" + lines(20..<25) + #"{"time":"2026"#)
        let reader = LogReader(folder: scratch.path)
        for size in [1, 3, 10, 100] {
            var found: [Int] = []
            var position = LogReader.Position.start
            while true {
                let page = try reader.page(after: position, limit: size)
                #expect(page.lines.count <= size && page.droppedFiles == 0)
                found += numbers(page)
                position = page.position
                if page.isAtEnd { break }
            }
            #expect(found == Array(0..<25), "pages of \(size)")
            #expect(try reader.page(after: position).lines.isEmpty)
        }
        for line in try reader.page().lines {
            let number = Int(line.entry["event"]!.integerValue!)
            #expect(numbers(try reader.page(after: line.position)) == Array(number + 1..<25))
            #expect(LogReader.Position(line.position.description) == line.position)
        }
        for count in [0, 1, 6, 24, 25, 99] {
            let tail = try reader.tail(count)
            #expect(numbers(tail) == Array((0..<25).suffix(count)))
            #expect(try reader.page(after: tail.position).lines.isEmpty && tail.position.file == 2)
        }
    }

    struct Row: CustomTestStringConvertible {
        var testDescription: String
        var filter: LogReader.Filter
        var found: [Int]
    }

    @Test(
        "What is not wanted is left out",
        arguments: [
            Row(testDescription: "all", filter: .init(), found: [0, 1, 2, 3, 4]),
            Row(testDescription: "warnings", filter: .init(level: .warning), found: [1, 2]),
            Row(testDescription: "errors", filter: .init(level: .error), found: [2]),
            Row(testDescription: "info", filter: .init(level: .info), found: [0, 1, 2, 4]),
            Row(testDescription: "node", filter: .init(node: "b"), found: [3, 4]),
            Row(testDescription: "key", filter: .init(key: "k-1"), found: [4]),
            Row(testDescription: "node and key", filter: .init(node: "a", key: "k-1"), found: []),
            Row(testDescription: "attempt", filter: .init(attempt: 2), found: []),
            Row(testDescription: "text", filter: .init(text: "lINE 3"), found: [3]),
            Row(testDescription: "text that is only in another field", filter: .init(text: "event"), found: []),
        ])
    func filters(_ row: Row) throws {
        let scratch = try Scratch()
        try scratch.write(
            "logs.jsonl",
            line(0) + line(1, level: "warning") + "no JSON\n" + line(2, level: "error")
                + line(3, level: "debug", node: "b") + line(4, level: "strange", node: "b", key: "k-1"))
        let reader = LogReader(folder: scratch.path)
        #expect(try numbers(reader.page(row.filter)) == row.found)
        #expect(try numbers(reader.tail(10, row.filter)) == row.found)
        #expect(try reader.page(row.filter).position == reader.page().position)
    }

    @Test("A tail says how many lines of each level it came by, and whether there are more")
    func looked() throws {
        let scratch = try Scratch()
        try scratch.write("logs.1.jsonl", "{\"file\":0}\n" + lines(0..<10))
        try scratch.write(
            "logs.jsonl", "{\"file\":1}\n" + line(10, level: "error") + line(11, node: "b") + line(12, level: "debug"))
        let reader = LogReader(folder: scratch.path)
        let all = try reader.tail(2, looking: 100)
        #expect(numbers(all) == [11, 12])
        #expect(all.looked.lines == 13 && all.looked.isAll)
        #expect(all.looked.levels == [.info: 11, .error: 1, .debug: 1])
        let some = try reader.tail(1, .init(level: .warning, node: "a"), looking: 5)
        #expect(numbers(some) == [10])
        #expect(some.looked.lines == 5 && !some.looked.isAll)
        #expect(some.looked.levels == [.info: 2, .error: 1, .debug: 1])
        #expect(try reader.tail(2).looked.lines == 2)
        let none = try reader.tail(1, .init(text: "nowhere"))
        #expect(none.lines.isEmpty && none.looked.lines == 13 && none.looked.isAll && none.looked.levels.isEmpty)
        #expect(try LogReader(folder: scratch.path + "/none").tail(1).looked.isAll)
    }

    @Test("A log that is not there is empty; places that are none are refused")
    func nothing() throws {
        let scratch = try Scratch()
        let reader = LogReader(folder: scratch.path + "/none")
        #expect(try reader.page().lines.isEmpty && reader.page().isAtEnd)
        #expect(try reader.tail(3).lines.isEmpty)
        #expect(try reader.page(after: .init(file: 7, offset: 9)).position == .init(file: 7, offset: 9))
        for text in ["", "-", "1", "1-", "-1", "1-2-3", "a-1", "1- 2", "99999999999999999999-1"] {
            #expect(LogReader.Position(text) == nil, "\(text)")
        }
    }

    @Test("Blocks larger than one read are read whole, from both ends")
    func large() throws {
        let scratch = try Scratch()
        try scratch.write("logs.jsonl", lines(0..<8_000))
        let reader = LogReader(folder: scratch.path)
        #expect(try numbers(reader.page(limit: 10_000)) == Array(0..<8_000))
        #expect(try numbers(reader.tail(10_000)) == Array(0..<8_000))
        #expect(try numbers(reader.tail(5_000)) == Array(3_000..<8_000))
    }

    @Test("A follower loses no line and repeats none while files are rotated; one that fell behind is told")
    func rotation() async throws {
        let scratch = try Scratch()
        let reader = LogReader(folder: scratch.path)
        let manager = FileManager.default
        let follower = Task {
            var found: [Int] = []
            var position = LogReader.Position.start
            while found.count < 1_000 {
                let page = try await reader.next(after: position)
                #expect(page.droppedFiles == 0)
                found += numbers(page)
                position = page.position
            }
            return found
        }
        // As `RunLog` does it, but with tiny files; the follower keeps up with those that are there.
        var last = 0
        for file in 0..<6 {
            for age in stride(from: LogFiles.countMax - 1, through: 0, by: -1) {
                let path = LogFiles.path(age, in: scratch.path)
                guard manager.fileExists(atPath: path) else { continue }
                try manager.moveItem(atPath: path, toPath: LogFiles.path(age + 1, in: scratch.path))
            }
            let next = file == 5 ? 1_000 : last + 100
            try scratch.write("logs.jsonl", (file == 0 ? "" : "{\"file\":\(file)}\n") + lines(last..<next))
            last = next
            await Task.yield()
        }
        #expect(try await follower.value == Array(0..<1_000))
        let position = LogReader.Position(file: 1, offset: 20)
        for age in 3...5 { try manager.removeItem(atPath: LogFiles.path(age, in: scratch.path)) }
        let page = try reader.page(after: position)
        #expect(page.droppedFiles == 2 && numbers(page).first == 300)
        #expect(try reader.tail(10).droppedFiles == 0)
        #expect(try reader.tail(5_000).droppedFiles == 3)
        let waiter = Task { try await reader.next(after: page.position) }
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
    }

    @Test("What a function says is in the log while it still runs")
    func live() async throws {
        let scratch = try Scratch()
        try await withSession(scratch) { session in
            let gate = Gate()
            session.swift.register(FunctionSignature(name: "talks")) { _, context in
                context.log("half way", level: .warning)
                await gate.wait()
                return Array("1".utf8)
            }
            let flow = try #require(
                FlowFile.check(Array("flow: t\nnodes: {a: {function: talks}}".utf8), as: .yaml).flow)
            let run = try await session.start(
                flow, input: [:], id: "talk", functions: LoadedFunctions(), by: Asker(by: "test"))
            let reader = LogReader(folder: session.directory.run("talk"))
            let page = try await reader.next(after: .start, .init(level: .warning))
            #expect(page.lines.map { $0.entry["text"] } == ["half way"])
            #expect(page.lines[0].entry["node"] == "a")
            gate.open()
            #expect(try await end(of: run.number, in: session) == .succeeded)
        }
    }
}
