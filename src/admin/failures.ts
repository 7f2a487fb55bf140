/**
 * Everything the admin room refuses, as a table: code, HTTP status, fact, fix, and why. A code never changes
 * its meaning; its first digit is the exit code of a command that ends with it (cli/exit-codes.ts), as in
 * config/error-codes.ts. Values of settings that are refused keep the codes of settings/, with status 422.
 */
import type { FailureEntry } from "./api/shared.ts"

interface FailureFacts {
  readonly code: string
  readonly fact: string
  readonly fix: string
  /** For `explain-error`. */
  readonly why: string
}

export const failures = {
  malformed: {
    code: "E2101",
    status: 400,
    fact: "the request cannot be understood",
    fix: 'send a JSON object such as {"log.level": "debug"}',
    why: "The path or the body of a request to the admin API is not what the API reads. A body is one JSON object."
  },
  wrongMethod: {
    code: "E2102",
    status: 405,
    fact: "this path does not take this method",
    fix: "use a method of the answer's Allow header",
    why: "Reading is GET; changing run-time settings is PATCH /api/v1/settings; what the store shall do is POST."
  },
  bodyTooLarge: {
    code: "E2103",
    status: 413,
    fact: "the body is larger than 64 KiB",
    fix: "send only the settings that change",
    why: "The broker does not hold more than 64 KiB for one request to the admin API."
  },
  badLimit: {
    code: "E2104",
    status: 400,
    fact: "limit is not a whole number from 1 to 10000",
    fix: "leave it out, or write ?limit=200",
    why: "One answer of the admin API shows at most 10000 rows, so that it cannot hold up the broker."
  },
  noFolder: {
    code: "E2105",
    status: 400,
    fact: "the body names no folder for the backup",
    fix: 'send {"folder": "/an/absolute/path"} of a folder that does not exist yet, or is empty',
    why: "A backup is written by the broker's process into a folder of this machine, named by an absolute path."
  },
  badBan: {
    code: "E2110",
    status: 400,
    fact: "the body names nobody who could be banned",
    fix: 'send exactly one of client, user and address: {"address": "192.0.2.0/24", "seconds": 3600, "reason": "scan"}',
    why: "A ban is of one client id, one user name, or one address or network; it ends after seconds, or never without."
  },
  badAclQuestion: {
    code: "E2112",
    status: 400,
    fact: "the body is not a question about the rules",
    fix: 'send {"client": "c1", "action": "publish", "topic": "plant/1"}; action is publish, subscribe, retained, will or read',
    why: "A question names a client identifier, an action and a topic, or a filter to subscribe to; username, address, qos and retain where they matter."
  },
  noRulesFile: {
    code: "E1112",
    status: 409,
    fact: "there is no rules file to read again",
    fix: "name one in acl.rules-file and start the broker with it",
    why: "Rules come from the file of acl.rules-file. Without one everybody who may connect may publish and subscribe."
  },
  tooManyRaises: {
    code: "E1113",
    status: 429,
    fact: "32 clients have a log level of their own already",
    fix: "end one with DELETE /api/v1/logs/level?client=..., or raise the level of all",
    why: "A log level for a time is looked up with every entry that concerns a client; their number is limited."
  },
  noRaise: {
    code: "E6113",
    status: 404,
    fact: "no log level is raised for that",
    fix: "promptmq log-level says what is raised; one that is over has ended by itself",
    why: "A log level is raised for a time, for all entries or for those of one client. After it there is nothing to end."
  },
  tooManyBans: {
    code: "E1110",
    status: 429,
    fact: "there are limits.max-bans bans",
    fix: "remove some, ban a network instead of its addresses, or raise limits.max-bans",
    why: "Bans are asked for at each connect; their number is limited so that they cannot fill the memory."
  },
  noBan: {
    code: "E6110",
    status: 404,
    fact: "there is no such ban",
    fix: "GET /api/v1/bans lists them; an id may have ended already",
    why: "The id names no ban that is in force."
  },
  badUser: {
    code: "E2120",
    status: 422,
    fact: "the body is not a user",
    fix: 'send {"password": "...", "groups": ["staff"], "isSuperuser": false, "scram": false}',
    why: "A user has a name without control characters, a password, and perhaps groups, isSuperuser and scram. Other members are refused, because a misspelt one would be without effect."
  },
  badPassword: {
    code: "E2121",
    status: 422,
    fact: "the password is missing, too short or too long",
    fix: "send a password of 4 to 1024 bytes without NUL characters",
    why: "A new user needs a password. It has 4 characters or more and at most 1024 bytes."
  },
  tooManyUsers: {
    code: "E1120",
    status: 409,
    fact: "there are auth.max-database-users users",
    fix: "remove some, or raise auth.max-database-users",
    why: "The user database has a limit, so that it cannot fill the disk."
  },
  hashingBusy: {
    code: "E1121",
    status: 429,
    fact: "too many passwords wait to be hashed",
    fix: "try again in a few seconds; nothing has changed",
    why: "Passwords are hashed by auth.hash-workers threads with a queue of auth.hash-queue, which clients that log in use too."
  },
  noUserDatabase: {
    code: "E1122",
    status: 409,
    fact: "auth.chain does not name user-database",
    fix: "add user-database to auth.chain and restart",
    why: "Users of the database would never be asked for, so none are taken."
  },
  noUser: {
    code: "E6120",
    status: 404,
    fact: "there is no such user",
    fix: "GET /api/v1/users lists them",
    why: "The name is that of no user in the database."
  },
  unknownSetting: {
    code: "E3101",
    status: 422,
    fact: "there is no such setting",
    fix: "GET /api/v1/settings lists all",
    why: "No setting has this name."
  },
  settingNotLive: {
    code: "E3501",
    status: 422,
    fact: "this setting cannot change while the broker runs",
    fix: "change it in the configuration and restart",
    why: "Only settings marked live change at run time: the others decide about listeners, folders and memory at the start."
  },
  unauthorized: {
    code: "E5101",
    status: 401,
    fact: "the token is missing or wrong",
    fix: "send the header Authorization: Bearer <content of the file admin.token-file>",
    why: "The admin API needs a token: the one that the broker wrote to admin.token-file at its first start, or one made by promptmq token add. A login code is good once, for admin.login-link-time."
  },
  roleTooLow: {
    code: "E5104",
    status: 403,
    fact: "the token's role may not do this",
    fix: "use a token with the role that the fact names: promptmq token add <name> --role ...",
    why: "A viewer may look, an operator may also act on clients, messages and the store, an admin may do everything. The page /docs says which role each path needs."
  },
  tooManyWrong: {
    code: "E5105",
    status: 429,
    fact: "this address has shown too many wrong tokens",
    fix: "wait a minute, and mend whoever shows them; admin.max-wrong-tokens is the limit",
    why: "Who shows wrong tokens again and again is told nothing more for the rest of the minute, so that guessing takes forever. A right token from the same address waits as well."
  },
  tooManyStreams: {
    code: "E1130",
    status: 429,
    fact: "admin.max-event-streams streams are open",
    fix: "close a dashboard, or raise admin.max-event-streams",
    why: "Each open dashboard holds a stream of events; their number is limited so that they cannot hold up the broker."
  },
  draining: {
    code: "E1131",
    status: 429,
    fact: "the broker takes nothing now",
    fix: "try again; /readyz?verbose says what is the matter",
    why: "The broker is shutting down, or the log does not keep up."
  },
  noTraces: {
    code: "E1132",
    status: 429,
    fact: "no further trace can be started",
    fix: "end one: DELETE /api/v1/traces/{id}",
    why: "Traces take memory, so few run at a time."
  },
  notWired: {
    code: "E1133",
    status: 409,
    fact: "this broker was started without it",
    fix: "start it as promptmq server, with a configuration file",
    why: "Reloading needs the file that the broker was started with; one that is embedded in a program, or was started without a file, has none."
  },
  notConnected: {
    code: "E1134",
    status: 409,
    fact: "the client is not connected",
    fix: "DELETE /api/v1/clients/{id} ends its session",
    why: "A session whose client is away has no connection that could be ended."
  },
  badQuery: {
    code: "E2130",
    status: 400,
    fact: "the query asks for something that there is not",
    fix: "see /docs for what can be asked here",
    why: "A value in the request's query is none of those that the path takes."
  },
  badTopic: {
    code: "E2131",
    status: 400,
    fact: "this is not a topic, or not a filter",
    fix: "send it percent-encoded: ?topic=plant%2F1 or ?filter=plant%2F%23",
    why: "A topic has no wildcards; in a filter + stands for a level and # for the rest."
  },
  badTrace: {
    code: "E2132",
    status: 400,
    fact: "the body does not say what to trace",
    fix: 'send at least one of client, topic and address: {"topic": "plant/#", "seconds": 60}',
    why: "A trace of everything would be a copy of everything; it names a client, a topic filter or an address."
  },
  badPublish: {
    code: "E2133",
    status: 422,
    fact: "the message would be refused",
    fix: "mend what the fact says",
    why: "What is published through the admin API is held to the same limits as what clients publish."
  },
  noClient: {
    code: "E6130",
    status: 404,
    fact: "there is no session of that name",
    fix: "GET /api/v1/clients lists them",
    why: "No client of that identifier is connected, and none has a session that waits for it."
  },
  noSubscription: {
    code: "E6131",
    status: 404,
    fact: "the session has no such subscription",
    fix: "GET /api/v1/subscriptions?client=... lists them; a filter is written as it was subscribed",
    why: "A subscription is named by its exact text, $share and $replay prefixes included."
  },
  noMessage: {
    code: "E6132",
    status: 404,
    fact: "there is no such message",
    fix: "it may have been acknowledged by everybody and gone, or never been kept",
    why: "The broker keeps retained messages, and those that somebody still waits for."
  },
  noTrace: {
    code: "E6133",
    status: 404,
    fact: "there is no such trace",
    fix: "GET /api/v1/traces lists them",
    why: "Traces end by themselves and are forgotten after a while."
  },
  foreignOrigin: {
    code: "E5102",
    status: 403,
    fact: "the request comes from a page of another origin",
    fix: "open the admin address itself, or call the API from outside a browser",
    why: "A browser names the page a request comes from. Pages of other origins get nothing, with or without the token."
  },
  foreignHost: {
    code: "E5103",
    status: 403,
    fact: "the request names a host that is not this machine",
    fix: "use localhost or the address in admin.bind",
    why: "A page can have its own name resolved to 127.0.0.1 (DNS rebinding). A loopback listener answers to this machine's names only."
  },
  notFound: {
    code: "E6101",
    status: 404,
    fact: "there is nothing at this path",
    fix: "/docs and /openapi.json list what there is",
    why: "The admin API has no such path; paths end without a slash."
  },
  notDurable: {
    code: "E1102",
    status: 409,
    fact: "the broker keeps nothing on disk",
    fix: "set storage.engine to wal",
    why: "Syncing, compacting and backing up are about the log on disk; the memory engine has none."
  },
  storageFailed: {
    code: "E1103",
    status: 500,
    fact: "the store could not do it",
    fix: "the fact says why; the broker's log may say more",
    why: "The disk refused, or the store is busy with the same already. Messages are not affected."
  },
  internal: {
    code: "E1101",
    status: 500,
    fact: "the broker could not answer; its log says why",
    fix: "read the log, and report the entry",
    why: "Something in the broker failed while it answered a request to the admin API. The details are in the log only."
  }
} as const satisfies Record<string, FailureFacts & { readonly status: number }>

