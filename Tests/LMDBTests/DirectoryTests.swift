import Glibc
import LMDB
import Testing

@Suite("Directory, files, descriptors")
struct DirectoryTests {
    private let scratch = Scratch()

    @Test(
        "A directory that others can change, or that is none, is refused",
        arguments: [
            .writableByGroup, .writableByAll, .link, .linkWithSlash, .file, .missing, .foreign, .dataLink,
            .dataWritable,
            .dataIsDirectory,
        ] as [Misfit])
    func badDirectory(_ misfit: Misfit) throws {
        let path = misfit.make(scratch)
        let found = kind { () throws(LMDBError) in _ = try Environment(at: path, options: .testing()) }
        guard case .badDirectory(let problem) = found else { throw Unexpected(found) }
        #expect(misfit.matches(problem))
        #expect(problem.description.hasPrefix(misfit == .linkWithSlash ? String(path.dropLast()) : path))
    }

    enum Misfit {
        case writableByGroup, writableByAll, link, linkWithSlash, file, missing, foreign
        case dataLink, dataWritable, dataIsDirectory

        func make(_ scratch: Scratch) -> String {
            let good = scratch.directory("good")
            switch self {
            case .writableByGroup: chmod(good, 0o720)
            case .writableByAll: chmod(good, 0o777)
            case .link, .linkWithSlash:
                symlink(good, scratch.path + "/link")
                return scratch.path + "/link" + (self == .link ? "" : "/")
            case .file:
                close(open(scratch.path + "/file", O_CREAT | O_WRONLY, 0o600))
                return scratch.path + "/file"
            case .missing: return scratch.path + "/none"
            case .foreign: return geteuid() == 0 && chown(good, 1, 1) == 0 ? good : "/"
            case .dataLink: symlink("/dev/null", good + "/data.mdb")
            case .dataWritable:
                close(open(good + "/data.mdb", O_CREAT | O_WRONLY, 0o600))
                chmod(good + "/data.mdb", 0o666)
            case .dataIsDirectory: mkdir(good + "/data.mdb", 0o700)
            }
            return good
        }

        func matches(_ problem: DirectoryProblem) -> Bool {
            switch (self, problem) {
            case (.writableByGroup, .writableByOthers(_, permissions: 0o720)),
                (.writableByAll, .writableByOthers(_, permissions: 0o777)),
                (.dataWritable, .writableByOthers(_, permissions: 0o666)),
                (.link, .symbolicLink), (.linkWithSlash, .symbolicLink), (.dataLink, .symbolicLink),
                (.file, .notADirectory), (.missing, .missing), (.foreign, .foreignOwner), (.dataIsDirectory, .notAFile):
                true
            default: false
            }
        }
    }

    @Test("Files are for their owner alone")
    func fileModes() throws {
        let env = try Environment(at: scratch.path, options: .testing())
        for name in ["/data.mdb", "/lock.mdb"] {
            var status = stat()
            #expect(stat(scratch.path + name, &status) == 0 && status.st_mode & 0o7777 == 0o600)
        }
        withExtendedLifetime(env) {}
    }

    @Test("The lock file has blocks for all its readers (B9)", arguments: [1, 126, 512, 2_000])
    func lockFileBlocks(_ readers: Int) throws {
        let env = try Environment(at: scratch.path, options: .testing().with { $0.maxReaders = readers })
        var status = stat()
        #expect(stat(scratch.path + "/lock.mdb", &status) == 0)
        #expect(Int(status.st_blocks) * 512 >= Int(status.st_size))
        #expect(try readers..<readers + 10 ~= env.statistics().maxReaders)
    }

    @Test(
        "A lock file of another size is filled and, while nobody uses it, enlarged",
        arguments: [0, 100, 8_256, 200_000])
    func sparseLockFile(_ byteCount: Int) throws {
        let file = open(scratch.path + "/lock.mdb", O_CREAT | O_WRONLY, 0o600)
        #expect(ftruncate(file, off_t(byteCount)) == 0)
        close(file)
        let env = try Environment(at: scratch.path, options: .testing())
        var status = stat()
        #expect(stat(scratch.path + "/lock.mdb", &status) == 0)
        #expect(status.st_size >= byteCount && Int(status.st_blocks) * 512 >= Int(status.st_size))
        #expect(try env.statistics().maxReaders >= 512)
    }

    @Test("No descriptor of the environment is left to child processes")
    func closeOnExec() throws {
        let env = try Environment(at: scratch.path, options: .testing())
        let inherited = descriptors().filter { $0.path.hasPrefix(scratch.path) }
        #expect(Set(inherited.map(\.path)) == [scratch.path + "/data.mdb", scratch.path + "/lock.mdb"])
        for (descriptor, path) in inherited {
            #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0, "\(path)")
        }
        withExtendedLifetime(env) {}
    }
}

private struct Unexpected: Error {
    let kind: LMDBError.Kind?
    init(_ kind: LMDBError.Kind?) { self.kind = kind }
}

/// The open descriptors of this process that are files, and where they lead.
private func descriptors() -> [(Int32, path: String)] {
    (0..<Int32(1_024)).compactMap { descriptor in
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes {
            readlink("/proc/self/fd/\(descriptor)", $0.baseAddress!, $0.count)
        }
        return count > 0 ? (descriptor, String(decoding: buffer.prefix(count), as: UTF8.self)) : nil
    }
}
