package import RenCore
import RenJSON
package import RenJournal
import RenYAML

/// `ren.yaml`: what a folder of flows needs, found in the folder of the flow or above it.
package struct Project: Sendable {
    package enum Environments: String, Sendable, CaseIterable {
        /// Packages that functions ask for are installed without asking.
        case install
        /// They are asked for on a terminal, and missing ones refuse the run elsewhere.
        case check
    }

    /// The folder of `ren.yaml`; patterns are relative to it.
    package var directory: String
    package var functions: [String] = []
    /// Flows that `ren run` finds by their names, and that `ren serve` registers.
    package var flows: [String] = []
    package var environments = Environments.check
    package var processes: Int?
    package var slots: Int?
    /// Where `ren serve` listens.
    package var listen: ListenAddress?
    /// What the journal may use of the disk.
    package var diskBudgetBytes: Int?
    /// Which finished runs `ren serve` and `ren journal prune` delete; nil: none.
    package var retention: Retention?

    /// The project that `path` belongs to: the first `ren.yaml` from its folder upwards; nil without one.
    ///
    /// - Throws: `config.invalid` for every problem, with its place.
    package static func find(from path: String) throws(FlowErrors) -> Project? {
        guard var directory = SystemFile.realPath(path) else { return nil }
        while true {
            let file = directory == "/" ? "/ren.yaml" : directory + "/ren.yaml"
            if SystemFile.exists(file) { return try Project(file: file, directory: directory) }
            guard directory != "/", let slash = directory.lastIndex(of: "/") else { return nil }
            directory = slash == directory.startIndex ? "/" : String(directory[..<slash])
        }
    }

    private init(file: String, directory: String) throws(FlowErrors) {
        self.directory = directory
        var errors: [RenError] = []
        do {
            for member in try Self.members(of: file) {
                do throws(RenError) {
                    try read(member, &errors)
                } catch {
                    errors.append(error)
                }
            }
        } catch {
            errors += error.errors
        }
        guard errors.isEmpty else { throw FlowErrors(errors.map { $0.inFile(file) }) }
    }

    private static func members(of file: String) throws(FlowErrors) -> [Located.Member] {
        let bytes: [UInt8]
        do {
            bytes = try SystemFile.read(file, limit: FlowFile.sizeMax)
        } catch {
            throw FlowErrors([RenError(.configInvalid, error.message)])
        }
        let document: Located
        do {
            document = try YAML.parseOne(bytes)
        } catch {
            throw FlowErrors(error.errors.map { RenError(.configInvalid, $0.message, hint: $0.hint, at: $0.place) })
        }
        guard case .object(let members) = document.value else {
            throw FlowErrors([RenError(.configInvalid, "ren.yaml is not a mapping", at: document.place)])
        }
        return members
    }

    private static let keys = ["functions", "flows", "environments", "workers", "listen", "retention", "disk_budget"]

    /// Throws what is wrong with the member; what is wrong inside it is added to `errors`.
    private mutating func read(_ member: Located.Member, _ errors: inout [RenError]) throws(RenError) {
        let value = member.value
        switch member.key {
        case "functions": functions = try texts(value, member.key)
        case "flows": flows = try texts(value, member.key)
        case "environments":
            guard case .string(let text) = value.value, let policy = Environments(rawValue: text) else {
                throw RenError(.configInvalid, "environments is install or check", at: value.place)
            }
            environments = policy
        case "workers":
            guard case .object(let members) = value.value else {
                throw RenError(.configInvalid, "workers is a mapping of processes and slots", at: value.place)
            }
            for member in members {
                do throws(RenError) {
                    try readWorkers(member)
                } catch {
                    errors.append(error)
                }
            }
        case "listen":
            guard case .string(let text) = value.value else {
                throw RenError(.configInvalid, "listen is a host and a port", hint: ListenAddress.hint, at: value.place)
            }
            listen = try ListenAddress(parsing: text, at: value.place)
        case "retention":
            let reader = RetentionReader(value)
            errors += reader.errors
            retention = reader.retention
        case "disk_budget":
            guard case .string(let text) = value.value, let bytes = Self.bytes(text), bytes >= Self.diskBudgetMin else {
                throw RenError(
                    .configInvalid, "disk_budget is how much the journal may use, 100MB at least",
                    hint: "for example disk_budget: 20GB", at: value.place)
            }
            diskBudgetBytes = bytes
        case "schedules", "limits":
            throw RenError(
                .configInvalid, "“\(member.key)” in ren.yaml comes with a later version of ren", hint: "leave it out",
                at: member.keyPlace)
        default:
            let near = nearest(to: member.key, in: Self.keys)
            throw RenError(
                .configInvalid, "unknown key “\(member.key)” in ren.yaml",
                hint: near.map { "did you mean “\($0)”?" } ?? "known are \(Self.keys.joined(separator: ", "))",
                at: member.keyPlace)
        }
    }

    private static let diskBudgetMin = 100_000_000

    /// `20GB` or `1.5 TB`: in units of a thousand, as disks are sold.
    private static func bytes(_ text: String) -> Int? {
        for (unit, factor) in [("MB", 1e6), ("GB", 1e9), ("TB", 1e12)] where text.hasSuffix(unit) {
            let number = text.dropLast(unit.count).filter { $0 != " " }
            guard number.allSatisfy({ $0.isNumber || $0 == "." }), let value = Double(number) else { return nil }
            return Int(exactly: (value * factor).rounded())
        }
        return nil
    }

    private mutating func readWorkers(_ member: Located.Member) throws(RenError) {
        guard case .integer(let number) = member.value.value, (1...1024).contains(number) else {
            throw RenError(
                .configInvalid, "workers.\(member.key) is a whole number from 1 to 1024", at: member.value.place)
        }
        switch member.key {
        case "processes": processes = Int(number)
        case "slots": slots = Int(number)
        default:
            throw RenError(
                .configInvalid, "unknown key “\(member.key)” in workers", hint: "known are processes and slots",
                at: member.keyPlace)
        }
    }

    private func texts(_ value: Located, _ key: String) throws(RenError) -> [String] {
        guard case .array(let elements) = value.value else {
            throw RenError(.configInvalid, "\(key) is a list of file patterns", at: value.place)
        }
        var texts: [String] = []
        for element in elements {
            guard case .string(let text) = element.value else {
                throw RenError(.configInvalid, "\(key) is a list of file patterns", at: element.place)
            }
            texts.append(text)
        }
        return texts
    }

    /// The function files that the patterns name, each once, in order.
    ///
    /// - Throws: `config.invalid` for a pattern that matches nothing.
    package func functionFiles() throws(RenError) -> [String] { try files(of: "functions", functions) }

    /// The flow files that the patterns name, each once, in order.
    ///
    /// - Throws: `config.invalid` for a pattern that matches nothing.
    package func flowFiles() throws(RenError) -> [String] { try files(of: "flows", flows) }

    /// The flow file whose flow has that name, whatever else is wrong with it; nil without one.
    ///
    /// - Throws: `flow.ambiguous` when several have it, `config.invalid`, `file.*`.
    package func flowFile(named name: String) throws(RenError) -> String? {
        var found: [String] = []
        for file in try flowFiles() {
            let check = try FlowFile.check(file)
            if check.draft?.name == name { found.append(file) }
        }
        guard found.count < 2 else {
            throw RenError(
                .flowAmbiguous, "several files of \(directory)/ren.yaml hold a flow “\(name)”",
                hint: "name one of them: \(found.prefix(3).joined(separator: ", "))")
        }
        return found.first
    }

    private func files(of key: String, _ patterns: [String]) throws(RenError) -> [String] {
        var files: [String] = []
        for pattern in patterns {
            let found = SystemFile.matches(of: pattern.hasPrefix("/") ? pattern : "\(directory)/\(pattern)")
            guard !found.isEmpty else {
                throw RenError(
                    .configInvalid, "no file matches “\(pattern)” of \(key) in \(directory)/ren.yaml",
                    hint: "patterns are relative to the folder of ren.yaml")
            }
            files += found.filter { !files.contains($0) }
        }
        return files
    }
}

extension RenError.Code {
    package static let configInvalid = Self("config.invalid")
}
