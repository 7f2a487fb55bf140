/**
 * Every error code a user can see, with its long text: `promptmq explain-error E3107` prints from here.
 *
 * The first digit is the exit code of a command that ends with it (design: 2 wrong usage, 3 configuration
 * invalid, 4 unreachable, 5 refused, 6 not found, 7 data damaged, 8 already running or port in use; 1 for
 * the rest). Within E3: 0xx the file, 1xx one value or name, 2xx values that contradict each other,
 * 3xx warnings, 4xx not in this version, 5xx files that the configuration names. A code is never reused for
 * something else.
 */

export interface ErrorCode {
  readonly title: string
  /** Why it is an error and what it would have caused, for people who want to know. */
  readonly text: string
  readonly fix: string
}

export const errorCodes: Readonly<Record<string, ErrorCode>> = {
  E1001: {
    title: "Unexpected failure",
    text: "Something failed that has no code of its own. The message holds the reason as the system gave it.",
    fix: "Read the reason; run again with --log-level debug for more."
  },
  E1301: {
    title: "Data folder cannot be used",
    text: "The operating system refused something in the data folder or the log's folder: the folder cannot be made, a file cannot be opened, there is no room. Nothing is served without the log.",
    fix: "Correct the permissions, make room, or choose another folder (storage.data-dir)."
  },
  E1302: {
    title: "The log failed",
    text: "A write or a sync of the log failed for good. What a failed sync left on the disk cannot be known, so nothing is acknowledged after it, nothing is tried again, and the broker ends. What was acknowledged is on the disk; the next start recovers it and writes again what was not known to be safe.",
    fix: "Look at the disk (the system's log names the device), then start the broker again."
  },
  E1311: {
    title: "Log file cannot be written",
    text: "log.file cannot be opened for writing: its folder is missing, this user may not write there, it is a link, or the disk refused. A broker whose log was asked for and goes nowhere is not started. Later, while it runs, a disk that refuses the log never stops it.",
    fix: "Choose a file that this user may write (log.file), and make its folder."
  },
  E1321: {
    title: "Certificate files not written",
    text: "promptmq cert self-signed writes four files into a folder. One of them is there already, and it does not write over an authority that clients may trust; or the folder cannot be written.",
    fix: "Choose another folder with --out, or write over the old files with --force."
  },
  E1303: {
    title: "Target is not empty",
    text: "A tool was asked to write a store or a backup into a folder that holds something already. It never overwrites and never mixes: what is there may be the only copy of something.",
    fix: "Name a new folder, or move aside what is there."
  },
  E1401: {
    title: "Name exists already",
    text: "A user of that name is in the password file, or a token of that name in the tokens file. Adding one would silently replace the password of somebody who uses it.",
    fix: "promptmq user passwd changes the password; promptmq user rm takes the user out."
  },
  E2001: {
    title: "Wrong usage",
    text: "A command, an option or an argument is missing, unknown or has a value that cannot be read.",
    fix: "The command with --help lists its options."
  },
  E2002: {
    title: "Invalid topic name or filter",
    text: "Topic names hold no + and no #; in a filter + stands alone in its level and # alone in the last one. Neither is empty, longer than 65,535 bytes, or contains U+0000.",
    fix: "Correct the topic; the message names the column."
  },
  E3001: {
    title: "Configuration file cannot be read",
    text: "The file named by --config or PROMPTMQ_CONFIG, or a .promptmq.yaml that was found, cannot be opened. Starting without it would mean running with other settings than intended, so nothing is started.",
    fix: "Correct the path or the permissions of the file."
  },
  E3002: {
    title: "Not valid YAML or JSON",
    text: "The file is YAML 1.2; JSON is read by the same rules. Frequent causes: tabs for indentation, a colon or # inside text without quotes, brackets that are not closed. Values of this file were not checked.",
    fix: "Correct the syntax at the line and column in the message."
  },
  E3003: {
    title: "Key written twice",
    text: "The same key stands twice in one section. Programs differ in which one they take; here neither is.",
    fix: "Keep one of the two."
  },
  E3004: {
    title: "Section expected",
    text: "A section holds keys, not a value: `storage:` is followed by indented lines.",
    fix: "Write the section's keys below it, indented."
  },
  E3005: {
    title: "Configuration file too large",
    text: "A configuration has a few kilobytes. A file above 1 MiB is most likely not the intended one.",
    fix: "Check the path."
  },
  E3101: {
    title: "Unknown key",
    text: "No setting has this name. It is an error and not a warning because a misspelt key is without effect, and that is found out on the worst day.",
    fix: "Take the suggested name, or remove the key. `promptmq config schema` lists all keys."
  },
  E3102: {
    title: "Unknown variable",
    text: "An environment variable starts with PROMPTMQ_ and belongs to no setting. Variables that Kubernetes makes for services called promptmq or promptmq-... are left alone.",
    fix: "Take the suggested name, or unset the variable."
  },
  E3103: {
    title: "Wrong type of value",
    text: "The value is of another type than the setting, or missing. YAML 1.2 knows only true and false as booleans: yes, no, on and off are text.",
    fix: "Write a value of the type named in the message."
  },
  E3104: {
    title: "Not a whole number",
    text: "The setting takes a whole number, without quotes and without a unit.",
    fix: "Write a whole number within the bounds in the message."
  },
  E3105: {
    title: "Value out of range",
    text: "The number, duration or size is below the minimum or above the maximum of this setting. The bounds are those within which the broker was tested, or those of the MQTT standard.",
    fix: "Write a value within the bounds in the message."
  },
  E3106: {
    title: "Not a duration",
    text: "Durations are numbers with units: 100ms, 30s, 5m, 2h, 7d, 1h30m. A bare number is refused because it has been read as seconds, milliseconds and nanoseconds by different programs.",
    fix: "Add the unit."
  },
  E3107: {
    title: "Not one of the choices",
    text: "The setting takes one of a few words, written exactly as listed.",
    fix: "Write one of the words in the message."
  },
  E3108: {
    title: "Not a size",
    text: "Sizes are numbers of bytes or numbers with units: 65536, 64KiB, 1.5GiB (powers of 1024), 64KB (powers of 1000). K, M and G alone are refused because they are read both ways.",
    fix: "Write the size with a unit, or in bytes."
  },
  E3109: {
    title: "Not an address",
    text: "Addresses are host:port. IPv6 stands in brackets: [::1]:1883. An empty host (:1883) means every address of the machine; port 0 asks the system for a free port.",
    fix: "Write host:port."
  },
  E3110: {
    title: "Text cannot be used here",
    text: "The text is too long, has control characters, or does not have the form this setting needs.",
    fix: "Write it in the form named in the message."
  },
  E3111: {
    title: "List too short or too long",
    text: "The list is empty where at least one entry is needed, or has more entries than the limit.",
    fix: "Write as many entries as the message says."
  },
  E3112: {
    title: "Setting written twice",
    text: "One setting has a value under two spellings (or as a variable and as a file variable) in the same place, so it is unclear which one is meant.",
    fix: "Keep one of them, best the newer spelling."
  },
  E3113: {
    title: "File of a variable cannot be read",
    text: "A variable that ends in _FILE names a file which holds the value. That file is missing, unreadable or too long.",
    fix: "Correct the path or the permissions."
  },
  E3114: {
    title: "Entry written twice",
    text: "Two entries of a list are about the same thing, so it is unclear which one is meant.",
    fix: "Keep one of the two."
  },
  E3115: {
    title: "Secret on the command line",
    text: "Every user of a machine can read the command line of every process. A secret given there has to be considered known.",
    fix: "Put it into a file and name the file with the variable that ends in _FILE; change the secret."
  },
  E3201: {
    title: "TLS without certificate or key",
    text: "TLS needs a certificate chain and its private key. Without both there is no listener: it never falls back to plain text.",
    fix: "Set server.tls-cert and server.tls-key, or server.tls to false."
  },
  E3202: {
    title: "Listener open to strangers",
    text: "The address can be reached from other machines and nothing says who may connect. On loopback anonymous clients are allowed while nothing is configured; beyond it this must be a decision.",
    fix: "Let clients prove who they are (auth.chain), bind to 127.0.0.1 or [::1], or write auth.allow-anonymous: true if everyone on that network may connect."
  },
  E3203: {
    title: "Keep-alive above its maximum",
    text: "mqtt.keep-alive is given to clients that ask for none; it cannot be above the longest keep-alive accepted.",
    fix: "Lower mqtt.keep-alive or raise mqtt.max-keep-alive."
  },
  E3204: {
    title: "Two listeners on one port",
    text: "Two listeners want the same port on the same address (an empty host covers every address). The second one could not start.",
    fix: "Give each its own port."
  },
  E3205: {
    title: "No listener",
    text: "server.bind, server.ws-bind and server.unix-bind are empty and server.tls is false: no client could ever connect.",
    fix: "Give one of them an address."
  },
  E3206: {
    title: "Certificates of clients without an authority",
    text: "Clients are asked for certificates, and server.tls-ca does not say who may sign them. Any public authority would do then, and everyone can get a certificate from those.",
    fix: "Name the PEM file of your own authority in server.tls-ca."
  },
  E3207: {
    title: "TLS without an address",
    text: "server.tls is true, but server.tls-bind and server.wss-bind are both empty, so there would be no listener with TLS. The plain listeners would be the only ones.",
    fix: "Give one of them an address, or set server.tls to false."
  },
  E3208: {
    title: "One socket path twice",
    text: "server.unix-bind has the same path twice. The second socket could not be opened.",
    fix: "Write each path once."
  },
  E3209: {
    title: "Acknowledgements that nothing would release",
    text: "With no-sync the log is synced when a file of it is full, when it is asked for, and at the end. An acknowledgement that waits for a sync would wait for one of these, and the client for it.",
    fix: "Set storage.wal.no-sync to false, or let storage.wal.acknowledge (and that of topics.policies) be written."
  },
  E3229: {
    title: "Path of the metrics is taken",
    text: "The admin listener has pages of its own at that path: its front page, the API, the answers to probes. Metrics there would hide them, or be hidden by them.",
    fix: 'Set metrics.path to another path, such as "/metrics".'
  },
  E3211: {
    title: "Provider twice in the chain",
    text: "auth.chain has the same provider twice. The second one could only repeat what the first one said.",
    fix: "Write each provider once."
  },
  E3301: {
    title: "Old spelling (warning)",
    text: "The key is read under this name too because earlier documents of the broker used it.",
    fix: "Write the newer name; the value stays."
  },
  E3302: {
    title: "No effect with the memory engine (warning)",
    text: "Log and compaction settings describe what is kept on disk. The memory engine keeps messages, sessions and retained values in memory and loses them at exit, whatever these settings say.",
    fix: "Set storage.engine to wal to keep everything on disk, or remove these settings."
  },
  E3307: {
    title: "Accepted, but without effect (warning)",
    text: "The key exists so that older configurations load; what it asked for is decided by the run time.",
    fix: "Remove the key."
  },
  E3303: {
    title: "Plain text beyond loopback (warning)",
    text: "Clients on other machines connect without credentials and without encryption: everyone on the path can read and change messages.",
    fix: "Bind to loopback and let others come by server.tls-bind, or let only trusted machines reach the port."
  },
  E3304: {
    title: "No client can connect (warning)",
    text: "Anonymous clients are refused, and auth.chain names no provider that could know others. The listeners open and refuse everybody.",
    fix: "Name a provider in auth.chain, for example password-file; or remove auth.allow-anonymous (anonymous on loopback only)."
  },
  E3305: {
    title: "TLS settings without TLS (warning)",
    text: "Certificate files, addresses or rules for TLS are written, but server.tls is false: no listener with TLS is opened, and the others are plain text.",
    fix: "Set server.tls to true, or remove those keys."
  },
  E3306: {
    title: "Memory cannot hold the largest packet (warning)",
    text: "The memory for messages is smaller than the largest packet accepted. A QoS 1 or 2 message that does not fit is refused with reason code 0x97.",
    fix: "Raise storage.memory-buffer or lower mqtt.max-packet-size."
  },
  E3308: {
    title: "No effect while force-fsync is true (warning)",
    text: "storage.wal.force-fsync syncs every group of messages and acknowledges after the sync, whatever mode, acknowledgement policy and no-sync say.",
    fix: "Remove force-fsync, or what it overrules."
  },
  E3309: {
    title: "Setting of another sync mode (warning)",
    text: "sync-interval is for the periodic mode, batch-sync-size for the batch mode; in another mode they wait for a change of the mode at run time.",
    fix: "Set storage.wal.sync-mode to the mode that uses it, or remove it."
  },
  E3310: {
    title: "Log larger than max-wal-size at all times (warning)",
    text: "The log is made of files of storage.wal.segment-size; the one that is written to and the one before it are always there. A max-wal-size below the two can never be met, and compaction would work for nothing.",
    fix: "Raise storage.compaction.max-wal-size to at least twice storage.wal.segment-size."
  },
  E3311: {
    title: "Settings of a provider that is not asked (warning)",
    text: "Keys of a provider of authentication are written, and auth.chain does not name it. Whoever writes them believes that clients are asked for credentials; nobody asks them. On loopback everybody is let in then; an address beyond it is refused (E3202).",
    fix: "Add the provider to auth.chain, or remove its keys."
  },
  E3312: {
    title: "Fall-through of a provider that is not asked (warning)",
    text: "auth.fall-through names a provider that auth.chain does not name. It most likely stands for another one, whose denial would be the last word against the author's intention.",
    fix: "Correct the name, or remove it."
  },
  E3402: {
    title: "Clustering is not in this version",
    text: "The broker cannot join others yet. It refuses to start rather than run alone where a cluster was asked for.",
    fix: "Set cluster.enabled to false."
  },
  E3313: {
    title: "Detached, and nobody keeps the log (warning)",
    text: "With server.daemon the broker gives up its terminal, so what it logs goes nowhere unless log.file names a file for it. What went wrong later can then not be found out.",
    fix: "Set log.file, or run the broker in the foreground under a service manager."
  },
  E3404: {
    title: "Storage engine is not in this version",
    text: "There are two engines: wal keeps messages, sessions and retained values on disk, memory loses them at exit. The SQLite engine of earlier documents does not exist; the broker refuses to start rather than take another one.",
    fix: "Set storage.engine to wal, or to memory if losing state at exit is acceptable."
  },
  E3501: {
    title: "TLS file cannot be read",
    text: "A file with the certificate, the key or the authorities is missing, is not a plain file, or may not be read by this user. TLS listeners are not opened without it, and never in plain text.",
    fix: "Correct the path (relative ones start at the working directory) or the permissions."
  },
  E3502: {
    title: "TLS file holds something else",
    text: "The file is not what its setting needs. Certificates and keys are read in PEM form (BEGIN CERTIFICATE, BEGIN PRIVATE KEY); DER and PKCS#12 have to be converted. Frequent causes: the files of certificate and key are swapped, or a file was cut off.",
    fix: "Convert it with openssl, or name the right file."
  },
  E3503: {
    title: "Certificate and key do not belong together",
    text: "The private key is not the one for which the certificate was made, so no client could complete a handshake. The certificate that counts is the first one of the file; those of the authorities follow it.",
    fix: "Name the key that belongs to the certificate, or put the broker's own certificate first."
  },
  E3504: {
    title: "Certificate not valid now",
    text: "The certificate, or one of its chain, has expired or is not valid yet. Every client that checks it would refuse the connection. While the broker runs it keeps what it has, even past its date.",
    fix: "Renew the certificate; check the machine's clock."
  },
  E3505: {
    title: "Private key cannot be opened",
    text: "The private key is encrypted, and server.tls-key-passphrase is missing or does not open it.",
    fix: "Put the passphrase into a file and name it in PROMPTMQ_SERVER_TLS_KEY_PASSPHRASE_FILE."
  },
  E3507: {
    title: "Revocation list not in force",
    text: "A revocation list says from when to when it is good. Outside of that time nobody knows who was revoked, and TLS refuses every certificate of that authority.",
    fix: "Get the authority's newest list; authorities publish one regularly. Or correct this machine's clock."
  },
  E3508: {
    title: "File of pre-shared keys cannot be used",
    text: "Each line is identity:key, the key in hex and of at least 16 bytes, each identity once. Who can read the file can be every client in it, so others than its owner and group must not.",
    fix: "Correct the line named in the message; make a key with `openssl rand -hex 32`; chmod 600."
  },
  E3541: {
    title: "File of a provider of authentication cannot be read",
    text: "A file named under auth is missing or unreadable. Starting without it would mean that somebody else decides who may connect, so nothing is started.",
    fix: "Correct the path or the permissions of the file."
  },
  E3542: {
    title: "File of a provider of authentication holds something else",
    text: "The file has no key of the kind that is needed, a key that is too short to be safe, or a private key where a public one belongs.",
    fix: "Name the right file; the message says what was found."
  },
  E3543: {
    title: "Secret readable, or code changeable, by every user",
    text: "Who reads the secret can make credentials of anybody. Who changes the module decides who may connect, and runs as the broker.",
    fix: "chmod 600 for secrets (640 for a group), chmod o-w for modules."
  },
  E3544: {
    title: "Address that authentication must not ask",
    text: "Passwords and keys go to hosts that were named for it only, encrypted unless the host is this machine, and never to link-local addresses, where clouds keep credentials.",
    fix: "Use https or ldaps, or list host and network in the provider's egress setting."
  },
  E3545: {
    title: "Provider of authentication without its settings",
    text: "auth.chain names a provider that cannot work as it is configured: something is missing, written twice in two ways, or contradicts the listeners. Leaving it out of the chain would let others decide.",
    fix: "Write what the message names, or take the provider out of auth.chain."
  },
  E3546: {
    title: "Module of authentication cannot be used",
    text: "auth.custom.module could not be loaded, exports no createProvider, or createProvider failed. Without it nobody can tell who may connect.",
    fix: "Correct the module; the package exports the types CreateProvider and CustomProvider for it."
  },
  E3571: {
    title: "File changed during a reload",
    text: "A reload judges every file first and makes them take effect then. One of them was good when it was judged and not when it was read a moment later: somebody was writing it. What failed stays as it was.",
    fix: "Write files aside and rename them into place, then reload again."
  },
  E3506: {
    title: "TLS settings refused",
    text: "The TLS library refuses the combination of settings and files: no cipher suite of server.tls-ciphers exists, or a key or signature is too weak for it. The message holds its words.",
    fix: "Remove server.tls-ciphers to take the usual list, or make a stronger certificate."
  },
  E3510: {
    title: "Password file cannot be read",
    text: "The file that auth.password-file names is missing, is not a plain file, or may not be read by this user. The broker does not start without it; while it runs, the entries read before stay at work.",
    fix: "Make it with promptmq user add, or correct auth.password-file."
  },
  E3511: {
    title: "Password file open to others",
    text: "Users other than its owner may read or write the password file: they could try passwords against it at leisure, or add themselves. A group may read it, with a warning. The mode is not repaired silently, because the file may be known already.",
    fix: "chmod 600 the file; change the passwords if somebody may have read it."
  },
  E3512: {
    title: "Password file is damaged",
    text: "A line of the password file cannot be read: it is not user:hash, the user is there twice, or the hash is of no known kind (argon2id, scrypt, $7$ and $6$ of mosquitto_passwd). The whole file is refused, so that a slip of the keyboard opens nothing and drops nobody unseen.",
    fix: "Correct or remove the line that the message names."
  },
  E3513: {
    title: "User database cannot be opened",
    text: "The folder users below the data folder holds the users of the admin API. It cannot be opened, so nobody could be recognised; the broker does not start rather than ask nobody.",
    fix: "Correct the permissions of the folder, or restore it from a backup."
  },
  E3521: {
    title: "Rules file cannot be read",
    text: "The file named by acl.rules-file is missing, is not a plain file, is larger than 16 MiB, or may not be read by this user. The broker does not start without its rules: that would open everything. While it runs it keeps the rules it has.",
    fix: "Correct the path (relative ones start at the working directory) or the permissions."
  },
  E3522: {
    title: "Rule refused",
    text: "A rules file is YAML with a list below rules:, or an acl_file of Mosquitto. Each rule has an effect, allow or deny, and says what it is about with users, client-ids, groups, addresses, listeners, actions, qos, retain and topics. With one mistake none of the file is used: a rule that was left out may have been the one that denies.",
    fix: "Correct the line named in the message; all problems of the file are told at once."
  },
  E3601: {
    title: "Data folder on a network file system",
    text: "A sync over NFS, SMB and the like does not promise what one of a local disk does, locks may not hold, and an outage of the network would be an outage of the log. So such a folder is refused.",
    fix: "Let storage.data-dir (and storage.wal-dir) name folders on a local disk."
  },
  E3602: {
    title: "Log of another store",
    text: "The files of the log belong to another store than the data folder: each store has a number of its own, written in every file. They were mixed up, or storage.wal-dir is used by two brokers.",
    fix: "Name the folders that belong together in storage.data-dir and storage.wal-dir."
  },
  E3603: {
    title: "Store of a later version",
    text: "A later version of PromptMQ wrote this store, in a form that this version cannot read whole. It is never read in part: what is not understood would be lost.",
    fix: "Start that version or a later one. To come back to this version, let that one write promptmq store export state.jsonl, and here promptmq store import state.jsonl --data-dir <new folder>."
  },
  E3604: {
    title: "Unknown records in the log",
    text: "The log holds records of a kind that this version does not know and that may not be skipped. A later version wrote them.",
    fix: "Start that version or a later one, or choose another data folder."
  },
  E4001: {
    title: "Broker cannot be reached",
    text: "No connection could be made to the address: nothing listens there, a firewall drops it, or the name does not resolve.",
    fix: "Check host and port, and that the broker runs: promptmq ping."
  },
  E4002: {
    title: "Broker stopped",
    text: "A program asked its embedded broker for something after stop(), or while it was stopping. A stopped broker does not start again.",
    fix: "Finish publishing before stop(), or start another broker with Broker.start."
  },
  E4003: {
    title: "Session ended",
    text: "The session between a program and its embedded broker ended although nobody stopped the broker, so it is not known whether a message under way was accepted.",
    fix: "Ask again: the next call connects anew. The broker's log says why the session ended."
  },
  E5001: {
    title: "Refused by the broker",
    text: "The broker answered CONNECT, SUBSCRIBE or PUBLISH with a reason code that refuses it. The message names the code.",
    fix: "Check user name, password and what the client may do."
  },
  E5002: {
    title: "Permission denied",
    text: "The operating system refused access to a file, a folder or a port. The message names user, path and mode.",
    fix: "Change the permissions, or run as a user who has them. Ports below 1024 need a capability."
  },
  E5003: {
    title: "No token for the broker",
    text: "A broker answers, and its admin API wants a token. The one that it made at its first start is in <data-dir>/admin-token of the configuration by which it runs; further ones, each with a role, are made by promptmq token add. A token is never shown to another machine than the one it is from.",
    fix: "Give the broker's own configuration (-c, --data-dir), or a file with one of its tokens (--token-file)."
  },
  E6001: {
    title: "Not found",
    text: "What the command names does not exist: a client, a topic, an error code, a file.",
    fix: "Check the spelling; list commands show what there is."
  },
  E3562: {
    title: "Tokens file not usable",
    text: "A line of admin.tokens-file is: name role sha256-of-token. A file with a line that is not, or that others than its owner may write, is refused as a whole, and its tokens count for nothing.",
    fix: "Mend or remove it; promptmq token add writes such lines."
  },
  E3561: {
    title: "Bans file cannot be used",
    text: "The file that keeps bans over a restart (limits.bans-file, else bans.json in the data folder) cannot be read, or is not what the broker wrote. The broker does not start without it: whoever was banned would be let in.",
    fix: "Make it readable for the broker's user, repair the JSON, or remove the file and with it all bans."
  },
  E3241: {
    title: "PROXY protocol without a trusted proxy",
    text: "server.proxy-protocol or server.forwarded-for is on, and server.proxy-trusted names nobody whose word about a client's address would count. With the PROXY protocol no connection could come in; with X-Forwarded-For the header would be ignored.",
    fix: 'Name the proxies in server.proxy-trusted, such as ["10.0.0.5"], or switch both off.'
  },
  E7001: {
    title: "Data damaged",
    text: "Stored data does not pass its checksums: a disk fault, or something else wrote to the files. With storage.on-corruption: refuse the broker does not start; with salvage it keeps every record that verifies, moves nothing, copies the damaged bytes to quarantine/ and reports what is lost.",
    fix: "Keep a copy of the folder before anything else; promptmq store verify shows what is damaged."
  },
  E7002: {
    title: "Data cannot be read",
    text: "A file of the store has no readable header, or the disk answers with errors where the log begins, so that nothing behind it could be trusted.",
    fix: "Keep a copy of the folder before anything else; promptmq store verify shows what can be read."
  },
  E7003: {
    title: "The torture found a fault",
    text: "A broker that was killed again and again lost, repeated, reordered or changed something that it had promised to keep. Either it is a mistake of PromptMQ, or the disk or file system of that folder does not keep what was written.",
    fix: "Keep the folder that is named and report it with the seed; it can be repeated with --seed."
  },
  E8001: {
    title: "Port in use",
    text: "Another process listens on the address already.",
    fix: "Stop it, or choose another port (server.bind, server.ws-bind, admin.bind)."
  },
  E8002: {
    title: "Already running",
    text: "Another broker uses the same data folder; the message names its process and since when.",
    fix: "Stop it, or give this one its own folder (storage.data-dir)."
  }
}
