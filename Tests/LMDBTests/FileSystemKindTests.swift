import LMDB
import Testing

@Suite("File systems")
struct FileSystemKindTests {
    @Test(
        "Shared and remote ones are refused by their type code",
        arguments: [
            (0x6969, "NFS"), (0x517B, "SMB"), (0xFF53_4D42, "CIFS"), (0xFE53_4D42, "SMB2"), (0x0102_1997, "9p"),
            (0x6573_5546, "FUSE"), (0x786F_4256, "vboxsf"), (0x7C7C_6673, "prl_fs"), (0xBACB_ACBC, "vmhgfs"),
            (0x00C3_6400, "Ceph"), (0x0BD0_0BD0, "Lustre"), (0x5346_414F, "AFS"),
        ] as [(UInt32, String)])
    func refused(_ code: UInt32, _ name: String) {
        #expect(FileSystemKind.refused(code: code) == name)
    }

    @Test(
        "Local ones will do: ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS, F2FS",
        arguments: [
            0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1, 0xF2F5_2010,
        ] as [UInt32])
    func allowed(_ code: UInt32) {
        #expect(FileSystemKind.refused(code: code) == nil)
    }

    @Test(
        "By name, as macOS tells them",
        arguments: [
            ("nfs", "nfs"), ("smbfs", "smbfs"), ("virtiofs", "virtiofs"), ("apfs", nil), ("hfs", nil),
        ] as [(String, String?)])
    func names(_ name: String, _ refusal: String?) {
        #expect(FileSystemKind.refused(name: name) == refusal)
    }
}
