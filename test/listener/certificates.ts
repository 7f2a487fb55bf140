/**
 * Certificates made for a test, in a folder of its own, by the `openssl` command. Valid from now on for a month;
 * other times are tested by passing another clock.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { createPrivateKey } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TlsSettings } from "../../src/listener/tls-load.ts"
import type { SettingsInput } from "../../src/settings/settings-input.ts"

/** Tests that need certificates are skipped where this is false. */
export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0

/** Certificate and key, as files in PEM form. */
export interface Pair {
  readonly certificate: string
  readonly key: string
}

export interface CertificateWords {
  /** Signed by itself when it is left out. */
  readonly by?: Pair
  readonly subject?: string
  readonly alternativeNames?: string
  readonly isAuthority?: boolean
}

export class Certificates {
  readonly folder = mkdtempSync(join(tmpdir(), "promptmq-certificates-"))

  make(name: string, words: CertificateWords = {}): Pair {
    const { alternativeNames, by, isAuthority = false, subject = `/CN=${name}` } = words
    const pair = { certificate: this.path(`${name}.pem`), key: this.path(`${name}.key`) }
    const config = this.path(`${name}.cnf`)
    const names = alternativeNames === undefined ? [] : [`subjectAltName = ${alternativeNames}`]
    const extensions = [`basicConstraints = critical,CA:${isAuthority ? "TRUE" : "FALSE"}`, ...names]
    const head = "[req]\ndistinguished_name = dn\nx509_extensions = ext\n[dn]\n[ext]\n"
    writeFileSync(config, `${head}${extensions.join("\n")}\n`)
    const signer = by === undefined ? [] : ["-CA", by.certificate, "-CAkey", by.key]
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", pair.key]
    const certificate = ["-out", pair.certificate, "-days", "30", "-multivalue-rdn", "-subj", subject, ...signer]
    execFileSync("openssl", ["req", "-x509", "-config", config, ...key, ...certificate], { stdio: "pipe" })
    return pair
  }

  authority(name: string): Pair {
    return this.make(name, { isAuthority: true })
  }

  server(name: string, by: Pair): Pair {
    return this.make(name, { by, alternativeNames: "IP:127.0.0.1,DNS:localhost" })
  }

  /** The same key, encrypted. */
  encryptKey({ key }: Pair, passphrase: string): string {
    const words = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase } as const
    return this.write(`encrypted-${passphrase}.key`, createPrivateKey(readFileSync(key)).export(words).toString())
  }

  /** A revocation list of the authority, in force for a day, with these certificates on it. */
  revocations(name: string, by: Pair, revoked: ReadonlyArray<Pair> = []): string {
    const config = this.write(
      `${name}.ca.cnf`,
      `[ca]\ndefault_ca = own\n[own]\ndatabase = ${this.write(`${name}.index`, "")}\ndefault_md = sha256\n`
    )
    const own = ["ca", "-config", config, "-cert", by.certificate, "-keyfile", by.key]
    for (const { certificate } of revoked) execFileSync("openssl", [...own, "-revoke", certificate], { stdio: "pipe" })
    execFileSync("openssl", [...own, "-gencrl", "-crlhours", "24", "-out", this.path(name)], { stdio: "pipe" })
    return this.path(name)
  }

  write(name: string, content: string | Buffer): string {
    writeFileSync(this.path(name), content)
    return this.path(name)
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}

type Server = NonNullable<SettingsInput["server"]>

/** A broker that listens for TLS and WSS, on ports that the system chooses. */
export const secureServer = (own: Pair, more: Server = {}): Server => ({
  tls: true,
  "tls-bind": "127.0.0.1:0",
  "wss-bind": "127.0.0.1:0",
  "tls-cert": own.certificate,
  "tls-key": own.key,
  ...more
})

export const tlsSettings = (pair: Pair, more: Partial<TlsSettings> = {}): TlsSettings => ({
  certificateFile: pair.certificate,
  keyFile: pair.key,
  passphrase: "",
  authorityFile: "",
  revocationFile: "",
  pskFile: "",
  pskHint: "",
  clientAuthentication: "none",
  minimumVersion: "TLSv1.2",
  ciphers: "",
  ...more
})
