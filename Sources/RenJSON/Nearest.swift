/// The candidate that a misspelt word most likely meant, or nil when none is near: for "did you mean".
///
/// Near is a Damerau-Levenshtein distance (optimal string alignment, capitals ignored) of at most a third of the
/// word's length, at least 1. Among equally near ones the first wins.
package func nearest(to word: String, in candidates: [String]) -> String? {
    guard word.count <= 100 else { return nil }  // no name is so long, and the work grows with its square
    let letters = Array(word.lowercased())
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
        let distance = distance(letters, Array(candidate.lowercased()))
        guard distance <= max(1, letters.count / 3), distance < max(letters.count, candidate.count) else { continue }
        if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
    }
    return best?.candidate
}

/// How many letters must be put in, left out, changed, or swapped with their neighbour.
private func distance(_ left: [Character], _ right: [Character]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...right.count)
    for row in left.indices {
        var current = [row + 1]
        for column in right.indices {
            let isSame = left[row] == right[column]
            var cost = min(previous[column + 1] + 1, current[column] + 1, previous[column] + (isSame ? 0 : 1))
            if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                cost = min(cost, beforePrevious[column - 1] + 1)
            }
            current.append(cost)
        }
        (beforePrevious, previous) = (previous, current)
    }
    return previous[right.count]
}
