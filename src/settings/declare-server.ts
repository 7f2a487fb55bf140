/**
 * Settings of `server` and `mqtt`: sockets, and what the broker announces and enforces in the protocol.
 *
 * Data, not code: one entry per key with its bounds, its default and one sentence. Names and flags are the
 * seeds'; defaults differ where theirs were unsafe (they listened on every address) or could not work
 * (packets of at most 64 KiB).
 */
import { addresses, boolean, choice, duration, durationSeconds, integer, size, text, texts } from "./kinds.ts"
import { networks } from "./networks.ts"
import { section } from "./section.ts"

export const serverSection = section({
  bind: addresses({
    flag: "bind",
    fallback: ["127.0.0.1:1883"],
    mayBeEmpty: true,
    summary: 'Addresses of the MQTT listeners; ":1883" means every address, "" none.'
  }),
  wsBind: addresses({
    flag: "ws-bind",
    fallback: ["127.0.0.1:8080"],
    mayBeEmpty: true,
    summary: 'Addresses of the WebSocket listeners; "" turns WebSocket off.'
  }),
  wsPaths: texts({
    fallback: ["/mqtt", "/"],
    pattern: /^\/[\x21-\x7e]*$/,
    patternWords: 'a path that starts with "/", such as "/mqtt"',
    summary: "Paths that accept a WebSocket upgrade; any other answers 404."
  }),
  tls: boolean({
    flag: "tls",
    fallback: false,
    summary: "Open tls-bind and wss-bind with TLS, beside the plain listeners; needs tls-cert and tls-key."
  }),
  tlsBind: addresses({
    flag: "tls-bind",
    fallback: ["127.0.0.1:8883"],
    mayBeEmpty: true,
    summary: 'Addresses of the MQTT listeners with TLS, open while tls is true; "" none.'
  }),
  wssBind: addresses({
    flag: "wss-bind",
    fallback: ["127.0.0.1:8084"],
    mayBeEmpty: true,
    summary: 'Addresses of the WebSocket listeners with TLS, open while tls is true; "" none.'
  }),
  tlsCert: text({
    flag: "tls-cert",
    fallback: "",
    summary: "PEM file with the certificate chain, the broker's own certificate first; read again when it changes."
  }),
  tlsKey: text({
    flag: "tls-key",
    fallback: "",
    summary: "PEM file with the private key; read again when it changes."
  }),
  tlsKeyPassphrase: text({ fallback: "", secret: true, summary: "Passphrase of an encrypted private key." }),
  tlsCa: text({
    flag: "tls-ca",
    fallback: "",
    summary: "PEM file with the authorities that sign clients' certificates; read again when it changes."
  }),
  tlsCrl: text({
    flag: "tls-crl",
    fallback: "",
    fallbackWords: "none",
    summary:
      "PEM file with revocation lists, one of each authority in tls-ca and between; a certificate without a list in force is refused. Read again when it changes."
  }),
  tlsClientAuth: choice({
    choices: ["none", "request", "require"],
    flag: "tls-client-auth",
    fallback: "none",
    summary:
      "Certificates of clients: not asked for, checked when shown, or necessary. One that tls-ca did not sign is refused."
  }),
  tlsMinVersion: choice({
    choices: ["tlsv1.2", "tlsv1.3"],
    flag: "tls-min-version",
    fallback: "tlsv1.2",
    summary: "Oldest TLS version accepted; the newest that both sides know is used."
  }),
  tlsCiphers: text({
    flag: "tls-ciphers",
    fallback: "",
    fallbackWords: "the list of Node.js",
    summary: "Cipher suites in OpenSSL's notation, best first; those of TLS 1.3 may be left out."
  }),
  unixBind: texts({
    flag: "unix-bind",
    fallback: [],
    mayBeEmpty: true,
    pattern: /^\P{Cc}{1,4096}$/u,
    patternWords: 'the path of a socket, such as "/run/promptmq/mqtt.sock"',
    summary: "Paths of Unix domain sockets that accept MQTT, for programs on this machine."
  }),
  unixMode: text({
    fallback: "0660",
    pattern: /^0?[67][0-7]{2}$/,
    patternWords: 'a mode in octal that gives the owner rw, such as "0660"',
    summary: "Mode of the socket files: whoever may write may connect."
  }),
  wsOrigins: texts({
    fallback: [],
    mayBeEmpty: true,
    pattern: /^(\*|https?:\/\/[^\s/?#]+)$/,
    patternWords: 'an origin as browsers send it, such as "https://app.example", or *',
    summary:
      'Origins whose pages may open a WebSocket, any other answers 403; "*" = every page. None: every page where clients must log in; where anonymous ones may come in, pages of this machine only.'
  }),
  proxyProtocol: texts({
    fallback: [],
    mayBeEmpty: true,
    pattern: /^(tcp|tls|websocket|wss)$/,
    patternWords: "tcp, tls, websocket or wss",
    summary:
      "Listeners on which every connection begins with a PROXY header (version 1 or 2) of a proxy in proxy-trusted."
  }),
  proxyTrusted: networks({
    fallback: [],
    summary: "Addresses and networks of the proxies whose word about a client's address counts."
  }),
  forwardedFor: boolean({
    fallback: false,
    summary: "Take a WebSocket client's address from X-Forwarded-For where a proxy in proxy-trusted sends it."
  }),
  readBufferBytes: size({
    flag: "read-buffer",
    fallback: "64KiB",
    minimum: "1KiB",
    maximum: "16MiB",
    summary: "Accepted for older configurations: the run time reads up to 64 KiB at once, whatever is written here."
  }),
  writeBufferBytes: size({
    flag: "write-buffer",
    fallback: "64KiB",
    minimum: "1KiB",
    maximum: "64KiB",
    summary: "Bytes for one client gathered in a turn of the loop before they are written without waiting for its end."
  }),
  readTimeoutMs: duration({
    flag: "read-timeout",
    fallback: "30s",
    minimum: "0s",
    maximum: "1h",
    summary:
      "Longest time an unfinished packet may take to arrive; 0s = no limit. Idle clients are keep-alive's business."
  }),
  writeTimeoutMs: duration({
    flag: "write-timeout",
    fallback: "30s",
    minimum: "0s",
    maximum: "1h",
    summary: "Longest time a client may take nothing of what waits for it before it is disconnected; 0s = no limit."
  }),
  connectTimeoutMs: duration({
    fallback: "10s",
    minimum: "10ms",
    maximum: "10m",
    summary: "Longest time from the accepted socket to a complete CONNECT."
  }),
  shutdownTimeoutMs: duration({
    fallback: "10s",
    minimum: "10ms",
    maximum: "10m",
    summary: "Longest graceful stop; then what is left is cut off."
  }),
  maxOutgoingBytes: size({
    key: "max-outgoing-bytes",
    fallback: "4MiB",
    minimum: "64KiB",
    maximum: "1GiB",
    live: true,
    summary: "Unsent bytes per connection before QoS 0 messages are dropped and QoS 1 and 2 fall back to the log."
  }),
  watchConfig: boolean({
    fallback: false,
    summary: "Reload when the configuration file changes; else SIGHUP, promptmq reload or the admin API does it."
  }),
  daemon: boolean({
    flag: "daemon",
    fallback: false,
    summary: "Run detached from the terminal; the command ends when the broker is ready, or with its error."
  }),
  pidFile: text({
    flag: "pid-file",
    fallback: "",
    fallbackWords: "none",
    summary: "File that holds the process id while the broker runs."
  })
})

export const mqttSection = section({
  maxPacketSizeBytes: size({
    flag: "max-packet-size",
    fallback: "2MiB",
    minimum: "64B",
    maximum: "256MiB",
    live: true,
    summary: "Largest packet accepted; announced to MQTT 5 clients."
  }),
  maxClientIdLength: integer({
    key: "max-client-id-len",
    flag: "max-client-id-len",
    fallback: 65_535,
    minimum: 23,
    maximum: 65_535,
    live: true,
    summary: "Longest client identifier in bytes; every broker must take 23."
  }),
  maxTopicLength: integer({
    key: "max-topic-len",
    flag: "max-topic-len",
    fallback: 65_535,
    minimum: 1,
    maximum: 65_535,
    live: true,
    summary: "Longest topic name or filter in bytes."
  }),
  maxTopicLevels: integer({
    fallback: 32,
    minimum: 1,
    maximum: 65_535,
    live: true,
    summary: "Most levels of a topic name or filter."
  }),
  maxQos: integer({
    flag: "max-qos",
    fallback: 2,
    minimum: 0,
    maximum: 2,
    live: true,
    summary: "Highest QoS granted and accepted; announced to MQTT 5 clients."
  }),
  keepAliveSeconds: integer({
    flag: "keep-alive",
    fallback: 60,
    minimum: 0,
    maximum: 65_535,
    live: true,
    summary:
      "Seconds given as Server Keep Alive to MQTT 5 clients that ask for more than max-keep-alive, or for none while max-keep-alive is below its default."
  }),
  maxKeepAliveSeconds: integer({
    fallback: 65_535,
    minimum: 1,
    maximum: 65_535,
    live: true,
    summary: "Longest keep-alive a client may ask for, in seconds."
  }),
  maxInflight: integer({
    flag: "max-inflight",
    fallback: 20,
    minimum: 1,
    maximum: 65_535,
    live: true,
    summary: "Unacknowledged QoS 1 and 2 messages on their way to one client (its own Receive Maximum may be lower)."
  }),
  receiveMaximum: integer({
    fallback: 1024,
    minimum: 1,
    maximum: 65_535,
    live: true,
    summary: "Unacknowledged QoS 1 and 2 messages accepted from one client; announced to MQTT 5 clients."
  }),
  topicAliasMaximum: integer({
    fallback: 32,
    minimum: 0,
    maximum: 65_535,
    live: true,
    summary: "Topic aliases a client may use; announced to MQTT 5 clients."
  }),
  maxConnections: integer({
    flag: "max-connections",
    fallback: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    live: true,
    summary: "Most clients connected at once."
  }),
  retainAvailable: boolean({
    flag: "retain-available",
    fallback: true,
    live: true,
    summary: "Accept retained messages; announced to MQTT 5 clients."
  }),
  wildcardAvailable: boolean({
    flag: "wildcard-available",
    fallback: true,
    live: true,
    summary: "Accept filters with + and #; announced to MQTT 5 clients."
  }),
  sharedSubAvailable: boolean({
    flag: "shared-sub-available",
    fallback: true,
    live: true,
    summary: "Accept shared subscriptions; announced to MQTT 5 clients."
  }),
  sharedStrategy: choice({
    choices: ["round-robin", "random", "sticky", "least-inflight", "hash-clientid", "hash-topic", "key-ordered"],
    fallback: "round-robin",
    live: true,
    summary: "How a shared subscription chooses the member that gets a message."
  }),
  sharedKeyProperty: text({
    fallback: "",
    fallbackWords: "the topic",
    live: true,
    summary: "User property whose value key-ordered shared subscriptions keep in order."
  }),
  serverReference: text({
    fallback: "",
    fallbackWords: "none",
    live: true,
    summary: "Server that MQTT 5 clients are sent to (reason code 0x9C) when this one stops."
  }),
  responseInformation: text({
    fallback: "",
    fallbackWords: "none",
    live: true,
    summary: "Topic prefix for responses, told to MQTT 5 clients that ask for Response Information."
  }),
  sessionExpirySecondsMax: durationSeconds({
    key: "max-session-expiry",
    fallback: "7d",
    minimum: "0s",
    maximum: "49710d",
    live: true,
    summary: "Longest time a session outlives its connection; clients that ask for more are told."
  }),
  maxSubscriptionsPerClient: integer({
    fallback: 10_000,
    minimum: 1,
    maximum: 10_000_000,
    live: true,
    summary: "Most filters one client may hold; more are answered 0x97."
  }),
  maxRetainedMessages: integer({
    fallback: 1_000_000,
    minimum: 0,
    maximum: 100_000_000,
    live: true,
    summary: "Most retained messages; one more is delivered but not kept, with a row in the drop ledger."
  }),
  maxRetainedBytes: size({
    key: "max-retained-bytes",
    fallback: "256MiB",
    minimum: "0B",
    maximum: "1TiB",
    live: true,
    summary: "Most bytes of retained messages; what is above is delivered but not kept, with a row in the drop ledger."
  }),
  maxRetainedPublishers: integer({
    fallback: 100_000,
    minimum: 0,
    maximum: 100_000_000,
    live: true,
    summary: "Publishers of retained messages whose names are kept for those who look, the newest; 0 = none."
  })
})
