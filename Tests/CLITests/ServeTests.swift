import Foundation
import RenJSON
import Testing

/// An engine that serves, and its clients.
@Suite("serve, and commands beside an engine")
struct ServeTests {
    private static let held = [
        "run", "held.yaml", "-f", "functions.py", "--id", "h", "-i", "marker=began", "-i", "gate=gate",
    ]

    private static func ren() throws -> Ren {
        try Ren([
            "quick.yaml": Flows.quick, "gate.yaml": Flows.gate, "held.yaml": Flows.held,
            "functions.py": Flows.functions,
        ])
    }

    private static func stop(_ engine: Running) {
        engine.send(SIGTERM)
        let ended = engine.end()
        #expect(ended.code == 0 && !ended.wasKilled, "\(ended.errors)")
        #expect(ended.errors.contains("stopped"))
    }

    @Test("It says where it is, and SIGTERM stops it with 0")
    func banner() throws {
        let ren = try Self.ren()
        let engine = try ren.serve()
        for part in ["http://127.0.0.1:", "/data/ren.sock", "/data/token", "ready, carrying 0 runs"] {
            #expect(engine.errorText.contains(part), "\(engine.errorText)")
        }
        let status = try ren("service", "status", "-o", "json").json
        #expect(status["command"] == "ren serve" && status["url"]?.stringValue?.hasPrefix("http://127.0.0.1:") == true)
        Self.stop(engine)
        #expect(!FileManager.default.fileExists(atPath: ren.data + "/ren.sock"))
        #expect(try ren("journal", "verify").code == 0)
    }

