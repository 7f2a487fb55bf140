/**
 * The parser: every way to write an option, and what is wrong usage.
 */
import { assert, describe, it } from "@effect/vitest"
import { propertyOption } from "../../src/cli/client/property-option.ts"
import { type Command, commandBody } from "../../src/cli/grammar/command.ts"
import { flag, number, text, texts, UsageFault } from "../../src/cli/grammar/option.ts"
import { helpAsked, parseArguments } from "../../src/cli/grammar/parse.ts"

const options = {
  topic: texts("topic", { letter: "t" }),
  message: text("message", { letter: "m", aliases: ["text"] }),
  host: text("host", { letter: "h" }),
  level: text("level", { choices: ["low", "high"] }),
  qos: number("qos", { letter: "q", minimum: 0, maximum: 2 }),
  delay: number("delay", { minimum: 0, maximum: 9, isFractional: true }),
  retain: flag("retain", { letter: "r" }),
  debug: flag("debug", { letter: "d", isNegatable: true }),
  property: propertyOption(["publish"], "x")
}

const parse = (...words: ReadonlyArray<string>) => parseArguments(sample, words)
const sample: Command<typeof options> = {
  name: "sample",
  summary: "",
  ...commandBody({
    notes: [],
    examples: [],
    operands: [{ name: "file", summary: "", isRequired: false, choices: ["a", "b", "-x"] }],
    options,
    isHelpWhenBare: false,
    run: async () => 0 as const
  })
}

const decoded = (...words: ReadonlyArray<string>) => {
  const input = parse(...words)
  if (input === helpAsked || input instanceof UsageFault) return assert.fail(JSON.stringify(input))
  return input
}

const fault = (...words: ReadonlyArray<string>): string => {
  const input = parse(...words)
  if (!(input instanceof UsageFault)) return assert.fail(`accepted: ${words.join(" ")}`)
  return input.fix === undefined ? input.fact : `${input.fact}; ${input.fix}`
}

describe("parse", () => {
  it("reads letters and long names, separate and attached", () => {
    for (const words of [
      ["-t", "a", "-q", "1", "-r"],
      ["-ta", "-q1", "-r"],
      ["-rta", "-q", "1"],
      ["--topic", "a", "--qos=1", "--retain"],
      ["--topic=a", "--qos", "1", "--retain=true"]
    ]) {
      const { options } = decoded(...words)
      assert.deepEqual([options.topic, options.qos, options.retain], [["a"], 1, true], words.join(" "))
    }
  })

  it("collects what may repeat and takes the last of the rest", () => {
    const { options } = decoded("-t", "a", "-t", "b", "-m", "1", "--text", "2")
    assert.deepEqual([options.topic, options.message], [["a", "b"], "2"])
  })

  it("leaves absent options undefined, empty or false", () => {
    const { options } = decoded()
    assert.deepEqual(
      [options.topic, options.message, options.qos, options.retain, options.property],
      [[], undefined, undefined, false, {}]
    )
  })

  it("takes the next argument as the value, whatever it looks like", () => {
    assert.strictEqual(decoded("-m", "-5").options.message, "-5")
    assert.strictEqual(decoded("-m", "--retain").options.message, "--retain")
    assert.strictEqual(decoded("--message=").options.message, "")
    assert.strictEqual(decoded("-m", "").options.message, "")
  })

  it("switches off what may be switched off", () => {
    assert.isFalse(decoded("-d", "--no-debug").options.debug)
    assert.isFalse(decoded("--debug=false").options.debug)
    assert.match(fault("--no-retain"), /unknown option --no-retain/)
    assert.match(fault("--retain=maybe"), /true or false/)
  })

  it("finds operands, also behind --", () => {
    assert.deepEqual(decoded("a", "-r").operands, ["a"])
    assert.deepEqual(decoded("--", "-x").operands, ["-x"])
    assert.match(fault("a", "b"), /"b" is one argument too many/)
    assert.match(fault("c"), /one of a, b, -x/)
  })

  it("asks for help with --help anywhere, and with -h only where no option owns the letter", () => {
    assert.strictEqual(parse("-t", "a", "--nonsense", "--help"), helpAsked)
    assert.strictEqual(decoded("-h", "example").options.host, "example")
    const { host: _host, ...others } = options
    assert.strictEqual(parseArguments({ ...sample, options: others } as unknown as Command, ["-h"]), helpAsked)
  })

  it("names what is wrong, and the nearest right word", () => {
    assert.strictEqual(fault("--topci", "a"), 'unknown option --topci; did you mean "--topic"?')
    assert.match(fault("-z"), /unknown option -z/)
    assert.match(fault("-rz"), /unknown option -z/)
    assert.match(fault("-t"), /-t needs a value/)
    assert.match(fault("--qos"), /--qos needs a value/)
    assert.match(fault("-q", "3"), /"3", it takes a whole number from 0 to 2/)
    for (const wrong of ["", " ", "1.5", "x", "1e", "0x"]) assert.match(fault("-q", wrong), /whole number/, wrong)
    assert.match(fault("--level", "mid"), /one of low, high/)
    assert.strictEqual(decoded("--delay", "0.5").options.delay, 0.5)
  })

  it("reads -D with three or four arguments, bounded by the property table", () => {
    const { options, operands } = decoded(
      "-D",
      "publish",
      "user-property",
      "k",
      "v",
      "-D",
      "PUBLISH",
      "content-type",
      "c",
      "a"
    )
    assert.deepEqual(options.property, { publish: { userProperties: { k: "v" }, contentType: "c" } })
    assert.deepEqual(operands, ["a"])
    assert.match(fault("-D", "publish", "content-tpye", "x"), /did you mean "content-type"/)
    assert.match(fault("-D", "publish", "will-delay-interval", "x"), /no such property there/)
    assert.match(fault("-D", "subscribe", "user-property", "k", "v"), /not set on that here/)
    assert.match(fault("-D", "publish", "topic-alias", "0"), /from 1 to 65535/)
    assert.match(fault("-D", "publish", "topic-alias", "65536"), /from 1 to 65535/)
    assert.match(fault("-D", "publish", "user-property", "k"), /-D needs 4 values/)
  })
})
