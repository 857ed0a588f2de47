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

let package = Package(
    name: "ren",
    platforms: [.macOS(.v15)],
    products: [],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2")
    ],
    targets: [
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"]), .brew(["lmdb"])]),
        .target(name: "LMDB", dependencies: ["CLMDB"], swiftSettings: settings + [.strictMemorySafety()]),
        .target(name: "RenJSON", swiftSettings: settings),
        .target(name: "RenYAML", dependencies: ["RenJSON"], swiftSettings: settings),
        .target(name: "JSONLogic", dependencies: ["RenJSON"], swiftSettings: settings),
        .target(name: "RenCore", dependencies: ["RenJSON", "JSONLogic"], swiftSettings: settings),
        .testTarget(
            name: "RenCoreTests", dependencies: ["RenCore", "RenJSON", "JSONLogic", "RenYAML"], swiftSettings: settings),
        .testTarget(name: "LMDBTests", dependencies: ["LMDB"], swiftSettings: settings),
        .testTarget(name: "RenJSONTests", dependencies: ["RenJSON"], swiftSettings: settings),
        .testTarget(name: "RenYAMLTests", dependencies: ["RenYAML", "RenJSON"], swiftSettings: settings),
        .testTarget(name: "JSONLogicTests", dependencies: ["JSONLogic", "RenJSON"], swiftSettings: settings),
    ]
)
