import RenCore
import Testing

/// SEMANTICS.md 10, "Disk".
@Suite("Storage levels")
struct StorageLevelTests {
    @Test(
        "Steps at 80, 90 and 95 %; what was shut opens again below 88 %",
        arguments: [
            (0, .normal, .normal), (0.7999, .normal, .normal), (0.80, .normal, .warning), (0.8999, .normal, .warning),
            (0.90, .warning, .noNewRuns), (0.9499, .normal, .noNewRuns), (0.95, .normal, .pausing),
            (1.2, .noNewRuns, .pausing),
            (0.949, .pausing, .pausing), (0.88, .pausing, .pausing), (0.8799, .pausing, .warning),
            (0.5, .pausing, .normal), (0.89, .noNewRuns, .noNewRuns), (0.8799, .noNewRuns, .warning),
            (0.79, .warning, .normal), (0.89, .warning, .warning),
        ] as [(Double, StorageLevel, StorageLevel)])
    func level(_ share: Double, _ before: StorageLevel, _ expected: StorageLevel) {
        #expect(StorageLevel.level(at: share, before: before) == expected)
    }

    @Test(
        "The fuller one of map and disk counts",
        arguments: [
            (50, 100, 60, 1_000, 0.5), (50, 1_000, 50, 50, 0.5), (90, 1_000, 100, 0, 0.9), (90, 1_000, 90, 0, 1),
            (90, 1_000, 90, nil, 0.09), (0, 0, 0, 0, 0),
        ] as [(Int, Int, Int, Int?, Double)])
    func share(_ used: Int, _ map: Int, _ file: Int, _ free: Int?, _ expected: Double) {
        let use = StorageUse(mapUsedBytes: used, mapSizeBytes: map, fileBytes: file, diskFreeBytes: free)
        #expect(abs(use.share - expected) < 0.001)
    }

    @Test("A budget counts where it is less than map and disk")
    func budget() {
        func share(_ budget: Int) -> Double {
            StorageUse(mapUsedBytes: 40, mapSizeBytes: 100, budgetBytes: budget, fileBytes: 50, diskFreeBytes: 150)
                .share
        }
        #expect(share(50) == 0.8 && share(20) == 2 && share(500) == 0.4)
    }
}

@Suite("Keys of requests")
struct RequestMarkTests {
    @Test(
        "1 to 200 printable ASCII characters",
        arguments: [
            ("", false), ("k", true), (String(repeating: "k", count: 200), true),
            (String(repeating: "k", count: 201), false), ("a b/c\"", true), ("tab\t", false), ("nul\0", false),
            ("schlüssel", false),
        ])
    func key(_ key: String, _ isGood: Bool) {
        let digest = Digest([UInt8](repeating: 1, count: 32))
        if isGood {
            #expect(throws: Never.self) { try RequestMark(key: key, digest: digest) }
        } else {
            #expect { try RequestMark(key: key, digest: digest) } throws: {
                ($0 as? RenError)?.code == .requestKeyInvalid
            }
        }
    }
}
