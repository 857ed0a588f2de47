import Ren
import RenClient
import RenCore
import RenJournal
import RenServer

/// Which way a command takes (SEMANTICS.md 9): it asks the engine that holds the data directory, or, without one, does
/// by itself what can be done.
enum EnginePath {
    /// An engine holds the directory, and can be asked.
    case engine(Client, EngineLock.Holder)
    /// The directory is free.
    case nobody

    /// How long one waits for another who only passes by, and for an engine that has not said yet where it is.
    private static let patience = Duration.milliseconds(EngineLock.patienceMilliseconds)
    private static let pause = Duration.milliseconds(20)

    /// - Throws: `engine.locked` when somebody holds the directory for 2 s who cannot be asked.
    static func find(in directory: DataDirectory) async throws -> EnginePath {
        let end = ContinuousClock.now + patience
        while let holder = try EngineLock.holder(in: directory) {
            if let client = holder.client { return .engine(client, holder) }
            guard ContinuousClock.now < end else { throw holder.locked(directory) }
            try await Task.sleep(for: pause)
        }
        return .nobody
    }

    /// Makes this process the engine of the directory; nil when somebody else has it.
    ///
    /// - Throws: `directory.*`, `journal.*`, `storage.*`.
    static func become(_ path: String, _ options: Session.Options) async throws(RenError) -> Session? {
        do throws(RenError) {
            return try await Session(path, options)
        } catch {
            guard error.code == .engineLocked else { throw error }
            return nil
        }
    }

    /// Takes one of the two ways. Whoever finds that things have changed meanwhile looks again, for 2 s: the engine has
    /// gone, or has come.
    static func take<Result>(
        in directory: DataDirectory, engine: (Client) async throws -> Result, nobody: () async throws -> Result
    ) async throws -> Result {
        let end = ContinuousClock.now + patience
        while true {
            let path = try await find(in: directory)
            do {
                switch path {
                case .engine(let client, _): return try await engine(client)
                case .nobody: return try await nobody()
                }
            } catch let error as RenError {
                guard try path.hasChanged(error, in: directory), ContinuousClock.now < end else { throw error }
                try await Task.sleep(for: pause)
            }
        }
    }

    /// Whether the refusal comes from the other way being the right one by now.
    private func hasChanged(_ error: RenError, in directory: DataDirectory) throws -> Bool {
        switch self {
        case .engine(_, let holder):
            // It takes up its runs first.
            if error.code == .starting { return true }
            guard error.code == .engineUnreachable else { return false }
            return try EngineLock.holder(in: directory) != holder
        case .nobody: return error.code == .engineLocked || error.code == .engineRunning
        }
    }
}

extension EngineLock.Holder {
    /// Nil for one who passes by, for an engine that does not listen yet, and for one that serves no socket.
    var client: Client? {
        guard carries != nil, let socket = addresses["socket"] else { return nil }
        return Client(socket: socket)
    }

    func locked(_ directory: DataDirectory) -> RenError {
        RenError(
            .engineLocked,
            "process \(process) (\(command)) holds the data directory \(directory.path), and cannot be asked",
            hint: "wait for it to end, or give another data directory with --data")
    }
}
