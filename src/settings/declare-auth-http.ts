/**
 * Settings of `auth.http`: a service of the operator's own decides over HTTP.
 *
 * Elsewhere: the question and its answers (access/http-provider.ts).
 */
import { egressSetting } from "./declare-auth-jwt.ts"
import { boolean, duration, integer, size, text } from "./kinds.ts"
import { section } from "./section.ts"

export const httpSection = section({
  url: text({
    fallback: "",
    pattern: /^(https?:\/\/[^\s@]+)?$/,
    patternWords: 'an address such as "https://auth.example.com/mqtt"',
    summary: "Address that is asked (POST, JSON) who a client is; https, or http on loopback unless plain-http is true."
  }),
  plainHttp: boolean({
    fallback: false,
    summary: "Let passwords go over http in plain text to other machines."
  }),
  authorization: text({
    fallback: "",
    fallbackWords: "none",
    secret: true,
    pattern: /^[\x20-\x7e]*$/,
    patternWords: "printable ASCII",
    summary: "Value of the header Authorization that the broker sends along."
  }),
  ca: text({
    fallback: "",
    fallbackWords: "those of Node.js",
    summary: "PEM file with the authorities that sign the service's certificate."
  }),
  cert: text({
    fallback: "",
    fallbackWords: "none",
    summary: "PEM file with the certificate the broker shows to the service."
  }),
  key: text({ fallback: "", fallbackWords: "none", summary: "PEM file with the key of cert." }),
  timeoutMs: duration({
    fallback: "5s",
    minimum: "10ms",
    maximum: "1m",
    summary: "Longest time for one answer, waiting for a place included; then CONNACK 0x88."
  }),
  responseSizeBytes: size({
    key: "max-response-size",
    fallback: "64KiB",
    minimum: "256B",
    maximum: "4MiB",
    summary: "Largest answer that is read."
  }),
  maxInFlight: integer({ fallback: 64, minimum: 1, maximum: 10_000, summary: "Most questions under way at once." }),
  maxWaiting: integer({
    fallback: 1_000,
    minimum: 0,
    maximum: 100_000,
    summary: "Most clients that wait for a place; one more is answered 0x89."
  }),
  breakerFailures: integer({
    fallback: 5,
    minimum: 1,
    maximum: 1_000,
    summary: "Failures in a row after which the service is left alone for a while and everybody is answered 0x88."
  }),
  breakerPauseMs: duration({
    fallback: "10s",
    minimum: "10ms",
    maximum: "10m",
    summary: "How long it is left alone; then one question tries."
  }),
  maxRules: integer({ fallback: 100, minimum: 0, maximum: 10_000, summary: "Most rules one answer may carry." }),
  egress: egressSetting("url")
})