/** The broker does not start with these: exit code 1. */
export const tokenFileFailures = {
  readableByOthers: {
    code: "E1201",
    fact: "others than its owner may read or write the token file",
    fix: "chmod 600 it; replace the token if someone may have read it",
    why: "Who has the token can change the broker's settings. The mode is not repaired silently, because the token may be known already."
  },
  noToken: {
    code: "E1202",
    fact: "the token file holds no token: one line of 16 to 512 printable characters without spaces",
    fix: "delete the file, and a new token is made at the next start",
    why: "An empty or short token could be guessed."
  },
  notAFile: {
    code: "E1203",
    fact: "the token file is not a regular file",
    fix: "let admin.token-file name a file",
    why: "The token is one line in a regular file; a link to one is followed."
  },
  unreachable: {
    code: "E1204",
    fact: "the token file can neither be read nor made",
    fix: "let the broker's user read and write the folder of admin.token-file",
    why: "Without the token nobody could use the admin API, so the broker does not start; admin.enabled: false starts without it."
  }
} as const satisfies Record<string, FailureFacts>

export type FailureName = keyof typeof failures
export type TokenFileFailureName = keyof typeof tokenFileFailures

/** One entry of an answer. What is given replaces the table's words. */
export function failureEntry(name: FailureName, words: Partial<FailureEntry> = {}): FailureEntry {
  const { code, fact, fix } = failures[name]
  return { code, fact, fix, ...words }
}

/** The codes that belong to this room, in the shape of config/error-codes.ts, for `explain-error`. */
export const adminErrorCodes: Readonly<Record<string, { title: string; text: string; fix: string }>> =
  Object.fromEntries(
    [...Object.values(failures), ...Object.values(tokenFileFailures)]
      .filter((row) => row.code !== failures.unknownSetting.code)
      .map(({ code, fact, fix, why }) => [code, { title: capitalised(fact), text: why, fix: `${capitalised(fix)}.` }])
  )

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
