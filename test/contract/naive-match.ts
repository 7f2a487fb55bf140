/**
 * Does a topic match a filter? The standard's rule written down level by level, with no thought for speed:
 * the model that trees and stores are held to. No $share prefix: that is cut off before.
 */
/** The standard's rule, level by level [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.2-1]. */
export function naiveMatch(filter: string, topic: string): boolean {
  const filterLevels = filter.split("/")
  const topicLevels = topic.split("/")
  if (topic.startsWith("$") && (filterLevels[0] === "+" || filterLevels[0] === "#")) return false
  for (let i = 0; i < filterLevels.length; i++) {
    if (filterLevels[i] === "#") return true
    if (i >= topicLevels.length) return false
    if (filterLevels[i] !== "+" && filterLevels[i] !== topicLevels[i]) return false
  }
  return filterLevels.length === topicLevels.length
}
