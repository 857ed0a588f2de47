#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

import LMDB
import RenCore

extension JournalPlace {
    /// Where the old journal is for an instant, where directories cannot be exchanged.
    var replaced: String { directory + ".old" }

    /// How a new directory takes the place of another one.
    enum ExchangeWay {
        /// In one step, where the system and the file system have it; else by two renames.
        case best
        case twoRenames
    }

    /// Gives the journal in `temporary` the place of the one that is there, if there is one, and removes that.
    ///
    /// A crash at any step leaves one of them whole in its place, or, between two renames, the old one where `recover`
    /// finds it.
    func takePlace(_ way: ExchangeWay = .best) throws(RenError) {
        guard Paths.exists(directory) else { return try publishTemporary() }
        if way == .best, Environment.exchange(temporary, directory) {
            try Paths.syncDirectory(parent)
            Failpoint.copyInPlace.pass()
            return try removeJournal(in: temporary)
        }
        guard rename(directory, replaced) == 0 else { throw failure("rename", directory) }
        Failpoint.copyBetween.pass()
        guard rename(temporary, directory) == 0 else {
            let error = failure("rename", temporary)
            try recover()
            throw error
        }
        try Paths.syncDirectory(parent)
        Failpoint.copyInPlace.pass()
        try removeJournal(in: replaced)
    }

    /// Puts back the old journal after a crash between the two renames, or removes it after one behind them.
    func recover() throws(RenError) {
        guard Paths.exists(replaced) else { return }
        guard !Paths.exists(data) else { return try removeJournal(in: replaced) }
        guard rename(replaced, directory) == 0 else { throw failure("rename", replaced) }
        try Paths.syncDirectory(parent)
    }
}
