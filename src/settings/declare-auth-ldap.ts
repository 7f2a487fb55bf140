/**
 * Settings of `auth.ldap`: a directory knows the passwords, and who is in which group.
 *
 *   user-dn set    bind as user-dn with ${username} in it
 *   else           bind as bind-dn, find exactly one entry by user-base and user-filter, bind as that
 *
 * Elsewhere: the exchange (access/ldap-provider.ts), how names are made safe (access/ldap-escape.ts).
 */
import { boolean, choice, duration, integer, text } from "./kinds.ts"
import { section } from "./section.ts"

export const ldapSection = section({
  url: text({
    fallback: "",
    pattern: /^(ldaps?:\/\/[^\s@/?]+\/?)?$/,
    patternWords: 'an address such as "ldaps://ldap.example.com"',
    summary:
      "Address of the directory; passwords are sent over ldaps, StartTLS or loopback only, unless plain-ldap is true."
  }),
  startTls: boolean({ fallback: false, summary: "Begin TLS on a connection to ldap:// before anything else is said." }),
  plainLdap: boolean({ fallback: false, summary: "Let passwords go to other machines in plain text." }),
  ca: text({
    fallback: "",
    fallbackWords: "those of Node.js",
    summary: "PEM file with the authorities that sign the directory's certificate."
  }),
  userDn: text({
    fallback: "",
    summary: 'Name of a user\'s entry, such as "uid=${username},ou=people,dc=example,dc=com"; "" looks it up.'
  }),
  bindDn: text({ fallback: "", fallbackWords: "anonymous", summary: "Entry as which the broker searches." }),
  bindPassword: text({ fallback: "", secret: true, summary: "Password of bind-dn." }),
  userBase: text({ fallback: "", summary: "Entry below which users are looked up." }),
  userFilter: text({
    fallback: "(uid=${username})",
    pattern: /^\(.+\)$/,
    patternWords: "a filter in parentheses with ${username} in it",
    summary: "Filter that finds a user; it must find exactly one."
  }),
  groupBase: text({
    fallback: "",
    fallbackWords: "groups are not looked up",
    summary: "Entry below which groups are looked up."
  }),
  groupFilter: text({
    fallback: "(|(member=${dn})(uniqueMember=${dn})(memberUid=${username}))",
    pattern: /^\(.+\)$/,
    patternWords: "a filter in parentheses with ${dn} or ${username} in it",
    summary: "Filter that finds the groups of a user."
  }),
  groupAttribute: text({
    fallback: "cn",
    pattern: /^[A-Za-z][A-Za-z0-9-]*$/,
    patternWords: "the name of an attribute",
    summary: "Attribute that holds a group's name, as rules write it."
  }),
  scope: choice({ choices: ["sub", "one"], fallback: "sub", summary: "How deep below the bases is searched." }),
  maxGroups: integer({
    fallback: 256,
    minimum: 1,
    maximum: 10_000,
    summary: "Most groups of one user; who is in more is refused, because a rule might speak of one that was left out."
  }),
  timeoutMs: duration({
    fallback: "5s",
    minimum: "10ms",
    maximum: "1m",
    summary: "Longest time for one client, waiting for a connection included; then CONNACK 0x88."
  }),
  maxConnections: integer({ fallback: 4, minimum: 1, maximum: 256, summary: "Most connections to the directory." }),
  maxWaiting: integer({
    fallback: 1_000,
    minimum: 0,
    maximum: 100_000,
    summary: "Most clients that wait for a connection; one more is answered 0x89."
  }),
  breakerFailures: integer({
    fallback: 5,
    minimum: 1,
    maximum: 1_000,
    summary: "Failures in a row after which the directory is left alone for a while and everybody is answered 0x88."
  }),
  breakerPauseMs: duration({
    fallback: "10s",
    minimum: "10ms",
    maximum: "10m",
    summary: "How long it is left alone; then one client tries."
  })
})
