import NIOCore
import RenCore
import RenJSON

extension PoolLoop {
    /// A frame from a worker that has said who it is.
    func received(_ message: WorkerMessage, from worker: Worker) {
        switch message {
        case .answer(let call, let answer):
            switch worker.connection.answered(call, at: .now()) {
            case .end(let open): ended(call, open, answer, worker)
            case .ignore: break
            case .kill: killed(worker)
            }
        case .progress(let call, let done, let total, let text):
            guard worker.connection.isOpen(call) else { return }
            report(.progress(call, done: done, total: total, text: text))
        case .alive(let call):
            if worker.connection.isOpen(call) { report(.alive(call)) }
        case .checkpoint(let call, let request, let value):
            guard worker.connection.isOpen(call) else { return }
            guard value.count <= Call.checkpointMax else {
                return send(to: worker) {
                    $0.saved(call, request: request, refused: "a checkpoint of \(value.count) bytes is over 1 MiB")
                }
            }
            report(.checkpoint(call, request: request, Payload(hashing: value)))
        case .log(var line):
            if let call = line.call, !worker.connection.isOpen(call) { line.call = nil }
            log(line, from: worker)
        case .read(let call, let request, let argument, let from):
            guard worker.connection.isOpen(call) else { return }
            report(.read(call, request: request, argument: argument, from: from))
        case .pong(let id):
            if worker.connection.pong(id, at: .now()) == .kill { killed(worker) }
        case .hello, .broken: violated(worker, "hello twice")
        }
    }

    func violated(_ worker: Worker, _ text: String) {
        worker.connection.violated(text)
        killed(worker)
    }

    private func ended(
        _ call: CallID, _ open: WorkerConnection.OpenCall, _ answer: WorkerMessage.Answer, _ worker: Worker
    ) {
        starts.used()
        switch answer {
        case .result(let bytes): end(call, open.kind, .returned(unchecked: bytes))
        case .failure(let failure, let trace, let permanent, let retryAfter):
            if let trace { report(.log(LogLine(call: call, level: .error, text: trace.cutInTheMiddle()))) }
            end(call, open.kind, .raised(failure, permanent: permanent, retryAfter: retryAfter))
        case .interrupted:
            guard !open.wasAsked else { return end(call, open.kind, .interrupted) }
            // Believing it would run the call again and again.
            let failure = Failure("Interrupted", "the function stopped although nobody had asked it to")
            end(call, open.kind, .raised(failure, permanent: false, retryAfter: nil))
        }
    }

    // MARK: Hello

    /// The first frame of a connection: whose it is.
    ///
    /// - Returns: nil when it may not speak; the connection ends then.
    func identify(_ message: WorkerMessage, peer: Int32?, _ channel: any Channel) -> Worker? {
        switch message {
        case .hello(let hello):
            guard let worker = workers.values.first(where: { $0.channel == nil && isEqual($0.token, hello.token) })
            else { return nil }
            attach(worker, channel)
            greet(worker, hello)
            return worker
        case .broken(let broken, let token):
            let found = workers.values.first { worker in
                guard worker.channel == nil else { return false }
                return token.map { isEqual(worker.token, $0) } ?? (worker.process != nil && worker.process == peer)
            }
            guard let worker = found else { return nil }
            attach(worker, channel)
            self.broken(broken, worker)
            return worker
        default: return nil
        }
    }

    private func attach(_ worker: Worker, _ channel: any Channel) {
        worker.channel = channel
        worker.openStreams += 1
    }

    private func greet(_ worker: Worker, _ hello: WorkerHello) {
        worker.saidHello = true
        guard worker.connection.hello(protocolNumber: hello.protocolNumber, at: .now()) == .welcome else {
            return killed(worker)
        }
        do {
            let discovery = try Discovery(hello)
            send(to: worker) { $0.welcome(blocking: settings.blocking, async: settings.async) }
            guard !worker.connection.isRetired else { return }
            // One content at a time: workers that imported the files before they changed end after their calls.
            if let older = self.discovery, older.files.map(\.hash) != discovery.files.map(\.hash) {
                for other in workers.values where other !== worker && other.saidHello { retire(other) }
            }
            self.discovery = discovery
            slots.setSignatures(discovery.signatures)
            starts.proved()
            recount()
            if slots.unpark() { report(.unparked(set: set, function: "worker")) }
            report(.slotsFreed)
            answer(.success(discovery))
            grow()
        } catch {
            worker.connection.kill(.closing)
            killed(worker)
            failed(error, park: "worker")
        }
    }

    /// A file could not be imported; the process ends by itself, perhaps after telling of more.
    func broken(_ broken: BrokenReport, _ worker: Worker) {
        worker.broken.append(broken)
        if let trace = broken.trace {
            log(LogLine(call: nil, level: .error, text: trace.cutInTheMiddle()), from: worker)
        }
    }

    /// Compares without telling by its time how much is right.
    private func isEqual(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        return zip(left.utf8, right.utf8).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// The connection of a worker has ended.
    func hungUp(_ worker: Worker) {
        worker.connection.hungUp(at: .now())
        streamEnded(worker)
        settle()
    }

    // MARK: Output

    /// A line on a descriptor; it belongs to a call only when there is just one that it can belong to.
    func printed(_ line: String, _ level: LogLine.Level, by worker: Worker) {
        if level == .warning { worker.keepErrorLine(line) }
        let calls = worker.connection.calls
        log(LogLine(call: calls.count == 1 ? calls.keys.first : nil, level: level, text: line), from: worker)
    }

    private func log(_ line: LogLine, from worker: Worker) {
        let second = Int64(NIODeadline.now().uptimeNanoseconds / 1_000_000_000)
        guard worker.allowance.take(line.text.utf8.count + 64, of: line.call, at: second) else { return }
        tellDropped(of: line.call, by: worker)
        report(.log(line))
    }

    /// Says how many lines of the call were lost, if any were.
    func tellDropped(of call: CallID?, by worker: Worker) {
        let dropped = worker.allowance.takeDropped(of: call)
        guard dropped > 0 else { return }
        let text = "\(dropped) lines were dropped: more than 1 MiB of output in a second"
        report(.log(LogLine(call: call, level: .warning, text: text)))
    }
}

extension String {
    /// At most 8 KiB: the first lines of a trace say where it began, the last ones what happened.
    func cutInTheMiddle() -> String {
        guard utf8.count > LogLine.textMax else { return self }
        let bytes = Array(utf8)
        let head = String(decoding: bytes.prefix(2000), as: UTF8.self)
        let tail = String(decoding: bytes.suffix(6000), as: UTF8.self)
        return "\(head)\n… (\(bytes.count - 8000) bytes left out)\n\(tail)"
    }
}
