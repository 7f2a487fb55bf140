/**
 * `promptmq subs`: the subscriptions of all sessions, or those that a message to a topic would reach.
 */
import { SubscriptionRow as Row, type SubscriptionRow } from "../admin/api/clients.ts"
import { pageOf } from "../admin/api/shared.ts"
import { commandBody } from "./grammar/command.ts"
import { text } from "./grammar/option.ts"
import { left } from "./operate/columns.ts"
import { listOptions, listView, pageQueryOf } from "./operate/list.ts"
import { show, showOptions } from "./operate/show.ts"
import { subscriptionColumns } from "./operate/subscription-columns.ts"
import { topicUsage } from "./operate/topic-usage.ts"

const section = "Which rows"
const columns = [left<SubscriptionRow>("client", (row) => row.clientIdentifier), ...subscriptionColumns]

export const body = commandBody({
  notes: [],
  examples: [
    { line: "promptmq subs --topic plant/1/temperature", why: "who gets a message to this topic" },
    { line: "promptmq subs --client c1", why: "of one client" },
    { line: "promptmq subs --filter plant --json", why: "whose filter or client has plant, for a program" }
  ],
  operands: [],
  options: {
    topic: text("only those that match this topic", { letter: "t", section, placeholder: "topic" }),
    client: text("only of this client", { letter: "C", section, placeholder: "id", completes: "clients" }),
    ...listOptions("a text that filter or client contains", Object.keys(Row.fields)),
    ...showOptions
  },
  isHelpWhenBare: false,
  run: ({ options }, world) => {
    const fault = options.topic === undefined ? undefined : topicUsage(options.topic)
    if (fault !== undefined) return Promise.resolve(fault)
    const query = { ...pageQueryOf(options), topic: options.topic, client: options.client }
    const words = { columns, one: "subscription", many: "subscriptions" }
    return show(options, world, listView({ path: "/api/v1/subscriptions", query }, pageOf(Row), words, world))
  }
})
