/**
 * The section auth of the settings as an object (settings-input.ts).
 *
 * Generated from the settings' declaration: change that (declare-*.ts), then run node test/config/regenerate.ts.
 * Older spellings of keys are understood as well but have no type here. Bounds are judged when it is read.
 */
import type { DurationText, SizeText } from "./settings-input.ts"

export interface AuthInput {
  /** Let clients in without credentials. A listener beyond loopback needs this written as true, or authentication. Default: only while auth.chain is empty and every listener is on loopback. */
  readonly "allow-anonymous"?: boolean
  /** Who is asked about a client, in this order, until one knows it: password-file, user-database, jwt, ldap, http, x509, psk, custom. Default: []. */
  readonly chain?: string | ReadonlyArray<string>
  /** Providers whose denial is not the last word: the next one of the chain is asked all the same. Default: []. */
  readonly "fall-through"?: string | ReadonlyArray<string>
  /** File of the provider password-file, which promptmq user writes; read again when it changes. Default: <data-dir>/passwords. */
  readonly "password-file"?: string
  /** How new passwords are hashed, by promptmq user and the admin API. All known kinds are read. Default: "argon2id". */
  readonly "password-hash"?: "argon2id" | "scrypt"
  /** Threads that check passwords, started when the first one is; the rest of the broker never waits for them. 1 to 16. Default: 2. */
  readonly "hash-workers"?: number
  /** Passwords that wait for a thread; a client above that is told 0x89, server busy. 1 to 100000. Default: 512. */
  readonly "hash-queue"?: number
  /** Most users in the built-in database, which the admin API writes. 1 to 10000000. Default: 100000. */
  readonly "max-database-users"?: number
  readonly cache?: {
    /** Results of the chain that are remembered, under a keyed hash; 0 remembers none. 0 to 1000000. Default: 10000. */
    readonly "max-entries"?: number
    /** How long a client that was let in may come back without its provider being asked. 0s to 1d. Default: "1m". */
    readonly ttl?: DurationText | 0
    /** How long the same wrong credentials are refused without asking again. 0s to 1h. Default: "5s". */
    readonly "denied-ttl"?: DurationText | 0
  }
  readonly custom?: {
    /** ECMAScript module that exports createProvider; loaded once, at the start. Default: "". */
    readonly module?: string
    /** Longest time for one answer; then CONNACK 0x88. 10ms to 1m. Default: "5s". */
    readonly timeout?: DurationText | 0
    /** Most questions under way at once. 1 to 10000. Default: 64. */
    readonly "max-in-flight"?: number
    /** Most clients that wait for a place; one more is answered 0x89. 0 to 100000. Default: 1000. */
    readonly "max-waiting"?: number
  }
  readonly http?: {
    /** Address that is asked (POST, JSON) who a client is; https, or http on loopback unless plain-http is true. Default: "". */
    readonly url?: string
    /** Let passwords go over http in plain text to other machines. Default: false. */
    readonly "plain-http"?: boolean
    /** Value of the header Authorization that the broker sends along. Default: none. */
    readonly authorization?: string
    /** PEM file with the authorities that sign the service's certificate. Default: those of Node.js. */
    readonly ca?: string
    /** PEM file with the certificate the broker shows to the service. Default: none. */
    readonly cert?: string
    /** PEM file with the key of cert. Default: none. */
    readonly key?: string
    /** Longest time for one answer, waiting for a place included; then CONNACK 0x88. 10ms to 1m. Default: "5s". */
    readonly timeout?: DurationText | 0
    /** Largest answer that is read. 256B to 4MiB. Default: "64KiB". */
    readonly "max-response-size"?: SizeText
    /** Most questions under way at once. 1 to 10000. Default: 64. */
    readonly "max-in-flight"?: number
    /** Most clients that wait for a place; one more is answered 0x89. 0 to 100000. Default: 1000. */
    readonly "max-waiting"?: number
    /** Failures in a row after which the service is left alone for a while and everybody is answered 0x88. 1 to 1000. Default: 5. */
    readonly "breaker-failures"?: number
    /** How long it is left alone; then one question tries. 10ms to 10m. Default: "10s". */
    readonly "breaker-pause"?: DurationText | 0
    /** Most rules one answer may carry. 0 to 10000. Default: 100. */
    readonly "max-rules"?: number
    /** Hosts and networks that url may lead to: the host must be one of them, its address in one of the networks. Default: the host that is named, unless its address is link-local. */
    readonly egress?: string | ReadonlyArray<string>
  }
  readonly jwt?: {
    /** Field of CONNECT that holds the token. Default: "password". */
    readonly "token-from"?: "password" | "username"
    /** File with the shared secret of tokens signed by HMAC, at least 32 bytes; a line feed at its end is no part of it. Default: "". */
    readonly "hmac-key-file"?: string
    /** How hmac-key-file is to be read. Default: "text". */
    readonly "hmac-key-encoding"?: "text" | "base64"
    /** File with the public keys (PEM: keys or certificates; or a JSON Web Key Set); several while keys change. Default: "". */
    readonly "public-key-file"?: string
    /** Address of a JSON Web Key Set; https, or http on loopback. Default: "". */
    readonly "jwks-url"?: string
    /** PEM file with the authorities that sign the certificate of jwks-url. Default: those of Node.js. */
    readonly "jwks-ca"?: string
    /** Age at which the key set is fetched again. 1s to 1d. Default: "10m". */
    readonly "jwks-refresh"?: DurationText | 0
    /** Shortest time between two fetches, also when tokens name keys that nobody knows. 100ms to 1h. Default: "30s". */
    readonly "jwks-cooldown"?: DurationText | 0
    /** Longest time an old key set is relied on while a new one cannot be fetched. 0s to 30d. Default: "1h". */
    readonly "jwks-keep"?: DurationText | 0
    /** Longest time one fetch of the key set may take. 10ms to 1m. Default: "5s". */
    readonly "jwks-timeout"?: DurationText | 0
    /** Largest key set that is read. 1KiB to 16MiB. Default: "256KiB". */
    readonly "max-jwks-size"?: SizeText
    /** Hosts and networks that jwks-url may lead to: the host must be one of them, its address in one of the networks. Default: the host that is named, unless its address is link-local. */
    readonly egress?: string | ReadonlyArray<string>
    /** Algorithms a token may be signed with. Default: all that fit the kind of key. */
    readonly algorithms?: string | ReadonlyArray<string>
    /** Issuers that tokens may have; once one is written, a token without a claim iss is refused. Default: any. */
    readonly issuers?: string | ReadonlyArray<string>
    /** Audiences of which a token must have one. Default: any. */
    readonly audiences?: string | ReadonlyArray<string>
    /** How far the clocks of issuer and broker may be apart. 0s to 10m. Default: "30s". */
    readonly "clock-tolerance"?: DurationText | 0
    /** Refuse tokens that never expire (no claim exp). Default: true. */
    readonly "require-expiry"?: boolean
    /** Largest token that is looked at. 256B to 64KiB. Default: "8KiB". */
    readonly "max-token-size"?: SizeText
    /** Claim that holds the user name; "" takes the one in CONNECT, which the token does not prove. Default: "sub". */
    readonly "username-claim"?: string
    /** Claim that must be the client identifier; "" checks none. Default: "". */
    readonly "client-id-claim"?: string
    /** Claim with the groups that rules may name: a list, or a text with spaces between them. Default: "groups". */
    readonly "groups-claim"?: string
    /** Claim with rules: a list of permission, action and topic, or lists of filters pub, sub, all. Default: "acl". */
    readonly "rules-claim"?: string
    /** Claim that makes a superuser when it is true; "" lets no token do that. Default: "". */
    readonly "superuser-claim"?: string
    /** Most rules one token may carry. 0 to 10000. Default: 100. */
    readonly "max-rules"?: number
  }
  readonly ldap?: {
    /** Address of the directory; passwords are sent over ldaps, StartTLS or loopback only, unless plain-ldap is true. Default: "". */
    readonly url?: string
    /** Begin TLS on a connection to ldap:// before anything else is said. Default: false. */
    readonly "start-tls"?: boolean
    /** Let passwords go to other machines in plain text. Default: false. */
    readonly "plain-ldap"?: boolean
    /** PEM file with the authorities that sign the directory's certificate. Default: those of Node.js. */
    readonly ca?: string
    /** Name of a user's entry, such as "uid=${username},ou=people,dc=example,dc=com"; "" looks it up. Default: "". */
    readonly "user-dn"?: string
    /** Entry as which the broker searches. Default: anonymous. */
    readonly "bind-dn"?: string
    /** Password of bind-dn. Default: "". */
    readonly "bind-password"?: string
    /** Entry below which users are looked up. Default: "". */
    readonly "user-base"?: string
    /** Filter that finds a user; it must find exactly one. Default: "(uid=${username})". */
    readonly "user-filter"?: string
    /** Entry below which groups are looked up. Default: groups are not looked up. */
    readonly "group-base"?: string
    /** Filter that finds the groups of a user. Default: "(|(member=${dn})(uniqueMember=${dn})(memberUid=${username}))". */
    readonly "group-filter"?: string
    /** Attribute that holds a group's name, as rules write it. Default: "cn". */
    readonly "group-attribute"?: string
    /** How deep below the bases is searched. Default: "sub". */
    readonly scope?: "sub" | "one"
    /** Most groups of one user; who is in more is refused, because a rule might speak of one that was left out. 1 to 10000. Default: 256. */
    readonly "max-groups"?: number
    /** Longest time for one client, waiting for a connection included; then CONNACK 0x88. 10ms to 1m. Default: "5s". */
    readonly timeout?: DurationText | 0
    /** Most connections to the directory. 1 to 256. Default: 4. */
    readonly "max-connections"?: number
    /** Most clients that wait for a connection; one more is answered 0x89. 0 to 100000. Default: 1000. */
    readonly "max-waiting"?: number
    /** Failures in a row after which the directory is left alone for a while and everybody is answered 0x88. 1 to 1000. Default: 5. */
    readonly "breaker-failures"?: number
    /** How long it is left alone; then one client tries. 10ms to 10m. Default: "10s". */
    readonly "breaker-pause"?: DurationText | 0
  }
  readonly psk?: {
    /** File with a line "identity:key" per client, the key in hex, at least 16 bytes; mode 0600; read again when it changes. Default: "". */
    readonly file?: string
    /** Hint told to clients of TLS 1.2 before they choose an identity. Default: "". */
    readonly hint?: string
  }
  readonly x509?: {
    /** Name in the certificate that becomes the user name; none takes the one in CONNECT, which nothing proves. Default: "cn". */
    readonly username?: "none" | "cn" | "dn" | "san-dns" | "san-email" | "san-uri" | "san-ip"
    /** Name in the certificate that becomes the client identifier, whatever CONNECT says; none leaves that alone. Default: "none". */
    readonly "client-id"?: "none" | "cn" | "dn" | "san-dns" | "san-email" | "san-uri" | "san-ip"
  }
}
