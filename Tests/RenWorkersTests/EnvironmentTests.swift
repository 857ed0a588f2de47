import Foundation
import RenCore
import Testing

@testable import RenWorkers

@Suite("Function sets")
struct FunctionSetTests {
    @Test("files are real, absolute, in order, each once")
    func files() throws {
        let folder = try TemporaryFolder()
        let (a, b) = (try folder.write("a.py", "a = 1"), try folder.write("b.py", "b = 1"))
        try FileManager.default.createSymbolicLink(atPath: folder.path("link.py"), withDestinationPath: b)
        let set = try FunctionSet(files: [
            b, folder.path("../\(URL(fileURLWithPath: folder.root).lastPathComponent)/a.py"), folder.path("link.py"),
        ])
        #expect(set.files.map(\.path) == [b, a])
        #expect(set.files.map(\.hash) == ["b = 1", "a = 1"].map { Digest(hashing: Array($0.utf8)) })
        #expect(try set.files.first?.read() == Array("b = 1".utf8))
    }

    @Test("the id follows paths, their order and the environment, not the content")
    func ids() throws {
        let folder = try TemporaryFolder()
        let (a, b) = (try folder.write("a.py", "a = 1"), try folder.write("b.py", "b = 1"))
        let id = try FunctionSet(files: [a, b]).id(environment: nil)
        #expect(try FunctionSet(files: [b, a]).id(environment: nil) != id)
        #expect(try FunctionSet(files: [a]).id(environment: nil) != id)
        #expect(try FunctionSet(files: [a, b]).id(environment: id) != id)
        try folder.write("a.py", "a = 2")
        #expect(try FunctionSet(files: [a, b]).id(environment: nil) == id)
    }

    @Test("a file that is not there is named", arguments: ["no.py", "."])
    func missing(_ name: String) throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: RenError.self) { _ = try FunctionSet(files: [folder.path(name)]) }
        #expect(error?.code == .functionFileMissing)
        #expect(error?.file == folder.path(name))
    }

    @Test("the SDK is unpacked once, whole")
    func unpacking() throws {
        let folder = try TemporaryFolder()
        let path = try SDKFiles.unpack(under: folder.root)
        #expect(FileManager.default.fileExists(atPath: "\(path)/ren/__init__.py"))
        #expect(FileManager.default.fileExists(atPath: "\(path)/ren/worker.py"))
        let before = try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
        #expect(try SDKFiles.unpack(under: folder.root) == path)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("sdk")).count == 1)
    }
}

extension ProcessTests.EnvironmentTests {
    private func plan(_ folder: TemporaryFolder, _ text: String) async throws -> PythonEnvironment {
        let file = try folder.write("f.py", text)
        return try await PythonEnvironment.plan(
            files: [file], python: try PoolFixture.python.get(), sdk: try SDKFiles.unpack(under: folder.root),
            under: folder.root, environment: ProcessInfo.processInfo.environment)
    }

    @Test("without requirements it is the Python itself")
    func nothing() async throws {
        let folder = try TemporaryFolder()
        let environment = try await plan(folder, "import nowhere\nimport ren\n@ren.function\ndef f(): pass\n")
        #expect(environment.requirements.isEmpty && environment.hash == nil && environment.isInstalled)
        #expect(environment.python == (try PoolFixture.python.get().path))
    }

    @Test("requirements are read without importing, and their hash does not depend on their order")
    func reading() async throws {
        let folder = try TemporaryFolder()
        let first = try await plan(folder, "import nowhere\n@ren.function(requires=['b>=1', 'a'])\ndef f(): pass\n")
        #expect(first.requirements == ["b>=1", "a"])
        #expect(!first.isInstalled)
        let second = try await plan(folder, "@ren.function(requires=['a', 'b>=1'])\ndef f(): pass\n")
        #expect(second.hash == first.hash)
        let third = try await plan(folder, "@ren.function(requires=['a', 'b>=2'])\ndef f(): pass\n")
        #expect(third.hash != first.hash)
    }

