import RenCore
import RenJournal
import RenWorkers

/// What leaves the engine when a batch is durable, and not before.
struct Effects: Sendable {
    enum Order: Sendable {
        case start(any FunctionHost, Call)
        case cancel(any FunctionHost, CallID, kill: Bool)
        case askToPause(any FunctionHost, CallID)
        case askToStop(any FunctionHost, CallID)
        case saved(any FunctionHost, CallID, request: Int)
    }

    /// Takes the answer to a request: what the commit made of it, or why there was none.
    typealias Reply = @Sendable (Result<Answer, RenError>) -> Void

    var orders: [Order] = []

    var beginsCalls: Bool {
        orders.contains { if case .start = $0 { true } else { false } }
    }

    /// Runs on the writer's thread: everything here returns at once.
    func release(_ receipt: Receipt) {
        Failpoint.afterCommit.pass()
        // The id was taken by an equal run, or the request known: nothing was written, so nothing begins.
        guard !receipt.isExisting, !receipt.replayed else { return }
        var starts: [(host: any FunctionHost, calls: [Call])] = []
        for order in orders {
            switch order {
            case .start(let host, let call):
                if let place = starts.firstIndex(where: { $0.host === host }) {
                    starts[place].calls.append(call)
                } else {
                    starts.append((host, [call]))
                }
            case .cancel(let host, let call, let kill): host.cancel([call], kill: kill)
            case .askToPause(let host, let call): host.askToPause([call])
            case .askToStop(let host, let call): host.askToStop([call])
            case .saved(let host, let call, let request): host.saved(call, request: request, refused: nil)
            }
        }
        for (host, calls) in starts { host.start(calls) }
    }
}
