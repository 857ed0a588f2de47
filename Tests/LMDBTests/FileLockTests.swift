import Glibc
import LMDB
import Testing

@Suite("File locks")
struct FileLockTests {
    private let scratch = Scratch()
    private var path: String { scratch.path + "/ren.lock" }

    @Test("One holder at a time, in one process too, until it lets go")
    func exclusive() throws {
        #expect(try !FileLock.isHeld(path))
        var first = try FileLock.tryAcquire(path)
        #expect(first != nil)
        #expect(try FileLock.tryAcquire(path) == nil)
        #expect(try FileLock.isHeld(path))
        first = nil
        #expect(try !FileLock.isHeld(path))
        #expect(try FileLock.tryAcquire(path) != nil)
    }

    @Test("Letting go frees the lock although a child that is being started still has the open file")
    func inherited() throws {
        var lock = try FileLock.tryAcquire(path)
        #expect(lock != nil)
        let descriptor = try #require((3..<1_024).first { target(of: $0) == path })
        let copy = dup(descriptor)
        defer { close(copy) }
        lock = nil
        #expect(try FileLock.tryAcquire(path) != nil)
    }

    private func target(of descriptor: Int32) -> String? {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlink("/proc/self/fd/\(descriptor)", &bytes, Int(PATH_MAX))
        return count < 0 ? nil : String(decoding: bytes[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    @Test("The text is replaced whole, read by anyone, and reading drops nothing", arguments: ["", "short", "pid 1\n"])
    func text(_ text: String) throws {
        #expect(try FileLock.read(path) == nil)
        let lock = try #require(try FileLock.tryAcquire(path))
        try lock.write(String(repeating: "long ", count: 2_000))
        #expect(try FileLock.read(path)?.utf8.count == 10_000)
        try lock.write(text)
        #expect(try FileLock.read(path) == text)
        #expect(try FileLock.tryAcquire(path) == nil)
    }

    @Test("Another process is refused while it is held, and gets it when the holder was killed")
    func otherProcess() async throws {
        let path = path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let lock = try #require(try FileLock.tryAcquire(path))
            try lock.write("killed")
            kill(getpid(), SIGKILL)
        }
        #expect(try FileLock.read(path) == "killed")
        let lock = try #require(try FileLock.tryAcquire(path))
        await #expect(processExitsWith: .exitCode(3)) { [path = path as String] in
            exit(try FileLock.tryAcquire(path) == nil && FileLock.isHeld(path) ? 3 : 4)
        }
        withExtendedLifetime(lock) {}
    }

    @Test("A link is not followed, and the file is for its owner alone")
    func fileItself() throws {
        symlink("/dev/null", path)
        #expect(kind { () throws(LMDBError) in _ = try FileLock.tryAcquire(path) } == .io(errno: ELOOP))
        #expect(kind { () throws(LMDBError) in _ = try FileLock.read(path) } == .io(errno: ELOOP))
        unlink(path)
        let lock = try FileLock.tryAcquire(path)
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o7777 == 0o600)
        withExtendedLifetime(lock) {}
    }
}