    @Test("requirements that only running would tell are refused")
    func computed() async throws {
        let folder = try TemporaryFolder()
        let error = await #expect(throws: RenError.self) {
            _ = try await plan(folder, "@ren.function(requires=LIST)\ndef f(): pass\n")
        }
        #expect(error?.code == .functionBroken)
        #expect(error?.file == folder.path("f.py"))
    }

    /// A package without a network: a wheel is a zip file with two folders.
    private static let makeWheel = """
        import sys, zipfile
        with zipfile.ZipFile(sys.argv[1] + "/tiny_thing-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("tiny_thing.py", "ANSWER = 42\\n")
            info = "tiny_thing-1.0.dist-info/"
            wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: tiny-thing\\nVersion: 1.0\\n")
            wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
            wheel.writestr(info + "entry_points.txt", "[console_scripts]\\ntiny = tiny_thing:main\\n")
            wheel.writestr(info + "RECORD", "")
        """

    @Test("an environment is built once, workers import from it, and a failure leaves nothing")
    func building() async throws {
        let folder = try TemporaryFolder()
        let python = try PoolFixture.python.get()
        let maker = Command(
            executable: python.path, arguments: ["-c", Self.makeWheel, folder.root],
            environment: ProcessInfo.processInfo.environment)
        #expect(try await maker.run(timeLimit: .seconds(30)).succeeded)
        var variables = ProcessInfo.processInfo.environment
        variables["PIP_NO_INDEX"] = "1"
        variables["PIP_FIND_LINKS"] = folder.root
        let (root, pipVariables) = (folder.root, variables)
        @Sendable func environment(_ requirement: String) -> PythonEnvironment {
            PythonEnvironment(requirements: [requirement], base: python, dataDirectory: root, variables: pipVariables)
        }

        // Two at the same time: both end well, one environment stands.
        let wanted = environment("tiny-thing")
        try await withThrowingTaskGroup { group in
            for _ in 0..<2 { group.addTask { try await wanted.install { _ in } } }
            try await group.waitForAll()
        }
        #expect(wanted.isInstalled)
        let use = Command(
            executable: wanted.python, arguments: ["-c", "import tiny_thing; print(tiny_thing.ANSWER)"],
            environment: [:])
        #expect(try await use.run(timeLimit: .seconds(30)).lines == ["42"])
        let directory = try #require(wanted.directory)
        #expect(
            try String(contentsOfFile: "\(directory)/bin/tiny", encoding: .utf8).contains(directory + "/bin/python"))

        let missing = environment("no-such-thing")
        let error = await #expect(throws: RenError.self) { try await missing.install { _ in } }
        #expect(error?.code == .environmentFailed)
        #expect(error?.message.contains("no-such-thing") == true)
        #expect(!missing.isInstalled)
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path("environments"))
        let names = [directory, try #require(missing.directory)].map { URL(fileURLWithPath: $0).lastPathComponent }
        #expect(Set(left) == [names[0], "\(names[0]).log", "\(names[1]).log"])
    }

    @Test("what takes too long is ended, with what it has started")
    func timeLimit() async throws {
        let command = Command(
            executable: "/bin/sh", arguments: ["-c", "echo begun; sleep 600 & wait"], environment: [:])
        let outcome = try await command.run(timeLimit: .milliseconds(500))
        #expect(!outcome.succeeded)
        #expect(outcome.lines == ["begun"])
        #expect(outcome.status.hasPrefix("ended after"))
    }

    @Test("what is given up while it runs is not said to be missing")
    func cancelled() async throws {
        let folder = try TemporaryFolder()
        let slow = try folder.write("slow", "#!/bin/sh\ntouch \(folder.path("began"))\nsleep 600\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: slow)
        let search = Task { () async -> RenError? in
            do throws(RenError) {
                _ = try await PythonExecutable.find(environment: ["REN_PYTHON": slow, "PATH": "/usr/bin:/bin"])
                return nil
            } catch {
                return error
            }
        }
        try await eventually("the search") { FileManager.default.fileExists(atPath: folder.path("began")) }
        search.cancel()
        #expect(await search.value?.code == .workCancelled)
    }

    @Test(
        "a Python is found, or what is missing is said",
        arguments: [
            ("REN_PYTHON=/no/such/python", "python.missing"), ("PATH=/no/such/folder", "python.missing"),
            ("REN_PYTHON=old", "python.too_old"),
        ])
    func finding(_ setting: String, _ code: String) async throws {
        let folder = try TemporaryFolder()
        let old = try folder.write("old", "#!/bin/sh\necho 3.8.10 /usr/bin/python3.8\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: old)
        let parts = setting.split(separator: "=").map(String.init)
        let error = await #expect(throws: RenError.self) {
            _ = try await PythonExecutable.find(environment: [parts[0]: parts[1] == "old" ? old : parts[1]])
        }
        #expect(error?.code.rawValue == code)
        #expect(error?.hint?.contains("3.9") == true)
    }
}
