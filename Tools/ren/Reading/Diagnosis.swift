import LMDB
import Ren
import RenCore
import RenEngine
import RenJournal
import RenWorkers

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What `ren doctor` looks at. It changes nothing but the lock, which it takes for an instant as every reader does.
struct Diagnosis {
    private static let fileLimitMin: UInt64 = 1024
    private static let freeBytesMin: UInt64 = 1 << 30
    private static let socketPathMax = 100

    private let place: DataDirectory
    private let data: DataOption

    init(_ place: DataDirectory, _ data: DataOption) {
        self.place = place
        self.data = data
    }

    func checks() async -> [HealthCheck] {
        var checks = [directory, fileSystem]
        checks += journal()
        checks.append(await python())
        checks += [project, library, files, sockets]
        return checks
    }

    // MARK: Data directory

    private var directory: HealthCheck {
        let path = place.path
        guard SystemFile.exists(path) else {
            return HealthCheck("data directory", .ok, "\(path) is not there yet; ren run makes it")
        }
        do {
            try place.check()
        } catch {
            return HealthCheck("data directory", .broken, error.message, fix: error.hint)
        }
        guard access(path, W_OK) == 0 else {
            return HealthCheck("data directory", .broken, "\(path) cannot be written to", fix: "chmod u+w \(path)")
        }
        return HealthCheck("data directory", .ok, "\(path) is writable")
    }

    /// Room where the directory is, or where it would be made. Whether locks and flushes hold there is found out when
    /// the journal is opened.
    private var fileSystem: HealthCheck {
        var path = place.path
        while !SystemFile.exists(path), let slash = path.lastIndex(of: "/") {
            path = slash == path.startIndex ? "/" : String(path[..<slash])
        }
        var space = statvfs()
        guard statvfs(path, &space) == 0 else {
            return HealthCheck("file system", .warning, "\(path): \(String(cString: strerror(errno)))")
        }
        let free = UInt64(space.f_bavail) * UInt64(space.f_frsize)
        let text = "\(Words.bytes(free)) free"
        guard free >= Self.freeBytesMin else {
            return HealthCheck(
                "file system", .warning, text, fix: "make room: a run stops for a while when the disk is full")
        }
        return HealthCheck("file system", .ok, text)
    }

    // MARK: Journal

    private func journal() -> [HealthCheck] {
        guard SystemFile.exists(place.path + "/journal") else {
            return [HealthCheck("journal", .ok, "none yet")]
        }
        do {
            let reading = try Reading(data)
            let (head, open) = try reading.journal.read { view throws(RenError) in
                (try view.head(), try view.openRuns().count)
            }
            let events = "\(Words.grouped(head.sequence.rawValue)) events, \(Words.count(open, "open run"))"
            return [space(reading, events), clock(head), engine(reading.holder)]
        } catch {
            return [HealthCheck("journal", .broken, error.message, fix: error.hint)]
        }
    }

    private func space(_ reading: Reading, _ events: String) -> HealthCheck {
        // A ren.yaml that is wrong has a line of its own.
        let budget = (try? Project.find(from: SystemFile.currentDirectory))?.diskBudgetBytes
        let (used, size) = (SystemFile.bytes(in: reading.directory.journal), budget ?? JournalOptions().mapSizeBytes)
        let text =
            "\(events), \(Words.bytes(used)) used of \(budget == nil ? "a map" : "a budget") of \(Words.bytes(size))"
        guard used < size / 10 * 8 else {
            return HealthCheck("journal", .warning, text, fix: "it is nearly full: ren journal prune, then compact")
        }
        return HealthCheck("journal", .ok, text)
    }

    private func clock(_ head: JournalHead) -> HealthCheck {
        let now = Timestamp.wallClock()
        guard head.time > now + .seconds(2) else {
            return HealthCheck("clock", .ok, "not behind the journal")
        }
        return HealthCheck(
            "clock", .warning, "the clock is \(Words.duration(head.time - now)) behind the last event",
            fix: "set it right; recorded time does not go back meanwhile")
    }

    private func engine(_ holder: EngineLock.Holder?) -> HealthCheck {
        guard let holder else { return HealthCheck("engine", .ok, "none is at work here") }
        return HealthCheck("engine", .ok, "process \(holder.process) is at work here: \(holder.command)")
    }

    // MARK: Around it

    private var project: HealthCheck {
        do {
            guard let project = try Project.find(from: SystemFile.currentDirectory) else {
                return HealthCheck("project", .ok, "no ren.yaml in this folder or above it")
            }
            let (functions, flows) = (try project.functionFiles(), try project.flowFiles())
            let files = "\(Words.count(functions.count, "function file")), \(Words.count(flows.count, "flow file"))"
            return HealthCheck("project", .ok, "\(project.directory)/ren.yaml: \(files)")
        } catch let errors as FlowErrors {
            return HealthCheck("project", .broken, errors.errors.map(\.message).joined(separator: "; "))
        } catch {
            let cause = error as? RenError
            return HealthCheck("project", .broken, cause?.message ?? "it cannot be read", fix: cause?.hint)
        }
    }

    private func python() async -> HealthCheck {
        do {
            let python = try await PythonExecutable.find(environment: SystemFile.environment)
            return HealthCheck("python", .ok, "\(python.version) at \(python.path); the SDK is carried by ren")
        } catch {
            return HealthCheck("python", .warning, error.message, fix: error.hint)
        }
    }

    private var library: HealthCheck {
        let version = LMDB.Environment.version
        guard version.isUnsafeForSecondProcess else { return HealthCheck("liblmdb", .ok, version.description) }
        return HealthCheck(
            "liblmdb", .warning, "\(version): a process that closes the journal may lock out the others",
            fix: "use 0.9.32 or later, or 0.9.24")
    }

    private var files: HealthCheck {
        var limit = rlimit()
        #if canImport(Glibc)
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #else
        getrlimit(RLIMIT_NOFILE, &limit)
        #endif
        let text = limit.rlim_cur > 1 << 30 ? "unlimited" : String(limit.rlim_cur)
        guard limit.rlim_cur >= Self.fileLimitMin else {
            return HealthCheck("file limit", .warning, text, fix: "ulimit -n \(Self.fileLimitMin)")
        }
        return HealthCheck("file limit", .ok, text)
    }

    private var sockets: HealthCheck {
        let path = place.path + "/worker.sock"
        guard path.utf8.count > Self.socketPathMax else { return HealthCheck("sockets", .ok, "in the data directory") }
        return HealthCheck(
            "sockets", .ok, "the data directory's path is too long for them: they are in the temporary directory")
    }
}
