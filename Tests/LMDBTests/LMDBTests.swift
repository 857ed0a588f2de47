// LMDBTests: what the rooms above rely on, each rule with its refused side.
//
// Knows: LMDB's package API, temporary directories, child processes of Swift Testing, and small tmpfs mounts where the
// machine allows them (root). Must not know: ren. Start at `EnvironmentOpeningTests`.
import Testing

extension Tag {
    /// Needs the right to mount a file system; skipped visibly elsewhere.
    @Tag static var mount: Self
}
