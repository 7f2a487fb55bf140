/**
 * Topic names and filters, judged before anything is sent: with the column of what is wrong, as `pub` and `sub` do.
 */

import type { TopicFault } from "../../router/topic-fault.ts"
import { filterFault, topicFault } from "../../router/topic-filter.ts"
import { UsageFault } from "../grammar/option.ts"

/** The broker has its own limit of levels; this is the longest topic's. */
const LEVELS_MAX = 65_536

export function topicUsage(topic: string): UsageFault | undefined {
  return usage(topic, topicFault(topic, LEVELS_MAX))
}

export function filterUsage(filter: string): UsageFault | undefined {
  return usage(filter, filterFault(filter, LEVELS_MAX))
}

function usage(typed: string, fault: TopicFault | undefined): UsageFault | undefined {
  return fault === undefined ? undefined : new UsageFault(`${typed}: ${fault.why}`, "correct the topic", "E2002")
}
