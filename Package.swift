// swift-tools-version: 6.2
import PackageDescription

/// One list for every target: a misspelt feature name is ignored in silence, so it is written once.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "ren",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Ren", targets: ["Ren"]),
        .executable(name: "ren", targets: ["ren-cli"]),
        .executable(name: "ren-bench", targets: ["ren-bench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"]), .brew(["lmdb"])]),
        .target(name: "LMDB", dependencies: ["CLMDB"], swiftSettings: settings + [.strictMemorySafety()]),
        .target(name: "RenJSON", swiftSettings: settings),
        .target(name: "RenYAML", dependencies: ["RenJSON"], swiftSettings: settings),
        .target(name: "JSONLogic", dependencies: ["RenJSON"], swiftSettings: settings),
        .target(name: "RenCore", dependencies: ["RenJSON", "JSONLogic"], swiftSettings: settings),
        .target(name: "RenJournal", dependencies: ["RenJSON", "RenCore", "LMDB", crypto], swiftSettings: settings),
        .target(name: "RenAssets", exclude: ["console", "python"]),
        .target(
            name: "RenWorkers",
            dependencies: [
                "RenJSON", "RenCore", "RenAssets", crypto,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        .target(
            name: "RenEngine", dependencies: ["RenJSON", "RenCore", "RenJournal", "RenWorkers"], swiftSettings: settings
        ),
        .target(
            name: "Ren",
            dependencies: [
                "RenJSON", "RenYAML", "JSONLogic", "RenCore", "RenJournal", "RenWorkers", "RenEngine",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .target(name: "RenAPI", dependencies: ["RenCore", "RenJSON"], swiftSettings: settings),
        .target(
            name: "RenWebSocket",
            dependencies: [
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .target(
            name: "RenServer",
            dependencies: [
                "RenAPI", "RenWebSocket", "RenAssets", "Ren", "RenJSON", "RenYAML", "RenCore", "RenJournal",
                "RenWorkers",
                "RenEngine", crypto,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .target(
            name: "RenClient",
            dependencies: [
                "RenAPI", "RenCore", "RenJSON", .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .target(
            name: "RenTestKit", dependencies: ["RenJSON", "RenCore", "RenJournal", "RenWorkers", "RenEngine"],
            swiftSettings: settings),
        .executableTarget(
            name: "ren-cli",
            dependencies: [
                "Ren", "RenJSON", "RenYAML", "JSONLogic", "RenCore", "RenJournal", "RenWorkers", "RenEngine", "LMDB",
                "RenAPI", "RenServer", "RenClient", arguments,
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Tools/ren", swiftSettings: settings),
        .executableTarget(
            name: "ren-bench",
            dependencies: ["Ren", "RenJSON", "RenCore", "RenJournal", "RenWorkers", "RenEngine", arguments],
            path: "Tools/ren-bench", swiftSettings: settings),
        .testTarget(name: "LMDBTests", dependencies: ["LMDB"], swiftSettings: settings),
        .testTarget(name: "RenJSONTests", dependencies: ["RenJSON"], swiftSettings: settings),
        .testTarget(name: "RenYAMLTests", dependencies: ["RenYAML", "RenJSON"], swiftSettings: settings),
        .testTarget(name: "JSONLogicTests", dependencies: ["JSONLogic", "RenJSON"], swiftSettings: settings),
        .testTarget(
            name: "RenCoreTests", dependencies: ["RenCore", "RenJSON", "JSONLogic", "RenYAML"], swiftSettings: settings),
        .testTarget(
            name: "SemanticsTests",
            dependencies: [
                "RenEngine", "RenTestKit", "LMDB", "RenJSON", "RenYAML", "RenCore", "RenJournal", "RenWorkers",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RenJournalTests",
            dependencies: ["RenJournal", "RenTestKit", "RenCore", "RenJSON", "LMDB", crypto], swiftSettings: settings),
        .testTarget(
            name: "RenWorkersTests",
            dependencies: ["RenWorkers", "RenCore", "RenJSON", .product(name: "NIOCore", package: "swift-nio")],
            swiftSettings: settings),
        .testTarget(
            name: "CLITests", dependencies: ["ren-cli", "RenCore", "RenJSON", arguments], swiftSettings: settings),
        .testTarget(
            name: "CrashTests", dependencies: ["ren-cli", "RenJournal", "RenTestKit", "RenCore", "RenJSON", "LMDB"],
            swiftSettings: settings),
        .testTarget(
            name: "RenEngineTests",
            dependencies: [
                "RenEngine", "RenTestKit", "RenJSON", "RenYAML", "RenCore", "RenJournal", "RenWorkers",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RenTests",
            dependencies: [
                "Ren", "RenTestKit", "RenJSON", "RenYAML", "RenCore", "RenJournal", "RenEngine", "RenWorkers",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RenWebSocketTests",
            dependencies: [
                "RenWebSocket",
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RenServerTests",
            dependencies: [
                "RenServer", "RenClient", "RenAPI", "RenWebSocket", "Ren", "RenTestKit", "RenJSON", "RenCore",
                "RenJournal", "RenEngine", "RenWorkers",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(name: "TidyTests", swiftSettings: settings),
    ]
)
