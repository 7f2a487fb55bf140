/**
 * Settings of `auth.x509`: which name of a verified certificate is the client's. Who may sign certificates is
 * server.tls-ca's business, who has lost the right to server.tls-crl's.
 */
import { choice } from "./kinds.ts"
import { section } from "./section.ts"

const sources = ["none", "cn", "dn", "san-dns", "san-email", "san-uri", "san-ip"] as const

export const x509Section = section({
  username: choice({
    choices: sources,
    fallback: "cn",
    summary: "Name in the certificate that becomes the user name; none takes the one in CONNECT, which nothing proves."
  }),
  clientId: choice({
    choices: sources,
    fallback: "none",
    summary:
      "Name in the certificate that becomes the client identifier, whatever CONNECT says; none leaves that alone."
  })
})
