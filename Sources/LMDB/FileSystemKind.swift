import CLMDB

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Which file systems cannot carry an environment: locks, mapped memory or flushes do not reach the other side.
package enum FileSystemKind {
    /// Linux: `statfs.f_type` of the refused ones. virtiofs and the desktops' gRPC shares report the code of FUSE.
    private static let refusedByCode: [UInt32: String] = [
        0x6969: "NFS",
        0x517B: "SMB",
        0xFF53_4D42: "CIFS",
        0xFE53_4D42: "SMB2",
        0x0102_1997: "9p",
        0x6573_5546: "FUSE",
        0x786F_4256: "vboxsf",
        0x7C7C_6673: "prl_fs",
        0xBACB_ACBC: "vmhgfs",
        0x5346_4846: "wslfs",
        0x00C3_6400: "Ceph",
        0x5346_414F: "AFS",
        0x6B41_4653: "kAFS",
        0x7375_7245: "Coda",
        0x564C: "NCP",
        0x7461_636F: "OCFS2",
        0x0116_1970: "GFS2",
        0x0BD0_0BD0: "Lustre",
        0x4750_4653: "GPFS",
        0x1983_0326: "BeeGFS",
        0xAAD7_AAEA: "PanFS",
        0x6163_6673: "ACFS",
    ]

    /// macOS: `statfs.f_fstypename` of the refused ones.
    private static let refusedByName: Set<String> = [
        "nfs", "smbfs", "afpfs", "webdav", "ftp", "macfuse", "osxfuse", "fusefs", "virtiofs", "9p", "vboxsf", "prl_fs",
        "vmhgfs",
    ]

    /// The name of a refused file system, nil for one that will do.
    package static func refused(code: UInt32) -> String? { refusedByCode[code] }

    /// The name of a refused file system, nil for one that will do.
    package static func refused(name: String) -> String? { refusedByName.contains(name) ? name : nil }

    /// Asks the operating system about the file system that holds `path`.
    static func check(_ path: String) throws(LMDBError) {
        var raw = statfs()
        // SAFETY: the path is a null-terminated copy, and the result our own variable.
        try checkErrno(unsafe statfs(path, &raw), .open)
        #if canImport(Darwin)
        // SAFETY: the name is a null-terminated array inside our variable.
        let name = unsafe withUnsafeBytes(of: raw.f_fstypename) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let refusal = refused(name: name)
        #else
        let refusal = refused(code: UInt32(truncatingIfNeeded: raw.f_type))
        #endif
        if let refusal { throw LMDBError(.unsupportedFileSystem(refusal), operation: .open) }
    }
}
