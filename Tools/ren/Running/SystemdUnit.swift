import Ren
import RenCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// `ren.service` for the systemd of a user's session.
struct SystemdUnit {
    static let name = "ren.service"
    /// Whatever does not begin so was written by somebody else.
    private static let mark = "# Written by ren service install; changes are overwritten.\n"
    private static let sizeMax = 64 << 10

    var binary: String
    var directory: String
    /// Where `ren.yaml` is looked for.
    var folder: String
    var listen: String?
    var allowsRemote: Bool

    /// A start that fails is tried again every 2 s, five times within 5 minutes; one that only a person can mend is not:
    /// wrong usage, a journal of a newer ren, a port that is taken, a wrong configuration.
    var text: String {
        var words = [binary, "serve", "--data", SystemFile.realPath(directory) ?? Self.absolute(directory)]
        if let listen { words += ["--listen", listen] }
        if allowsRemote { words.append("--listen-insecure") }
        return Self.mark + """
            [Unit]
            Description=ren, durable flows
            StartLimitIntervalSec=300
            StartLimitBurst=5

            [Service]
            Type=exec
            WorkingDirectory=\(Self.escaped(folder))
            ExecStart=\(words.map(Self.quoted).joined(separator: " "))
            Restart=on-failure
            RestartSec=2
            RestartPreventExitStatus=2 65 69 78
            KillMode=mixed
            TimeoutStopSec=30

            [Install]
            WantedBy=default.target

            """
    }

    /// - Throws: `config.invalid` when there is no home directory.
    static func path() throws(RenError) -> String {
        let variables = SystemFile.environment
        if let folder = variables["XDG_CONFIG_HOME"], folder.hasPrefix("/") { return "\(folder)/systemd/user/\(name)" }
        guard let home = variables["HOME"], !home.isEmpty else {
            throw RenError(.configInvalid, "HOME is not set, so there is no place for \(name)")
        }
        return "\(home)/.config/systemd/user/\(name)"
    }

    /// - Throws: `service.foreign` rather than overwrite what ren did not write; `service.failed`.
    func write(to path: String) throws(RenError) {
        if SystemFile.exists(path) { try Self.checkOwn(path) }
        try Self.makeFolder(of: path)
        let draft = path + ".new"
        guard let file = fopen(draft, "w") else { throw Self.failure("\(path) cannot be written") }
        let isWritten = fputs(text, file) >= 0
        guard fclose(file) == 0, isWritten, rename(draft, path) == 0 else {
            throw Self.failure("\(path) cannot be written")
        }
    }

    static func checkOwn(_ path: String) throws(RenError) {
        let text = String(decoding: try SystemFile.read(path, limit: sizeMax), as: UTF8.self)
        guard text.hasPrefix(mark) else {
            throw RenError(
                .serviceForeign, "\(path) was not written by ren", hint: "move it away, then run this command again")
        }
    }

    static func remove(_ path: String) throws(RenError) {
        guard unlink(path) == 0 else { throw failure("\(path) cannot be removed") }
    }

    private static func makeFolder(of path: String) throws(RenError) {
        var end = path.startIndex
        while let slash = path[path.index(after: end)...].firstIndex(of: "/") {
            let folder = String(path[..<slash])
            guard mkdir(folder, 0o755) == 0 || errno == EEXIST else { throw failure("\(folder) cannot be made") }
            end = slash
        }
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(SystemFile.currentDirectory)/\(path)"
    }

    /// systemd takes `%` and `$` for its own.
    private static func escaped(_ text: String) -> String {
        text.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%")
    }

    private static func quoted(_ word: String) -> String {
        var result = ""
        for character in escaped(word) {
            if character == "\"" || character == "\\" { result.append("\\") }
            result.append(character == "$" ? "$$" : String(character))
        }
        return "\"\(result)\""
    }

    private static func failure(_ what: String) -> RenError {
        RenError(.serviceFailed, "\(what): \(String(cString: strerror(errno)))")
    }
}

/// The systemd of the user's session.
enum Systemd {
    /// - Returns: whether it could be asked, and did it.
    static func run(_ arguments: [String]) -> Bool {
        guard let program = SystemFile.program("systemctl") else { return false }
        // What cannot be started has done nothing, and the commands are shown instead.
        return (try? ChildProcess(program, ["--user"] + arguments))?.end == .exited(0)
    }

    static func text(_ steps: [[String]]) -> String {
        steps.map { "  systemctl --user " + $0.joined(separator: " ") }.joined(separator: "\n")
    }
}

extension RenError.Code {
    static let serviceMissing = Self("service.missing")
    static let serviceForeign = Self("service.foreign")
    static let serviceFailed = Self("service.failed")
}
