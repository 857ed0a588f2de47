package import RenCore
import RenJSON
package import RenWorkers
import Synchronization

/// One call of a function outside of any run.
package struct FunctionTrial: Sendable {
    package enum End: Sendable {
        /// JSON text.
        case returned([UInt8])
        case raised(Failure)
        case timedOut
        /// Its process ended; how, in words.
        case died(String)
    }

    package var end: End
    /// Where it was raised.
    package var trace: String?
    /// What it said, at most 1,000 lines.
    package var logs: [LogLine]
    package var duration: Duration

    static let id = CallID(rawValue: 1)

    /// Starts one worker with the files and calls a function in it.
    static func run(
        _ name: String, _ input: JSON, _ setup: FunctionSetup, timeout: Duration
    ) async throws(RenError) -> FunctionTrial {
        let ear = TrialEar()
        let pool = setup.makePool(processes: 1) { ear.hear($0) }
        do throws(RenError) {
            let signatures = try await pool.discover().signatures
            let call = try makeCall(of: name, input, signatures, timeout)
            let trial = await run(call, on: pool, ear, timeout)
            await pool.shutDown()
            return trial
        } catch {
            await pool.shutDown()
            throw error
        }
    }

    /// Calls one of the functions of this program.
    static func run(
        _ name: String, _ input: JSON, _ functions: SwiftFunctions, timeout: Duration
    ) async throws(RenError) -> FunctionTrial {
        let call = try makeCall(of: name, input, functions.signatures, timeout)
        let ear = TrialEar()
        return await run(call, on: functions.separate { ear.hear($0) }, ear, timeout)
    }

    private static func run(
        _ call: Call, on host: any FunctionHost, _ ear: TrialEar, _ timeout: Duration
    ) async -> FunctionTrial {
        let begun = ContinuousClock.now
        let timer = Task {
            do {
                try await Task.sleep(for: timeout)
            } catch {
                return  // it has ended
            }
            ear.giveUp()
        }
        let end = await withTaskCancellationHandler {
            await ear.end { [host] in
                ear.answer(to: host)
                host.reserve(call.slot)
                host.start([call])
            }
        } onCancel: {
            ear.giveUp()
        }
        timer.cancel()
        if case .timedOut = end { host.cancel([id], kill: true) }
        var trial = FunctionTrial(end: end, logs: ear.logs, duration: ContinuousClock.now - begun)
        if case .raised = end, let last = trial.logs.last, last.isTrace {
            trial.trace = trial.logs.removeLast().text
        }
        return trial
    }

    /// - Throws: `function.unknown`, with near names; `input.invalid`.
    private static func makeCall(
        of name: String, _ input: JSON, _ signatures: [String: FunctionSignature], _ timeout: Duration
    ) throws(RenError) -> Call {
        guard let signature = signatures[name] else {
            throw RenError(
                .functionUnknown, "there is no function “\(name)”",
                hint: FunctionCheck.hint(for: name, among: signatures.keys.sorted()))
        }
        let arguments = try arguments(input, of: signature)
        let slot: Slots.Kind = signature.language == .swift ? .swift : signature.isAsync ? .asynchronous : .blocking
        return Call(
            id: id, function: name, slot: slot, run: "try", flow: "try", node: "try", key: nil, index: nil, attempt: 1,
            idempotencyKey: "try/try", deadline: nil, arguments: arguments)
    }

    /// The input as an object of arguments; if it is none, the one argument that it can stand for, as in a flow
    /// without `with`.
    private static func arguments(_ input: JSON, of signature: FunctionSignature) throws(RenError) -> [UInt8] {
        let written = input.compact
        guard let parameters = signature.parameters else { return written }
        do {
            let schema = try JSONSchema(compiling: parameters)
            let violations = schema.validate(input)
            if violations.isEmpty { return written }
            let shaped = try ArgumentShape(signature).arguments(forValue: written)
            if try schema.validate(JSON(parsing: shaped, limits: .payload)).isEmpty { return shaped }
            throw Failure(
                Failure.Name.badExpression, violations.prefix(20).map(\.description).joined(separator: "; "))
        } catch let failure as Failure {
            throw RenError(
                .inputInvalid, "the input of \(signature.name) is not what it takes: \(failure.message)",
                hint: "ren functions shows what it takes")
        } catch {
            throw RenError(.functionInvalid, "the schema of \(signature.name) cannot be read: \(error)")
        }
    }
}

extension LogLine {
    /// A pool puts the trace of a failure into the log before it tells of its end.
    fileprivate var isTrace: Bool { level == .error && text.hasPrefix("Traceback ") }
}

/// Hears what a host says of the one call.
private final class TrialEar: Sendable {
    private struct State {
        var logs: [LogLine] = []
        var end: FunctionTrial.End?
        var waiter: CheckedContinuation<FunctionTrial.End, Never>?
        /// Answers checkpoints, which nobody keeps.
        weak var host: (any FunctionHost)?
    }

    private let state = Mutex(State())
    private static let linesMax = 1_000

    var logs: [LogLine] { state.withLock(\.logs) }

    func answer(to host: any FunctionHost) {
        state.withLock { $0.host = host }
    }

    /// Begins the call and returns when it has ended.
    func end(_ begin: () -> Void) async -> FunctionTrial.End {
        begin()
        return await withCheckedContinuation { continuation in
            let end = state.withLock { state in
                state.waiter = continuation
                return state.end
            }
            if let end { resume(end) }
        }
    }

    func giveUp() { resume(.timedOut) }

    func hear(_ reports: [CallReport]) {
        for report in reports {
            switch report {
            case .log(let line):
                state.withLock { if $0.logs.count < Self.linesMax { $0.logs.append(line) } }
            case .checkpoint(let call, let request, _):
                state.withLock(\.host)?.saved(call, request: request, refused: nil)
            case .ended(_, let end): resume(FunctionTrial.End(end))
            default: break
            }
        }
    }

    /// The first end counts.
    private func resume(_ end: FunctionTrial.End) {
        let (waiter, first) = state.withLock { state in
            let first = state.end ?? end
            state.end = first
            defer { state.waiter = nil }
            return (state.waiter, first)
        }
        waiter?.resume(returning: first)
    }
}

extension FunctionTrial.End {
    init(_ end: AttemptEnd) {
        self =
            switch end {
            case .returned(let payload): .returned(payload.bytes)
            case .raised(let failure, _, _): .raised(failure)
            case .workerDied(_, let how): .died(how)
            case .interrupted: .raised(Failure("Interrupted", "the function stopped although nobody had asked it to"))
            case .silent, .neighbourKilled: .timedOut
            }
    }
}
