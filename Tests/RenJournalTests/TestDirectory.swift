import Foundation
import RenJournal

/// A data directory of a test's own, removed with the last reference.
final class TestDirectory {
    let data: DataDirectory

    init() throws {
        // The temporary directory may be a symbolic link (macOS); the parent must be real.
        let parent = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
        data = DataDirectory(parent + "/ren-journal-" + UUID().uuidString)
        try data.prepare()
    }

    deinit {
        // A directory that is left behind harms no other test.
        try? FileManager.default.removeItem(atPath: data.path)
    }

    /// Without flushes and ballast, for speed: what a test shows does not depend on them.
    static var options: JournalOptions {
        var options = JournalOptions()
        options.durability = .none
        options.ballastBytes = 0
        options.mapSizeBytes = 1 << 30
        return options
    }

    func open(_ options: JournalOptions = TestDirectory.options) throws -> StoreJournal {
        try LMDBJournal.open(directory: data.journal, options: options)
    }
}
