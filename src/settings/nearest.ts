/**
 * "Did you mean ...?": the closest of a list of known words, for keys, variables and choices.
 *
 * Distance = edits of one character (insert, delete, replace, swap of neighbours). A word counts as close
 * when at most a third of it differs, and at least 2 edits are allowed; of a word of up to three letters one. Words longer than
 * `wordLengthMax` are not compared: the work is quadratic and the input is a stranger's file.
 */

export const wordLengthMax = 96

/** The closest candidate, or undefined when none is close. Ties go to the earlier one. */
export const nearest = (word: string, candidates: Iterable<string>): string | undefined => {
  if (word.length > wordLengthMax) return undefined
  const lower = word.toLowerCase()
  let best: string | undefined
  let bestDistance = (word.length <= 3 ? 1 : Math.max(2, Math.floor(word.length / 3))) + 1
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance || candidate.length > wordLengthMax) continue
    const distance = editDistance(lower, candidate.toLowerCase())
    // A suggestion that shares nothing with the word is noise: "tls" is 2 edits from "log".
    if (distance >= bestDistance || distance >= Math.min(word.length, candidate.length)) continue
    best = candidate
    bestDistance = distance
  }
  return best
}

const editDistance = (left: string, right: string): number => {
  let beforeLast: Array<number> = []
  let last = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1]
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1)
      )
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      if (swapped) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1)
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[right.length] ?? 0
}
