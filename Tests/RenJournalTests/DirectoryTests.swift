import Foundation
import RenCore
import Testing

@testable import RenJournal

@Suite("The data directory")
struct DirectoryTests {
    private func failure(_ body: () throws -> Void) -> RenError? {
        do {
            try body()
            return nil
        } catch { return error as? RenError ?? RenError(.internalError, "\(error)") }
    }

    private func code(_ body: () throws -> Void) -> String { failure(body)?.code.rawValue ?? "ok" }

    private func mode(_ path: String) throws -> Int {
        (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int) ?? 0
    }

    @Test("It is made with its folders, for its owner alone")
    func made() throws {
        let directory = try TestDirectory()
        for path in [directory.data.path, directory.data.runs, directory.data.artifacts, directory.data.environments] {
            #expect(try mode(path) == 0o700, "\(path)")
        }
        #expect(code { try directory.data.prepare() } == "ok")
        let journal = try directory.open()
        defer { journal.close() }
        #expect(try mode(directory.data.journal) == 0o700)
        #expect(try mode(directory.data.journal + "/data.mdb") == 0o600)
        #expect(try mode(directory.data.journal + "/lock.mdb") == 0o600)
    }

    @Test("What others could change, and what is no directory, is refused with the fix")
    func refused() throws {
        let directory = try TestDirectory()
        let manager = FileManager.default
        let path = directory.data.path
        for permissions in [0o777, 0o770, 0o702] {
            try manager.setAttributes([.posixPermissions: permissions], ofItemAtPath: path)
            #expect(code { try directory.data.prepare() } == "directory.permissions")
        }
        try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        #expect(code { try directory.data.check() } == "ok")
        try manager.createSymbolicLink(atPath: path + "/link", withDestinationPath: path + "/runs")
        #expect(code { try DataDirectory(path + "/link").prepare() } == "directory.symlink")
        #expect(code { try DataDirectory(path + "/link/").prepare() } == "directory.symlink")
        try Data().write(to: URL(fileURLWithPath: path + "/file"))
        #expect(code { try DataDirectory(path + "/file").prepare() } == "directory.not_a_directory")
        #expect(code { try DataDirectory(path + "/none/data").prepare() } == "directory.missing_parent")
        #expect(code { try DataDirectory(path + "/none").check() } == "directory.missing")
        if geteuid() == 0 {
            try manager.createDirectory(atPath: path + "/foreign", withIntermediateDirectories: false)
            try manager.setAttributes([.ownerAccountID: 4_711], ofItemAtPath: path + "/foreign")
            #expect(code { try DataDirectory(path + "/foreign").prepare() } == "directory.owner")
        }
    }

    @Test("Run ids are never paths", arguments: ["..", ".", "", "a/b", "/etc", ".hidden"])
    func runFolders(_ id: String) async {
        await #expect(processExitsWith: .failure) { [id] in _ = DataDirectory("/tmp/x").run(id) }
    }

    @Test("One process is the engine; another is told who, and a passer-by is waited for")
    func lock() throws {
        let directory = try TestDirectory()
        let data = directory.data
        let time = Timestamp(nanoseconds: 5)
        #expect(try EngineLock.holder(in: data) == nil)
        let engine = Held(
            try EngineLock.acquire(in: data, as: .current(command: "ren run \"x\"", carries: .own, started: time)))
        try engine.lock?.update(addresses: ["socket": "/tmp/ren.sock"])
        let holder = try EngineLock.holder(in: data)
        #expect(holder?.process == getpid() && holder?.command == "ren run \"x\"" && holder?.carries == .own)
        #expect(holder?.addresses == ["socket": "/tmp/ren.sock"] && holder?.started == time)
        #expect(holder?.namespace == PidNamespace.current)
        let begun = ContinuousClock.now
        let refusal = failure {
            _ = try EngineLock.acquire(in: data, as: .current(command: "other", carries: .all, started: time))
        }
        #expect(refusal?.code == .engineLocked)
        #expect(refusal?.message.contains("\(getpid())") == true && refusal?.message.contains("ren run") == true)
        // An engine does not go away by itself: nobody waits for it.
        #expect(ContinuousClock.now - begun < .milliseconds(EngineLock.patienceMilliseconds))
        engine.release()
        #expect(try EngineLock.holder(in: data) == nil)

        let passer = Held(
            try EngineLock.acquire(in: data, as: .current(command: "ren signal", carries: nil, started: time)))
        #expect(
            code {
                _ = try EngineLock.acquire(
                    in: data, as: .current(command: "other", carries: nil, started: time), patienceMilliseconds: 30)
            } == "engine.locked")
        let waiting = Handover<String>()
        let thread = Thread {
            waiting.give(
                self.code {
                    _ = try EngineLock.acquire(in: data, as: .current(command: "next", carries: .own, started: time))
                })
        }
        passer.release()
        #expect(waiting.wait() == "ok")
        thread.join()
        #expect(try mode(data.lock) == 0o600)
    }

    /// Holds a lock until told otherwise, whatever the optimizer finds out about its uses.
    private final class Held {
        private(set) var lock: EngineLock?
        init(_ lock: EngineLock) { self.lock = lock }
        func release() { lock = nil }
    }
}
