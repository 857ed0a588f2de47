import Ren
import RenCore
import RenEngine
import RenJournal

extension DataOption {
    /// What `body` does as the only one who uses the data directory.
    ///
    /// - Throws: `engine.locked` (exit 73), naming the engine.
    func withLock<Result>(
        of directory: DataDirectory, for command: String, _ body: () throws(RenError) -> Result
    ) throws(RenError) -> Result {
        // One who carries nothing: others wait a moment for it instead of asking it for something.
        let holder = EngineLock.Holder.current(command: command, carries: nil, started: .wallClock())
        let lock = try EngineLock.acquire(in: directory, as: holder)
        defer { withExtendedLifetime(lock) {} }
        return try body()
    }
}
