/**
 * Settings of `auth.psk`: keys shared with clients, instead of certificates, on the listeners with TLS.
 *
 * Elsewhere: the file (listener/tls-psk.ts), the user name that follows from an identity (access/psk-provider.ts).
 */
import { text } from "./kinds.ts"
import { section } from "./section.ts"

export const pskSection = section({
  file: text({
    fallback: "",
    summary:
      'File with a line "identity:key" per client, the key in hex, at least 16 bytes; mode 0600; read again when it changes.'
  }),
  hint: text({
    fallback: "",
    pattern: /^[\x20-\x7e]{0,128}$/,
    patternWords: "up to 128 printable characters",
    summary: "Hint told to clients of TLS 1.2 before they choose an identity."
  })
})