    @Test("A second one is refused with 73, a taken port with 69, an address beyond loopback with 78")
    func refused() throws {
        let ren = try Self.ren()
        let engine = try ren.serve()
        let second = try ren("serve", "--listen", "127.0.0.1:0")
        #expect(second.code == 73 && second.errors.contains("\(engine.process.processIdentifier)"), "\(second.errors)")
        let url = try #require(try ren("service", "status", "-o", "json").json["url"]?.stringValue)
        let other = try Self.ren()
        let taken = try other.run(["serve", "-f", "functions.py", "--listen", String(url.dropFirst("http://".count))])
        #expect(taken.code == 69 && taken.errors.contains("listen.port_taken"), "\(taken.errors)")
        for text in ["ready", "Python", "cannot be used"] { #expect(!taken.errors.contains(text), "\(taken.errors)") }
        let remote = try other.run(["serve", "--listen", "0.0.0.0:0"])
        #expect(remote.code == 78 && remote.errors.contains("--listen-insecure"), "\(remote.errors)")
        #expect(try other("serve", "--listen", "nowhere").code == 78)
        #expect(try other("serve", environment: ["REN_LISTEN": "x"]).code == 78)
        Self.stop(engine)
    }

    @Test("It registers the flows of ren.yaml and tells of wrong ones; a function file that is not there is refused")
    func project() throws {
        let ren = try Self.ren()
        let missing = try ren("serve", "--listen", "127.0.0.1:0", "-f", "nope.py")
        #expect(missing.code == 2 && missing.errors.contains("nope.py"), "\(missing.errors)")
        try ren.write("flow: wrong\nnodes:\n  a: {fail: no, retires: 3}\n", to: "wrong.yaml")
        try ren.write("flows: [wrong.yaml, quick.yaml]\n", to: "ren.yaml")
        let engine = try ren.serve()
        #expect(engine.errorText.contains("wrong.yaml is not registered: "), "\(engine.errorText)")
        let registered = try ren("flow", "register", "quick.yaml", "-o", "json")
        #expect(try registered.json.arrayValue?.first?["new"] == false, "\(registered)")
        Self.stop(engine)
    }

    @Test("ren run is its client: same output, same exit codes, and the service goes on")
    func client() throws {
        let ren = try Self.ren()
        let engine = try ren.serve()
        let quick = try ren("run", "quick.yaml", "--id", "q", "-o", "json")
        #expect(quick.code == 0, "\(quick.errors)")
        #expect(try quick.json["output"] == ["answer": 42])
        #expect(try ren("run", "quick.yaml", "--id", "q", "-o", "json").output == quick.output)
        #expect(try ren("run", "gate.yaml", "-i", "n=3").code == 10)
        let other = try ren("run", "quick.yaml", "--id", "q", "-i", "x=1", "-o", "json")
        #expect(other.code == 4 && other.errorCode == "run.exists", "\(other.errors)")
        #expect(try ren("run", "gate.yaml", "--id", "g", "-i", "n=20").code == 13)
        let near = try ren("signal", "g", "aprove", "-o", "json")
        #expect(near.code == 2 && near.errorCode == "signal.unknown", "\(near.errors)")
        let signal = try ren("signal", "g", "approve", "{\"ok\": true}")
        #expect(signal.code == 0 && signal.output.contains("recorded"), "\(signal)")
        #expect(try ren("wait", "g").code == 0)
        let again = try ren("signal", "g", "approve", "{\"ok\": true}", "-o", "json")
        #expect(again.code == 4, "\(again.errors)")
        Self.stop(engine)
    }

    @Test("pause, resume and stop reach a run of the engine")
    func control() throws {
        let ren = try Self.ren()
        let engine = try ren.serve()
        let run = try ren.start(Self.held)
        try wait(for: "the call") { FileManager.default.fileExists(atPath: ren.folder + "/began") }
        let paused = try ren("pause", "h", "--reason", "lunch")
        #expect(paused.code == 0 && paused.output.contains("pausing (1 in flight)"), "\(paused)")
        let twice = try ren("pause", "h", "-o", "json")
        #expect(twice.code == 0 || twice.errorCode == "run.paused", "\(twice.errors)")
        try ren.write("", to: "gate")
        #expect(try ren("wait", "h", "--for", "paused").code == 0)
        #expect(run.end().code == 13)
        let resumed = try ren("resume", "h", "-o", "json")
        #expect(resumed.code == 0, "\(resumed.errors)")
        #expect(try resumed.json["output"] == "through")
        #expect(try ren("run", "gate.yaml", "--id", "g", "-i", "n=20").code == 13)
        let stopped = try ren("stop", "g")
        #expect(stopped.code == 0 && stopped.output.contains("stopped"), "\(stopped)")
        #expect(try ren("watch", "g").code == 11)
        let finished = try ren("stop", "g", "-o", "json")
        #expect(finished.code == 4 && finished.errorCode == "run.finished", "\(finished.errors)")
        Self.stop(engine)
    }

    @Test("Ctrl-C in a client leaves the run in the engine; wait times out with 12")
    func detach() throws {
        let ren = try Self.ren()
        let engine = try ren.serve()
        let run = try ren.start(Self.held)
        try wait(for: "the call") { FileManager.default.fileExists(atPath: ren.folder + "/began") }
        run.send(SIGINT)
        let left = run.end()
        #expect(left.code == 130 && left.errors.contains("still running in the engine; ren watch h"), "\(left.errors)")
        let timeout = try ren("wait", "h", "--timeout", "200ms", "-o", "json")
        #expect(timeout.code == 12 && timeout.errorCode == "wait.timeout", "\(timeout.errors)")
        try ren.write("", to: "gate")
        #expect(try ren("watch", "h", "-o", "json").json["status"] == "succeeded")
        Self.stop(engine)
    }

    @Test("A second ren run is the client of the first, which stays until that run is done")
    func guest() throws {
        let ren = try Self.ren()
        let first = try ren.start(Self.held)
        try wait(for: "the first call") { FileManager.default.fileExists(atPath: ren.folder + "/began") }
        let second = try ren.start([
            "run", "held.yaml", "-f", "functions.py", "--id", "h2", "-i", "marker=began2", "-i", "gate=gate2",
        ])
        try wait(for: "the second call") { FileManager.default.fileExists(atPath: ren.folder + "/began2") }
        try ren.write("", to: "gate")
        try wait(for: "the first to stay") { first.errorText.contains("stays for 1 run") }
        #expect(try ren("show", "h2", "-o", "json").json["carried"] == true)
        try ren.write("", to: "gate2")
        #expect(second.end().code == 0)
        let ended = first.end()
        #expect(ended.code == 0 && ended.output.contains("through"), "\(ended.errors)")
    }

    @Test("A client whose engine dies says so with 5, and the run goes on with the next engine")
    func engineDies() throws {
        let ren = try Self.ren()
        let engine = try ren.serve()
        let run = try ren.start(Self.held)
        try wait(for: "the call") { FileManager.default.fileExists(atPath: ren.folder + "/began") }
        let waiter = try ren.start(["wait", "h"])
        engine.send(SIGKILL)
        #expect(engine.end().wasKilled)
        for client in [run, waiter] {
            let left = client.end()
            #expect(left.code == 5 && left.errors.contains("ren resume h"), "\(left.errors)")
        }
        try ren.write("", to: "gate")
        let next = try ren.serve()
        #expect(try ren("wait", "h").code == 0)
        Self.stop(next)
    }

    @Test(
        "Without a service, what needs one exits 5",
        arguments: [["open"], ["workers"], ["workers", "--restart", "x-1"]])
    func nobody(_ arguments: [String]) throws {
        let ren = try Self.ren()
        #expect(try ren("run", "quick.yaml").code == 0)
        let result = try ren.run(arguments + ["-o", "json"])
        #expect(result.code == 5 && result.errorCode == "engine.unreachable", "\(result.errors)")
    }

    @Test("The functions of the service are called and listed through it; an unknown worker is not found")
    func functions() throws {
        let ren = try Self.ren()
        let engine = try ren.serve("-f", "functions.py")
        #expect(try ren("functions", "try", "functions.half", "-i", "{\"n\": 5}").output == "2.5\n")
        let failed = try ren("functions", "try", "functions.half", "-i", "3", "-o", "json")
        #expect(failed.code == 10)
        #expect(try failed.json["error"]?["name"] == "ValueError")
        let unknown = try ren("functions", "try", "functions.halve", "-o", "json")
        #expect(unknown.code == 3 && unknown.errors.contains("functions.half"), "\(unknown.errors)")
        #expect(try ren("workers", "--restart", "x-1", "-o", "json").errorCode == "worker.not_found")
        Self.stop(engine)
    }

    @Test("A unit that could not start is not written")
    func deadUnit() throws {
        let ren = try Self.ren()
        for (arguments, code) in [
            (["--listen", "0.0.0.0:80"], "listen.remote"), (["--listen", "nowhere"], "config.invalid"),
        ] {
            let refused = try ren.run(["service", "install", "--print"] + arguments)
            #expect(refused.code == 78 && refused.errors.contains(code), "\(refused.errors)")
            #expect(refused.output.isEmpty)
        }
        let meant = try ren("service", "install", "--print", "--listen", "0.0.0.0:80", "--listen-insecure")
        #expect(meant.output.contains(#""--listen" "0.0.0.0:80" "--listen-insecure""#), "\(meant)")
        for text in ["listen: 0.0.0.0:80\n", "functions: [none/*.py]\n", "flows: [none.yaml]\n"] {
            try ren.write(text, to: "ren.yaml")
            #expect(try ren("service", "install", "--print").code == 78, "\(text)")
        }
    }

    @Test("A unit that ren did not write is not touched")
    func foreignUnit() throws {
        let ren = try Self.ren()
        let environment = ["PATH": "/nonexistent", "XDG_CONFIG_HOME": ren.folder]
        let installed = try ren("service", "install", environment: environment)
        #expect(installed.code == 0 && installed.output.contains("systemctl --user daemon-reload"), "\(installed)")
        #expect(try ren("service", "install", environment: environment).code == 0)
        try ren.write("[Unit]\n", to: "systemd/user/ren.service")
        for command in ["install", "uninstall"] {
            let refused = try ren("service", command, environment: environment)
            #expect(refused.code == 4 && refused.errors.contains("service.foreign"), "\(refused.errors)")
        }
    }
}
