/**
 * A client of SCRAM-SHA-256 as RFC 5802 describes it, that shares no line with the server: what it says first, what it
 * answers to a challenge, and the signature it then waits for.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto"

export interface ScramClient {
  readonly first: string
  readonly final: (challenge: string) => { readonly text: string; readonly expects: string }
}

export const scramClient = (username: string, password: string, header = "n,,"): ScramClient => {
  const nonce = randomBytes(18).toString("base64")
  const bare = `n=${username.replaceAll("=", "=3D").replaceAll(",", "=2C")},r=${nonce}`
  return {
    first: header + bare,
    final: (challenge) => {
      const [, r = "", s = "", i] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(challenge) ?? []
      if (!r.startsWith(nonce) || r === nonce) throw new Error(`a bad challenge: ${challenge}`)
      const salted = pbkdf2Sync(password.normalize("NFKC"), Buffer.from(s, "base64"), Number(i), 32, "sha256")
      const clientKey = mac(salted, "Client Key")
      const without = `c=${Buffer.from(header).toString("base64")},r=${r}`
      const message = `${bare},${challenge},${without}`
      const signature = mac(createHash("sha256").update(clientKey).digest(), message)
      const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))
      return {
        text: `${without},p=${Buffer.from(proof).toString("base64")}`,
        expects: `v=${mac(mac(salted, "Server Key"), message).toString("base64")}`
      }
    }
  }
}

const mac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest()
