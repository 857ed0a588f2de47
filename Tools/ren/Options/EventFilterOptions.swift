import ArgumentParser
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal

/// Which events `journal ls` and `journal tail` print.
struct EventFilterOptions: ParsableArguments {
    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("Only events of this run; journal for those of none.", valueName: "run"))
    var run: String?

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp("Only events of this type, such as item.failed or node.*; may be repeated."))
    var type: [String] = []

    @Option(name: .long, help: "Only events of runs of this flow.")
    var flow: String?

    @Option(name: .long, help: "Only events of this node.")
    var node: String?

    @Option(name: .shortAndLong, help: "Only events of the item with this key.")
    var key: String?

    @Option(name: .long, help: ArgumentHelp("Not before this time, or so long ago: 2026-11-23T08:00:00Z, 2h."))
    var since: String?

    @Option(name: .long, help: "Before this time, or so long ago.")
    var until: String?

    /// What a record's header tells.
    ///
    /// - Throws: `usage` for a type that there is not, or what is no time.
    func filter() throws(RenError) -> JournalScan.Filter {
        JournalScan.Filter(types: try types(), from: try Self.time(since), until: try Self.time(until))
    }

    private func types() throws(RenError) -> Set<EventType>? {
        guard !type.isEmpty else { return nil }
        var found: Set<EventType> = []
        for name in type {
            let isArea = name.hasSuffix(".*")
            let matches = EventType.allCases.filter { type in
                isArea ? type.name.hasPrefix(name.dropLast()) : type.name == name
            }
            guard !matches.isEmpty else {
                let near = nearest(to: name, in: EventType.allCases.map(\.name))
                throw RenError(
                    .usage, "there are no events of type \"\(name.shortened(to: 60))\"",
                    hint: near.map { "did you mean \($0)?" } ?? "types are such as run.created, item.failed or node.*")
            }
            found.formUnion(matches)
        }
        return found
    }

    private static func time(_ text: String?) throws(RenError) -> Timestamp? {
        guard let text else { return nil }
        if let time = Timestamp(iso8601: text) { return time }
        do throws(RenError) {
            return .wallClock() + (.zero - (try DurationText.parse(text)))
        } catch {
            throw RenError(
                .usage, "\"\(text.shortened(to: 60))\" is no time",
                hint: "write 2026-11-23T08:00:00Z, or 2h for two hours ago")
        }
    }

    /// What its names tell.
    func matches(_ view: EventView, _ names: inout EventNames) throws(RenError) -> Bool {
        if let flow, try names.flow(of: view.event.run) != flow { return false }
        return (node == nil || view.node == node) && (key == nil || view.key == key)
    }
}

/// Events on their way to the output.
struct EventPrinter {
    private let filter: EventFilterOptions
    private var names: EventNames
    private var listing: Listing
    private let style: Style
    private(set) var damaged = 0

    init(_ journal: JournalReader, _ filter: EventFilterOptions, _ output: OutputOptions) {
        self.filter = filter
        names = EventNames(journal)
        listing = Listing(output.output)
        style = output.style
    }

    /// What is printed of an event; nil for one that is not asked for.
    enum Line {
        case event(EventView)
        case damaged(DamagedEvent)
    }

    mutating func line(_ entry: JournalEntry) throws(RenError) -> Line? {
        guard case .event(let event) = entry else {
            if case .damaged(let event) = entry { return .damaged(event) }
            return nil
        }
        do throws(RenError) {
            let view = try EventView(event, &names)
            return try filter.matches(view, &names) ? .event(view) : nil
        } catch {
            // The event can be read, but not whose it is.
            guard error.code == .journalDamaged else { throw error }
            return .damaged(DamagedEvent(sequence: event.sequence, what: error.message))
        }
    }

    mutating func add(_ line: Line) {
        switch line {
        case .event(let view): listing.add(view.json, text: view.text(style))
        case .damaged(let event):
            damaged += 1
            listing.add(event.json, text: event.text(style))
        }
    }

    func end() throws {
        listing.end()
        guard damaged == 0 else { throw Complaint.damaged(damaged) }
    }
}

extension Reading {
    func runOrJournal(_ name: String) throws(RenError) -> RunNumber {
        name == "journal" ? .journal : try run(name).number
    }

    /// Says on standard error, for people, which way the journal is read.
    func sayWay(_ output: OutputOptions) {
        guard output.output == .human else { return }
        Terminal.complain("reading " + way.text)
    }

    var way: (text: String, word: String) {
        guard let holder else { return ("alone: no engine is at work here", "alone") }
        let command = Terminal.escaped(holder.command)
        return ("beside process \(holder.process) (\(command)), which goes on meanwhile", "beside")
    }
}
