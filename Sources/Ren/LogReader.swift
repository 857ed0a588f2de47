package import RenCore
import RenEngine
package import RenJSON
package import RenWorkers

/// Reads the log of a run, `runs/<run>/logs*.jsonl`, from any place on, also while it is written and rotated.
///
/// It keeps no file open between two calls. What it reads, it reads at once: a page costs at most 16 MiB of reading, a
/// tail as much as it takes to find its lines.
package struct LogReader: Sendable {
    /// Which lines are wanted: all that are set must hold.
    package struct Filter: Sendable {
        /// The least grave level.
        package var level: LogLine.Level
        package var node: String?
        package var key: String?
        package var attempt: Int?
        /// A part of the text; case does not count.
        package var text: String?

        package init(
            level: LogLine.Level = .debug, node: String? = nil, key: String? = nil, attempt: Int? = nil,
            text: String? = nil
        ) {
            self.level = level
            self.node = node
            self.key = key
            self.attempt = attempt
            self.text = text?.lowercased()
        }
    }

    /// A place between two lines: the number of a file, which a rotation does not change, and an offset in it.
    package struct Position: Sendable, Hashable, Comparable, CustomStringConvertible {
        package var file: Int
        package var offset: Int

        package static let start = Position(file: 0, offset: 0)

        package init(file: Int, offset: Int) {
            self.file = file
            self.offset = offset
        }

        /// Reads what `description` gives; nil for anything else.
        package init?(_ text: String) {
            let parts = text.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
                let file = Int(parts[0]), let offset = Int(parts[1])
            else { return nil }
            self.init(file: file, offset: offset)
        }

        package static func < (left: Position, right: Position) -> Bool {
            (left.file, left.offset) < (right.file, right.offset)
        }

        package var description: String { "\(file)-\(offset)" }
    }

    package struct Line: Sendable {
        /// Behind the line.
        package var position: Position
        /// `time`, `run`, `node`, `key`, `attempt`, `level`, `text`, `fields`, `event`.
        package var entry: JSONObject
    }

    package struct Page: Sendable {
        /// In the order in which they were written.
        package var lines: [Line] = []
        /// Where the next page begins.
        package var position: Position
        /// There was nothing more when it was read.
        package var isAtEnd = true
        /// Files that were dropped for their age and that would have come before the first line.
        package var droppedFiles = 0
        /// Of a tail: the lines that were looked at.
        package var looked = Looked()
    }

    /// What a tail came by: all lines, and by level those that all of the filter wants but for its level.
    package struct Looked: Sendable, Equatable {
        package fileprivate(set) var lines = 0
        package fileprivate(set) var levels: [LogLine.Level: Int] = [:]
        /// There are no lines but these.
        package fileprivate(set) var isAll = false
    }

    private let folder: String
    private static let scanMax = 16 << 20
    private static let pollInterval = Duration.milliseconds(200)

    /// - Parameter folder: of the run's files; a run that has said nothing yet has none.
    package init(folder: String) {
        self.folder = folder
    }

    /// The wanted lines behind a position, at most `limit`. A page may be empty although more follows: `isAtEnd` tells.
    ///
    /// - Throws: `file.unreadable`.
    package func page(
        after position: Position = .start, limit: Int = 1_000, _ filter: Filter = Filter()
    ) throws(RenError) -> Page {
        let files = try LogFile.all(in: folder)
        var page = Page(position: position)
        page.droppedFiles = max(0, (files.first?.number ?? 0) - position.file)
        var scanned = 0
        for file in files where file.number >= position.file {
            var offset = file.number == position.file ? position.offset : 0
            while true {
                guard page.lines.count < limit, scanned < Self.scanMax else {
                    page.isAtEnd = false
                    return page
                }
                let block = try file.lines(from: offset)
                scanned += block.bytes.count
                for line in block.lines where page.lines.count < limit {
                    offset = block.start + line.upperBound + 1
                    page.position = Position(file: file.number, offset: offset)
                    if let entry = filter.entry(block.bytes[line], &page.looked) {
                        page.lines.append(Line(position: page.position, entry: entry))
                    }
                }
                if block.lines.isEmpty { break }
            }
        }
        return page
    }

    /// The last `count` wanted lines.
    ///
    /// - Parameter looking: so many lines are looked at also where fewer do, so that `looked` tells what there is.
    /// - Throws: `file.unreadable`.
    package func tail(_ count: Int, _ filter: Filter = Filter(), looking: Int = 0) throws(RenError) -> Page {
        let files = try LogFile.all(in: folder)
        var page = Page(position: .start)
        page.looked.isAll = files.isEmpty
        if let newest = files.last {
            page.position = Position(file: newest.number, offset: try newest.endOfLines())
        }
        search: for file in files.reversed() {
            var end = file.size
            while end > 0 {
                let block = try file.lines(before: end)
                for line in block.lines.reversed() {
                    guard page.lines.count < count || page.looked.lines < looking else { break search }
                    guard let entry = filter.entry(block.bytes[line], &page.looked), page.lines.count < count else {
                        continue
                    }
                    let position = Position(file: file.number, offset: block.start + line.upperBound + 1)
                    page.lines.append(Line(position: position, entry: entry))
                }
                end = block.start
            }
            page.looked.isAll = file.number == files.first?.number
        }
        page.lines.reverse()
        if page.lines.count < count { page.droppedFiles = files.first?.number ?? 0 }
        return page
    }

    /// The next page with a wanted line in it; waits for one.
    ///
    /// - Throws: `file.unreadable`, `CancellationError`.
    package func next(
        after position: Position, limit: Int = 1_000, _ filter: Filter = Filter()
    ) async throws -> Page {
        var position = position
        var dropped = 0
        while true {
            var page = try page(after: position, limit: limit, filter)
            position = page.position
            dropped += page.droppedFiles
            guard page.lines.isEmpty else {
                page.droppedFiles = dropped
                return page
            }
            if page.isAtEnd { try await Task.sleep(for: Self.pollInterval) }
            try Task.checkCancellation()
        }
    }
}

extension LogReader.Filter {
    /// The entry of a line, if it is one and is wanted; a line that a crash cut short is none.
    fileprivate func entry(_ line: ArraySlice<UInt8>, _ looked: inout LogReader.Looked) -> JSONObject? {
        guard let entry = try? JSON(parsing: line, limits: .document).objectValue, entry["text"] != nil else {
            return nil
        }
        looked.lines += 1
        if let node, entry["node"]?.stringValue != node { return nil }
        if let key, entry["key"]?.stringValue != key { return nil }
        if let attempt, entry["attempt"]?.integerValue.map(Int.init) != attempt { return nil }
        let own = LogLine.Level(rawValue: entry["level"]?.stringValue ?? "") ?? .info
        if let text, entry["text"]?.stringValue?.lowercased().contains(text) != true { return nil }
        looked.levels[own, default: 0] += 1
        return own.gravity >= level.gravity ? entry : nil
    }
}

extension LogLine.Level {
    fileprivate var gravity: Int {
        switch self {
        case .debug: 0
        case .info: 1
        case .warning: 2
        case .error: 3
        }
    }
}
