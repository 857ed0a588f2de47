import Foundation
import JSONLogic
import RenJSON
import Testing

/// One case of a public test set.
struct PublicCase: Sendable, CustomTestStringConvertible {
    var file: String
    var number: Int
    var rule: JSON
    var data: JSON
    var wanted: Wanted

    enum Wanted: Sendable {
        case value(JSON)
        case error(type: String?)
    }

    var testDescription: String { "\(file) \(number): \(rule.text) of \(data.text)" }
}

/// The public test sets, which lie beside the package and are not copied into it.
enum PublicSuites {
    static let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "shared/jsonlogic")

    static let files = [
        "compatible", "coalesce", "exists", "length", "preserve", "scopes", "throw", "try", "val",
    ]

    static var areThere: Bool { FileManager.default.fileExists(atPath: folder.path) }

    static let cases: [PublicCase] = areThere ? files.flatMap(load) : []

    private static func load(_ file: String) -> [PublicCase] {
        do {
            let bytes = try Data(contentsOf: folder.appending(path: file + ".json"))
            let entries = try JSON(parsing: [UInt8](bytes)).arrayValue ?? []
            // A text between the cases is a heading.
            return entries.filter { $0.objectValue != nil }.enumerated().map { number, entry in
                PublicCase(
                    file: file, number: number + 1, rule: entry["rule"] ?? .null, data: entry["data"] ?? .null,
                    wanted: entry["error"].map { .error(type: $0["type"]?.stringValue) }
                        ?? .value(entry["result"] ?? .null))
            }
        } catch {
            fatalError("the public set \(file).json cannot be read: \(error)")
        }
    }
}

/// What a rule gives: a value, or the type of its error, be it found when compiling or when evaluating.
func outcome(_ rule: JSON, _ data: JSON, budget: Budget = .standard) -> Result<JSON, LogicError> {
    do {
        return .success(try Rule(compiling: rule).evaluate(data, budget: budget))
    } catch let errors as LogicErrors {
        return .failure(errors.errors[0])
    } catch let error as LogicError {
        return .failure(error)
    } catch {
        fatalError("a rule fails with LogicErrors or LogicError only, not with \(error)")
    }
}
