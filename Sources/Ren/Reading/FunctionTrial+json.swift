import RenCore
package import RenJSON
import RenWorkers

extension FunctionTrial {
    /// What `POST /functions/{function}:try` answers, and `ren functions try -o json` prints.
    package var json: JSONObject {
        var object: JSONObject = ["outcome": "returned", "output": .null, "error": .null, "trace": JSON(trace)]
        switch end {
        case .returned(let bytes):
            // A worker's result was checked when it came.
            object["output"] = (try? JSON(parsing: bytes, limits: .payload)) ?? .null
        case .raised(let failure):
            object["outcome"] = "raised"
            object["error"] = failure.json
        case .timedOut: object["outcome"] = "timed_out"
        case .died(let how):
            object["outcome"] = "died"
            object["error"] = Failure(Failure.Name.workerDied, how).json
        }
        object["logs"] = .array(
            logs.map { ["level": .string($0.level.rawValue), "text": .string($0.text), "fields": $0.fields ?? .null] })
        object["milliseconds"] = JSON(duration.nanoseconds / 1_000_000)
        return object
    }
}
