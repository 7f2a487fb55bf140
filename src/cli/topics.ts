/**
 * `promptmq topics [prefix]`: one level of the tree of topics that messages were published to.
 */

import { pageOf } from "../admin/api/shared.ts"
import { TopicNode } from "../admin/api/topics.ts"
import { commandBody } from "./grammar/command.ts"
import { left, right } from "./operate/columns.ts"
import { listOptions, listView, pageQueryOf } from "./operate/list.ts"
import { show, showOptions } from "./operate/show.ts"
import { numberText, yesOrNo } from "./operate/words.ts"

type Node = typeof TopicNode.Type

const columns = [
  left<Node>("topic", (node) => (node.hasChildren ? `${node.topic}/` : node.topic)),
  right<Node>("topics", (node) => numberText(node.topics)),
  right<Node>("messages", (node) => numberText(node.messages)),
  left<Node>("retained", (node) => yesOrNo(node.isRetained))
]

export const body = commandBody({
  notes: [
    "Counted is what lies at and below a level. messages: those that the log holds, or all since the start where metrics.topics counts them. A topic that ends in / has more below it; promptmq topic <topic> shows one."
  ],
  examples: [
    { line: "promptmq topics", why: "the first level" },
    { line: "promptmq topics plant/1 --sort -messages", why: "below plant/1, the busiest first" }
  ],
  operands: [{ name: "prefix", summary: "the level above", isRequired: false }],
  options: { ...listOptions("a text that the level contains", Object.keys(TopicNode.fields)), ...showOptions },
  isHelpWhenBare: false,
  run: ({ operands, options }, world) => {
    // A slash at the end is what completion and the table leave there.
    const prefix = operands[0]?.replace(/(.)\/$/, "$1")
    const request = { path: "/api/v1/topics", query: { prefix, ...pageQueryOf(options) } }
    return show(options, world, listView(request, pageOf(TopicNode), { columns, one: "level", many: "levels" }, world))
  }
})
