#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A file that only takes room: removed when the disk is full, so that what is running can be recorded as ended, and
/// made again when there is room.
///
/// Used on the writer's thread alone.
struct Ballast {
    let path: String
    let byteCount: Int

    /// Makes the file where it is missing and at least `byteCount` would stay free behind it.
    func restore(freeBytes: UInt64) {
        guard byteCount > 0, freeBytes > UInt64(byteCount) * 2, access(path, F_OK) != 0 else { return }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // A ballast that could not be filled is none: better no file than an empty one.
        if !allocate(descriptor) { unlink(path) }
    }

    /// Gives the room back; false when there was no file.
    func free() -> Bool { unlink(path) == 0 }

    private func allocate(_ descriptor: Int32) -> Bool {
        #if canImport(Darwin)
        var store = fstore_t(
            fst_flags: UInt32(F_ALLOCATEALL), fst_posmode: F_PEOFPOSMODE, fst_offset: 0, fst_length: off_t(byteCount),
            fst_bytesalloc: 0)
        return fcntl(descriptor, F_PREALLOCATE, &store) == 0 && ftruncate(descriptor, off_t(byteCount)) == 0
        #else
        return posix_fallocate(descriptor, 0, off_t(byteCount)) == 0
        #endif
    }
}
