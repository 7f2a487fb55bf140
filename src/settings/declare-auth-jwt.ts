/**
 * Settings of `auth.jwt`: tokens as credentials. Exactly one of hmac-key-file, public-key-file and jwks-url says which
 * key signs them, and so which family of algorithms there is: a token never chooses between a secret and a public key.
 *
 * Elsewhere: what is done with them (access/jwt-provider.ts), which keys go together (rules-auth-providers.ts).
 */
import { boolean, choice, duration, integer, size, text, texts } from "./kinds.ts"
import { section } from "./section.ts"

export const jwtAlgorithms = [
  "HS256",
  "HS384",
  "HS512",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA"
] as const

export const jwtSection = section({
  tokenFrom: choice({
    choices: ["password", "username"],
    fallback: "password",
    summary: "Field of CONNECT that holds the token."
  }),
  hmacKeyFile: text({
    fallback: "",
    summary:
      "File with the shared secret of tokens signed by HMAC, at least 32 bytes; a line feed at its end is no part of it."
  }),
  hmacKeyEncoding: choice({
    choices: ["text", "base64"],
    fallback: "text",
    summary: "How hmac-key-file is to be read."
  }),
  publicKeyFile: text({
    fallback: "",
    summary: "File with the public keys (PEM: keys or certificates; or a JSON Web Key Set); several while keys change."
  }),
  jwksUrl: text({
    fallback: "",
    pattern: /^(https?:\/\/[^\s@]+)?$/,
    patternWords: 'an address such as "https://id.example.com/.well-known/jwks.json"',
    summary: "Address of a JSON Web Key Set; https, or http on loopback."
  }),
  jwksCa: text({
    fallback: "",
    fallbackWords: "those of Node.js",
    summary: "PEM file with the authorities that sign the certificate of jwks-url."
  }),
  jwksRefreshMs: duration({
    fallback: "10m",
    minimum: "1s",
    maximum: "1d",
    summary: "Age at which the key set is fetched again."
  }),
  jwksCooldownMs: duration({
    fallback: "30s",
    minimum: "100ms",
    maximum: "1h",
    summary: "Shortest time between two fetches, also when tokens name keys that nobody knows."
  }),
  jwksKeepMs: duration({
    fallback: "1h",
    minimum: "0s",
    maximum: "30d",
    summary: "Longest time an old key set is relied on while a new one cannot be fetched."
  }),
  jwksTimeoutMs: duration({
    fallback: "5s",
    minimum: "10ms",
    maximum: "1m",
    summary: "Longest time one fetch of the key set may take."
  }),
  jwksSizeBytes: size({
    key: "max-jwks-size",
    fallback: "256KiB",
    minimum: "1KiB",
    maximum: "16MiB",
    summary: "Largest key set that is read."
  }),
  egress: egressSetting("jwks-url"),
  algorithms: texts({
    fallback: [],
    mayBeEmpty: true,
    fallbackWords: "all that fit the kind of key",
    pattern: new RegExp(`^(${jwtAlgorithms.join("|")})$`),
    patternWords: `one of ${jwtAlgorithms.join(", ")}`,
    summary: "Algorithms a token may be signed with."
  }),
  issuers: texts({
    fallback: [],
    mayBeEmpty: true,
    fallbackWords: "any",
    pattern: /^\P{Cc}{1,1024}$/u,
    patternWords: "issuers as they stand in the claim iss",
    summary: "Issuers that tokens may have; once one is written, a token without a claim iss is refused."
  }),
  audiences: texts({
    fallback: [],
    mayBeEmpty: true,
    fallbackWords: "any",
    pattern: /^\P{Cc}{1,1024}$/u,
    patternWords: "audiences as they stand in the claim aud",
    summary: "Audiences of which a token must have one."
  }),
  clockToleranceMs: duration({
    fallback: "30s",
    minimum: "0s",
    maximum: "10m",
    summary: "How far the clocks of issuer and broker may be apart."
  }),
  requireExpiry: boolean({ fallback: true, summary: "Refuse tokens that never expire (no claim exp)." }),
  tokenSizeBytes: size({
    key: "max-token-size",
    fallback: "8KiB",
    minimum: "256B",
    maximum: "64KiB",
    summary: "Largest token that is looked at."
  }),
  usernameClaim: claim(
    "sub",
    'Claim that holds the user name; "" takes the one in CONNECT, which the token does not prove.'
  ),
  clientIdClaim: claim("", 'Claim that must be the client identifier; "" checks none.'),
  groupsClaim: claim(
    "groups",
    "Claim with the groups that rules may name: a list, or a text with spaces between them."
  ),
  rulesClaim: claim(
    "acl",
    "Claim with rules: a list of permission, action and topic, or lists of filters pub, sub, all."
  ),
  superuserClaim: claim("", 'Claim that makes a superuser when it is true; "" lets no token do that.'),
  maxRules: integer({ fallback: 100, minimum: 0, maximum: 10_000, summary: "Most rules one token may carry." })
})

function claim(fallback: string, summary: string) {
  return text({
    fallback,
    summary,
    pattern: /^\P{Cc}{0,256}$/u,
    patternWords: 'the name of a claim, such as "sub"'
  })
}

/** Shared by everything that asks others over HTTP (access/egress.ts). */
export function egressSetting(key: string) {
  return texts({
    fallback: [],
    mayBeEmpty: true,
    fallbackWords: "the host that is named, unless its address is link-local",
    pattern: /^[A-Za-z0-9*.:[\]/_-]{1,255}$/,
    patternWords: 'hosts ("id.example.com", "*.example.com") and networks ("10.1.0.0/16")',
    summary: `Hosts and networks that ${key} may lead to: the host must be one of them, its address in one of the networks.`
  })
}
