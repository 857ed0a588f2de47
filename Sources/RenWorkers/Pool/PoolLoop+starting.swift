import NIOCore
import NIOPosix
import RenCore
import RenJSON

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension PoolLoop {
    /// Starts the processes that are wanted and allowed now.
    func grow() {
        guard !isClosing else { return }
        let wanted = slots.wanted()
        grow(.shared, to: wanted.shared)
        grow(.alone, to: wanted.alone)
    }

    private func grow(_ role: Worker.Role, to count: Int) {
        func coming() -> [Worker] {
            workers.values.filter { $0.role == role && ($0.connection.isReady || $0.connection.isComing) }
        }
        while coming().count < count, starts.mayStart(at: .now()) {
            // Before one has said hello, more would only fail in the same way.
            guard starts.isProven || !workers.values.contains(where: \.connection.isComing) else { return }
            guard launch(role) else { return }
        }
    }

    /// - Returns: false when the pool cannot even try.
    private func launch(_ role: Worker.Role) -> Bool {
        workerCount += 1
        var generator = SystemRandomNumberGenerator()
        let token = hex((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        let worker = Worker(
            number: workerCount, role: role, token: token,
            connection: WorkerConnection(at: .now(), limits: settings.limits))
        workers[worker.number] = worker
        do {
            let address = try listen()
            try makeFolder(settings.artifacts)
            let output = try openStream(worker, .info)
            let errors = try openStream(worker, .warning)
            run(worker, address: address, output: output, errors: errors)
        } catch {
            worker.status = error.message
            gone(worker)
            return false
        }
        recount()
        return true
    }

    private func makeFolder(_ path: String) throws(RenError) {
        guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        throw RenError(.workerFailed, "the folder of artifacts \(path) cannot be made: \(lastSystemError())")
    }

    /// The address of the pool's socket; it is made at the first start.
    private func listen() throws(RenError) -> String {
        if let socket { return socket.0.path }
        let made = try WorkerSocket(in: launch.sockets)
        let bootstrap = ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: 64)
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 4096, initial: 64 << 10, maximum: 512 << 10)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(WorkerSocketHandler(pool: self))
                }
            }
        // It is listening before the process has begun to run: both happen on this loop, in this order.
        bootstrap.withBoundSocket(made.descriptor).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.socket = (made, channel)
            case .failure(let error):
                made.remove()
                self.report(.log(LogLine(call: nil, level: .error, text: "the workers' socket: \(error)")))
            }
        }
        return made.path
    }

    /// A pipe that is read as lines; gives the end for the process.
    private func openStream(_ worker: Worker, _ level: LogLine.Level) throws(RenError) -> Int32 {
        let (read, write) = try WorkerProcess.pipe()
        worker.openStreams += 1
        NIOPipeBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        WorkerOutputHandler(pool: self, worker: worker, level: level))
                }
            }
            .takingOwnershipOfDescriptor(input: read)
            .assumeIsolated().whenFailure { _ in
                closeFile(read)
                self.streamEnded(worker)
            }
        return write
    }

    private func run(_ worker: Worker, address: String, output: Int32, errors: Int32) {
        var environment = settings.variables
        environment["REN_WORKER_SOCKET"] = address
        environment["REN_WORKER_TOKEN"] = worker.token
        environment["REN_ARTIFACTS"] = settings.artifacts
        environment["REN_PDEATHSIG"] = "1"
        environment["PYTHONPATH"] = launch.sdk
        environment["PYTHONUNBUFFERED"] = "1"
        // By its path and not with -m: that would look for `ren` in the working directory first.
        let process = WorkerProcess(
            executable: launch.python, arguments: ["\(launch.sdk)/ren/worker.py"] + launch.files,
            environment: environment, directory: settings.directory)
        let eventLoop = eventLoop
        // Owned by `workers`: it ends when the process does, which `close` sees to.
        Task {
            var status: String
            do {
                status = try await process.run(output: output, errors: errors) { number in
                    eventLoop.execute { self.started(worker, number) }
                }
            } catch {
                status = "could not be started: \(error)"
            }
            eventLoop.execute { [status] in self.exited(worker, status) }
        }
    }

    private func started(_ worker: Worker, _ process: Int32) {
        worker.process = process
        // It may have been given up before it had a number.
        if case .killed = worker.connection.phase { worker.killGroup() }
        report(.workerStarted(set: set, process: process))
        settle()
    }

    // MARK: The end of a process

    private func exited(_ worker: Worker, _ status: String) {
        worker.killGroup()
        worker.status = status
        // What it had written still comes; a descendant that left the session may hold the streams open for ever.
        if worker.openStreams > 0 { eventLoop.scheduleTask(in: .seconds(1)) { self.finish(worker) } }
        finishIfSilent(worker)
    }

    private func finishIfSilent(_ worker: Worker) {
        guard worker.openStreams == 0, worker.status != nil else { return }
        guard worker.channel == nil else { return finish(worker) }
        // Its last words may wait on a connection that was not looked at yet.
        eventLoop.scheduleTask(in: .milliseconds(50)) { self.finish(worker) }
    }

    /// A stream of the process has ended.
    func streamEnded(_ worker: Worker) {
        worker.openStreams -= 1
        finishIfSilent(worker)
    }

    private func finish(_ worker: Worker) {
        guard workers[worker.number] != nil else { return }
        worker.channel?.close(promise: nil)
        gone(worker)
        grow()
        settle()
    }

    private func gone(_ worker: Worker) {
        let status = worker.status ?? ""
        let phase = worker.connection.phase
        remember(worker, status)
        workers[worker.number] = nil
        for ending in worker.connection.exited(status) { end(ending.call, ending.kind, ending.end) }
        tellDropped(of: nil, by: worker)
        if let process = worker.process { report(.workerExited(set: set, process: process, how: status)) }
        recount()
        if !isClosing { judge(worker, phase, status) }
    }

    /// Whether the end of this process says something about the next one.
    private func judge(_ worker: Worker, _ phase: WorkerConnection.Phase, _ status: String) {
        switch phase {
        case .leaving, .killed(.restarted): return
        default: break
        }
        guard !worker.saidHello || !worker.connection.hadCalls else { return }
        if let broken = worker.broken.first {
            let error = RenError(broken, python: launch.python)
            return failed(error, park: error.file?.split(separator: "/").last.map(String.init) ?? "worker")
        }
        var message =
            "a worker of \(launch.files.joined(separator: ", ")) ended before it was of use: \(reason(phase, status))"
        if !worker.lastErrorLines.isEmpty { message += "\n" + worker.lastErrorLines.joined(separator: "\n") }
        let error = RenError(.workerFailed, message)
        switch starts.failed(at: .now(), draw: .random(in: 0..<1)) {
        case .again: answer(.failure(error))
        case .park: failed(error, park: "worker")
        }
    }

    private func reason(_ phase: WorkerConnection.Phase, _ status: String) -> String {
        switch phase {
        case .killed(.violation(let text)): text
        case .killed(.mute): "no hello within 10 s"
        case .killed(.silent): "no answer to a ping"
        default: status
        }
    }

    /// Nothing can begin until this is mended, unless other workers are up.
    func failed(_ error: RenError, park function: String) {
        let text = [error.message, error.hint].compactMap(\.self).joined(separator: "\n")
        starts.park(at: .now(), files: launch.files)
        if readyShared.isEmpty {
            if slots.parkedReason != text { report(.parked(set: set, function: function, reason: text)) }
            slots.park(text, retryAt: .now() + StartPolicy.parkedTime)
            giveUpWaiting()
        } else {
            report(.log(LogLine(call: nil, level: .error, text: "no further worker: \(text)".cut(to: LogLine.textMax))))
        }
        answer(.failure(error))
    }

    // MARK: Discovery and closing

    /// - Parameter hashes: what the files must be; workers that have imported others are retired.
    func discover(_ hashes: [Digest]?, _ answer: @escaping (Result<Discovery, RenError>) -> Void) {
        if let discovery, !readyShared.isEmpty {
            if hashes == nil || hashes == discovery.files.map(\.hash) { return answer(.success(discovery)) }
            for worker in workers.values { retire(worker) }
            recount()
        }
        discoverers.append(answer)
        slots.want()
        starts.forgive()
        grow()
        settle()
    }

    /// Answers those who wait for a discovery, after the reports of this turn.
    func answer(_ result: Result<Discovery, RenError>) {
        answers += discoverers.map { answer in { answer(result) } }
        discoverers = []
    }

    /// Ends all: calls end as interrupted, processes are gone when `done` is called.
    func close(_ done: @escaping () -> Void) {
        isClosing = true
        closers.append(done)
        giveUpWaiting()
        for worker in workers.values.sorted(by: { $0.number < $1.number }) {
            if worker.connection.isReady, worker.connection.calls.isEmpty {
                worker.connection.leave(at: .now())
                send(to: worker) { $0.leave() }
            } else {
                worker.connection.kill(.closing)
                worker.killGroup()
            }
        }
        recount()
        settle()
    }

    func closed() {
        answer(.failure(RenError(.workerFailed, "the pool was closed")))
        if let (address, channel) = socket {
            channel.close(promise: nil)
            address.remove()
            socket = nil
        }
        answers += closers
        closers = []
    }
}
